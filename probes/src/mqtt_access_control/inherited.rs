//! Whether a session goes to whoever names its client id: the second identity leaves a session in
//! which the broker keeps a canary for it, and the first comes with the same client id, which the
//! probe made up for this alone. Asked only with `params.staging` and `canaryWrite`.

use std::time::Duration;

use model::evidence::{Item, MqttAccess, MqttAccessControlStable};

use super::door::{Answer, Knock};
use super::entrance::{Entrance, Identity};
use super::pair::{Canaries, send_alone};
use super::session::{Patience, Session};
use crate::mqtt::client_id;
use crate::mqtt::codes::Version;
use crate::mqtt::incoming::Message;
use crate::mqtt::outgoing::{Retained, Stay, Surety};

/// Connections that this takes: the second identity leaves a session, comes back for it, the first
/// comes, and one or both take away what is kept for them.
pub(super) const CONNECTIONS: u32 = 5;

/// Nothing of it, for this reason.
pub(super) fn unseen(stable: &mut MqttAccessControlStable, reason: &str) {
    stable.staging_session_resumed = Item::not_attempted(reason);
    stable.staging_session_delivered = Item::not_attempted(reason);
    stable.staging_session_reason = Item::not_attempted(reason);
}

/// Asks it, and leaves no session behind as far as the broker lets it.
pub(super) async fn observe(
    entrance: &mut Entrance<'_, '_>,
    (one, other): (&Identity, &Identity),
    canaries: &Canaries,
    listen: Duration,
    stable: &mut MqttAccessControlStable,
) {
    let session =
        Left { client_id: client_id(), topic: format!("{}/session", canaries.foreign), listen };
    match session.leave(entrance, other).await {
        Err(missing) => {
            stable.staging_session_resumed = missing.clone();
            stable.staging_session_reason = missing.clone().map(|_| String::new());
            stable.staging_session_delivered = missing;
        }
        Ok(()) => {
            let met = session.take(entrance, one).await;
            stable.staging_session_resumed = met.resumed;
            stable.staging_session_delivered = met.delivered;
            stable.staging_session_reason = met.reason;
            // A session of MQTT 5 has ended with its connection.
            if met.was_let_in && entrance.version != Version::V5 {
                session.forget(entrance, "the first identity", one).await;
            }
        }
    }
    session.forget(entrance, "the second identity", other).await;
}

/// A session that is left on a broker.
struct Left {
    client_id: String,
    /// Where the canary goes, in the scope of the second identity.
    topic: String,
    listen: Duration,
}

/// What the first identity met.
struct Met {
    resumed: Item<bool>,
    delivered: Item<bool>,
    reason: Item<String>,
    was_let_in: bool,
}

impl Left {
    /// The second identity leaves a session with a canary in it that it was sent and did not
    /// acknowledge, so that the broker has to keep it, and comes back for it once: without that,
    /// what the first identity meets would say nothing.
    async fn leave(
        &self,
        entrance: &mut Entrance<'_, '_>,
        other: &Identity,
    ) -> Result<(), Item<bool>> {
        let question = "the second identity, a session to come back for";
        let knock = entrance.enter_to_stay(question, other, &self.client_id, Stay::Kept).await;
        let mut session = let_in(knock)?;
        let sent = self.fill(&mut session).await;
        session.end().await;
        sent?;

        let question = "the second identity again, for the session that it left";
        let knock = entrance.enter_to_stay(question, other, &self.client_id, Stay::Kept).await;
        let resumed = knock.is_resumed();
        let mut session = let_in(knock)?;
        let came = self.comes(&mut session).await;
        session.end().await;
        match (came?, resumed) {
            (true, true) => Ok(()),
            _ => Err(Item::error(
                "the broker did not give the second identity its own session back, so what it \
                 gives to others was not seen",
            )),
        }
    }

    /// Subscribes, and has the canary come.
    async fn fill(&self, session: &mut Session) -> Result<(), Item<bool>> {
        let mut came = false;
        let mut take = |message: &Message| {
            came |= message.topic == self.topic.as_bytes();
            came
        };
        let (keep, surety) = (Retained::Keep, Surety::AtLeastOnce);
        let subscribed = session.subscribe_for(&self.topic, keep, surety, &mut take).await;
        match subscribed.suback {
            Ok(1 | 2) => {}
            Ok(code) => {
                return Err(Item::error(format!(
                    "the second identity's subscription in its own scope was not granted with QoS 1: {}",
                    crate::mqtt::codes::suback(code)
                )));
            }
            Err(end) => return Err(end.item()),
        }
        send_alone(session, &self.topic, &mut take).await.map_err(|end| end.item())?;
        match came || self.comes(session).await? {
            true => Ok(()),
            false => Err(Item::error(
                "the second identity did not receive its own canary, so it is not known whether \
                 it went through",
            )),
        }
    }

    /// The first identity comes with the client id.
    async fn take(&self, entrance: &mut Entrance<'_, '_>, one: &Identity) -> Met {
        let question = "the first identity, for the session that the second left";
        let knock = entrance.enter_to_stay(question, one, &self.client_id, Stay::Resumed).await;
        let (access, reason) = (knock.access(), knock.reason());
        // Identifier rejected and client identifier not valid are about nothing else here.
        let rejected = matches!(knock.answer, Answer::Connack { code: 2 | 0x85, .. });
        let resumed = knock.is_resumed();
        let Some((mut session, _)) = knock.into_session() else {
            let denied = rejected || access.value() == Some(&MqttAccess::Denied);
            let kept_out = if denied { Item::observed(false) } else { access.map(|_| false) };
            return Met {
                resumed: kept_out.clone(),
                delivered: kept_out,
                reason,
                was_let_in: false,
            };
        };
        let delivered = match self.comes(&mut session).await {
            Ok(came) => Item::observed(came),
            Err(missing) => missing,
        };
        session.end().await;
        Met { resumed: Item::observed(resumed), delivered, reason, was_let_in: true }
    }

    /// Whether the canary comes. Whoever is let in to a session gets what is kept in it at once;
    /// the answer to a PINGREQ tells that the broker has come to it.
    async fn comes(&self, session: &mut Session) -> Result<bool, Item<bool>> {
        let mut came = false;
        let mut take = |message: &Message| came |= message.topic == self.topic.as_bytes();
        session.settle(&mut take).await.map_err(|end| end.item())?;
        if came {
            return Ok(true);
        }
        let wanted = |message: &Message| message.topic == self.topic.as_bytes();
        match session.listen(Patience::Whole(self.listen), wanted).await {
            (came, None) => Ok(came),
            (_, Some(end)) => Err(end.item()),
        }
    }

    /// A new session with this client id takes away the one that was kept.
    async fn forget(&self, entrance: &mut Entrance<'_, '_>, who: &str, identity: &Identity) {
        let question = format!("{who}, to end the session that was left");
        entrance.enter(&question, identity, &self.client_id).await.leave().await;
    }
}

fn let_in(knock: Knock) -> Result<Session, Item<bool>> {
    let (access, reason) = (knock.access(), knock.reason());
    match knock.into_session() {
        Some((session, _)) => Ok(session),
        None if access.value().is_none() => Err(access.map(|_| false)),
        None => Err(reason.and_then(|code| {
            Item::error(format!(
                "the second identity was not let in with another client id: {code}"
            ))
        })),
    }
}
