//! From answers to facts. A fact is observed only where the answer decides it.

use model::evidence::{Access, ClientCertificate, Health, Item, PlainOutcome};

use crate::http::{Answer, Body, Excerpt, Failure, place};
use crate::text::cut;
use crate::verified_tls::OwnCertificate;

/// What nginx answers for a client certificate that is wrong and one that is missing, where it does
/// not hide them behind 400 (`ngx_http_request.h`, 495 and 496).
const CERTIFICATE_STATUS: [u16; 2] = [495, 496];

/// Letters of one authentication scheme that are kept.
const SCHEME_BYTES: usize = 32;

/// What became of a request that was sent.
pub type Outcome = Result<Answer, Failure>;

/// What became of a request, and of the client's certificate in the handshake before it.
#[derive(Debug)]
pub struct Reply {
    /// The answer, or why there is none.
    pub outcome: Outcome,
    /// Whether a certificate was asked for and shown.
    pub certificate: OwnCertificate,
    /// The beginning of the answer's content, where it was read.
    pub excerpt: Option<Excerpt>,
}

impl Reply {
    /// True where a certificate was asked for, and the client was turned away because of it in a
    /// way that nothing else looks like.
    fn is_about_certificate(&self) -> bool {
        let requested = self.certificate != OwnCertificate::NotRequested;
        requested
            && match &self.outcome {
                Ok(answer) => CERTIFICATE_STATUS.contains(&answer.status),
                Err(Failure::Stream(error)) => error.is_about_client_certificate(),
                Err(_) => false,
            }
    }

    /// True where a certificate was asked for and withheld, and the answer was 400 before any byte
    /// of the body was sent: so nginx answers a client without one (496 is shown as 400), before
    /// anything behind it sees the request.
    fn is_turned_away_at_the_door(&self) -> bool {
        let early = |answer: &Answer| answer.status == 400 && answer.body == Body::Kept;
        self.certificate == OwnCertificate::Withheld && self.outcome.as_ref().is_ok_and(early)
    }
}

/// What becomes of a client without a certificate, as the request without a credential met it.
pub fn client_certificate(anonymous: &Reply) -> Item<ClientCertificate> {
    let requested = anonymous.certificate == OwnCertificate::Withheld;
    match &anonymous.outcome {
        _ if anonymous.is_about_certificate() || anonymous.is_turned_away_at_the_door() => {
            Item::observed(ClientCertificate::Required)
        }
        Ok(_) if !requested => Item::observed(ClientCertificate::NotRequested),
        Ok(answer) => match answer.status {
            status @ (400 | 403 | 500..) => Item::error(format!(
                "a certificate is asked for; {status} does not say whether it must come"
            )),
            _ => Item::observed(ClientCertificate::Requested),
        },
        Err(failure) => failure.item(),
    }
}

/// Was the request let in? `certificate_required` if nobody comes in without a certificate, as
/// [`client_certificate`] tells.
pub fn access(reply: &Reply, certificate_required: bool) -> Item<Access> {
    if reply.is_about_certificate() || (certificate_required && reply.is_turned_away_at_the_door())
    {
        return Item::observed(Access::Denied);
    }
    let answer = match &reply.outcome {
        Ok(answer) => answer,
        Err(failure) => return failure.item(),
    };
    let status = answer.status;
    match status {
        200..=299 => Item::observed(Access::Accepted),
        401 | 403 => Item::observed(Access::Denied),
        300..=399 if answer.body == Body::Kept => Item::observed(Access::Redirected),
        _ => Item::error(undecided(status)),
    }
}

/// Why a status does not say whether the credential mattered.
fn undecided(status: u16) -> String {
    let why = match status {
        300..=399 => "a redirect after the body was taken does not say whether it was let in",
        400 | 411 | 413 | 415 | 422 => {
            "the request was looked at, which does not say whether the credential was; declare \
             in `params.body` one that this edge takes"
        }
        404 | 405 | 410 => "nothing takes this method at this path",
        429 => "the edge asks to slow down",
        500..=599 => "the edge failed",
        _ => "this status does not say whether the request was let in",
    };
    format!("{status}: {why}")
}

/// The status of an answer.
pub fn status(outcome: &Outcome) -> Item<u16> {
    fact(outcome, |answer| answer.status)
}

/// Whether the body was handed over before the answer.
pub fn body_sent(outcome: &Outcome) -> Item<bool> {
    fact(outcome, |answer| answer.body != Body::Kept)
}

/// The schemes of the challenges: what follows a scheme may change with every answer.
pub fn challenge(outcome: &Outcome) -> Item<Option<String>> {
    fact(outcome, |answer| {
        let mut schemes: Vec<String> = answer
            .headers("www-authenticate")
            .map(|value| {
                let scheme = value.iter().take(SCHEME_BYTES).take_while(|b| b.is_ascii_graphic());
                scheme.map(|b| char::from(*b)).filter(|c| *c != ',').collect()
            })
            .filter(|scheme: &String| !scheme.is_empty())
            .collect();
        schemes.sort_unstable();
        schemes.dedup();
        (!schemes.is_empty()).then(|| cut(schemes.join(", ").as_bytes()))
    })
}

/// A header as hostile text.
pub fn header(outcome: &Outcome, name: &str) -> Item<Option<String>> {
    fact(outcome, |answer| answer.header(name).map(cut))
}

fn fact<T>(outcome: &Outcome, read: impl FnOnce(&Answer) -> T) -> Item<T> {
    match outcome {
        Ok(answer) => Item::observed(read(answer)),
        Err(failure) => failure.item(),
    }
}

/// The role of a port that got a plaintext request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainPort {
    /// The declared endpoint itself speaks plaintext.
    Endpoint,
    /// The declared endpoint speaks TLS there, and did so in this check.
    Tls,
    /// A port that used to speak plaintext.
    Old,
}

/// What a port did with a plaintext request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// `host:port`.
    pub address: Item<String>,
    /// What became of the request.
    pub outcome: Item<PlainOutcome>,
    /// Status of the answer.
    pub status: Item<u16>,
    /// Whether the body was handed over.
    pub body_sent: Item<bool>,
    /// Target of a redirect.
    pub location: Item<Option<String>>,
}

impl Plain {
    /// Reads what became of the request.
    pub fn new(address: String, port: PlainPort, outcome: &Outcome) -> Self {
        let address = Item::observed(address);
        let decided = plain_outcome(port, outcome);
        if decided.value() == Some(&PlainOutcome::NotSpoken) {
            // Which of several ways a TLS port declines may differ from one time to the next.
            let how = match outcome {
                Err(failure) if failure.is_refused() => "the connection was refused",
                _ => "the port speaks something else than plaintext HTTP",
            };
            return Self {
                address,
                outcome: decided,
                status: Item::refused(how),
                body_sent: Item::refused(how),
                location: Item::refused(how),
            };
        }
        Self {
            address,
            outcome: decided,
            status: status(outcome),
            body_sent: body_sent(outcome),
            location: fact(outcome, |answer| answer.header("location").map(place)),
        }
    }

    /// The worse of two: what is wrong, then what is undecided, then what is in order.
    pub fn worse(self, other: Self) -> Self {
        if self.rank() > other.rank() { self } else { other }
    }

    fn rank(&self) -> (u8, Option<PlainOutcome>) {
        let outcome = self.outcome.value().copied();
        let group = match outcome {
            Some(outcome) if outcome >= PlainOutcome::Challenged => 2,
            None => 1,
            Some(_) => 0,
        };
        (group, outcome)
    }
}

fn plain_outcome(port: PlainPort, outcome: &Outcome) -> Item<PlainOutcome> {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(failure) => {
            let silent = match port {
                // An endpoint that does not answer at all has shown nothing.
                PlainPort::Endpoint => false,
                PlainPort::Tls => failure.is_other_protocol(),
                PlainPort::Old => failure.is_other_protocol() || failure.is_refused(),
            };
            return if silent { Item::observed(PlainOutcome::NotSpoken) } else { failure.item() };
        }
    };
    let taken = answer.body != Body::Kept;
    match answer.status {
        200..=299 => Item::observed(PlainOutcome::Accepted),
        300..=399 if taken => Item::observed(PlainOutcome::RedirectedAfterBody),
        300..=399 => Item::observed(PlainOutcome::Redirected),
        401 | 403 => Item::observed(PlainOutcome::Challenged),
        404 | 405 | 410 | 421 | 426 | 501 | 505 => Item::observed(PlainOutcome::Rejected),
        // How servers say that HTTP was sent to their TLS port.
        400 if port == PlainPort::Tls => Item::observed(PlainOutcome::NotSpoken),
        400 | 413 | 415 | 422 if taken => Item::observed(PlainOutcome::Accepted),
        status => Item::error(undecided(status)),
    }
}

/// What the health endpoint says; `was_healthy` if it said so earlier in this check.
pub fn health(outcome: &Outcome, path: &str, was_healthy: bool) -> Item<Health> {
    match outcome {
        Ok(answer) => match answer.status {
            200..=299 => Item::observed(Health::Healthy),
            500..=599 => Item::observed(Health::Unhealthy),
            404 | 405 | 410 => Item::not_attempted(format!("nothing answers at `{path}`")),
            401 | 403 => Item::refused(format!("`{path}` asks for a credential")),
            status => Item::error(format!("{status} at `{path}` does not tell health")),
        },
        Err(failure) if was_healthy && failure.is_silence() => Item::observed(Health::Unhealthy),
        Err(failure) => failure.item(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::net;

    fn plain(outcome: Item<PlainOutcome>) -> Plain {
        Plain {
            address: Item::observed("edge:80".to_owned()),
            outcome,
            status: Item::not_attempted("not asked"),
            body_sent: Item::not_attempted("not asked"),
            location: Item::not_attempted("not asked"),
        }
    }

    #[test]
    fn a_limit_of_ours_does_not_make_a_gateway_unhealthy() {
        let late = net::Failure::Deadline(Duration::from_secs(60));
        for failure in [late, net::Failure::BudgetSpent(12)] {
            let health = health(&Err(failure.into()), "/healthz", true);
            assert_eq!(health.value(), None);
        }
        let gone = health(&Err(net::Failure::Refused.into()), "/healthz", true);
        assert_eq!(gone, Item::observed(Health::Unhealthy));
        let never_there = health(&Err(net::Failure::Refused.into()), "/healthz", false);
        assert_eq!(never_there.status(), "refused");
    }

    #[test]
    fn of_two_ports_the_worse_one_is_told() {
        let wrong = || plain(Item::observed(PlainOutcome::Challenged));
        let undecided = || plain(Item::timeout("no answer"));
        let fine = || plain(Item::observed(PlainOutcome::NotSpoken));
        for (worse, better) in [(wrong(), undecided()), (undecided(), fine()), (wrong(), fine())] {
            assert_eq!(worse.clone().worse(better.clone()), worse);
            assert_eq!(better.worse(worse.clone()), worse);
        }
    }

    #[test]
    fn silence_of_a_port_counts_only_where_the_endpoint_is_known_to_be_up() {
        let refused = Err(net::Failure::Refused.into());
        assert_eq!(plain_outcome(PlainPort::Endpoint, &refused).status(), "refused");
        assert_eq!(plain_outcome(PlainPort::Tls, &refused).status(), "refused");
        let not_spoken = Item::observed(PlainOutcome::NotSpoken);
        assert_eq!(plain_outcome(PlainPort::Old, &refused), not_spoken);
        let closed = Err(net::Failure::Closed.into());
        assert_eq!(plain_outcome(PlainPort::Endpoint, &closed).status(), "error");
        assert_eq!(plain_outcome(PlainPort::Tls, &closed), not_spoken);
        let silent = Err(net::Failure::AnswerTimeout(Duration::from_secs(5)).into());
        assert_eq!(plain_outcome(PlainPort::Old, &silent).status(), "timeout");
    }
}
