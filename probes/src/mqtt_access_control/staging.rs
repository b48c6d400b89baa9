//! Questions for a broker that no live device uses: whether the first identity writes to the
//! broker's own topics, and whether a will of its reaches a topic that it may not write to. Asked
//! only with `params.staging` and `canaryWrite`; both are canaries without payload, never retained.

use std::time::Duration;

use model::evidence::{Item, MqttAccessControlStable};

use super::entrance::{Entrance, Identity};
use super::pair::{Canaries, send_alone};
use super::session::{End, Patience, Session, Subscribed};
use crate::mqtt::codes::{self, Version};
use crate::mqtt::incoming::Message;
use crate::mqtt::outgoing::Retained;

/// Connections that the two wills take, and the first identity that hears one of them, where the broker
/// has ended its session before.
pub(super) const CONNECTIONS: u32 = 3;

/// How long a will may take: brokers publish it as soon as they see that the connection is gone.
pub(super) const WILL: Duration = Duration::from_secs(2);

/// Whether the first identity may write below `$SYS`. A broker that drops what it takes says
/// success, too, so the first listens there itself.
pub(super) async fn sys(first: &mut Session, run: &str, stable: &mut MqttAccessControlStable) {
    if first.version() != Version::V5 {
        let why = "a PUBACK of MQTT 3.1.1 says success for a message that was dropped, too";
        stable.staging_sys_publish = Item::not_attempted(why);
        stable.staging_sys_reason = Item::not_attempted(why);
        return;
    }
    let topic = format!("$SYS/__audit/{run}");
    let mut came = false;
    let mut take = |message: &Message| {
        came |= message.topic == topic.as_bytes();
        false
    };
    let listening = first.subscribe(&topic, Retained::Keep, &mut take).await;
    let sent = send_alone(first, &topic, &mut take).await;
    if sent.is_ok() {
        first.listen(Patience::Quiet, take).await;
    }
    (stable.staging_sys_publish, stable.staging_sys_reason) = sys_said(came, &listening, sent);
}

fn sys_said(
    came: bool,
    listening: &Subscribed,
    sent: Result<Option<u8>, End>,
) -> (Item<bool>, Item<String>) {
    let puback = |code| Item::observed(format!("PUBACK {}", codes::answer(code)));
    if came {
        let reason = "the canary came round to the identity that sent it".to_owned();
        return (Item::observed(true), Item::observed(reason));
    }
    match sent {
        // Where it could not listen there, the code is all there is, and it is about this topic.
        Ok(Some(code @ (0 | 0x10))) if listening.is_denied() => {
            (Item::observed(true), puback(code))
        }
        Ok(Some(code @ (0 | 0x10))) => {
            let why = "PUBACK says success, and the canary did not come round to the identity \
                       that sent it";
            (Item::error(why), puback(code))
        }
        // No right to, and no such topic for clients.
        Ok(Some(code @ (0x87 | 0x90))) => (Item::observed(false), puback(code)),
        Ok(Some(code)) => (Item::refused(codes::answer(code)), puback(code)),
        Ok(None) => (Item::error("the PUBACK has no code"), Item::error("the PUBACK has no code")),
        Err(End::Disconnected(code @ (0x87 | 0x90))) => {
            let reason = format!("DISCONNECT {}", codes::answer(code));
            (Item::observed(false), Item::observed(reason))
        }
        Err(end) => (end.item(), end.item()),
    }
}

/// Whether a will of the first identity reaches the scope of the second. A will that is allowed
/// shows that this broker sends wills at all, without which silence would say nothing.
pub(super) async fn will(
    entrance: &mut Entrance<'_, '_>,
    one: &Identity,
    (first, second): (&mut Session, &mut Session),
    canaries: &Canaries,
    stable: &mut MqttAccessControlStable,
) {
    if stable.publish_outside_scope.value() == Some(&true) {
        let why = "the first identity may write there without a will, too";
        stable.staging_will_delivered = Item::not_attempted(why);
        stable.staging_will_reason = Item::not_attempted(why);
        return;
    }
    let topic = format!("{}/will", canaries.foreign);
    let question = "the first identity, a will in the scope of the second";
    let (foreign, reason) = leave(entrance, one, second, &topic, question).await;
    stable.staging_will_reason = reason;
    stable.staging_will_delivered = match foreign {
        Became::Delivered => Item::observed(true),
        Became::Refused => Item::observed(false),
        Became::Unknown(missing) => missing,
        Became::Silent => {
            // Nothing stands in the way of this one, on a connection of the same kind.
            let topic = format!("{}/will", canaries.own);
            let question = "the first identity, a will in its own scope";
            match leave(entrance, one, first, &topic, question).await.0 {
                Became::Delivered => Item::observed(false),
                Became::Silent | Became::Refused => Item::timeout(
                    "no will was delivered, not even one in the identity's own scope, so it is \
                     not known whether this broker sends any",
                ),
                Became::Unknown(missing) => missing,
            }
        }
    };
}

/// What became of a will.
enum Became {
    /// It came.
    Delivered,
    /// The client was let in with it, and nothing came.
    Silent,
    /// The client was turned away, and the same client without a will was not.
    Refused,
    /// That was not seen.
    Unknown(Item<bool>),
}

/// Connects with a will, goes away without a word, and waits for it. Beside what became of it the
/// code of the CONNACK.
async fn leave(
    entrance: &mut Entrance<'_, '_>,
    one: &Identity,
    listener: &mut Session,
    topic: &str,
    question: &str,
) -> (Became, Item<String>) {
    let listening = listener.subscribe(topic, Retained::Keep, &mut |_: &Message| false).await;
    if !listening.is_granted() {
        let denied = || Item::error("who should hear the will may not listen there");
        let missing = listening.ended.as_ref().map_or_else(denied, End::item);
        return (Became::Unknown(missing), Item::not_attempted("no will was left"));
    }
    let knock = entrance.enter_with_will(question, one, topic).await;
    let (reason, code) = (knock.reason(), knock.code());
    let Some((session, _)) = knock.into_session() else {
        // Not authorized, and topic name invalid, which is about the will alone.
        let became = match code {
            Some(5 | 0x87 | 0x90) => Became::Refused,
            _ => Became::Unknown(reason.clone().and_then(Item::refused)),
        };
        return (became, reason);
    };
    // Without DISCONNECT, which would take the will back.
    drop(session);
    let wanted = |message: &Message| message.topic == topic.as_bytes();
    let became = match listener.listen(Patience::Whole(WILL), wanted).await {
        (true, _) => Became::Delivered,
        (false, None) => Became::Silent,
        (false, Some(end)) => Became::Unknown(end.item()),
    };
    (became, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(code: u8) -> Subscribed {
        Subscribed { suback: Ok(code), found: false, ended: None }
    }

    #[test]
    fn a_canary_below_sys_is_taken_only_where_it_came_round_or_nothing_else_could_show_it() {
        let value =
            |came, suback, sent| sys_said(came, &listening(suback), sent).0.value().copied();
        assert_eq!(value(true, 0, Ok(Some(0))), Some(true));
        assert_eq!(value(false, 0x87, Ok(Some(0))), Some(true));
        assert_eq!(value(false, 0x87, Ok(Some(0x10))), Some(true));
        assert_eq!(value(false, 0, Ok(Some(0))), None, "dropped without a word");
        assert_eq!(value(false, 0, Ok(Some(0x10))), None);
        assert_eq!(value(false, 0, Ok(Some(0x87))), Some(false));
        assert_eq!(value(false, 0, Ok(Some(0x90))), Some(false));
        assert_eq!(value(false, 0, Ok(Some(0x97))), None);
        assert_eq!(value(false, 0, Err(End::Disconnected(0x87))), Some(false));
        assert_eq!(value(false, 0, Err(End::Disconnected(0x8e))), None);
    }
}
