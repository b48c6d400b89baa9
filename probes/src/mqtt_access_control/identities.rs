//! Questions that take declared identities: the first `mqtt` credential of the endpoint and the
//! second, each with a client certificate where one is declared.

use std::sync::Arc;

use model::document::{Allowance, Credential, CredentialKind, Endpoint, Trust};
use model::evidence::{Item, MqttAccess, MqttAccessControlStable, MqttReader};
use model::request::ProbePolicy;
use rustls::sign::CertifiedKey;

use super::door::{Answer, Door, Knock, Way};
use super::logins::{self, unseen_defaults};
use super::pair::{self, Canaries};
use super::reading::{self, Seen};
use super::session::{End, Session};
use super::settings::Settings;
use super::staging;
use super::strangers::{Lessons, announce};
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

/// Why nothing was written.
const NO_CANARY: &str = "`probePolicy.allow` does not list canaryWrite";

/// Why nobody was shown to the broker.
const NO_IDENTITY: &str =
    "the target declares no mqtt or clientCertificate credential for this endpoint";

/// What is declared of the identities.
pub(super) struct Declared<'p> {
    pub context: &'p Context,
    pub endpoint: &'p Endpoint,
    pub trust: &'p Trust,
    pub credentials: &'p [Credential],
    pub settings: &'p Settings,
}

/// What a client shows to be let in. It has no `Debug` and no `Serialize`.
pub(super) struct Identity {
    /// `user:password`, with a colon in it.
    pub login: Option<Secret>,
    pub certificate: Option<Arc<CertifiedKey>>,
    pub client_id: String,
}

impl Identity {
    /// User name and password.
    pub fn login(&self) -> Option<(&str, &str)> {
        self.login.as_ref().and_then(|login| login.expose().split_once(':'))
    }
}

/// A door to which the way is known: the version, and whom the broker must prove to be.
pub(super) struct Entrance<'a, 'e> {
    door: &'a mut Door<'e>,
    verifier: Verifier,
    version: Version,
    run: &'a str,
}

impl Entrance<'_, '_> {
    async fn enter(&mut self, question: &str, who: &Identity, client_id: &str) -> Knock {
        self.knock(question, who, (client_id, who.login(), None)).await
    }

    /// The same with another login, and the client id and the certificate of this identity.
    pub async fn enter_as(
        &mut self,
        question: &str,
        who: &Identity,
        login: Option<(&str, &str)>,
    ) -> Knock {
        self.knock(question, who, (&who.client_id, login, None)).await
    }

    /// The same with a will, and a client id of its own, so that no session has to give way.
    pub async fn enter_with_will(&mut self, question: &str, who: &Identity, topic: &str) -> Knock {
        self.knock(question, who, (&client_id(), who.login(), Some(topic))).await
    }

    async fn knock(
        &mut self,
        question: &str,
        who: &Identity,
        (client_id, login, will): (&str, Option<(&str, &str)>, Option<&str>),
    ) -> Knock {
        let Self { version, run, .. } = *self;
        let connect = Connect { version, client_id, login, run, will };
        let way = Way { verifier: &self.verifier, certificate: who.certificate.clone() };
        self.door.enter(question, &connect, &way).await
    }
}

impl Declared<'_> {
    /// Asks what takes logins and identities, as far as they are declared and allowed.
    pub async fn observe(
        &self,
        door: &mut Door<'_>,
        policy: &ProbePolicy,
        lessons: &Lessons,
        run: &str,
        stable: &mut MqttAccessControlStable,
        seen: &mut Seen,
    ) {
        let is_tls = self.endpoint.protocol.is_tls();
        let mut logins = self.identities(CredentialKind::Mqtt);
        stable.identity_login = Item::observed(is_tls && logins.next().is_some());
        stable.defaults_listed =
            Item::observed(self.settings.defaults.len().try_into().unwrap_or(0));
        stable.staging_asked = Item::observed(is_tls && self.settings.staging);
        let verifier = match self.verifier().await {
            Ok(verifier) => verifier,
            Err(reason) => {
                unseen(stable, &reason);
                return unseen_defaults(stable, &reason);
            }
        };
        let version = lessons.version;
        let mut entrance = Entrance { door, verifier, version, run };
        match self.read().await {
            Ok((one, other)) => {
                self.pair(&mut entrance, policy, (&one, other.as_ref()), stable, seen).await;
                // Logins that must fail come last: a broker may ban who shows them.
                let made_up = lessons.made_up.filter(|_| self.settings.client_ids[0].is_none());
                logins::oracle(&mut entrance, &one, made_up, stable).await;
            }
            Err(reason) => unseen(stable, &reason),
        }
        if self.settings.defaults.is_empty() {
            return unseen_defaults(stable, "`params.defaultCredentials` lists none");
        }
        self.defaults(&mut entrance, stable).await;
    }

    async fn pair(
        &self,
        entrance: &mut Entrance<'_, '_>,
        policy: &ProbePolicy,
        (one, other): (&Identity, Option<&Identity>),
        stable: &mut MqttAccessControlStable,
        seen: &mut Seen,
    ) {
        let run = entrance.run;
        let first = entrance.enter("the first identity", one, &one.client_id).await;
        stable.credential_access = first.access();
        stable.credential_reason = first.reason();
        let Some((mut session, limits)) = first.into_session() else {
            let reason = "the first identity was not let in";
            unseen_of_staging(stable, reason);
            return unseen_of_pair(stable, reason);
        };
        announce(limits.as_ref(), stable);
        let retain = limits.and_then(|limits| limits.retain_available);
        let listen = self.settings.listen;
        let as_first = stable.read_as.value() == Some(&MqttReader::Nobody);
        if let (true, Some(scope)) = (as_first, self.settings.scopes[0].as_deref()) {
            stable.read_as = Item::observed(MqttReader::DeclaredCredential);
            reading::read(&mut session, Some(scope), retain, listen, stable, seen).await;
        }
        let second = match other {
            None => Err("the endpoint lists no second identity".to_owned()),
            Some(_) if policy.max_connections < 2 => {
                Err("both identities are connected at once, and `maxConnections` is 1".to_owned())
            }
            Some(other) => {
                let second = entrance.enter("the second identity", other, &other.client_id).await;
                let reason = second.reason();
                second.into_session().map(|(second, _)| second).ok_or_else(|| not_let_in(&reason))
            }
        };
        let mut second = match second {
            Ok(second) => second,
            Err(reason) => {
                unseen_of_pair(stable, &reason);
                unseen_of_staging(stable, &reason);
                if let Ok(()) = self.may_stage(policy, stable) {
                    staging::sys(&mut session, run, stable).await;
                }
                return session.end().await;
            }
        };
        let canaries = self.canaries(policy, run);
        match &canaries {
            Err(reason) => unseen_of_canaries(stable, reason),
            Ok(canaries) => {
                let everything = as_first.then_some(listen);
                pair::observe(&mut session, &mut second, canaries, everything, stable).await;
            }
        }
        if let Ok(()) = self.may_stage(policy, stable) {
            staging::sys(&mut session, run, stable).await;
            match &canaries {
                Ok(canaries) => {
                    let sessions = (&mut session, &mut second);
                    staging::will(entrance, one, sessions, canaries, stable).await;
                }
                Err(reason) => {
                    stable.staging_will_delivered = Item::not_attempted(reason);
                    stable.staging_will_reason = Item::not_attempted(reason);
                }
            }
        }
        // It must not be in the way where the broker takes client ids from user names.
        session.end().await;
        if let Some(other) = other {
            self.client_id(entrance, (one, other), &mut second, stable).await;
        }
        second.end().await;
    }

    /// Whether what only a broker without live devices may be asked is allowed here.
    fn may_stage(
        &self,
        policy: &ProbePolicy,
        stable: &mut MqttAccessControlStable,
    ) -> Result<(), ()> {
        let reason = if !self.settings.staging {
            "`params.staging` is not true"
        } else if !policy.allow.contains(&Allowance::CanaryWrite) {
            NO_CANARY
        } else {
            return Ok(());
        };
        unseen_of_staging(stable, reason);
        Err(())
    }

    /// Connects as the first identity with the client id of the second, which is connected: whose
    /// session it ends tells whose client id it was. A broker may let it in and give it another;
    /// that it did is shown by the second identity, whose own next connection must end the session.
    async fn client_id(
        &self,
        entrance: &mut Entrance<'_, '_>,
        (one, other): (&Identity, &Identity),
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
            Ok(MqttAccess::Accepted) => match taken_over(second).await {
                Ok(true) => Item::observed(false),
                Ok(false) => {
                    let question = "the second identity again, its own client id";
                    let again = entrance.enter(question, other, id).await;
                    let was_let_in = again.code() == Some(0);
                    let ended = taken_over(second).await;
                    again.leave().await;
                    match ended {
                        Ok(true) if was_let_in => Item::observed(true),
                        Ok(_) => Item::error(
                            "the broker lets two clients be connected with one client id, so \
                             whose it is was not seen",
                        ),
                        Err(missing) => missing,
                    }
                }
                Err(missing) => missing,
            },
            Err(missing) => missing,
        };
        taken.leave().await;
    }

    /// The topics of the canaries; a sentence where none may or can be sent.
    fn canaries(&self, policy: &ProbePolicy, run: &str) -> Result<Canaries, String> {
        if !policy.allow.contains(&Allowance::CanaryWrite) {
            return Err(NO_CANARY.to_owned());
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

    /// Whom the broker must prove to be before anything is shown to it.
    async fn verifier(&self) -> Result<Verifier, String> {
        if !self.endpoint.protocol.is_tls() {
            return Err("a credential is never sent over plaintext".to_owned());
        }
        let of_kind = |kind| self.identities(kind).next();
        if of_kind(CredentialKind::Mqtt).or(of_kind(CredentialKind::ClientCertificate)).is_none()
            && self.settings.defaults.is_empty()
        {
            return Err(NO_IDENTITY.to_owned());
        }
        trust::verifier(self.context, self.endpoint, self.trust).await
    }

    /// The credentials of one kind that are identities; those that must not be let in are none.
    fn identities(&self, kind: CredentialKind) -> impl Iterator<Item = &Credential> {
        self.credentials
            .iter()
            .filter(move |c| c.kind == kind && !self.settings.defaults.contains(&c.name))
    }

    async fn read(&self) -> Result<(Identity, Option<Identity>), String> {
        let logins: Vec<_> = self.identities(CredentialKind::Mqtt).take(2).collect();
        let certificates: Vec<_> =
            self.identities(CredentialKind::ClientCertificate).take(2).collect();
        if logins.is_empty() && certificates.is_empty() {
            return Err(NO_IDENTITY.to_owned());
        }
        let has_second = logins.len() == 2 || logins.is_empty() && certificates.len() == 2;
        let one = self.identity(logins.first().copied(), 0).await?;
        let other = match has_second {
            true => Some(self.identity(logins.get(1).copied(), 1).await?),
            false => None,
        };
        Ok((one, other))
    }

    async fn identity(&self, login: Option<&Credential>, place: usize) -> Result<Identity, String> {
        let login = match login {
            None => None,
            Some(declared) => Some(self.login(declared).await?),
        };
        let certificate = self.certificate(place).await?;
        let client_id = self.settings.client_ids[place].clone().unwrap_or_else(client_id);
        Ok(Identity { login, certificate, client_id })
    }

    /// The secret of a declared login, with a colon in it.
    pub(super) async fn login(&self, declared: &Credential) -> Result<Secret, String> {
        let secret = credential::secret(self.context, declared).await?;
        if !secret.expose().contains(':') {
            return Err(format!(
                "the credential `{}` must be `user:password`, and holds no colon",
                declared.name
            ));
        }
        Ok(secret)
    }

    /// The certificate of the first or the second identity. Two users may share one certificate of
    /// their site.
    pub(super) async fn certificate(
        &self,
        place: usize,
    ) -> Result<Option<Arc<CertifiedKey>>, String> {
        let all: Vec<_> = self.identities(CredentialKind::ClientCertificate).take(2).collect();
        match all.get(place).or(all.first()) {
            None => Ok(None),
            Some(declared) => {
                Ok(Some(Arc::new(credential::certificate(self.context, declared).await?)))
            }
        }
    }
}

/// Whether a session has ended because another has its client id: brokers of MQTT 5 say so, others
/// close.
async fn taken_over(session: &mut Session) -> Result<bool, Item<bool>> {
    match session.is_alive().await {
        Ok(()) => Ok(false),
        Err(End::Disconnected(SESSION_TAKEN_OVER)) => Ok(true),
        Err(End::Stream(HandshakeError::Network(failure))) if failure.is_end() => Ok(true),
        Err(end) => Err(end.item()),
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
    stable.oracle_tells = Item::not_attempted(reason);
    stable.oracle_unknown = Item::not_attempted(reason);
    stable.oracle_known = Item::not_attempted(reason);
    unseen_of_staging(stable, reason);
    unseen_of_pair(stable, reason);
}

fn unseen_of_staging(stable: &mut MqttAccessControlStable, reason: &str) {
    stable.staging_sys_publish = Item::not_attempted(reason);
    stable.staging_sys_reason = Item::not_attempted(reason);
    stable.staging_will_delivered = Item::not_attempted(reason);
    stable.staging_will_reason = Item::not_attempted(reason);
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
