//! The hop behind a frontend: is it encrypted, and is the other side checked?

use model::evidence::{Guardrail, Reach};

use super::parse::Line;
use super::{ELSEWHERE, Proxy, address};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::values::Bound;

/// Reviews the servers of a section.
pub fn review(review: &mut Review, proxy: &Proxy<'_>) {
    let default = proxy.lines().find(|line| line.starts(&["default-server"]));
    let ends = proxy.binds().any(|line| line.has("ssl"));
    let judged = proxy.is_http() || ends || proxy.served.contains(proxy.section.name.as_str());
    for line in proxy.section.lines.iter().filter(|line| line.starts(&["server"])) {
        server(review, proxy, line, default, judged);
    }
}

fn server(
    review: &mut Review,
    proxy: &Proxy<'_>,
    line: &Line,
    default: Option<&Line>,
    judged: bool,
) {
    let place = &line.place;
    let either = |word: &str| line.has(word) || default.is_some_and(|line| line.has(word));
    if line.is_variable(2) {
        review.undetermined(place, "server", &[Guardrail::Tls], ELSEWHERE);
    }
    let local = !line.is_variable(2) && address(line.word(2)) == Bound::Loopback;
    let reach = if local { Reach::Loopback } else { Reach::Network };
    if !either("ssl") || line.has("no-ssl") {
        // Bytes of a plain listener that go on as they are have their finding there.
        if !line.is_variable(2) && judged {
            let value = if local { "without ssl on this machine" } else { "without ssl" };
            review.off(Guardrail::Tls, place.observe("server", value, reach));
        }
        return;
    }
    let verify = line.behind("verify").or_else(|| default.and_then(|line| line.behind("verify")));
    let global = proxy.global().find(|line| line.starts(&["ssl-server-verify"]));
    let (at, value) = match (verify, global) {
        (Some("none"), _) => (place, "none"),
        (None, Some(line)) if line.word(1) == "none" => (&line.place, "none for every server"),
        _ => return,
    };
    review.off(Guardrail::PeerVerification, at.observe("verify", value, reach));
}
