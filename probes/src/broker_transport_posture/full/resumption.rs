//! Whether a session goes on when another connection names it.

use model::evidence::{Asked, Item, Resumption};

use super::super::Missing;
use super::lane::is_worth_retrying;
use super::sessions::why;
use crate::insecure_tls::HandshakeError;
use crate::net::Dialer;
use crate::tls::inside::{Again, Inside, Second, Stop};
use crate::tls::names::{self, TLS12};
use crate::tls::{ClientHello, client_hello, resume, tickets};

/// A session as another connection names it.
#[derive(Debug)]
pub(super) struct Named {
    by: Resumption,
    suite: u16,
    session: client_hello::Resumption,
}

impl Named {
    /// By its ticket where it has one, else by its id; none where it got neither.
    pub(super) fn of(inside: &Inside) -> Option<Self> {
        /// Longest id of a session (RFC 5246 section 7.4.1.2).
        const MAX_ID: usize = 32;
        let suite = inside.suite();
        let ticket = inside.ticket().and_then(tickets::content_of_tls12);
        if let Some(ticket) = ticket.filter(|ticket| !ticket.is_empty()) {
            let session_id = rand::random::<[u8; MAX_ID]>().to_vec();
            let session = client_hello::Resumption { session_id, ticket: Some(ticket.to_vec()) };
            return Some(Self { by: Resumption::Ticket, suite, session });
        }
        let id = &inside.flight()?.session_id;
        (1..=MAX_ID).contains(&id.len()).then(|| {
            let session = client_hello::Resumption { session_id: id.clone(), ticket: None };
            Self { by: Resumption::SessionId, suite, session }
        })
    }
}

/// Names a session on a connection of its own. `sound` is false for one that did not end well: a
/// server may not take that up again by its id (RFC 5246 section 7.2.2).
pub(super) async fn ask(
    dialer: &Dialer,
    sni: Option<&str>,
    named: Option<Named>,
    sound: bool,
) -> (Item<Resumption>, Option<Asked>) {
    let Some(Named { by, suite, session }) = named else {
        return (Item::observed(Resumption::None), None);
    };
    let hello = ClientHello::up_to(TLS12, vec![suite], sni).resuming(session);
    let mut answer = resume::ask(dialer, &hello).await;
    if let Err(Stop::Network(failure)) = &answer
        && is_worth_retrying(failure)
    {
        answer = resume::ask(dialer, &hello).await;
    }
    let what = if by == Resumption::Ticket { "ticket" } else { "id" };
    let question = format!("the session of TLSv1.2 on another connection, by its {what}");
    let (item, answer) = match answer {
        Ok(resume::Answer::Resumed) => (Item::observed(by), "it goes on".to_owned()),
        Ok(resume::Answer::Anew) => {
            let item = match sound || by == Resumption::Ticket {
                true => Item::observed(Resumption::None),
                false => Item::error(
                    "the session did not end well, so it may not go on, whatever the server does \
                     with others",
                ),
            };
            (item, "the server begins anew".to_owned())
        }
        Ok(resume::Answer::Refused(alert)) => {
            let answer = format!("alert {}", names::alert(alert));
            (Item::refused(format!("a hello that names a session: {answer}")), answer)
        }
        Err(stop) => (why(&stop), stop.to_string()),
    };
    (item, Some(Asked { question, answer }))
}

/// Comes again with a ticket of TLS 1.3, of which `kept` are there; each is used once (RFC 8446
/// appendix C.4).
pub(super) async fn ask_by_ticket(
    dialer: &Dialer,
    again: Option<Again>,
    kept: usize,
) -> (Result<Second, Missing>, Option<Asked>) {
    let Some(again) = again.filter(|_| kept > 0) else {
        return (Err(Item::error("none of the tickets that came can be used")), None);
    };
    let once = async || again.come(dialer.connect().await?).await;
    let mut answer = once().await;
    if let Err(HandshakeError::Network(failure)) = &answer
        && is_worth_retrying(failure)
        && kept > 1
    {
        answer = once().await;
    }
    let (second, answer) = match answer {
        Ok(second) if second.resumed => (Ok(second), "it goes on".to_owned()),
        Ok(second) => (Ok(second), "the server begins anew".to_owned()),
        Err(error) => {
            let answer = error.to_string();
            let missing = match error {
                HandshakeError::Network(failure) => failure.item(),
                HandshakeError::Alert(alert) => Item::refused(format!(
                    "a hello that names a session: alert {}",
                    names::alert(alert)
                )),
                other => Item::error(other.to_string()),
            };
            (Err(missing), answer)
        }
    };
    let question = "the session of TLSv1.3 on another connection, by its ticket".to_owned();
    (second, Some(Asked { question, answer }))
}
