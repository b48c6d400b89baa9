//! Statistics, sockets, logs, and secrets.

use model::evidence::{Guardrail, Origin, Reach, SecretKind};

use super::parse::Line;
use super::{Proxy, address};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::judge::HIDDEN;
use crate::gateway_config_guardrails::secrets::{Traits, VARIABLE};
use crate::gateway_config_guardrails::values::Bound;

/// Reviews what a section shows and holds.
pub fn review(review: &mut Review, proxy: &Proxy<'_>) {
    let kind = proxy.section.kind.as_str();
    for line in &proxy.section.lines {
        secrets(review, line);
        if kind == "global" {
            global(review, line);
        }
    }
    statistics(review, proxy);
}

fn global(review: &mut Review, line: &Line) {
    if line.starts(&["debug"]) {
        review.off(Guardrail::Debug, line.place.observe("debug", "on", Reach::Unstated));
    }
    if line.starts(&["stats", "socket"]) {
        let bound = address(line.word(2));
        let admin = line.behind("level") == Some("admin");
        if bound != Bound::Loopback {
            let value = if admin { "on the network, level admin" } else { "on the network" };
            review.off(Guardrail::Admin, line.place.observe("stats socket", value, Reach::Network));
        } else {
            review.setting(&line.place, "stats socket", "on this machine", Origin::Explicit);
        }
    }
}

/// A page of statistics that asks for nothing.
fn statistics(review: &mut Review, proxy: &Proxy<'_>) {
    if !matches!(proxy.section.kind.as_str(), "frontend" | "listen" | "backend") {
        return;
    }
    let shown = |line: &&Line| {
        line.starts(&["stats"]) && matches!(line.word(1), "enable" | "uri" | "admin")
    };
    let Some(line) = proxy.lines().find(shown) else { return };
    let asks = proxy.lines().any(|line| {
        line.starts(&["stats", "auth"])
            || line.starts(&["stats", "http-request", "auth"])
            || line.starts(&["http-request", "auth"])
            || line.starts(&["stats", "http-request", "deny"])
    });
    if asks {
        let value = "statistics behind a credential or a rule";
        review.setting(&line.place, "stats", value, Origin::Explicit);
    } else {
        let seen = line.place.observe("stats", "statistics without a credential", proxy.reach());
        review.off(Guardrail::Admin, seen);
    }
}

fn secrets(review: &mut Review, line: &Line) {
    let (setting, user, secret, index) = if line.starts(&["stats", "auth"]) {
        match line.word(2).split_once(':') {
            Some((user, secret)) => ("stats auth", user, secret, 2),
            None => return,
        }
    } else if line.starts(&["user"]) {
        let Some(at) = line.words.iter().position(|word| word == "insecure-password") else {
            return;
        };
        ("insecure-password", line.word(1), line.word(at + 1), at + 1)
    } else {
        return;
    };
    if line.is_variable(index) {
        return review.setting(&line.place, setting, VARIABLE, Origin::Unresolved);
    }
    let known = Traits::of(secret).known || Traits::of(&format!("{user}:{secret}")).known;
    let traits = Traits { known, ..Traits::of(secret) };
    review.setting(&line.place, setting, HIDDEN, Origin::Explicit);
    review.secret(&line.place, setting, SecretKind::Password, traits);
}
