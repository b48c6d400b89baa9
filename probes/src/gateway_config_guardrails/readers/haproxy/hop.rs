//! The hop behind a frontend: is it encrypted, and is the other side checked?

use model::evidence::{Guardrail, Reach};

use super::parse::Line;
use super::{ELSEWHERE, Proxy, address};
use crate::gateway_config_guardrails::guardrail::Review;
use crate::gateway_config_guardrails::values::Bound;

/// Reviews the servers of a section.
pub fn review(review: &mut Review, proxy: &Proxy<'_>) {
    let mut default = Defaults::default();
    let inherited = proxy.defaults.into_iter().flat_map(|section| section.lines.iter());
    inherited.for_each(|line| default.add(line));
    let ends = proxy.binds().any(|line| line.has("ssl"));
    let judged = proxy.is_http() || ends || proxy.served.contains(proxy.section.name.as_str());
    for line in &proxy.section.lines {
        default.add(line);
        if line.starts(&["server"]) {
            server(review, proxy, line, &default, judged);
        }
    }
}

/// What the `default-server` lines so far say for the servers behind them: each adds to those
/// before it, and what stands behind a server is not for it [2.6.12].
#[derive(Default)]
struct Defaults<'a> {
    ssl: bool,
    verify: Option<&'a str>,
}

impl<'a> Defaults<'a> {
    fn add(&mut self, line: &'a Line) {
        if line.starts(&["default-server"]) {
            self.ssl = encrypts(line).unwrap_or(self.ssl);
            self.verify = line.behind("verify").or(self.verify);
        }
    }
}

/// What a line says of encryption; the last of its words counts.
fn encrypts(line: &Line) -> Option<bool> {
    let (on, off) = (line.position("ssl"), line.position("no-ssl"));
    (on.is_some() || off.is_some()).then(|| on > off)
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
    if !encrypts(line).unwrap_or(default.ssl) {
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
