//! Questions that take declared identities, in the order in which they are asked.

use model::document::{Allowance, Credential, CredentialKind, Endpoint, Trust};
use model::evidence::{Item, MqttAccessControlStable, MqttReader};
use model::request::ProbePolicy;

use super::closing::Owner;
use super::door::Door;
use super::entrance::{Entrance, Identity};
use super::evidence::{
    unseen_of_canaries, unseen_of_identities, unseen_of_pair, unseen_of_staging,
};
use super::logins::{self, unseen_defaults};
use super::pair::{self, Canaries};
use super::reading::{self, Seen};
use super::settings::Settings;
use super::strangers::{Lessons, announce};
use super::{client_id, closing, inherited, staging};
use crate::Context;

/// Why nothing was written.
const NO_CANARY: &str = "`probePolicy.allow` does not list canaryWrite";

/// What is declared of the identities.
pub(super) struct Declared<'p> {
    pub context: &'p Context,
    pub endpoint: &'p Endpoint,
    pub trust: &'p Trust,
    pub credentials: &'p [Credential],
    pub settings: &'p Settings,
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
                unseen_of_identities(stable, &reason);
                return unseen_defaults(stable, &reason);
            }
        };
        let version = lessons.version;
        let mut entrance = Entrance { door, verifier, version, run };
        match self.read().await {
            Ok((one, other)) => {
                self.pair(&mut entrance, policy, (&one, other.as_ref()), stable, seen).await;
                // Logins that must fail come last: a broker may ban who shows them.
                let made_up = lessons.made_up.as_deref();
                let made_up = made_up.filter(|_| self.settings.client_ids[0].is_none());
                logins::oracle(&mut entrance, &one, made_up, stable).await;
            }
            Err(reason) => unseen_of_identities(stable, &reason),
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
            let owner = Owner { name: "the first identity", identity: one, scope };
            if session.may_be_forbidden()
                && let Some(again) = closing::wildcard(entrance, owner, listen, stable, seen).await
            {
                session = again;
            }
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
                let owner = other.map(|identity| Owner {
                    name: "the second identity",
                    identity,
                    scope: &canaries.own_scope,
                });
                let sessions = (&mut session, &mut second);
                pair::observe(entrance, owner, sessions, canaries, everything, stable).await;
            }
        }
        let staged = self.may_stage(policy, stable);
        if staged.is_ok() {
            staging::sys(&mut session, run, stable).await;
            match &canaries {
                Ok(canaries) => {
                    // Who is to hear a will may have lost the connection for a canary.
                    let scope = self.settings.scopes[0].as_deref().unwrap_or_default();
                    let owner = Owner { name: "the first identity", identity: one, scope };
                    if session.may_be_forbidden()
                        && let Some(again) = closing::again(entrance, owner, 0).await
                    {
                        session = again;
                    }
                    let sessions = (&mut session, &mut second);
                    staging::will(entrance, one, sessions, canaries, stable).await;
                }
                Err(reason) => {
                    stable.staging_will_delivered = Item::not_attempted(reason);
                    stable.staging_will_reason = Item::not_attempted(reason);
                    inherited::unseen(stable, reason);
                }
            }
        }
        // It must not be in the way where the broker takes client ids from user names.
        session.end().await;
        let Some(other) = other else { return second.end().await };
        let id = self.settings.client_ids[1].as_deref();
        client_id::observe(entrance, (one, other), id, &mut second, stable).await;
        second.end().await;
        if let (Ok(()), Ok(canaries)) = (staged, &canaries) {
            inherited::observe(entrance, (one, other), canaries, listen, stable).await;
        }
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
}

fn not_let_in(reason: &Item<String>) -> String {
    let why = reason.value().map(String::as_str).or(reason.reason()).unwrap_or_default();
    format!("the second identity was not let in: {why}")
}
