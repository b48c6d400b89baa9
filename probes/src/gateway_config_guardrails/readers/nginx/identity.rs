//! Who a client is said to be: by its certificate, or by a header that a proxy sets.

use model::evidence::{Guardrail, Reach};

use super::server::{Once, Server, lookup};
use crate::gateway_config_guardrails::guardrail::Review;

/// Variables that name the client by its certificate.
const NAMES: [&str; 3] = ["$ssl_client_s_dn", "$ssl_client_cert", "$ssl_client_serial"];

/// Reviews where a server takes names from.
pub fn review(review: &mut Review, server: &Server<'_>, once: &mut Once) {
    certificate(review, server);
    header(review, server, once);
}

/// A name out of a certificate that need not be there, or that nobody looked at.
fn certificate(review: &mut Review, server: &Server<'_>) {
    let verify = server.find("ssl_verify_client");
    let asked = verify.first().map_or("off", |one| one.arg(0));
    if asked == "on" || (asked == "optional" && server.mentions("$ssl_client_verify")) {
        return;
    }
    let whole = server.whole || !verify.is_empty();
    let reach = server.reach();
    server.visit(&mut |_, one| {
        if !one.args.iter().any(|arg| NAMES.iter().any(|name| arg.contains(name))) {
            return;
        }
        if whole {
            let value = "the name of a certificate that need not be presented";
            let seen = one.place.observe(&one.name, value, reach);
            review.off(Guardrail::IdentityMapping, seen);
        } else {
            let reason =
                "ssl_verify_client is absent, and the block around the server is not in evidence";
            let bears = &[Guardrail::IdentityMapping];
            review.undetermined(&one.place, &one.name, bears, reason);
        }
    });
}

/// The address of a client as a header says it, from anybody.
fn header(review: &mut Review, server: &Server<'_>, once: &mut Once) {
    let reach = server.reach();
    // Its own take the place of what it would inherit.
    let inherited = server.find("set_real_ip_from");
    let mut none = inherited.is_empty();
    let inherited = if once.is_new(inherited, reach) { inherited } else { &[] };
    let mut trusted: Vec<_> =
        inherited.iter().map(|one| (one.place.clone(), one.arg(0).to_owned())).collect();
    server.visit(&mut |_, one| {
        if one.name == "set_real_ip_from" {
            trusted.push((one.place.clone(), one.arg(0).to_owned()));
        }
    });
    for (place, from) in &trusted {
        if from.ends_with("/0") {
            let seen = place.observe("set_real_ip_from", "everybody", reach);
            review.off(Guardrail::ProxyHeader, seen);
        }
    }
    none &= trusted.is_empty();
    let guarded = lookup(&server.levels, "deny").iter().any(|one| one.arg(0) == "all");
    if none && !guarded && server.mentions("$proxy_protocol_addr") {
        for listen in server.listens.iter().filter(|one| one.takes_proxy_header) {
            let reach = if listen.is_unix { Reach::Loopback } else { listen.reach() };
            let value = "proxy_protocol from everybody, and its address is used";
            review.off(
                Guardrail::ProxyHeader,
                listen.directive.place.observe("listen", value, reach),
            );
        }
    }
}
