//! One hello, its answer, and what the answer says about the question.

use model::document::Endpoint;
use model::evidence::{Asked, Item};
use rustls::pki_types::ServerName;

use super::Missing;
use crate::net::{Dialer, Failure};
use crate::tls::{self, Answer, ClientHello, ServerFlight, names, suites};

/// The name that a client sends along: DNS names only (RFC 6066 section 3).
pub(super) fn sni(endpoint: &Endpoint) -> Option<&str> {
    let name = endpoint.reference_identity();
    matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_))).then_some(name)
}

/// A hello that was sent, and what came back.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    /// What was offered, for the reader.
    pub(super) question: String,
    /// The hello.
    pub(super) hello: ClientHello,
    /// The answer.
    pub(super) answer: Answer,
}

/// What an answer says about the question whether version and suites of its hello are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ruling {
    /// They are: this was chosen.
    Accepted,
    /// They are not.
    Refused,
    /// It cannot be told, and why.
    Undecided(Missing),
}

impl Hello {
    /// Sends a hello and waits for the answer.
    pub(super) async fn ask(dialer: &Dialer, question: &str, hello: ClientHello) -> Self {
        let answer = tls::ask(dialer, &hello).await;
        Self { question: question.to_owned(), hello, answer }
    }

    /// The answer as a flight that takes up the offer: a suite that was offered, and a version no
    /// higher than was asked for.
    pub(super) fn accepted(&self) -> Option<&ServerFlight> {
        match &self.answer {
            Answer::Flight(flight)
                if self.hello.suites.contains(&flight.suite)
                    && flight.version <= self.hello.version =>
            {
                Some(flight)
            }
            _ => None,
        }
    }

    /// Whether the target showed that it speaks TLS.
    pub(super) const fn shows_tls(&self) -> bool {
        matches!(self.answer, Answer::Flight(_) | Answer::Alert(_))
    }

    /// Whether a ServerHello came, whatever it chose.
    pub(super) const fn shows_server_hello(&self) -> bool {
        matches!(self.answer, Answer::Flight(_))
    }

    /// What the answer says. `alive` is whether the target answered any hello with a ServerHello:
    /// only then does an end without a word count as a refusal, and only then is an alert about
    /// what this hello offered, and not about everybody. Silence never decides.
    pub(super) fn ruling(&self, alive: bool) -> Ruling {
        if self.accepted().is_some() {
            return Ruling::Accepted;
        }
        match &self.answer {
            // Neither an answer with another version than asked for nor one with a suite that was
            // not offered takes up the offer.
            Answer::Flight(_) => Ruling::Refused,
            Answer::Alert(_) if alive => Ruling::Refused,
            Answer::Alert(alert) => Ruling::Undecided(Item::refused(format!(
                "every hello was refused, this one with alert {}",
                names::alert(*alert)
            ))),
            Answer::Failed(failure) if alive && failure.is_end() => Ruling::Refused,
            Answer::Failed(failure) => Ruling::Undecided(failure.item()),
            Answer::NotTls(_) => Ruling::Undecided(Item::error("the answer is not TLS")),
            Answer::Malformed(malformed) => Ruling::Undecided(Item::error(malformed.to_string())),
        }
    }

    /// The failure that kept the target from being heard at all, if it was one.
    pub(super) fn unheard(&self) -> Option<&Failure> {
        match &self.answer {
            Answer::Failed(failure) if !failure.is_end() => Some(failure),
            _ => None,
        }
    }

    /// The question and its answer, for the reader.
    pub(super) fn asked(&self) -> Asked {
        let answer = match &self.answer {
            Answer::Flight(flight) => {
                let group = flight
                    .group
                    .map_or_else(String::new, |group| format!(", {}", names::group(group)));
                let note = if self.accepted().is_none() { ", which was not offered" } else { "" };
                format!(
                    "{}, {}{group}{note}",
                    names::version(flight.version),
                    suites::name(flight.suite)
                )
            }
            Answer::Alert(alert) => format!("alert {}", names::alert(*alert)),
            Answer::NotTls(text) => format!("not TLS: {text}"),
            Answer::Malformed(malformed) => malformed.to_string(),
            Answer::Failed(failure) => failure.to_string(),
        };
        Asked { question: self.question.clone(), answer }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn asked(answer: Answer) -> Hello {
        let hello = ClientHello::up_to(names::TLS11, vec![0x002f], None);
        Hello { question: "TLS 1.1".to_owned(), hello, answer }
    }

    fn flight(version: u16, suite: u16) -> Answer {
        Answer::Flight(ServerFlight { version, suite, ..ServerFlight::default() })
    }

    #[test]
    fn an_answer_within_the_offer_is_accepted_also_below_the_asked_version() {
        assert_eq!(asked(flight(0x0302, 0x002f)).ruling(true), Ruling::Accepted);
        assert_eq!(asked(flight(0x0301, 0x002f)).ruling(true), Ruling::Accepted);
    }

    #[test]
    fn a_suite_that_was_not_offered_and_a_version_above_are_refusals() {
        for answer in [flight(0x0302, 0xc013), flight(0x0303, 0x002f)] {
            let hello = asked(answer);
            assert_eq!(hello.ruling(true), Ruling::Refused);
            assert!(hello.asked().answer.ends_with("which was not offered"));
        }
    }

    #[test]
    fn an_alert_refuses_where_the_target_answers_anybody() {
        for alert in [40, 70, 71, 80] {
            assert_eq!(asked(Answer::Alert(alert)).ruling(true), Ruling::Refused);
            assert!(matches!(
                asked(Answer::Alert(alert)).ruling(false),
                Ruling::Undecided(Item::Refused { .. })
            ));
        }
    }

    #[test]
    fn an_end_without_a_word_refuses_only_where_the_target_answers_others() {
        for failure in [Failure::Closed, Failure::Reset] {
            let hello = asked(Answer::Failed(failure));
            assert_eq!(hello.ruling(true), Ruling::Refused);
            assert!(matches!(hello.ruling(false), Ruling::Undecided(Item::Error { .. })));
        }
    }

    #[test]
    fn silence_and_garbage_never_decide() {
        let silent = asked(Answer::Failed(Failure::AnswerTimeout(Duration::from_secs(5))));
        assert!(matches!(silent.ruling(true), Ruling::Undecided(Item::Timeout { .. })));
        let garbage = asked(Answer::NotTls("hello".to_owned()));
        assert!(matches!(garbage.ruling(true), Ruling::Undecided(Item::Error { .. })));
        let spent = asked(Answer::Failed(Failure::BudgetSpent(12)));
        assert!(matches!(spent.ruling(true), Ruling::Undecided(Item::Truncated { .. })));
    }
}
