//! The probe of `mqtt_access_control`: whom a broker lets in, and what they may read and write.
//!
//! It is safe by what it can say at all. Client ids are made up (or declared for the purpose),
//! sessions end with their connections but for one that is made to be come back for, a canary has no payload and is never retained, nothing is
//! written unless `canaryWrite` is allowed, and a will, which is a canary too, is left only on a
//! broker that is declared to be one for tests. Declared credentials go over
//! TLS to a broker that has proved who it is, and nowhere else. A broker that says banned or
//! connection rate exceeded is left alone at once.

use std::time::Duration;

use model::evidence::{
    Evidence, Item, MqttAccessControl, MqttAccessControlStable, MqttAccessControlVolatile,
};
use model::request::{CheckRequest, Inputs};

use crate::Context;
use crate::net::{Dialer, Limits};

mod client_id;
mod closing;
mod declared;
mod door;
mod end;
mod entrance;
mod evidence;
mod identities;
mod inherited;
mod line;
mod logins;
mod origin;
mod pace;
mod pair;
mod reading;
mod session;
mod settings;
mod staging;
mod strangers;

use door::Door;
use reading::Seen;
use settings::Settings;

/// Connections that one document may cost, beside what [`MORE_CONNECTIONS`] says.
pub const MAX_CONNECTIONS: u32 = 12;

/// Connections more where everything is asked that is asked for by name: three default credentials,
/// two wills and who hears them, and a session that is come back for.
pub const MORE_CONNECTIONS: u32 =
    settings::MAX_DEFAULTS as u32 + staging::CONNECTIONS + inherited::CONNECTIONS;

/// Bytes that are read over one connection.
const MAX_BYTES: u64 = 256 * 1024;

/// Time that a session may take beside what it listens: its subscriptions, with the quiet after
/// each.
const ASKING: Duration = Duration::from_secs(5);

/// Longest name of a run that is sent, in bytes.
const MAX_RUN: usize = 64;

/// Collects one document of `mqtt_access_control.v1`.
pub async fn collect(context: &Context, request: &CheckRequest) -> Evidence {
    let observe = observe(context, request);
    crate::document::<MqttAccessControl>(context, request, observe).await
}

async fn observe(
    context: &Context,
    request: &CheckRequest,
) -> (MqttAccessControlStable, MqttAccessControlVolatile) {
    let Inputs::Endpoint { endpoint, trust, credentials } = &request.inputs else {
        return evidence::unseen("this check was planned without an endpoint");
    };
    let settings = match Settings::new(&request.params) {
        Ok(settings) => settings,
        Err(reason) => return evidence::unseen(&reason),
    };
    let (mut stable, mut volatile) = evidence::unseen("not asked");
    stable.endpoint_protocol = Item::observed(endpoint.protocol.as_str().to_owned());
    stable.endpoint_address = Item::observed(endpoint.address());
    stable.endpoint_tls = Item::observed(endpoint.protocol.is_tls());

    let limits = Limits::new(&request.policy, MAX_CONNECTIONS + settings.more_connections());
    let patience = limits.connect + limits.answer;
    let waiting = pair::PUBACK * 2 + client_id::TAKEOVER * 3 + settings.staging_time();
    let answer = patience + ASKING + waiting + settings.listen * 2 + settings.interval * 4;
    let dialer = Dialer::new(endpoint, Limits { answer, bytes: MAX_BYTES, ..limits });
    let mut door = Door::new(endpoint, dialer, settings.interval, patience);
    let mut seen = Seen::default();
    let run = run_name(&context.run.0);

    let lessons =
        strangers::observe(&mut door, endpoint, &settings, &run, &mut stable, &mut seen).await;
    let declared =
        identities::Declared { context, endpoint, trust, credentials, settings: &settings };
    declared.observe(&mut door, &request.policy, &lessons, &run, &mut stable, &mut seen).await;

    stable.halted = Item::observed(door.is_halted());
    stable.connections = Item::observed(door.opened());
    volatile.asked = Item::observed(door.asked);
    volatile.messages = Item::observed(seen.messages);
    volatile.messages_read = Item::observed(seen.count);
    (stable, volatile)
}

/// The run as it may stand in a topic and in a broker's log.
fn run_name(run: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    run.chars().filter(is_plain).take(MAX_RUN).collect()
}

#[cfg(test)]
mod tests;
