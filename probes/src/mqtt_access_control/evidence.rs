//! The document before anything was seen, and the parts of it that were left out, each with the reason.

use model::evidence::{Item, MqttAccessControlStable, MqttAccessControlVolatile};

use super::inherited;

/// Nothing seen, for one reason.
pub(super) fn unseen(reason: &str) -> (MqttAccessControlStable, MqttAccessControlVolatile) {
    let nobody = "nobody was let in whose rights could be looked at";
    let stable = MqttAccessControlStable {
        endpoint_protocol: Item::not_attempted(reason),
        endpoint_address: Item::not_attempted(reason),
        endpoint_tls: Item::not_attempted(reason),
        tls_client_certificate: Item::not_attempted(reason),
        halted: Item::not_attempted(reason),
        anonymous_access: Item::not_attempted(reason),
        anonymous_v5_access: Item::not_attempted(reason),
        anonymous_v5_reason: Item::not_attempted(reason),
        anonymous_v311_access: Item::not_attempted(reason),
        anonymous_v311_reason: Item::not_attempted(reason),
        random_access: Item::not_attempted(reason),
        random_reason: Item::not_attempted(reason),
        plain_password_checked: Item::not_attempted(reason),
        empty_client_id_access: Item::not_attempted(reason),
        empty_client_id_reason: Item::not_attempted(reason),
        legacy31_spoken: Item::not_attempted(reason),
        legacy31_reason: Item::not_attempted(reason),
        limits_announced: Item::not_attempted("no CONNACK of MQTT 5 let the probe in"),
        limits_effective: Item::not_attempted("no CONNACK of MQTT 5 let the probe in"),
        read_as: Item::not_attempted(nobody),
        wildcard_outcome: Item::not_attempted(nobody),
        wildcard_reason: Item::not_attempted(nobody),
        wildcard_foreign_delivered: Item::not_attempted(nobody),
        retained_foreign_delivered: Item::not_attempted(nobody),
        sys_delivered: Item::not_attempted(nobody),
        sys_version_disclosed: Item::not_attempted(nobody),
        credential_access: Item::not_attempted(reason),
        credential_reason: Item::not_attempted(reason),
        publish_outside_scope: Item::not_attempted(reason),
        publish_reason: Item::not_attempted(reason),
        cross_device_delivered: Item::not_attempted(reason),
        cross_device_reason: Item::not_attempted(reason),
        client_id_bound: Item::not_attempted(reason),
        client_id_reason: Item::not_attempted(reason),
        identity_login: Item::not_attempted(reason),
        oracle_tells: Item::not_attempted(reason),
        oracle_unknown: Item::not_attempted(reason),
        oracle_known: Item::not_attempted(reason),
        defaults_listed: Item::not_attempted(reason),
        defaults_accepted: Item::not_attempted(reason),
        defaults_reason: Item::not_attempted(reason),
        defaults_credential: Item::not_attempted(reason),
        staging_asked: Item::not_attempted(reason),
        staging_sys_publish: Item::not_attempted(reason),
        staging_sys_reason: Item::not_attempted(reason),
        staging_will_delivered: Item::not_attempted(reason),
        staging_will_reason: Item::not_attempted(reason),
        staging_session_resumed: Item::not_attempted(reason),
        staging_session_delivered: Item::not_attempted(reason),
        staging_session_reason: Item::not_attempted(reason),
        ws_browsers: Item::not_attempted(reason),
        ws_foreign_origin: Item::not_attempted(reason),
        connections: Item::observed(0),
    };
    let volatile = MqttAccessControlVolatile {
        asked: Item::observed(Vec::new()),
        messages: Item::observed(Vec::new()),
        messages_read: Item::observed(0),
    };
    (stable, volatile)
}

/// Nothing that takes an identity.
pub(super) fn unseen_of_identities(stable: &mut MqttAccessControlStable, reason: &str) {
    stable.credential_access = Item::not_attempted(reason);
    stable.credential_reason = Item::not_attempted(reason);
    stable.oracle_tells = Item::not_attempted(reason);
    stable.oracle_unknown = Item::not_attempted(reason);
    stable.oracle_known = Item::not_attempted(reason);
    unseen_of_staging(stable, reason);
    unseen_of_pair(stable, reason);
}

/// Nothing that only a broker without live devices is asked.
pub(super) fn unseen_of_staging(stable: &mut MqttAccessControlStable, reason: &str) {
    stable.staging_sys_publish = Item::not_attempted(reason);
    stable.staging_sys_reason = Item::not_attempted(reason);
    stable.staging_will_delivered = Item::not_attempted(reason);
    stable.staging_will_reason = Item::not_attempted(reason);
    inherited::unseen(stable, reason);
}

/// Nothing that takes both identities.
pub(super) fn unseen_of_pair(stable: &mut MqttAccessControlStable, reason: &str) {
    unseen_of_canaries(stable, reason);
    stable.client_id_bound = Item::not_attempted(reason);
    stable.client_id_reason = Item::not_attempted(reason);
}

/// Nothing that canaries show.
pub(super) fn unseen_of_canaries(stable: &mut MqttAccessControlStable, reason: &str) {
    stable.publish_outside_scope = Item::not_attempted(reason);
    stable.publish_reason = Item::not_attempted(reason);
    stable.cross_device_delivered = Item::not_attempted(reason);
    stable.cross_device_reason = Item::not_attempted(reason);
}
