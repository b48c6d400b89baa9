//! From answers to facts: which versions are accepted, and what the flights showed.

use model::evidence::Item;

use super::hello::{Hello, Ruling};
use super::interview::Interview;
use super::{Missing, absent, detail};
use crate::insecure_tls::HandshakeError;
use crate::tls::names::{self, HYBRID_GROUPS, SSL3, TLS10, TLS11, TLS12, TLS13};
use crate::tls::suites::{self, Class};
use crate::tls::{Answer, ServerFlight};

impl Interview {
    /// Whether TLS is spoken at all. A port that ends every connection or answers with something
    /// else does not; one that was not heard is undecided.
    pub(super) fn spoken(&self) -> Item<bool> {
        if self.speaks_tls() {
            return Item::observed(true);
        }
        let session_heard = match &self.session.negotiated {
            Err(HandshakeError::Network(failure)) => failure.is_end(),
            Err(HandshakeError::Protocol(_)) => true,
            _ => false,
        };
        match &self.broad.answer {
            Answer::Failed(failure) if !failure.is_end() => failure.item(),
            Answer::Malformed(malformed) => Item::error(malformed.to_string()),
            _ if session_heard => Item::observed(false),
            _ => Item::error("only one of two hellos was heard"),
        }
    }

    /// Whether a version is accepted: shown by any answer that chose it, denied by the answers to
    /// the hellos that would have shown it.
    pub(super) fn version(&self, version: u16) -> Item<bool> {
        let negotiated = self.session.negotiated.as_ref().ok().map(|session| session.version);
        if negotiated == Some(version)
            || self.hellos().filter_map(Hello::accepted).any(|flight| flight.version == version)
        {
            return Item::observed(true);
        }
        // A client that offers TLS 1.3 and gets TLS 1.2 has been told that 1.3 is not there.
        if version == TLS13 && negotiated == Some(TLS12) {
            return Item::observed(false);
        }
        self.denied(version).map_or_else(|missing| absent(&missing), |()| Item::observed(false))
    }

    /// Checks that every hello that would have shown the version was answered without it.
    fn denied(&self, version: u16) -> Result<(), Missing> {
        if let Some(missing) = self.unheard() {
            return Err(missing);
        }
        let deciding: Vec<&Hello> = match version {
            SSL3 => self.ssl3.iter().collect(),
            // Where no TLS 1.0 was asked for, the answer to TLS 1.1 shows whether it is there:
            // servers answer with the best version up to the one asked for.
            TLS10 => self.old.last().into_iter().collect(),
            TLS11 => self.old.first().into_iter().collect(),
            TLS12 => std::iter::once(&self.broad).chain(&self.classes).collect(),
            _ => self.tls13.iter().collect(),
        };
        if deciding.is_empty() {
            return Err(Item::not_attempted("no hello of this version was sent"));
        }
        let alive = self.is_alive();
        for hello in deciding {
            if let Ruling::Undecided(missing) = hello.ruling(alive) {
                return Err(missing);
            }
        }
        if version == TLS12 && !self.narrowing.is_complete() {
            return Err(Item::truncated("not every suite of this version was offered"));
        }
        Ok(())
    }

    /// Whether hellos with extensions are answered.
    pub(super) fn extension_tolerant(&self) -> Item<bool> {
        match (self.unheard(), self.bare) {
            (Some(missing), _) => absent(&missing),
            (None, true) => Item::observed(false),
            (None, false) if self.shows_extensions() => Item::observed(true),
            (None, false) => Item::refused("every hello was refused, with extensions and without"),
        }
    }

    /// Suite of TLS 1.3.
    pub(super) fn tls13_suite(&self) -> Item<String> {
        self.tls13_fact(|suite, _| Some(suites::name(suite)))
    }

    /// Group of TLS 1.3.
    pub(super) fn tls13_group(&self) -> Item<String> {
        self.tls13_fact(|_, group| group.map(names::group))
    }

    fn tls13_fact<T>(&self, read: impl Fn(u16, Option<u16>) -> Option<T>) -> Item<T> {
        let session = self.session.negotiated.as_ref().ok().filter(|s| s.version == TLS13);
        let chosen = session.map(|s| (s.suite, s.group)).or_else(|| {
            self.tls13.iter().find_map(Hello::accepted).map(|flight| (flight.suite, flight.group))
        });
        match chosen {
            Some((suite, group)) => read(suite, group)
                .map_or_else(|| Item::error("the server's answer names no group"), Item::observed),
            None => detail(self.version(TLS13), None, "TLS 1.3 is not accepted"),
        }
    }

    /// Whether a hybrid group is accepted.
    pub(super) fn pq_hybrid(&self) -> Item<bool> {
        let hybrid = |group: Option<u16>| group.is_some_and(|g| HYBRID_GROUPS.contains(&g));
        let negotiated = self.session.negotiated.as_ref().ok().and_then(|session| session.group);
        let shown = self.tls13.iter().filter_map(Hello::accepted).any(|f| hybrid(f.group));
        if hybrid(negotiated) || shown {
            return Item::observed(true);
        }
        match self.version(TLS13) {
            Item::Observed { value: true } => match self.tls13.last() {
                Some(hello) => match hello.ruling(self.is_alive()) {
                    Ruling::Refused => Item::observed(false),
                    Ruling::Accepted => Item::error("a group was chosen that was not offered"),
                    Ruling::Undecided(missing) => absent(&missing),
                },
                None => Item::not_attempted("no hello with hybrid groups was sent"),
            },
            other => detail(other, None, "TLS 1.3 is not accepted"),
        }
    }

    /// The flight whose facts are recorded: the best version, and of these the broad hello's.
    pub(super) fn clear(&self) -> Option<&ServerFlight> {
        let best = self.clear_flights().map(|flight| flight.version).max()?;
        self.clear_flights().find(|flight| flight.version == best)
    }

    /// Whether some version up to TLS 1.2 is accepted.
    pub(super) fn clear_answered(&self) -> Item<bool> {
        if self.clear().is_some() {
            return Item::observed(true);
        }
        [TLS12, TLS11, TLS10, SSL3]
            .into_iter()
            .map(|version| self.version(version))
            .find(|item| *item != Item::observed(false))
            .unwrap_or(Item::observed(false))
    }

    /// A fact of the clear flight.
    pub(super) fn clear_fact<T>(&self, read: impl Fn(&ServerFlight) -> T) -> Item<T> {
        match self.clear() {
            Some(flight) => Item::observed(read(flight)),
            None => detail(self.clear_answered(), None, "no version up to TLS 1.2 is accepted"),
        }
    }

    /// A fact that comes after the ServerHello: it is there, or the flight was seen to its end.
    pub(super) fn clear_later<T>(
        &self,
        read: impl Fn(&ServerFlight) -> Option<T>,
    ) -> Item<Option<T>> {
        match self.clear() {
            Some(flight) if !flight.ended && read(flight).is_none() => {
                Item::error("the server's answer broke off before it showed this")
            }
            _ => self.clear_fact(read),
        }
    }

    /// Whether a downgrade is marked; only a server of TLS 1.3 has something to mark.
    pub(super) fn downgrade_sentinel(&self) -> Item<bool> {
        match self.version(TLS13) {
            Item::Observed { value: true } => self.clear_fact(|flight| flight.downgrade_sentinel),
            other => detail(other, None, "TLS 1.3 is not accepted, so nothing is a downgrade"),
        }
    }

    /// Whether a class of suites is accepted.
    pub(super) fn class(&self, class: Class) -> Item<bool> {
        if let Some(missing) = self.unheard() {
            return absent(&missing);
        }
        match self.narrowing.accepted(class) {
            // A target that refuses everybody has not said anything about this class.
            Item::Observed { value: false } if !self.is_alive() => {
                Item::refused("every hello was refused, whatever it offered")
            }
            item => item,
        }
    }
}
