//! The hop behind a server: is it encrypted, and is the other side checked?

use model::evidence::{Guardrail, Reach};

use super::parse::Directive;
use super::server::{Front, Levels, Module, Server, lookup};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::values::{Bound, bound};

/// Where a hop leads, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    /// To this machine only.
    Local,
    /// A variable says.
    Unknown,
    /// To another one.
    Away,
}

impl Hop {
    /// Where an address is.
    fn to(address: &str) -> Self {
        if address.contains('$') {
            return Self::Unknown;
        }
        if address.starts_with("unix:") || bound(address) == Bound::Loopback {
            return Self::Local;
        }
        Self::Away
    }

    /// Where the worst of some addresses is.
    pub fn worst<'a>(addresses: impl Iterator<Item = &'a str>) -> Self {
        addresses.map(Self::to).max().unwrap_or(Self::Local)
    }
}

/// Reviews everything that a server hands on.
pub fn review(review: &mut Review, front: &Front<'_>, server: &Server<'_>) {
    // Bytes that arrive encrypted and go on as they are stay encrypted.
    let through = server.module == Module::Stream && server.listens.iter().all(|one| !one.is_tls);
    server.visit(&mut |levels, directive| {
        if matches!(directive.name.as_str(), "proxy_pass" | "grpc_pass") {
            pass(review, (front, server, through), levels, directive);
        }
    });
}

fn pass(
    review: &mut Review,
    (front, server, through): (&Front<'_>, &Server<'_>, bool),
    levels: &Levels<'_>,
    directive: &Directive,
) {
    let (name, place) = (directive.name.as_str(), &directive.place);
    let (scheme, rest) = match directive.arg(0).split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", directive.arg(0)),
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let hop = if rest.starts_with("unix:") {
        Hop::Local
    } else {
        front.upstream(server, authority).unwrap_or_else(|| Hop::to(authority))
    };
    let prefix = if name == "grpc_pass" { "grpc_ssl" } else { "proxy_ssl" };
    let on = |key: &str| lookup(levels, key).first().is_some_and(|one| one.arg(0) == "on");
    let encrypted =
        matches!(scheme, "https" | "grpcs") || (server.module == Module::Stream && on(prefix));
    if !encrypted {
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
