//! The hop behind a frontend: is it encrypted, and is the other side checked?

use model::evidence::{Guardrail, Reach};

use super::parse::Line;
use super::{ELSEWHERE, Proxy, address};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::values::Bound;

/// Reviews the servers of a section.
pub fn review(review: &mut Review, proxy: &Proxy<'_>) {
    let default = proxy.lines().find(|line| line.starts(&["default-server"]));
    let default = Defaults {
        ssl: default.is_some_and(|line| line.has("ssl")),
        verify: default.and_then(|line| line.behind("verify")),
    };
    let ends = proxy.binds().any(|line| line.has("ssl"));
    let judged = proxy.is_http() || ends || proxy.served.contains(proxy.section.name.as_str());
    for line in proxy.section.lines.iter().filter(|line| line.starts(&["server"])) {
        server(review, proxy, line, &default, judged);
    }
}

/// What `default-server` says for every server of a section.
struct Defaults<'a> {
    ssl: bool,
    verify: Option<&'a str>,
}

fn server(
    review: &mut Review,
    proxy: &Proxy<'_>,
    line: &Line,
    default: &Defaults<'_>,
    judged: bool,
) {
    let place = &line.place;
    if line.is_variable(2) {
        review.undetermined(place, "server", &[Guardrail::Tls], ELSEWHERE);
    }
    let local = !line.is_variable(2) && address(line.word(2)) == Bound::Loopback;
    let reach = if local { Reach::Loopback } else { Reach::Network };
    if !(default.ssl || line.has("ssl")) || line.has("no-ssl") {
        // Bytes of a plain listener that go on as they are have their finding there.
        if !line.is_variable(2) && judged {
            let value = if local { "without ssl on this machine" } else { "without ssl" };
            review.off(Guardrail::Tls, place.observe("server", value, reach));
        }
        return;
    }
    let verify = line.behind("verify").or(default.verify);
    let (at, value) = match (verify, proxy.global.unchecked) {
        (Some("none"), _) => (place, "none"),
        (None, Some(line)) => (&line.place, "none for every server"),
        _ => return,
    };
    review.off(Guardrail::PeerVerification, at.observe("verify", value, reach));
}
