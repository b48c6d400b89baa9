//! What somebody who was let in can read. Decided by messages that are delivered, never by a SUBACK
//! alone; each question ends with the first message that answers it.

use std::time::Duration;

use model::Digest;
use model::evidence::{DeliveredMessage, Item, MqttAccessControlStable, WildcardOutcome};

use super::session::{End, FORBIDDEN, Patience, Session, Subscribed};
use super::settings::in_scope;
use crate::mqtt::codes;
use crate::mqtt::incoming::Message;
use crate::mqtt::outgoing::Retained;

/// Filters that take the topics of one level, of two, and of all the others: each is asked for
/// alone, so that a broker sends no more of what it keeps than it must.
const BY_LEVEL: [&str; 3] = ["+", "+/+", "+/+/#"];

/// Everything that is no topic of the broker's own.
pub(super) const EVERYTHING: &str = "#";

/// The broker's own topics, by a custom that most brokers follow.
const SYS: &str = "$SYS/#";

/// Messages that are kept for the reader of the evidence.
const KEPT: usize = 16;

/// Messages that decided something, without what they say.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The first of them.
    pub messages: Vec<DeliveredMessage>,
    /// Messages that came in all.
    pub count: u32,
}

impl Seen {
    fn keep(&mut self, message: &Message) {
        if self.messages.len() < KEPT {
            self.messages.push(DeliveredMessage {
                topic: Digest::of_bytes(&message.topic),
                payload_bytes: message.payload_bytes as u64,
                retained: message.retained,
            });
        }
    }
}

/// True for a topic that this client has no business with: outside its scope, and none of the
/// broker's own, which begin with `$`. Nobody's scope holds nothing.
pub(super) fn is_foreign(topic: &[u8], scope: Option<&str>) -> bool {
    !topic.starts_with(b"$") && !scope.is_some_and(|scope| in_scope(topic, scope))
}

/// Asks what this session can read, and fills in the items.
pub(super) async fn read(
    session: &mut Session,
    scope: Option<&str>,
    retain_available: Option<bool>,
    listen: Duration,
    stable: &mut MqttAccessControlStable,
    seen: &mut Seen,
) {
    let mut foreign = false;
    let mut retained = false;
    let mut looks = Vec::new();
    for filter in BY_LEVEL {
        let look = session
            .look(filter, Retained::Send, Patience::Quiet, |message| {
                if is_foreign(&message.topic, scope) && !(foreign && retained) {
                    foreign = true;
                    retained |= message.retained;
                    seen.keep(message);
                }
                message.retained && is_foreign(&message.topic, scope)
            })
            .await;
        looks.push(look);
        if retained || looks.last().is_some_and(|look| look.ended.is_some()) {
            break;
        }
    }
    stable.retained_foreign_delivered = decided(
        retained,
        retain_available == Some(false) || looks.iter().all(Subscribed::is_denied),
        &looks,
        "the subscriptions were granted and brought no foreign message that the broker had kept; \
         one of more than 1024 bytes would have been withheld",
    );

    // A foreign topic has come already: a second one would prove nothing more.
    let all = match foreign {
        true => looks.iter().find(|look| look.is_granted()).cloned(),
        false => {
            let (came, all) = everything(session, scope, listen, seen).await;
            foreign = came;
            Some(all)
        }
    };
    if let Some(all) = all {
        wildcard(foreign, &all, stable);
    }

    let mut version = false;
    let mut sys = false;
    let look = session
        .look(SYS, Retained::Send, Patience::Quiet, |message| {
            if message.topic.starts_with(b"$SYS/") {
                sys = true;
                version |= message.topic.ends_with(b"/version") && message.payload_bytes > 0;
            }
            sys && version
        })
        .await;
    let denied = look.is_denied();
    let looks = [look];
    stable.sys_delivered =
        decided(sys, denied, &looks, "the subscription was granted and brought nothing");
    stable.sys_version_disclosed =
        decided(version, denied, &looks, "the subscription was granted and brought no version");
    if sys && !version && looks[0].ended.is_none() {
        stable.sys_version_disclosed = Item::observed(false);
    }
    seen.count += session.messages();
}

/// Subscribes to everything, and listens: whether something foreign came, and what became of the
/// subscription.
pub(super) async fn everything(
    session: &mut Session,
    scope: Option<&str>,
    listen: Duration,
    seen: &mut Seen,
) -> (bool, Subscribed) {
    let mut foreign = false;
    let wanted = |message: &Message| {
        let is_foreign = is_foreign(&message.topic, scope);
        if is_foreign {
            foreign = true;
            seen.keep(message);
        }
        is_foreign
    };
    let patience = Patience::Whole(listen);
    let all = session.look(EVERYTHING, Retained::Keep, patience, wanted).await;
    (foreign, all)
}

/// Fills in the items about everything.
pub(super) fn wildcard(foreign: bool, all: &Subscribed, stable: &mut MqttAccessControlStable) {
    stable.wildcard_reason = match &all.suback {
        Ok(code) => Item::observed(codes::suback(*code)),
        Err(End::Forbidden) => Item::observed(FORBIDDEN.to_owned()),
        Err(end) => end.item(),
    };
    stable.wildcard_outcome = match &all.suback {
        _ if foreign => Item::observed(WildcardOutcome::Delivered),
        _ if all.is_denied() => Item::observed(WildcardOutcome::Denied),
        Ok(0..=2) => all
            .ended
            .as_ref()
            .map_or_else(|| Item::observed(WildcardOutcome::GrantedSilent), End::item),
        Ok(code) => Item::refused(codes::suback(*code)),
        Err(end) => end.item(),
    };
    stable.wildcard_foreign_delivered =
        stable.wildcard_outcome.clone().and_then(|outcome| match outcome {
            WildcardOutcome::Delivered => Item::observed(true),
            WildcardOutcome::Denied | WildcardOutcome::GrantedFiltered => Item::observed(false),
            WildcardOutcome::GrantedSilent => Item::timeout(
                "the subscription was granted and nothing foreign came while the probe listened; \
                 some brokers grant every subscription and filter what they deliver",
            ),
        });
}

/// True where it was delivered, false where it was refused, and else why it is not known.
fn decided(delivered: bool, denied: bool, looks: &[Subscribed], silent: &str) -> Item<bool> {
    if delivered {
        return Item::observed(true);
    }
    if denied {
        return Item::observed(false);
    }
    match looks.iter().find_map(|look| look.ended.as_ref()) {
        Some(end) => end.item(),
        None => Item::timeout(silent),
    }
}
