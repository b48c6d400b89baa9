//! What two identities can do to each other, asked with two canaries: one in the scope of the
//! first, which must not reach the second, and one in the scope of the second, which the first must
//! not be able to send.

use std::time::Duration;

use model::evidence::{Item, MqttAccessControlStable, WildcardOutcome};

use tokio::time::timeout;

use super::closing::{self, Owner};
use super::entrance::Entrance;
use super::reading::{EVERYTHING, is_foreign};
use super::session::{End, FORBIDDEN, Patience, Session, Subscribed};
use crate::mqtt::codes::{self, Version};
use crate::mqtt::incoming::{Message, Packet};
use crate::mqtt::outgoing::{self, Retained};
use crate::net::Failure;

/// How long to wait for a PUBACK: far longer than a round trip, and far shorter than a connection
/// may live, which is needed for what comes after.
pub(super) const PUBACK: Duration = Duration::from_secs(3);

/// Topics of the two canaries.
pub(super) struct Canaries {
    /// In the scope of the first identity, which sends both.
    pub own: String,
    /// In the scope of the second.
    pub foreign: String,
    /// The scope of the second.
    pub own_scope: String,
}

/// What came to an identity of the two canaries, and of everybody else.
#[derive(Debug, Default, Clone, Copy)]
struct Came {
    own: bool,
    foreign: bool,
    others: bool,
}

impl Came {
    fn take(&mut self, message: &Message, canaries: &Canaries) {
        self.own |= message.topic == canaries.own.as_bytes();
        self.foreign |= message.topic == canaries.foreign.as_bytes();
        self.others |= is_foreign(&message.topic, Some(&canaries.own_scope))
            && message.topic != canaries.own.as_bytes();
    }
}

/// Sends both canaries and watches who gets them. `owner` is the second identity, for the case that
/// its session ends, and `wildcard` is how long it also listens to everything, where that is asked as a
/// declared credential.
pub(super) async fn observe(
    entrance: &mut Entrance<'_, '_>,
    owner: Option<Owner<'_>>,
    (first, second): (&mut Session, &mut Session),
    canaries: &Canaries,
    wildcard: Option<Duration>,
    stable: &mut MqttAccessControlStable,
) {
    let mut at_second = Came::default();
    let mut take = |message: &Message| {
        at_second.take(message, canaries);
        false
    };
    let mut forbidden = second.subscribe(&canaries.own, Retained::Keep, &mut take).await;
    if let (true, Some(owner)) = (forbidden.is_closed(), owner)
        && entrance.door.left() > closing::AFTER
        && let Some(again) = closing::again(entrance, owner, 1).await
    {
        *second = again;
        forbidden = Subscribed::forbidden();
    }
    let allowed = second.subscribe(&canaries.foreign, Retained::Keep, &mut take).await;
    // A grant that was silent is all that it can tell more about.
    let silent = stable.wildcard_outcome.value() == Some(&WildcardOutcome::GrantedSilent);
    let everything = match wildcard {
        Some(_) if silent => Some(second.subscribe(EVERYTHING, Retained::Keep, &mut take).await),
        _ => None,
    };

    let mut at_first = Came::default();
    let mut take = |message: &Message| {
        at_first.take(message, canaries);
        false
    };
    let control = first.subscribe(&canaries.own, Retained::Keep, &mut take).await;
    let mut own = send(first, &canaries.own, &mut at_first, canaries).await;
    // Where a broker has no words to refuse, it must not be the second message that it closes at.
    if own.is_ok() && first.version() != Version::V5 {
        own = send(first, &canaries.own, &mut at_first, canaries).await;
    }
    let foreign = match own {
        Ok(_) => send(first, &canaries.foreign, &mut at_first, canaries).await,
        Err(_) => Err(None),
    };
    first
        .listen(Patience::Quiet, |message| {
            at_first.take(message, canaries);
            false
        })
        .await;
    let patience = wildcard.map_or(Patience::Quiet, Patience::Whole);
    let (_, ended) = second
        .listen(patience, |message| {
            at_second.take(message, canaries);
            false
        })
        .await;

    let foreign = match foreign {
        Err(Some(end)) if end.is_end() && first.version() != Version::V5 && at_first.own => {
            // The second one's connection stands, so the broker does, and may have sent it the canary.
            let stands = second.settle(&mut |message| at_second.take(message, canaries)).await;
            Err(Some(stands.map_or(end, |()| End::Forbidden)))
        }
        other => other,
    };

    (stable.cross_device_delivered, stable.cross_device_reason) =
        crossed(at_first, at_second, &control, &forbidden, ended.as_ref());
    (stable.publish_outside_scope, stable.publish_reason) =
        outside(first.version(), at_second, &allowed, foreign);
    if let Some(everything) = everything {
        filtered(at_first, at_second, &everything, &forbidden, ended.as_ref(), stable);
    }
}

/// Sends a canary; its code, or why there is none: the end of the session, or no answer.
async fn send(
    session: &mut Session,
    topic: &str,
    came: &mut Came,
    canaries: &Canaries,
) -> Result<Option<u8>, Option<End>> {
    let mut take = |message: &Message| {
        came.take(message, canaries);
        false
    };
    send_alone(session, topic, &mut take).await.map_err(Some)
}

/// The same, where messages are somebody else's to look at.
pub(super) async fn send_alone(
    session: &mut Session,
    topic: &str,
    take: &mut impl FnMut(&Message) -> bool,
) -> Result<Option<u8>, End> {
    session.settle(&mut |message| _ = take(message)).await?;
    let asked = session.new_id();
    session.send(&outgoing::canary(session.version(), asked, topic)).await?;
    let answer = async {
        loop {
            match session.next().await? {
                Packet::Puback { id, code } if id == asked => return Ok(code),
                Packet::Publish(message) => _ = take(&message),
                _ => {}
            }
        }
    };
    // Some brokers drop what is not allowed and say nothing.
    let late = |_| Err(End::Stream(Failure::AnswerTimeout(PUBACK).into()));
    timeout(PUBACK, answer).await.unwrap_or_else(late)
}

/// Whether the second identity got the first one's canary, and what decided it: no only where the first
/// got it, or the second may not listen there.
fn crossed(
    at_first: Came,
    at_second: Came,
    control: &Subscribed,
    forbidden: &Subscribed,
    ended: Option<&End>,
) -> (Item<bool>, Item<String>) {
    let decided = |crossed: bool, why: String| (Item::observed(crossed), Item::observed(why));
    if at_second.own {
        return decided(true, "the canary came to the second identity".to_owned());
    }
    if forbidden.is_denied() {
        return decided(false, forbidden.refusal());
    }
    if at_first.own && ended.is_none() && forbidden.is_granted() {
        let why = "the second identity listened there, and the canary came to the first one alone";
        return decided(false, why.to_owned());
    }
    let end = ended.or(forbidden.ended.as_ref()).or(control.ended.as_ref());
    match end {
        Some(end) => (end.item(), end.item()),
        None => {
            let why = "the first identity did not receive its own canary, so it is not known \
                       whether it went through";
            (Item::error(why), Item::error(why))
        }
    }
}

/// Whether the canary in the second one's scope was taken, and what decided it.
fn outside(
    version: Version,
    at_second: Came,
    allowed: &Subscribed,
    sent: Result<Option<u8>, Option<End>>,
) -> (Item<bool>, Item<String>) {
    let puback = |code| format!("PUBACK {}", codes::answer(code));
    if at_second.foreign {
        let reason = "the canary came round to the second identity".to_owned();
        return (Item::observed(true), Item::observed(reason));
    }
    match sent {
        // Success, and yet the second identity listened there and got nothing: the broker may
        // have dropped it without saying so.
        Ok(Some(0)) if allowed.is_granted() => {
            let why = "PUBACK says success, and the canary did not come round to the second \
                       identity, which listened there";
            (Item::error(why), Item::observed(puback(0)))
        }
        Ok(Some(code @ (0 | 0x10))) => (Item::observed(true), Item::observed(puback(code))),
        Ok(Some(code @ 0x87)) => (Item::observed(false), Item::observed(puback(code))),
        Ok(Some(code)) => (Item::refused(puback(code)), Item::observed(puback(code))),
        Err(Some(End::Disconnected(code @ 0x87))) => {
            let reason = format!("DISCONNECT {}", codes::answer(code));
            (Item::observed(false), Item::observed(reason))
        }
        Err(Some(End::Forbidden)) => (Item::observed(false), Item::observed(FORBIDDEN.to_owned())),
        Ok(None) => {
            let why = format!(
                "a PUBACK of MQTT {} says success for a message that was dropped, too, and the \
                 canary did not come round",
                version.as_str()
            );
            (Item::not_attempted(&why), Item::not_attempted(why))
        }
        Err(Some(end)) => (end.item(), end.item()),
        Err(None) => {
            let why = "the first identity could not send a canary in its own scope";
            (Item::error(why), Item::error(why))
        }
    }
}

/// A subscription to everything that was granted and silent before: filtered where the canary went
/// through and was kept from it.
fn filtered(
    at_first: Came,
    at_second: Came,
    everything: &Subscribed,
    forbidden: &Subscribed,
    ended: Option<&End>,
    stable: &mut MqttAccessControlStable,
) {
    let silent = stable.wildcard_outcome.value() == Some(&WildcardOutcome::GrantedSilent);
    if !silent || !everything.is_granted() || ended.is_some() {
        return;
    }
    // Through which of its subscriptions the canary came is not said.
    let through_everything = at_second.own && !forbidden.is_granted();
    if at_second.others || through_everything {
        stable.wildcard_outcome = Item::observed(WildcardOutcome::Delivered);
        stable.wildcard_foreign_delivered = Item::observed(true);
    } else if at_first.own && !at_second.own {
        stable.wildcard_outcome = Item::observed(WildcardOutcome::GrantedFiltered);
        stable.wildcard_foreign_delivered = Item::observed(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Came = Came { own: false, foreign: false, others: false };
    const OWN: Came = Came { own: true, ..NOTHING };
    const FOREIGN: Came = Came { foreign: true, ..NOTHING };

    fn granted() -> Subscribed {
        Subscribed { suback: Ok(0), found: false, ended: None }
    }

    fn denied(code: u8) -> Subscribed {
        Subscribed { suback: Ok(code), ..granted() }
    }

    #[test]
    fn silence_keeps_devices_apart_only_where_the_canary_went_through() {
        let said = |at_first, at_second, forbidden: &Subscribed, ended: Option<&End>| {
            crossed(at_first, at_second, &granted(), forbidden, ended).0.value().copied()
        };
        assert_eq!(said(OWN, OWN, &granted(), None), Some(true));
        assert_eq!(said(NOTHING, OWN, &denied(0x87), None), Some(true), "delivery decides");
        assert_eq!(said(OWN, NOTHING, &granted(), None), Some(false));
        assert_eq!(said(NOTHING, NOTHING, &denied(0x87), None), Some(false));
        assert_eq!(said(NOTHING, NOTHING, &granted(), None), None, "nobody saw the canary");
        assert_eq!(said(OWN, NOTHING, &granted(), Some(&End::Messages)), None);
        assert_eq!(said(OWN, NOTHING, &denied(0x97), None), None, "over quota is no right");
        assert_eq!(said(NOTHING, NOTHING, &Subscribed::forbidden(), None), Some(false));
    }

    #[test]
    fn a_canary_in_a_foreign_scope_is_taken_by_its_delivery_or_by_a_code_that_cannot_hide_a_drop() {
        let said = |at_second, allowed: &Subscribed, sent| {
            outside(Version::V5, at_second, allowed, sent).0.value().copied()
        };
        assert_eq!(said(FOREIGN, &granted(), Ok(None)), Some(true));
        assert_eq!(said(NOTHING, &granted(), Ok(Some(0))), None, "dropped without a word");
        assert_eq!(said(NOTHING, &denied(0x87), Ok(Some(0))), Some(true));
        assert_eq!(said(NOTHING, &granted(), Ok(Some(0x10))), Some(true));
        assert_eq!(said(NOTHING, &granted(), Ok(Some(0x87))), Some(false));
        assert_eq!(said(NOTHING, &granted(), Err(Some(End::Disconnected(0x87)))), Some(false));
        assert_eq!(said(NOTHING, &granted(), Err(Some(End::Unasked(0x87)))), None, "not asked");
        assert_eq!(said(NOTHING, &granted(), Err(Some(End::Forbidden))), Some(false));
        assert_eq!(said(FOREIGN, &granted(), Err(Some(End::Forbidden))), Some(true));
        let closed = || End::Stream(Failure::Closed.into());
        assert_eq!(said(NOTHING, &granted(), Err(Some(closed()))), None, "a close alone");
        assert_eq!(said(NOTHING, &granted(), Ok(Some(0x97))), None);
        assert_eq!(said(NOTHING, &granted(), Ok(None)), None, "MQTT 3.1.1");
        assert_eq!(said(NOTHING, &granted(), Err(None)), None);
    }
}
