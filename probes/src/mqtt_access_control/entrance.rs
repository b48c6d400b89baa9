//! The way in for somebody known: which version is spoken, whom the broker must prove to be, and what
//! a client shows.

use std::sync::Arc;

use rustls::sign::CertifiedKey;

use super::door::{Door, Knock, Way};
use crate::mqtt::client_id;
use crate::mqtt::codes::Version;
use crate::mqtt::outgoing::{Connect, Stay};
use crate::source::Secret;
use crate::verified_tls::Verifier;

/// What a client shows to be let in. It has no `Debug` and no `Serialize`.
pub(super) struct Identity {
    /// `user:password`, with a colon in it.
    pub login: Option<Secret>,
    /// The client's certificate.
    pub certificate: Option<Arc<CertifiedKey>>,
    /// Its client id.
    pub client_id: String,
}

impl Identity {
    /// User name and password.
    pub fn login(&self) -> Option<(&str, &str)> {
        self.login.as_ref().and_then(|login| login.expose().split_once(':'))
    }
}

/// A door to which the way is known.
pub(super) struct Entrance<'a, 'e> {
    /// The door.
    pub door: &'a mut Door<'e>,
    /// Whom the broker must prove to be.
    pub verifier: Verifier,
    /// The version in which it is asked.
    pub version: Version,
    /// The run.
    pub run: &'a str,
}

/// What a CONNECT says beside who knocks.
struct Says<'s> {
    client_id: &'s str,
    login: Option<(&'s str, &'s str)>,
    stay: Stay,
    will: Option<&'s str>,
}

impl Entrance<'_, '_> {
    /// Connects as this identity with a client id.
    pub async fn enter(&mut self, question: &str, who: &Identity, client_id: &str) -> Knock {
        self.enter_to_stay(question, who, client_id, Stay::Fresh).await
    }

    /// The same, for another session than a new one.
    pub async fn enter_to_stay(
        &mut self,
        question: &str,
        who: &Identity,
        client_id: &str,
        stay: Stay,
    ) -> Knock {
        self.knock(question, who, Says { client_id, login: who.login(), stay, will: None }).await
    }

    /// The same with another login, and the client id and the certificate of this identity.
    pub async fn enter_as(
        &mut self,
        question: &str,
        who: &Identity,
        login: Option<(&str, &str)>,
    ) -> Knock {
        let says = Says { client_id: &who.client_id, login, stay: Stay::Fresh, will: None };
        self.knock(question, who, says).await
    }

    /// The same with a will, and a client id of its own, so that no session has to give way.
    pub async fn enter_with_will(&mut self, question: &str, who: &Identity, topic: &str) -> Knock {
        let (client_id, login) = (&client_id(), who.login());
        let says = Says { client_id, login, stay: Stay::Fresh, will: Some(topic) };
        self.knock(question, who, says).await
    }

    async fn knock(&mut self, question: &str, who: &Identity, says: Says<'_>) -> Knock {
        let Self { version, run, .. } = *self;
        let Says { client_id, login, stay, will } = says;
        let connect = Connect { version, client_id, login, stay, run, will };
        let way = Way { verifier: &self.verifier, certificate: who.certificate.clone() };
        self.door.enter(question, &connect, &way).await
    }
}
