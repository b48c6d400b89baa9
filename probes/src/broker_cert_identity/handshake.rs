//! Two handshakes with one endpoint, and what they showed.

use std::net::IpAddr;

use model::evidence::{HandshakeOutcome, Item};
use rustls::pki_types::CertificateDer;

use super::evidence::Presented;
use crate::insecure_tls::{self, HandshakeError, Options};
use crate::net::Dialer;
use crate::text;
use crate::tls::client_hello::MAX_SUITES;
use crate::tls::names::TLS12;
use crate::tls::suites::{self, Class};
use crate::tls::{self, Answer, ClientHello};

/// What an endpoint showed.
pub struct Shown {
    /// The chain, or why there is none.
    pub presented: Item<Presented>,
    /// Version of the handshake, where it ended in a session.
    pub version: Item<String>,
    /// How the handshake broke off, if it did.
    pub failure: Item<Option<String>>,
}

impl Shown {
    /// Nothing, for the reason that `item` carries in place of a value.
    pub fn nothing<T>(item: &Item<T>) -> Self {
        Self { presented: reason(item), version: reason(item), failure: reason(item) }
    }
}

/// Looks with a handshake; where that is refused, at what a hello for old servers shows in clear.
pub async fn look(dialer: &Dialer, server_name: &str) -> Shown {
    let shown = look_twice(dialer, server_name).await;
    // A closed port refuses too, and has nothing to show.
    if dialer.opened() == 0 || !matches!(shown.presented, Item::Refused { .. }) {
        return shown;
    }
    let dns_name = server_name.parse::<IpAddr>().is_err().then_some(server_name);
    let mut offer = suites::best_first(|suite| !suite.is(Class::NullOrAnon));
    offer.truncate(MAX_SUITES);
    let hello = ClientHello::up_to(TLS12, offer, dns_name);
    match tls::ask(dialer, &hello).await {
        Answer::Flight(flight) if !flight.chain.is_empty() => {
            let chain = flight.chain.into_iter().map(CertificateDer::from).collect();
            let outcome = HandshakeOutcome::ReadInClear;
            Shown {
                presented: Item::observed(Presented {
                    chain,
                    outcome,
                    key_proven: false,
                    staple: None,
                }),
                ..shown
            }
        }
        _ => shown,
    }
}

/// Looks twice, and keeps the first look if the second agrees with it.
///
/// A second look that fails takes nothing from the first: only two chains contradict each other.
async fn look_twice(dialer: &Dialer, server_name: &str) -> Shown {
    let first = look_once(dialer, server_name).await;
    let Some(chain) = first.presented.value().map(|presented| &presented.chain) else {
        return first;
    };
    let second = look_once(dialer, server_name).await;
    let differs = second.presented.value().is_some_and(|presented| presented.chain != *chain);
    if !differs {
        return first;
    }
    let reason = "two connections were shown different certificate chains";
    Shown { presented: Item::error(reason), ..first }
}

async fn look_once(dialer: &Dialer, server_name: &str) -> Shown {
    let connection = match dialer.connect().await {
        Ok(connection) => connection,
        Err(failure) => return Shown::nothing(&failure.item::<()>()),
    };
    let shaken = insecure_tls::connect(connection, server_name, Options::default()).await;
    let chain: Vec<_> = shaken.presented.chain.into_iter().map(CertificateDer::from).collect();
    let key_proven = shaken.presented.key_proven == Some(true);
    let staple = shaken.presented.staple;
    let presented = |outcome| {
        Item::observed(Presented {
            chain: chain.clone(),
            outcome,
            key_proven,
            staple: Some(staple.clone()),
        })
    };
    match shaken.outcome {
        Ok(session) => Shown {
            presented: presented(HandshakeOutcome::Completed),
            version: Item::observed(version(session.version)),
            failure: Item::observed(None),
        },
        Err(error) if chain.is_empty() => Shown::nothing(&silent(&error)),
        Err(error) => Shown {
            presented: presented(HandshakeOutcome::EndedAfterCertificate),
            version: Item::error(error.to_string()),
            failure: Item::observed(Some(text::cut(error.to_string().as_bytes()))),
        },
    }
}

/// Why a handshake showed no certificate.
fn silent(error: &HandshakeError) -> Item<()> {
    match error {
        HandshakeError::Network(failure) => failure.item(),
        HandshakeError::Alert(_) => Item::refused(error.to_string()),
        HandshakeError::NoProvider | HandshakeError::Protocol(_) => {
            Item::error(text::cut(error.to_string().as_bytes()))
        }
    }
}

/// The name of a version by its number (RFC 9846 section 4.3.1).
fn version(number: u16) -> String {
    match number {
        0x0303 => "TLSv1.2".to_owned(),
        0x0304 => "TLSv1.3".to_owned(),
        other => format!("{other:#06x}"),
    }
}

/// The same reason on an item of another type; an observed item has none to give.
fn reason<T, U>(item: &Item<T>) -> Item<U> {
    item.as_ref().and_then(|_| Item::error("nothing was shown"))
}
