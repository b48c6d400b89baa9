//! Questions that take declared identities: the first `mqtt` credential of the endpoint and the
//! second, each with a client certificate where one is declared.

use std::sync::Arc;

use model::document::{Allowance, Credential, CredentialKind, Endpoint, Trust};
use model::evidence::{Item, MqttAccess, MqttAccessControlStable, MqttReader};
use model::request::ProbePolicy;
use rustls::sign::CertifiedKey;

use super::door::{Answer, Door, Knock, Way};
use super::pair::{self, Canaries};
use super::reading::{self, Seen};
use super::session::{End, Session};
use super::settings::Settings;
use super::strangers::announce;
use crate::Context;
use crate::ingest_auth::{credential, trust};
use crate::insecure_tls::HandshakeError;
use crate::mqtt::client_id;
use crate::mqtt::codes::Version;
use crate::mqtt::outgoing::Connect;
use crate::source::Secret;
use crate::verified_tls::Verifier;

/// Reason code of the DISCONNECT that a client gets whose client id another one has taken (MQTT 5
/// section 3.14.2.1).
const SESSION_TAKEN_OVER: u8 = 0x8e;

/// What is declared of the identities.
pub(super) struct Declared<'p> {
    pub context: &'p Context,
    pub endpoint: &'p Endpoint,
    pub trust: &'p Trust,
    pub credentials: &'p [Credential],
    pub settings: &'p Settings,
}

/// What a client shows to be let in. It has no `Debug` and no `Serialize`.
struct Identity {
    /// `user:password`, with a colon in it.
    login: Option<Secret>,
    certificate: Option<Arc<CertifiedKey>>,
    client_id: String,
}

impl Identity {
    fn login(&self) -> Option<(&str, &str)> {
        self.login.as_ref().and_then(|login| login.expose().split_once(':'))
    }
}

/// A door to which the way is known: the version, and whom the broker must prove to be.
struct Entrance<'a, 'e> {
    door: &'a mut Door<'e>,
    verifier: Verifier,
    version: Version,
    run: &'a str,
}

impl Entrance<'_, '_> {
    async fn enter(&mut self, question: &str, who: &Identity, client_id: &str) -> Knock {
        let Self { version, run, .. } = *self;
        let connect = Connect { version, client_id, login: who.login(), run };
        let way = Way { verifier: &self.verifier, certificate: who.certificate.clone() };
        self.door.enter(question, &connect, &way).await
    }
}

impl Declared<'_> {
    /// Asks what takes identities, as far as they are declared and allowed.
    pub async fn observe(
        &self,
        door: &mut Door<'_>,
        policy: &ProbePolicy,
        version: Version,
        run: &str,
        stable: &mut MqttAccessControlStable,
        seen: &mut Seen,
    ) {
        let (one, other, verifier) = match self.read().await {
            Ok(read) => read,
            Err(reason) => return unseen(stable, &reason),
        };
        let mut entrance = Entrance { door, verifier, version, run };
        let first = entrance.enter("the first identity", &one, &one.client_id).await;
        stable.credential_access = first.access();
        stable.credential_reason = first.reason();
        let Some((mut session, limits)) = first.into_session() else {
            return unseen_of_pair(stable, "the first identity was not let in");
        };
        announce(limits.as_ref(), stable);
        let retain = limits.and_then(|limits| limits.retain_available);
        let listen = self.settings.listen;
        let as_first = stable.read_as.value() == Some(&MqttReader::Nobody);
        if let (true, Some(scope)) = (as_first, self.settings.scopes[0].as_deref()) {
            stable.read_as = Item::observed(MqttReader::DeclaredCredential);
            reading::read(&mut session, Some(scope), retain, listen, stable, seen).await;
        }
        let Some(other) = other else {
            session.end().await;
            return unseen_of_pair(stable, "the endpoint lists no second identity");
        };
        if policy.max_connections < 2 {
            session.end().await;
            let reason = "both identities are connected at once, and `maxConnections` is 1";
            return unseen_of_pair(stable, reason);
        }
        let second = entrance.enter("the second identity", &other, &other.client_id).await;
        let reason = second.reason();
        let Some((mut second, _)) = second.into_session() else {
            session.end().await;
            return unseen_of_pair(stable, &not_let_in(&reason));
        };
        match self.canaries(policy, run) {
            Err(reason) => unseen_of_canaries(stable, &reason),
            Ok(canaries) => {
                let everything = as_first.then_some(listen);
                pair::observe(&mut session, &mut second, &canaries, everything, stable).await;
            }
        }
        // It must not be in the way where the broker takes client ids from user names.
        session.end().await;
        self.client_id(&mut entrance, &one, &mut second, stable).await;
        second.end().await;
    }

    /// Connects as the first identity with the client id of the second, which is connected: whose
    /// session it ends tells whose client id it was. A broker may let it in and give it another.
    async fn client_id(
        &self,
        entrance: &mut Entrance<'_, '_>,
        one: &Identity,
        second: &mut Session,
        stable: &mut MqttAccessControlStable,
    ) {
        let Some(id) = &self.settings.client_ids[1] else {
            let reason = "`params.clientIdB` is not declared";
            stable.client_id_bound = Item::not_attempted(reason);
            stable.client_id_reason = Item::not_attempted(reason);
            return;
        };
        if let Err(end) = second.is_alive().await {
            stable.client_id_bound = end.item();
            stable.client_id_reason = end.item();
            return;
        }
        let taken = entrance.enter("the first identity, the second one's client id", one, id).await;
        stable.client_id_reason = taken.reason();
        // Identifier rejected and client identifier not valid are about nothing else here.
        let rejected = matches!(taken.answer, Answer::Connack { code: 2 | 0x85, .. });
        stable.client_id_bound = match known(taken.access()) {
            _ if rejected => Item::observed(true),
            Ok(MqttAccess::Denied) => Item::observed(true),
            Ok(MqttAccess::Accepted) => match second.is_alive().await {
                Ok(()) => Item::observed(true),
                Err(End::Disconnected(SESSION_TAKEN_OVER)) => Item::observed(false),
                Err(End::Stream(HandshakeError::Network(failure))) if failure.is_end() => {
                    Item::observed(false)
                }
                Err(end) => end.item(),
            },
            Err(missing) => missing,
        };
        if let Some((session, _)) = taken.into_session() {
            session.end().await;
        }
    }

    /// The topics of the canaries; a sentence where none may or can be sent.
    fn canaries(&self, policy: &ProbePolicy, run: &str) -> Result<Canaries, String> {
        if !policy.allow.contains(&Allowance::CanaryWrite) {
            return Err("`probePolicy.allow` does not list canaryWrite".to_owned());
        }
        match &self.settings.scopes {
            [Some(one), Some(other)] => Ok(Canaries {
                own: format!("{one}/__audit/{run}"),
                foreign: format!("{other}/__audit/{run}"),
                own_scope: other.clone(),
            }),
            _ => Err("`params.scopeA` and `params.scopeB` are not both declared".to_owned()),
        }
    }

    async fn read(&self) -> Result<(Identity, Option<Identity>, Verifier), String> {
        if !self.endpoint.protocol.is_tls() {
            return Err("a credential is never sent over plaintext".to_owned());
        }
        let of_kind = |kind| self.credentials.iter().filter(move |c| c.kind == kind);
        let logins: Vec<_> = of_kind(CredentialKind::Mqtt).take(2).collect();
        let certificates: Vec<_> = of_kind(CredentialKind::ClientCertificate).take(2).collect();
        if logins.is_empty() && certificates.is_empty() {
            return Err("the target declares no mqtt or clientCertificate credential for this \
                        endpoint"
                .to_owned());
        }
        let verifier = trust::verifier(self.context, self.endpoint, self.trust).await?;
        let first = (logins.first().copied(), certificates.first().copied());
        // Two users may share one certificate of their site; two certificates need no users.
        let second =
            (logins.get(1).copied(), certificates.get(1).or(certificates.first()).copied());
        let has_second = second.0.is_some() || logins.is_empty() && certificates.len() == 2;
        let one = self.identity(first, 0).await?;
        let other = if has_second { Some(self.identity(second, 1).await?) } else { None };
        Ok((one, other, verifier))
    }

    async fn identity(
        &self,
        (login, certificate): (Option<&Credential>, Option<&Credential>),
        place: usize,
    ) -> Result<Identity, String> {
        let login = match login {
            None => None,
            Some(declared) => {
                let secret = credential::secret(self.context, declared).await?;
                if !secret.expose().contains(':') {
                    return Err(format!(
                        "the credential `{}` must be `user:password`, and holds no colon",
                        declared.name
                    ));
                }
                Some(secret)
            }
        };
        let certificate = match certificate {
            None => None,
            Some(declared) => {
                Some(Arc::new(credential::certificate(self.context, declared).await?))
            }
        };
        let client_id = self.settings.client_ids[place].clone().unwrap_or_else(client_id);
        Ok(Identity { login, certificate, client_id })
    }
}

/// Whether it was let in, or why that is not known.
fn known(access: Item<MqttAccess>) -> Result<MqttAccess, Item<bool>> {
    match access.value() {
        Some(access) => Ok(*access),
        None => Err(access.map(|_| false)),
    }
}

fn not_let_in(reason: &Item<String>) -> String {
    let why = reason.value().map(String::as_str).or(reason.reason()).unwrap_or_default();
    format!("the second identity was not let in: {why}")
}

fn unseen(stable: &mut MqttAccessControlStable, reason: &str) {
    stable.credential_access = Item::not_attempted(reason);
    stable.credential_reason = Item::not_attempted(reason);
    unseen_of_pair(stable, reason);
}

fn unseen_of_pair(stable: &mut MqttAccessControlStable, reason: &str) {
    unseen_of_canaries(stable, reason);
    stable.client_id_bound = Item::not_attempted(reason);
    stable.client_id_reason = Item::not_attempted(reason);
}

fn unseen_of_canaries(stable: &mut MqttAccessControlStable, reason: &str) {
    stable.publish_outside_scope = Item::not_attempted(reason);
    stable.publish_reason = Item::not_attempted(reason);
    stable.cross_device_delivered = Item::not_attempted(reason);
}
