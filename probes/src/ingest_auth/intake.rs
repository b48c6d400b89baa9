//! What an edge takes from somebody whom it lets in: a body that breaks off, one that is too long,
//! and the same message twice.

use model::evidence::{Access, IngestAuthStable, Intake, Item, Repetition};

use super::credential::Presented;
use super::edge::{Edge, Place, Way};
use super::question::{BROKEN, Question};
use super::reading::{self, Reply};
use crate::http::{Body, Request};

/// The way by which a request was let in.
pub enum WayIn<'a> {
    /// With the declared credential.
    Credential(&'a Presented),
    /// Without any: the edge lets everybody in.
    Anonymous,
    /// None was found, for this reason.
    None(&'static str),
}

impl<'a> WayIn<'a> {
    /// The way that the requests before this one have found.
    pub fn of(stable: &IngestAuthStable, credential: &'a Result<Presented, String>) -> Self {
        let accepted = Some(&Access::Accepted);
        match credential {
            Ok(credential) if stable.credential_access.value() == accepted => {
                Self::Credential(credential)
            }
            _ if stable.anonymous_access.value() == accepted => Self::Anonymous,
            _ => Self::None("no request was let in that could carry this"),
        }
    }

    async fn ask(
        &self,
        edge: &mut Edge<'_>,
        request: &Request<'_>,
        way: Way,
    ) -> Result<Reply, String> {
        match self {
            Self::Credential(credential) => {
                edge.present(request, credential, Place::Header, way).await
            }
            Self::Anonymous => Ok(edge.ask_in(request, way).await),
            Self::None(reason) => Err((*reason).to_owned()),
        }
    }
}

/// Asks by the way in, where there is one.
pub async fn ask(
    stable: &mut IngestAuthStable,
    edge: &mut Edge<'_>,
    question: &Question,
    way_in: &WayIn<'_>,
) {
    let broken = way_in.ask(edge, &question.saying(BROKEN), Way::Excerpt).await;
    (stable.payload_intake, stable.payload_status) = read(broken.map(taken), payload);

    stable.oversize_bytes = Item::observed(question.too_long);
    let offer = Way::Offer(question.too_long);
    let offered = way_in.ask(edge, &question.request(None), offer).await;
    let offered = offered.map(|reply| reading::status(&reply.outcome));
    (stable.oversize_intake, stable.oversize_status) = read(offered, oversize);

    stable.replay_allowed = Item::observed(question.may_write);
    (stable.replay_repetition, stable.replay_status) = if question.may_write {
        twice(edge, question, way_in).await
    } else {
        let reason = "`probePolicy.allow` does not name `canaryWrite`";
        (Item::not_attempted(reason), Item::not_attempted(reason))
    };
}

fn read(
    status: Result<Item<u16>, String>,
    judge: fn(u16) -> Item<Intake>,
) -> (Item<Intake>, Item<u16>) {
    match status {
        Ok(status) => (status.clone().and_then(judge), status),
        Err(reason) => (Item::not_attempted(&reason), Item::not_attempted(reason)),
    }
}

/// The status of an answer to a body. A 2xx before a byte of the body was sent says nothing of it.
pub fn taken(reply: Reply) -> Item<u16> {
    reading::status(&reply.outcome).and_then(|status| match reply.outcome {
        Ok(answer) if (200..300).contains(&status) && answer.body == Body::Kept => {
            Item::error(format!("{status} came before the body was sent"))
        }
        _ => Item::observed(status),
    })
}

/// What a status says of a body that is no JSON.
fn payload(status: u16) -> Item<Intake> {
    match status {
        200..=299 => Item::observed(Intake::Accepted),
        400 | 406 | 415 | 422 => Item::observed(Intake::Rejected),
        _ => undecided(status),
    }
}

/// What a status says of a length of which no byte was sent.
fn oversize(status: u16) -> Item<Intake> {
    match status {
        100 => Item::observed(Intake::Accepted),
        400 | 411 | 413 | 422 => Item::observed(Intake::Rejected),
        _ => undecided(status),
    }
}

fn undecided<T>(status: u16) -> Item<T> {
    Item::error(format!("{status} does not say whether it was taken"))
}

/// The same message twice; only where writing is allowed.
async fn twice(
    edge: &mut Edge<'_>,
    question: &Question,
    way_in: &WayIn<'_>,
) -> (Item<Repetition>, Item<u16>) {
    let message = question.message();
    let request = question.saying(&message);
    let mut statuses = Vec::new();
    for _ in 0..2 {
        match way_in.ask(edge, &request, Way::Head).await {
            Ok(reply) => statuses.push(taken(reply)),
            Err(reason) => return (Item::not_attempted(&reason), Item::not_attempted(reason)),
        }
    }
    let (first, second) = (statuses.remove(0), statuses.remove(0));
    let repetition = match (first.value(), second.value()) {
        (Some(first), Some(second)) => repetition(*first, *second),
        (None, _) => first.clone().and_then(undecided),
        (_, None) => second.clone().and_then(undecided),
    };
    (repetition, second)
}

/// What two statuses say of the second copy.
fn repetition(first: u16, second: u16) -> Item<Repetition> {
    match (first, second) {
        // A body of the target's own may have been known before the first of the two.
        (409, 409) => Item::observed(Repetition::Rejected),
        (200..=299, 409 | 400 | 422) => Item::observed(Repetition::Rejected),
        (200..=299, 200..=299) if first == second => Item::observed(Repetition::Accepted),
        (200..=299, 200..=299) => Item::observed(Repetition::Recognised),
        (200..=299, _) => undecided(second),
        _ => undecided(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_decides_only_what_it_says() {
        use Intake::{Accepted, Rejected};
        for (status, of_payload, of_length) in [
            (100, None, Some(Accepted)),
            (200, Some(Accepted), None),
            (202, Some(Accepted), None),
            (400, Some(Rejected), Some(Rejected)),
            (401, None, None),
            (413, None, Some(Rejected)),
            (415, Some(Rejected), None),
            (417, None, None),
            (422, Some(Rejected), Some(Rejected)),
            (429, None, None),
            (500, None, None),
        ] {
            assert_eq!(payload(status).value().copied(), of_payload, "{status}");
            assert_eq!(oversize(status).value().copied(), of_length, "{status}");
        }
    }

    #[test]
    fn a_repetition_counts_as_taken_only_where_nothing_shows_that_it_was_known() {
        use Repetition::{Accepted, Recognised, Rejected};
        for (first, second, expected) in [
            (202, 202, Some(Accepted)),
            (202, 200, Some(Recognised)),
            (201, 409, Some(Rejected)),
            (409, 409, Some(Rejected)),
            (202, 429, None),
            (400, 400, None),
            (503, 202, None),
        ] {
            assert_eq!(repetition(first, second).value().copied(), expected, "{first} {second}");
        }
    }
}
