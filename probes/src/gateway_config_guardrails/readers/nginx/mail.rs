//! What servers of the mail module have of their own: STARTTLS, and the program that is asked who may
//! log in. nginx speaks to neither that program nor the mail servers behind it over TLS.
//!
//! Left out is how users log in (`imap_auth`, `pop3_auth`, `smtp_auth`). A method that sends the password
//! as it is (`plain`, `login`) may be used inside TLS alone (RFC 4954 section 4), and an address that
//! takes it without is off already. `smtp_auth none` lets mail in from whom the program that is asked
//! lets in: a server for the mail of others has to, one for its own users must not (RFC 6409 section
//! 4.3), and which of them it is stands in no file of nginx. Whose mail is taken is no part of the
//! path that is audited here.

use model::evidence::{Guardrail, Origin, Reach};

use super::server::{Listen, Module, Server, lookup};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::values::{Bound, bound};

/// Whether a connection can, or must, go over to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTls {
    /// It cannot; also for every server that is none of mail.
    Off,
    /// It can.
    Offered,
    /// It must, before anybody logs in.
    Demanded,
}

/// What a server says about STARTTLS.
pub fn starttls(server: &Server<'_>) -> StartTls {
    if server.module != Module::Mail {
        return StartTls::Off;
    }
    match server.find("starttls").first().map_or("off", |one| one.arg(0)) {
        "only" => StartTls::Demanded,
        "on" => StartTls::Offered,
        _ => StartTls::Off,
    }
}

/// An address that answers without TLS.
pub fn plain(review: &mut Review, listen: &Listen<'_>, name: &str, starttls: StartTls) {
    let place = &listen.directive.place;
    let value = match starttls {
        StartTls::Demanded => {
            let shown = format!("{name} demands STARTTLS");
            return review.setting(place, "listen", shown, Origin::Explicit);
        }
        StartTls::Offered => format!("{name} without ssl, and STARTTLS is not demanded"),
        StartTls::Off => format!("{name} without ssl"),
    };
    review.off(Guardrail::Tls, place.observe("listen", value, listen.reach()));
}

/// Reviews what stands behind a server: who is asked about a login, with its password, and where the
/// mail goes on.
pub fn review(review: &mut Review, server: &Server<'_>) {
    if server.module != Module::Mail {
        return;
    }
    let Some(asked) = lookup(&server.levels, "auth_http").last() else { return };
    let place = &asked.place;
    let address = asked.arg(0);
    let address = address.strip_prefix("http://").unwrap_or(address);
    let authority = address.split('/').next().unwrap_or(address);
    let local = address.starts_with("unix:") || bound(authority) == Bound::Loopback;
    let seen = if local {
        place.observe("auth_http", "without TLS on this machine", Reach::Loopback)
    } else {
        place.observe("auth_http", "passwords without TLS to another machine", Reach::Network)
    };
    review.off(Guardrail::Tls, seen);
    let reason = "the program that it asks says where mail goes on, and that hop has no TLS";
    review.undetermined(place, "auth_http", &[Guardrail::Tls], reason);
}
