//! Brokers that close the connection at what rights forbid, as RabbitMQ does. For a PUBLISH that is all
//! that MQTT 3.1.1 leaves them (section 3.3.5: a positive acknowledgement, or the end of the connection).
//!
//! That a connection ended says nothing by itself. It is a refusal where the broker answered a PINGREQ
//! right before the question, and where the same identity on another connection asks the same in its
//! own scope, in the same place, and that connection stays.

use std::time::Duration;

use model::evidence::MqttAccessControlStable;

use super::entrance::{Entrance, Identity};
use super::reading::{self, Seen};
use super::session::{Session, Subscribed};
use crate::mqtt::outgoing::Retained;

/// Connections that are kept for what comes after the second identity: the client id, and a wrong
/// password.
pub(super) const AFTER: u32 = 2;

/// The same for what comes after the first identity has read: the second one, too, which may have to
/// come twice.
const LATER: u32 = 2 + AFTER;

/// An identity, and what is its own.
#[derive(Clone, Copy)]
pub(super) struct Owner<'i> {
    /// Its name in a question.
    pub name: &'i str,
    /// What it shows.
    pub identity: &'i Identity,
    /// The beginning of its topics.
    pub scope: &'i str,
}

/// Connects again as this identity, and subscribes to so many topics of its own: the session, where each
/// was granted and it stands. The session before must be over, or it takes one of the slots.
pub(super) async fn again(
    entrance: &mut Entrance<'_, '_>,
    owner: Owner<'_>,
    topics: u32,
) -> Option<Session> {
    let question = format!("{} again, in its own scope", owner.name);
    let id = &owner.identity.client_id;
    let (mut session, _) = entrance.enter(&question, owner.identity, id).await.into_session()?;
    for number in 0..topics {
        let topic = format!("{}/__audit/{}/{number}", owner.scope, entrance.run);
        let own = session.subscribe(&topic, Retained::Keep, &mut |_| false).await;
        if !own.is_granted() {
            return None;
        }
    }
    session.settle(&mut |_| ()).await.ok().map(|()| session)
}

/// Asks for everything as an identity whose session the broker ended at a narrower question. The
/// session in which it goes on, where it is let in again.
pub(super) async fn wildcard(
    entrance: &mut Entrance<'_, '_>,
    owner: Owner<'_>,
    listen: Duration,
    stable: &mut MqttAccessControlStable,
    seen: &mut Seen,
) -> Option<Session> {
    let affordable = entrance.door.left() >= 2 + LATER;
    let mut session = again(entrance, owner, 1).await?;
    if !affordable {
        return Some(session);
    }
    let (foreign, mut all) =
        reading::everything(&mut session, Some(owner.scope), listen, seen).await;
    seen.count += session.messages();
    if all.is_closed() {
        session = again(entrance, owner, 2).await?;
        all = Subscribed::forbidden();
    }
    reading::wildcard(foreign, &all, stable);
    Some(session)
}
