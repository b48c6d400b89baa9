//! What a server does for those who connect to it: address, TLS and its versions.

use model::evidence::{Guardrail, Origin, Reach};

use super::Release;
use super::mail::{self, StartTls};
use super::redirect;
use super::server::{Front, Listen, Module, Once, Server};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::includes::Files;
use crate::gateway_config_guardrails::judge::key_mode;
use crate::gateway_config_guardrails::values::Bound;

/// Reviews the listeners of a server and the TLS settings that hold for them.
pub fn review(
    review: &mut Review,
    front: &Front<'_>,
    server: &Server<'_>,
    release: Release,
    files: &Files,
    once: &mut Once,
) {
    let redirects = server.module == Module::Http && redirect::only(server.directive.inside());
    let starttls = mail::starttls(server);
    for listen in &server.listens {
        let name = listen.name();
        if listen.bound() == Bound::Wildcard {
            let value = format!("{name} on every interface");
            let seen = listen.directive.place.observe("listen", value, Reach::Network);
            review.off(Guardrail::Bind, seen);
        }
        if listen.is_tls || starttls != StartTls::Off {
            versions(review, front, listen, release);
        }
        if !listen.is_tls && !listen.is_unix {
            match server.module {
                Module::Mail => mail::plain(review, listen, &name, starttls),
                _ => plain(review, server, listen, redirects),
            }
        }
    }
    let reach = server.reach();
    let verify = server.find("ssl_verify_client");
    let verify = if once.is_new(verify, reach) { verify } else { &[] };
    for directive in verify {
        // The certificate is asked for and never checked.
        if directive.arg(0) == "optional_no_ca" {
            let seen = directive.place.observe("ssl_verify_client", "optional_no_ca", reach);
            review.off(Guardrail::PeerVerification, seen);
        }
    }
    for key in ["ssl_certificate_key", "proxy_ssl_certificate_key"] {
        let keys = server.find(key);
        let keys = if once.is_new(keys, Reach::Unstated) { keys } else { &[] };
        for directive in keys {
            if let Some(mode) = files.mode(directive.arg(0)) {
                key_mode(review, &directive.place, key, mode);
            }
        }
    }
}

fn plain(review: &mut Review, server: &Server<'_>, listen: &Listen<'_>, redirects: bool) {
    let (place, name) = (&listen.directive.place, listen.name());
    if redirects {
        let shown = format!("{name} sends clients to HTTPS");
        return review.setting(place, "listen", shown, Origin::Explicit);
    }
    // Bytes that go to a port where TLS is spoken are most likely TLS already.
    let passes = server.find("proxy_pass");
    let target = passes.first().map_or("", |one| one.arg(0));
    let encrypted = [":8883", ":443", ":8443"].iter().any(|port| target.ends_with(port));
    let through = server.find("ssl_preread").first().is_some_and(|one| one.arg(0) == "on");
    if server.module == Module::Stream
        && (encrypted || through)
        && server.find("proxy_ssl").is_empty()
    {
        let reason = "bytes go through as they are: what stands behind it decides";
        return review.undetermined(place, "listen", &[Guardrail::Tls], reason);
    }
    let seen = place.observe("listen", format!("{name} without ssl"), listen.reach());
    review.off(Guardrail::Tls, seen);
}

/// The versions of the server that is asked first on this address.
fn versions(review: &mut Review, front: &Front<'_>, listen: &Listen<'_>, release: Release) {
    let Some(server) = front.default_on(listen.address) else { return };
    let Some(first) = server.find("ssl_protocols").first() else {
        let (place, setting) = (&server.directive.place, "ssl_protocols");
        if !server.whole {
            let reason = "it is absent, and the block around the server is not in evidence";
            return review.undetermined(place, setting, &[Guardrail::TlsVersion], reason);
        }
        if release == Release::Old {
            let value = "absent: TLS 1.0 and newer (default)";
            review.off(Guardrail::TlsVersion, place.observe(setting, value, listen.reach()));
        } else {
            review.setting(place, setting, "TLS 1.2 and newer (default)", Origin::Default);
        }
        return;
    };
    let old = server.old_versions();
    if old.is_empty() {
        review.setting(&first.place, "ssl_protocols", "TLS 1.2 and newer", Origin::Explicit);
    } else {
        let value = format!("allows {}", old.join(", "));
        let seen = first.place.observe("ssl_protocols", value, listen.reach());
        review.off(Guardrail::TlsVersion, seen);
    }
}
