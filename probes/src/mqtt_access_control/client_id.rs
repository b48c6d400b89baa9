//! Whose a client id is: told by whose session ends where two clients come with one.

use std::time::Duration;

use model::evidence::{Item, MqttAccess, MqttAccessControlStable};

use super::door::Answer;
use super::entrance::{Entrance, Identity};
use super::session::{End, Patience, Session};

/// Reason code of the DISCONNECT that a client gets whose client id another one has taken (MQTT 5
/// section 3.14.2.1).
const SESSION_TAKEN_OVER: u8 = 0x8e;

/// How long a session may still be there after another client came with its id: RabbitMQ lets the
/// other in first, and ends the older session a moment later.
pub(super) const TAKEOVER: Duration = Duration::from_secs(1);

/// Connects as the first identity with the client id of the second, which is connected: whose
/// session it ends tells whose client id it was. A broker may let it in and give it another;
/// that it did is shown by the second identity, whose own next connection must end its session, and
/// not that of the first.
pub(super) async fn observe(
    entrance: &mut Entrance<'_, '_>,
    (one, other): (&Identity, &Identity),
    id: Option<&str>,
    second: &mut Session,
    stable: &mut MqttAccessControlStable,
) {
    let Some(id) = id else {
        let reason = "`params.clientIdB` is not declared";
        stable.client_id_bound = Item::not_attempted(reason);
        stable.client_id_reason = Item::not_attempted(reason);
        return;
    };
    if let Err(end) = second.is_alive().await {
        stable.client_id_bound = end.item();
        stable.client_id_reason = end.item();
        return;
    }
    let taken = entrance.enter("the first identity, the second one's client id", one, id).await;
    stable.client_id_reason = taken.reason();
    // Identifier rejected and client identifier not valid are about nothing else here.
    let rejected = matches!(taken.answer, Answer::Connack { code: 2 | 0x85, .. });
    let access = known(taken.access());
    stable.client_id_bound = match (access, taken.into_session()) {
        _ if rejected => Item::observed(true),
        (Ok(MqttAccess::Denied), _) => Item::observed(true),
        (Ok(MqttAccess::Accepted), Some((mut taken, _))) => {
            let whose = whose(entrance, (other, id), second, &mut taken).await;
            taken.end().await;
            whose.unwrap_or_else(|missing| missing)
        }
        (Ok(MqttAccess::Accepted), None) => Item::error("the session of the first was not there"),
        (Err(missing), _) => missing,
    };
}

/// Whose the client id is that the first identity was let in with.
async fn whose(
    entrance: &mut Entrance<'_, '_>,
    (other, id): (&Identity, &str),
    second: &mut Session,
    taken: &mut Session,
) -> Result<Item<bool>, Item<bool>> {
    if ends(second).await? {
        return Ok(Item::observed(false));
    }
    let again = entrance.enter("the second identity again, its own client id", other, id).await;
    let was_let_in = again.code() == Some(0);
    let (second, taken) = (ends(second).await?, ends(taken).await?);
    again.leave().await;
    Ok(told(was_let_in, second, taken))
}

/// What it says that the second identity, coming again with its client id, ended its own older
/// session, and whether it ended that of the first. Where both end, a broker was slow to end the
/// one that the first had taken over, or had another reason.
fn told(was_let_in: bool, second_ended: bool, taken_ended: bool) -> Item<bool> {
    match (was_let_in, second_ended, taken_ended) {
        (true, true, false) => Item::observed(true),
        (_, _, true) => Item::error(
            "the session of the first identity ended, too, when the second came again with its \
             client id, so whose it is was not seen",
        ),
        _ => Item::error(
            "the broker lets two clients be connected with one client id, so whose it is was not \
             seen",
        ),
    }
}

/// Whether a session ends because another has its client id: brokers of MQTT 5 say so, others close.
async fn ends(session: &mut Session) -> Result<bool, Item<bool>> {
    let end = match session.listen(Patience::Whole(TAKEOVER), |_| false).await {
        (_, Some(end)) => Err(end),
        (_, None) => session.is_alive().await,
    };
    match end {
        Ok(()) => Ok(false),
        Err(End::Disconnected(SESSION_TAKEN_OVER)) => Ok(true),
        Err(end) if end.is_end() => Ok(true),
        Err(end) => Err(end.item()),
    }
}

/// Whether it was let in, or why that is not known.
fn known(access: Item<MqttAccess>) -> Result<MqttAccess, Item<bool>> {
    match access.value() {
        Some(access) => Ok(*access),
        None => Err(access.map(|_| false)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::super::line::Line;
    use super::*;
    use crate::mqtt::codes::Version;

    #[test]
    fn a_client_id_is_bound_only_where_its_owner_ends_its_own_session_and_no_other() {
        assert_eq!(told(true, true, false), Item::observed(true));
        for seen in [(true, true, true), (true, false, true), (true, false, false)] {
            assert_eq!(told(seen.0, seen.1, seen.2).value(), None, "{seen:?}");
        }
        for seen in [(true, true), (true, false), (false, true), (false, false)] {
            assert_eq!(told(false, seen.0, seen.1).value(), None, "{seen:?}");
        }
    }

    #[tokio::test]
    async fn a_session_that_ends_a_moment_later_has_ended() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut session = Session::new(Line::new(Box::new(ours), false), Version::V311);
        // Who asks at once is told that it is there; it is gone before the time of a takeover is over.
        let broker = tokio::spawn(async move {
            let asked = timeout(TAKEOVER / 4, theirs.read_exact(&mut [0; 2])).await;
            if asked.is_ok() {
                theirs.write_all(&[0xd0, 0]).await.expect("there is room");
            }
        });
        assert_eq!(ends(&mut session).await, Ok(true));
        broker.await.expect("the broker went away");
    }

    #[tokio::test]
    async fn a_session_that_answers_after_that_time_has_not_ended() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut session = Session::new(Line::new(Box::new(ours), false), Version::V311);
        let broker = tokio::spawn(async move {
            let mut ping = [0; 2];
            theirs.read_exact(&mut ping).await.expect("a PINGREQ");
            theirs.write_all(&[0xd0, 0]).await.expect("there is room");
            theirs
        });
        assert_eq!(ends(&mut session).await, Ok(false));
        broker.await.expect("the broker stayed");
    }
}
