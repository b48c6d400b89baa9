//! Logins that must fail: the first identity's user with a password that is not its own, and
//! credentials that a product is delivered with. Each is tried once, one after the other, and a
//! broker that says banned or connection rate exceeded closes the door for the rest.

use model::document::{Credential, CredentialKind};
use model::evidence::{Item, MqttAccess, MqttAccessControlStable};

use super::door::BEHIND;
use super::entrance::{Entrance, Identity};
use super::identities::Declared;
use crate::mqtt::client_id;
use crate::mqtt::codes::{self, Meaning};

/// Whether the broker tells who asks which user names exist: its code for a user it knows, with a
/// wrong password, beside its code for a user that was made up. `made_up` is the latter, where it
/// turned a client away whose id was made up, too.
pub(super) async fn oracle(
    entrance: &mut Entrance<'_, '_>,
    one: &Identity,
    made_up: Option<&str>,
    stable: &mut MqttAccessControlStable,
) {
    let Some((user, _)) = one.login() else {
        let reason = "the first identity has no user name";
        (stable.oracle_tells, stable.oracle_unknown, stable.oracle_known) =
            (Item::not_attempted(reason), Item::not_attempted(reason), Item::not_attempted(reason));
        return;
    };
    // A broker that everybody passes, or that wants a certificate first, has not looked at a user.
    let is_same_way = one.certificate.is_none();
    stable.oracle_unknown = match made_up.filter(|_| is_same_way) {
        Some(code) => Item::observed(code.to_owned()),
        None => {
            let (nobody, wrong) = (client_id(), client_id());
            let login = Some((nobody.as_str(), wrong.as_str()));
            let knock =
                entrance.enter_as("a made-up user name and password, over TLS", one, login).await;
            let reason = knock.reason();
            knock.leave().await;
            reason
        }
    };
    let wrong = client_id();
    let login = Some((user, wrong.as_str()));
    let knock = entrance.enter_as("the first identity's user, a wrong password", one, login).await;
    stable.oracle_known = knock.reason();
    knock.leave().await;
    stable.oracle_tells = match (stable.oracle_unknown.value(), stable.oracle_known.value()) {
        (Some(unknown), Some(known)) => told(unknown, known),
        (None, _) => stable.oracle_unknown.clone().map(|_| false),
        (_, None) => stable.oracle_known.clone().map(|_| false),
    };
}

/// Codes that turn both away decide it, and so does a user that any password opens; a broker that
/// is busy, or lets everybody in, says nothing about users.
fn told(unknown: &str, known: &str) -> Item<bool> {
    let code = |name: &str| {
        let name = name.strip_suffix(BEHIND).unwrap_or(name);
        (0..=u8::MAX).find(|code| codes::connack(*code) == name)
    };
    let meaning = |name: &str| code(name).map(codes::meaning);
    match (meaning(unknown), meaning(known)) {
        (Some(Meaning::Denied), Some(Meaning::Denied | Meaning::Accepted)) => {
            Item::observed(unknown != known)
        }
        (Some(Meaning::Accepted), _) => {
            Item::not_attempted("the broker takes any user name and password")
        }
        (Some(Meaning::Denied), _) => Item::refused(known),
        _ => Item::refused(unknown),
    }
}

impl Declared<'_> {
    /// Credentials that a product is delivered with, as far as they are listed: the first that is
    /// let in ends it.
    pub(super) async fn defaults(
        &self,
        entrance: &mut Entrance<'_, '_>,
        stable: &mut MqttAccessControlStable,
    ) {
        let certificate = match self.certificate(0).await {
            Ok(certificate) => certificate,
            Err(reason) => return unseen_defaults(stable, &reason),
        };
        stable.defaults_accepted = Item::observed(false);
        for name in &self.settings.defaults {
            let login = match self.default_login(name).await {
                Ok(login) => login,
                Err(reason) => {
                    stable.defaults_accepted = Item::not_attempted(&reason);
                    stable.defaults_reason = Item::not_attempted(reason);
                    continue;
                }
            };
            let who = Identity {
                login: Some(login),
                certificate: certificate.clone(),
                client_id: client_id(),
            };
            let knock = entrance
                .enter_as(&format!("the default credential `{name}`"), &who, who.login())
                .await;
            let (access, reason) = (knock.access(), knock.reason());
            knock.leave().await;
            match access.value() {
                Some(MqttAccess::Accepted) => {
                    stable.defaults_accepted = Item::observed(true);
                    stable.defaults_reason = reason;
                    stable.defaults_credential = Item::observed(name.clone());
                    return;
                }
                Some(MqttAccess::Denied) => {
                    if stable.defaults_accepted.value().is_some() {
                        stable.defaults_reason = reason;
                    }
                }
                None => {
                    stable.defaults_accepted = access.map(|_| false);
                    stable.defaults_reason = reason;
                }
            }
        }
        stable.defaults_credential = Item::not_attempted("no default credential was let in");
    }

    async fn default_login(&self, name: &str) -> Result<crate::source::Secret, String> {
        let is_named = |declared: &&Credential| declared.name == *name;
        let declared = self.credentials.iter().find(is_named).ok_or_else(|| {
            format!("the target declares no credential `{}`", crate::text::cut(name.as_bytes()))
        })?;
        if declared.kind != CredentialKind::Mqtt {
            let (name, kind) = (&declared.name, declared.kind.as_str());
            return Err(format!("the credential `{name}` must be of kind mqtt, found {kind}"));
        }
        self.login(declared).await
    }
}

/// Why default credentials were not tried.
pub(super) fn unseen_defaults(stable: &mut MqttAccessControlStable, reason: &str) {
    stable.defaults_accepted = Item::not_attempted(reason);
    stable.defaults_reason = Item::not_attempted(reason);
    stable.defaults_credential = Item::not_attempted(reason);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_refusals_that_differ_tell_and_two_that_do_not_keep_it() {
        assert_eq!(told("5 not authorized", "5 not authorized"), Item::observed(false));
        assert_eq!(told("5 not authorized", "4 bad user name or password"), Item::observed(true));
        assert_eq!(told("0x87 not authorized", "0 accepted"), Item::observed(true));
        let behind = format!("0x87 not authorized{BEHIND}");
        assert_eq!(told(&behind, &behind), Item::observed(false));
        assert_eq!(told("0x87 not authorized", &behind), Item::observed(true));
    }

    #[test]
    fn a_busy_broker_and_one_that_lets_everybody_in_decide_nothing() {
        for (unknown, known) in [
            ("0 accepted", "5 not authorized"),
            ("0 accepted", "0 accepted"),
            ("0x88 server unavailable", "0x87 not authorized"),
            ("0x87 not authorized", "0x89 server busy"),
            ("0x87 not authorized", "0x9f connection rate exceeded"),
        ] {
            assert_eq!(told(unknown, known).value(), None, "{unknown}, {known}");
        }
    }
}
