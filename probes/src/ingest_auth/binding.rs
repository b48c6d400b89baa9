//! Whether a device can write in the name of another: the same canary under two ids of the owner's,
//! with the credential of one of them. Only where writing is allowed.

use std::collections::BTreeMap;

use model::evidence::{DeviceBinding, IngestAuthStable, Item};
use serde_json::Value;

use super::credential::Presented;
use super::edge::{Edge, Place, Way};
use super::intake::taken;
use super::question::{Question, shown};

/// Longest id of a device, in bytes.
const MAX_ID: usize = 128;

/// Two devices of the owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Devices {
    /// The one that the endpoint's own credential stands for.
    pub own: String,
    /// One that it does not stand for.
    pub other: String,
}

impl Devices {
    /// The devices that parameters name; a sentence if they name one, or one twice, or something
    /// that could stand for more than itself in a message.
    pub fn read(params: &BTreeMap<String, Value>) -> Result<Option<Self>, String> {
        let id = |name: &str| match params.get(name) {
            None => Ok(None),
            Some(Value::String(id)) if is_id(id) => Ok(Some(id.clone())),
            Some(other) => Err(format!(
                "`params.{name}` must be 1-{MAX_ID} letters, digits and `-_.:@/`, found {}",
                shown(other)
            )),
        };
        match (id("deviceId")?, id("otherDeviceId")?) {
            (None, None) => Ok(None),
            (Some(own), Some(other)) if own != other => Ok(Some(Self { own, other })),
            (Some(_), Some(_)) => {
                Err("`params.otherDeviceId` must be another device than `params.deviceId`".into())
            }
            _ => Err("`params.deviceId` and `params.otherDeviceId` belong together".to_owned()),
        }
    }
}

fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:@/".contains(&b);
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(plain)
}

/// Sends both canaries, where two devices are named and writing is allowed.
pub async fn ask(
    stable: &mut IngestAuthStable,
    edge: &mut Edge<'_>,
    question: &Question,
    credential: &Result<Presented, String>,
) {
    let asked = match (&question.devices, question.may_write, credential) {
        (None, ..) => {
            Err("`params.deviceId` and `params.otherDeviceId` name no devices".to_owned())
        }
        (_, false, _) => Err("`probePolicy.allow` does not name `canaryWrite`".to_owned()),
        (_, _, Err(reason)) => Err(reason.clone()),
        (Some(devices), true, Ok(credential)) => Ok((devices, credential)),
    };
    stable.device_binding_declared =
        Item::observed(question.devices.is_some() && question.may_write);
    let unasked = |stable: &mut IngestAuthStable, reason: &str| {
        stable.device_binding_outcome = Item::not_attempted(reason);
        stable.device_binding_other = Item::not_attempted(reason);
    };
    let (devices, credential) = match asked {
        Ok(asked) => asked,
        Err(reason) => {
            stable.device_binding_own = Item::not_attempted(&reason);
            return unasked(stable, &reason);
        }
    };
    let own = write(edge, question, credential, &devices.own).await;
    stable.device_binding_own = own.clone();
    // Where a device cannot write for itself, that it cannot for another says nothing.
    if !matches!(own.value(), Some(200..=299)) {
        return unasked(stable, "the canary under the credential's own id was not taken");
    }
    let other = write(edge, question, credential, &devices.other).await;
    stable.device_binding_outcome = other.clone().and_then(outcome);
    stable.device_binding_other = other;
}

async fn write(
    edge: &mut Edge<'_>,
    question: &Question,
    credential: &Presented,
    device: &str,
) -> Item<u16> {
    let message = question.message_of(device);
    let request = question.saying(&message);
    match edge.present(&request, credential, Place::Header, Way::Head).await {
        Ok(reply) => taken(reply),
        Err(reason) => Item::not_attempted(reason),
    }
}

/// What a status says of the canary under the other's id, where the same under the own id was taken.
fn outcome(status: u16) -> Item<DeviceBinding> {
    match status {
        200..=299 => Item::observed(DeviceBinding::NotBound),
        400 | 401 | 403 | 422 => Item::observed(DeviceBinding::Bound),
        _ => Item::error(format!("{status} does not say whether the other id was the reason")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_decides_only_what_it_says() {
        use DeviceBinding::{Bound, NotBound};
        for (status, expected) in [
            (200, Some(NotBound)),
            (202, Some(NotBound)),
            (401, Some(Bound)),
            (403, Some(Bound)),
            (422, Some(Bound)),
            (302, None),
            (404, None),
            (409, None),
            (429, None),
            (500, None),
        ] {
            assert_eq!(outcome(status).value().copied(), expected, "{status}");
        }
    }

    #[test]
    fn two_devices_are_named_or_none() {
        let read =
            |params: Value| Devices::read(&serde_json::from_value(params).expect("parameters"));
        assert_eq!(read(json!({})), Ok(None));
        let both = read(json!({"deviceId": "a:1", "otherDeviceId": "b"}));
        assert_eq!(both, Ok(Some(Devices { own: "a:1".to_owned(), other: "b".to_owned() })));
        for wrong in [
            json!({"deviceId": "a"}),
            json!({"otherDeviceId": "a"}),
            json!({"deviceId": "a", "otherDeviceId": "a"}),
            json!({"deviceId": "a", "otherDeviceId": "b\",\"x\":\""}),
            json!({"deviceId": "", "otherDeviceId": "b"}),
            json!({"deviceId": 7, "otherDeviceId": "b"}),
            json!({"deviceId": "a".repeat(129), "otherDeviceId": "b"}),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
