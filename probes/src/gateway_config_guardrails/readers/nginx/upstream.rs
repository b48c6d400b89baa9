//! The hop behind a server: is it encrypted, and is the other side checked?

use model::evidence::{Guardrail, Reach};

use super::parse::Directive;
use super::server::{Front, Levels, Module, Server, lookup};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::values::{Bound, bound};

/// Where a hop leads.
enum Hop {
    /// To this machine only.
    Local,
    /// To another one.
    Away,
    /// A variable says.
    Unknown,
}

/// Reviews everything that a server hands on.
pub fn review(review: &mut Review, front: &Front<'_>, server: &Server<'_>) {
    server.visit(&mut |levels, directive| {
        if matches!(directive.name.as_str(), "proxy_pass" | "grpc_pass") {
            pass(review, front, server, levels, directive);
        }
    });
}

fn pass(
    review: &mut Review,
    front: &Front<'_>,
    server: &Server<'_>,
    levels: &Levels<'_>,
    directive: &Directive,
) {
    let (name, place) = (directive.name.as_str(), &directive.place);
    let (scheme, rest) = match directive.arg(0).split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", directive.arg(0)),
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let hop = if rest.starts_with("unix:") { Hop::Local } else { hop(front, authority) };
    let prefix = if name == "grpc_pass" { "grpc_ssl" } else { "proxy_ssl" };
    let on = |key: &str| lookup(levels, key).first().is_some_and(|one| one.arg(0) == "on");
    let encrypted =
        matches!(scheme, "https" | "grpcs") || (server.module == Module::Stream && on(prefix));
    if !encrypted {
        // Bytes that arrive encrypted and go on as they are stay encrypted.
        let through =
            server.module == Module::Stream && server.listens.iter().all(|one| !one.is_tls);
        match hop {
            _ if through => {}
            Hop::Unknown => review.undetermined(
                place,
                name,
                &[Guardrail::Tls],
                "a variable says where it leads, and that is not in evidence",
            ),
            Hop::Local => {
                let seen = place.observe(name, "without TLS on this machine", Reach::Loopback);
                review.off(Guardrail::Tls, seen);
            }
            Hop::Away => {
                let seen = place.observe(name, "without TLS to another machine", Reach::Network);
                review.off(Guardrail::Tls, seen);
            }
        }
        return;
    }
    let verify = format!("{prefix}_verify");
    if on(&verify) {
        return;
    }
    let set = lookup(levels, &verify);
    if set.is_empty() && !server.whole {
        let reason = "it is absent, and the block around the server is not in evidence";
        review.undetermined(place, verify, &[Guardrail::PeerVerification], reason);
        return;
    }
    let (at, value) = match set.first() {
        Some(one) => (&one.place, "off"),
        None => (place, "absent: off (default)"),
    };
    let reach = if matches!(hop, Hop::Local) { Reach::Loopback } else { Reach::Unstated };
    review.off(Guardrail::PeerVerification, at.observe(verify, value, reach));
}

fn hop(front: &Front<'_>, authority: &str) -> Hop {
    let one = |address: &str| {
        if address.contains('$') {
            return Hop::Unknown;
        }
        if address.starts_with("unix:") || bound(address) == Bound::Loopback {
            return Hop::Local;
        }
        Hop::Away
    };
    let Some(addresses) = front.upstreams.get(authority) else { return one(authority) };
    let mut worst = Hop::Local;
    for address in addresses {
        match (one(address), &worst) {
            (Hop::Away, _) => worst = Hop::Away,
            (Hop::Unknown, Hop::Local) => worst = Hop::Unknown,
            _ => {}
        }
    }
    worst
}
