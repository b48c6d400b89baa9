//! Status pages, listings, logs, limits, and secrets among the arguments.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::evidence::{Guardrail, Origin, Reach, SecretKind};

use super::parse::Directive;
use super::server::{Levels, Server, lookup};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::judge::HIDDEN;
use crate::gateway_config_guardrails::readers::containers;
use crate::gateway_config_guardrails::secrets::{self, Traits};
use crate::gateway_config_guardrails::values::{Bound, bound};

/// Reviews what a server shows of itself.
pub fn review(review: &mut Review, server: &Server<'_>) {
    let reach = server.reach();
    server.visit(&mut |levels, one| {
        let shown = match (one.name.as_str(), one.arg(0)) {
            ("stub_status", _) => "status page",
            ("api", _) if one.args.iter().any(|arg| arg == "write=on") => "API that writes",
            ("api", _) => "API",
            ("autoindex", "on") => "listing of files",
            ("dav_methods", methods) if methods != "off" => "WebDAV",
            _ => return,
        };
        match allowed(levels) {
            Allowed::Everybody => {
                review.off(Guardrail::Admin, one.place.observe(&one.name, shown, reach));
            }
            Allowed::ThisMachine => {
                let seen = one.place.observe(&one.name, shown, Reach::Loopback);
                review.off(Guardrail::Admin, seen);
            }
            Allowed::Some => {
                let value = format!("{shown} for declared addresses");
                review.setting(&one.place, &one.name, value, Origin::Explicit);
            }
        }
    });
}

/// Reviews what holds wherever it stands.
pub fn everywhere(review: &mut Review, tree: &[Directive]) {
    let mut open = vec![tree];
    while let Some(level) = open.pop() {
        for one in level {
            open.push(one.inside());
            match (one.name.as_str(), one.arg(0)) {
                ("error_log", _) if one.args.iter().skip(1).any(|arg| arg.starts_with("debug")) => {
                    let seen = one.place.observe("error_log", "debug", Reach::Unstated);
                    review.off(Guardrail::Debug, seen);
                }
                ("client_max_body_size", "0" | "0k" | "0m" | "0g") => {
                    let seen =
                        one.place.observe("client_max_body_size", "0: no bound", Reach::Unstated);
                    review.off(Guardrail::Limits, seen);
                }
                _ => {}
            }
            secret(review, one);
        }
    }
}

fn secret(review: &mut Review, one: &Directive) {
    if let ("proxy_set_header" | "grpc_set_header" | "auth_http_header", name, value) =
        (one.name.as_str(), one.arg(0), one.arg(1))
    {
        if value.contains('$') {
            return;
        }
        if name.eq_ignore_ascii_case("authorization") {
            let bare = value.split_once(' ').map_or(value, |(_, rest)| rest);
            let decoded = STANDARD.decode(bare).ok().and_then(|text| String::from_utf8(text).ok());
            let traits = Traits::of(decoded.as_deref().unwrap_or(bare));
            review.setting(&one.place, &one.name, HIDDEN, Origin::Explicit);
            review.secret(&one.place, &one.name, SecretKind::Token, traits);
        } else {
            containers::secret(review, &one.place, &one.name, name, value);
        }
        return;
    }
    let named = match one.name.as_str() {
        "set" => one.arg(0).trim_start_matches('$'),
        "secure_link_secret" => "secret",
        _ => "",
    };
    for arg in one.args.iter().filter(|arg| !arg.contains('$')) {
        if secrets::in_address(arg).is_some() || !named.is_empty() {
            containers::secret(review, &one.place, &one.name, named, arg);
        }
    }
}

/// Whom `allow` and `deny` let in.
enum Allowed {
    Everybody,
    ThisMachine,
    Some,
}

fn allowed(levels: &Levels<'_>) -> Allowed {
    if !lookup(levels, "deny").iter().any(|one| one.arg(0) == "all") {
        return Allowed::Everybody;
    }
    let allow = lookup(levels, "allow");
    if allow.iter().any(|one| matches!(one.arg(0), "all" | "0.0.0.0/0" | "::/0")) {
        return Allowed::Everybody;
    }
    let local = |one: &&Directive| {
        let address = one.arg(0).split('/').next().unwrap_or("");
        address.starts_with("unix:") || bound(address) == Bound::Loopback
    };
    if allow.iter().all(local) { Allowed::ThisMachine } else { Allowed::Some }
}
