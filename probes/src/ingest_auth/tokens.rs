//! Tokens that must not be let in: expired, issued for somebody else, or in the wrong place.

use model::document::Credential;
use model::evidence::{Access, IngestAuthStable, Item};

use super::credential::Presented;
use super::edge::{Edge, Place, Way};
use super::question::Question;
use super::reading;
use crate::Context;

/// The credentials that the gateway is let in by: all but those that must not be.
pub fn own(credentials: &[Credential], question: &Question) -> Vec<Credential> {
    let refused = [&question.expired_token, &question.wrong_audience_token];
    let is_refused = |name: &str| refused.iter().any(|refused| refused.as_deref() == Some(name));
    credentials.iter().filter(|credential| !is_refused(&credential.name)).cloned().collect()
}

/// Asks with each token that a parameter names, and with the good one in the query.
pub async fn refused(
    context: &Context,
    credentials: &[Credential],
    stable: &mut IngestAuthStable,
    edge: &mut Edge<'_>,
    question: &Question,
    credential: &Result<Presented, String>,
) {
    let beside = credential.as_ref().ok();
    let named = async |name: &Option<String>, parameter: &str| match name {
        None => Err(format!("`params.{parameter}` names no credential")),
        Some(name) => {
            Presented::named(context, credentials, name).await.map(|token| token.beside(beside))
        }
    };
    let expired = named(&question.expired_token, "expiredToken").await;
    stable.expired_declared = Item::observed(question.expired_token.is_some());
    (stable.expired_access, stable.expired_status) =
        present(edge, question, expired.as_ref(), Place::Header).await;

    let stray = named(&question.wrong_audience_token, "wrongAudienceToken").await;
    stable.wrong_audience_declared = Item::observed(question.wrong_audience_token.is_some());
    (stable.wrong_audience_access, stable.wrong_audience_status) =
        present(edge, question, stray.as_ref(), Place::Header).await;

    let unnamed = "`params.queryParameter` names no parameter".to_owned();
    stable.query_token_declared = Item::observed(question.query_parameter.is_some());
    (stable.query_token_access, stable.query_token_status) = match &question.query_parameter {
        Some(name) => present(edge, question, credential.as_ref(), Place::Query(name)).await,
        None => present(edge, question, Err(&unnamed), Place::Header).await,
    };
}

async fn present(
    edge: &mut Edge<'_>,
    question: &Question,
    token: Result<&Presented, &String>,
    place: Place<'_>,
) -> (Item<Access>, Item<u16>) {
    let reply = match token {
        Ok(token) => edge.present(&question.request(None), token, place, Way::Head).await,
        Err(reason) => Err(reason.clone()),
    };
    match reply {
        Ok(reply) => (reading::access(&reply, false), reading::status(&reply.outcome)),
        Err(reason) => (Item::not_attempted(&reason), Item::not_attempted(reason)),
    }
}
