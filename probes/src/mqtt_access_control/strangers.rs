//! Questions that need no credential: who is let in without one, with a made-up one, without a
//! client id, and in MQTT 3.1.

use model::document::Endpoint;
use model::evidence::{
    AnnouncedLimits, ClientCertificate, EffectiveLimits, Item, MqttAccess, MqttAccessControlStable,
    MqttReader,
};

use super::door::{Answer, Door, Knock};
use super::origin;
use super::reading::{self, Seen};
use super::settings::Settings;
use crate::mqtt::client_id;
use crate::mqtt::codes::{self, Meaning, Version};
use crate::mqtt::outgoing::{Connect, KEEP_ALIVE, Stay};

/// What the questions have taught about the broker.
pub(super) struct Lessons {
    /// The newest version that it speaks.
    pub version: Version,
    /// What turned a made-up user name and password away, where something did.
    pub made_up: Option<String>,
}

/// Asks all of them, and what the first who is let in can read.
pub(super) async fn observe(
    door: &mut Door<'_>,
    endpoint: &Endpoint,
    settings: &Settings,
    run: &str,
    stable: &mut MqttAccessControlStable,
    seen: &mut Seen,
) -> Lessons {
    let mut reader = Reader { settings, seen, is_done: false };

    let id = client_id();
    let anonymous = Connect {
        version: Version::V5,
        client_id: &id,
        login: None,
        stay: Stay::Fresh,
        run,
        will: None,
    };
    let v5 = door.knock("no credential", &anonymous).await;
    stable.anonymous_v5_access = v5.access();
    stable.anonymous_v5_reason = v5.reason();
    stable.tls_client_certificate = client_certificate(endpoint, &v5);
    let v5_not_spoken = v5.is_not_spoken();
    let v5_answered = v5.is_answered();
    reader.read(v5, MqttReader::Anonymous, stable).await;

    let id = client_id();
    let anonymous = Connect {
        version: Version::V311,
        client_id: &id,
        login: None,
        stay: Stay::Fresh,
        run,
        will: None,
    };
    let v311 = door.knock("no credential", &anonymous).await;
    stable.anonymous_v311_access = v311.access();
    stable.anonymous_v311_reason = v311.reason();
    let either = [
        (&stable.anonymous_v5_access, v5_not_spoken),
        (&stable.anonymous_v311_access, v311.is_not_spoken()),
    ];
    stable.anonymous_access = of_two_versions(either);
    let v311_answered = v311.is_answered();
    let nobody_answers = !v5_answered && !v311_answered;
    if nobody_answers && stable.anonymous_access.value().is_none() {
        door.close("neither MQTT 5 nor MQTT 3.1.1 was answered, so nothing more was asked");
    }
    reader.read(v311, MqttReader::Anonymous, stable).await;

    let version =
        if v5_not_spoken || !v5_answered && !nobody_answers { Version::V311 } else { Version::V5 };
    let (id, user, password) = (client_id(), client_id(), client_id());
    let login = Some((user.as_str(), password.as_str()));
    let made_up = Connect { version, client_id: &id, login, stay: Stay::Fresh, run, will: None };
    let random = door.knock("a made-up user name and password", &made_up).await;
    stable.random_access = random.access();
    stable.random_reason = random.reason();
    let turned_away = random.code().is_some_and(|code| codes::meaning(code) == Meaning::Denied);
    let made_up = stable.random_reason.value().filter(|_| turned_away).cloned();
    stable.plain_password_checked = password_checked(endpoint, &random);
    reader.read(random, MqttReader::MadeUpCredential, stable).await;

    let empty = Connect {
        version: Version::V311,
        client_id: "",
        login: None,
        stay: Stay::Fresh,
        run,
        will: None,
    };
    let empty = door.knock("no client id", &empty).await;
    stable.empty_client_id_access = empty.access();
    stable.empty_client_id_reason = empty.reason();
    empty.leave().await;

    let id = client_id();
    let old = Connect {
        version: Version::V31,
        client_id: &id,
        login: None,
        stay: Stay::Fresh,
        run,
        will: None,
    };
    let old = door.knock("no credential", &old).await;
    stable.legacy31_spoken = legacy(&old);
    stable.legacy31_reason = old.reason();
    old.leave().await;

    let opened = v5_answered || v311_answered;
    origin::observe(door, endpoint, settings, opened, stable).await;

    if !reader.is_done && stable.anonymous_access.value() == Some(&MqttAccess::Denied) {
        stable.read_as = Item::observed(MqttReader::Nobody);
    }
    Lessons { version, made_up }
}

/// Looks around as the first who is let in.
struct Reader<'r> {
    settings: &'r Settings,
    seen: &'r mut Seen,
    is_done: bool,
}

impl Reader<'_> {
    async fn read(&mut self, knock: Knock, who: MqttReader, stable: &mut MqttAccessControlStable) {
        let Some((mut session, limits)) = knock.into_session() else { return };
        announce(limits.as_ref(), stable);
        if !self.is_done {
            self.is_done = true;
            stable.read_as = Item::observed(who);
            let retain = limits.and_then(|limits| limits.retain_available);
            let listen = self.settings.listen;
            reading::read(&mut session, None, retain, listen, stable, self.seen).await;
        }
        session.end().await;
    }
}

/// Writes down what a CONNACK of MQTT 5 announces, once.
pub(super) fn announce(limits: Option<&AnnouncedLimits>, stable: &mut MqttAccessControlStable) {
    let (Some(announced), None) = (limits, stable.limits_announced.value()) else { return };
    stable.limits_effective = Item::observed(effective(announced));
    stable.limits_announced = Item::observed(announced.clone());
}

/// The defaults of MQTT 5 section 3.2.2.3.
fn effective(announced: &AnnouncedLimits) -> EffectiveLimits {
    EffectiveLimits {
        // Absent means as asked, and a probe asks for none.
        session_expiry: announced.session_expiry.unwrap_or(0),
        receive_maximum: announced.receive_maximum.unwrap_or(u16::MAX),
        maximum_qos: announced.maximum_qos.unwrap_or(2),
        retain_available: announced.retain_available.unwrap_or(true),
        maximum_packet_size: announced.maximum_packet_size,
        topic_alias_maximum: announced.topic_alias_maximum.unwrap_or(0),
        wildcard_subscription_available: announced.wildcard_subscription_available.unwrap_or(true),
        subscription_identifiers_available: announced
            .subscription_identifiers_available
            .unwrap_or(true),
        shared_subscription_available: announced.shared_subscription_available.unwrap_or(true),
        keep_alive: announced.server_keep_alive.unwrap_or(KEEP_ALIVE),
    }
}

/// Accepted where either version was; denied where one was and the other too, or is not spoken.
fn of_two_versions(either: [(&Item<MqttAccess>, bool); 2]) -> Item<MqttAccess> {
    let is = |wanted| either.iter().any(|(access, _)| access.value() == Some(&wanted));
    if is(MqttAccess::Accepted) {
        return Item::observed(MqttAccess::Accepted);
    }
    let undecided = either
        .into_iter()
        .find(|(access, not_spoken)| access.value().is_none() && !not_spoken)
        .or_else(|| (!is(MqttAccess::Denied)).then_some(either[0]));
    match undecided {
        Some((access, _)) => access.clone(),
        None => Item::observed(MqttAccess::Denied),
    }
}

fn client_certificate(endpoint: &Endpoint, knock: &Knock) -> Item<ClientCertificate> {
    if !endpoint.protocol.is_tls() {
        return Item::not_attempted("the endpoint is declared as plaintext");
    }
    match &knock.answer {
        Answer::Connack { .. } if knock.certificate_requested => {
            Item::observed(ClientCertificate::Requested)
        }
        Answer::Connack { .. } => Item::observed(ClientCertificate::NotRequested),
        _ if knock.is_certificate_wanted() => Item::observed(ClientCertificate::Required),
        _ => knock.reason().and_then(|_| Item::error("no CONNACK came")),
    }
}

fn password_checked(endpoint: &Endpoint, random: &Knock) -> Item<bool> {
    if endpoint.protocol.is_tls() {
        return Item::not_attempted("the endpoint is declared with TLS");
    }
    match random.code() {
        Some(4 | 5 | 0x86 | 0x87) => Item::observed(true),
        Some(0) => Item::not_attempted(
            "the broker takes any password, so whether clients send theirs here was not seen",
        ),
        _ if random.is_turned_away() => Item::observed(true),
        _ => random.reason().and_then(Item::refused),
    }
}

fn legacy(old: &Knock) -> Item<bool> {
    match &old.answer {
        // Codes of MQTT 3.1 section 3.2; every one but 1 comes from a broker that speaks it.
        Answer::Connack { code: 0 | 2 | 4 | 5, .. } => Item::observed(true),
        _ if old.is_turned_away() => Item::observed(true),
        _ if old.is_not_spoken() => Item::observed(false),
        _ => old.reason().and_then(Item::refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denied_in_one_version_is_denied_only_where_the_other_is_denied_or_not_spoken() {
        let denied = Item::observed(MqttAccess::Denied);
        let accepted = Item::observed(MqttAccess::Accepted);
        let silent = Item::timeout("no answer");
        assert_eq!(of_two_versions([(&denied, false), (&accepted, false)]), accepted);
        assert_eq!(of_two_versions([(&silent, false), (&accepted, false)]), accepted);
        assert_eq!(of_two_versions([(&denied, false), (&denied, false)]), denied);
        assert_eq!(of_two_versions([(&silent, true), (&denied, false)]), denied);
        assert_eq!(of_two_versions([(&denied, false), (&silent, true)]), denied);
        assert_eq!(of_two_versions([(&denied, false), (&silent, false)]), silent);
        assert_eq!(of_two_versions([(&silent, true), (&silent, true)]), silent);
    }
}
