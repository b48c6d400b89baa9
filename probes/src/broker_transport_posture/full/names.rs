//! What a client is shown that sends no server name, or one that the server does not know.

use model::evidence::{Asked, Item, OtherName};

use super::super::absent;
use super::super::hello::Ruling;
use super::super::interview::Interview;
use super::features::{Legacy, hello};
use super::lane::Port;
use super::schemes::Schemes;
use super::{takes_extensions, title};
use crate::insecure_tls::{HandshakeError, Options};

/// A name that SNI cannot carry, so that none is sent.
const NO_NAME: &str = "no name";

/// A name that no server has (RFC 6761 section 6.4).
const UNKNOWN: &str = "unknown.invalid";

/// What others are shown than those who send the right name.
#[derive(Debug)]
pub(super) struct Names {
    /// Without a name.
    pub(super) without: Item<OtherName>,
    /// With one that nobody has.
    pub(super) unknown: Item<OtherName>,
    /// Every question and its answer.
    pub(super) asked: Vec<Asked>,
}

/// Asks without a name, in the best version that shows its certificate in clear, else in TLS 1.3;
/// then with one that nobody has, where the name matters.
pub(super) async fn observe(
    port: Port<'_>,
    interview: &Interview,
    best: Option<&Legacy>,
    legacy: &[Legacy],
    schemes: &Schemes,
) -> Names {
    if port.sni.is_none() || interview.bare {
        let missing = match port.sni {
            Some(_) => takes_extensions(),
            None => Item::not_attempted(
                "the endpoint is asked by an address, which no client sends as a name",
            ),
        };
        return Names { without: absent(&missing), unknown: absent(&missing), asked: Vec::new() };
    }
    let clear = legacy.iter().flat_map(|lane| &lane.asked).chain(interview.hellos());
    let clear = clear.filter_map(|hello| hello.accepted()?.chain.first());
    let encrypted = schemes.presented.iter().filter_map(|shown| shown.chain.first());
    let known: Vec<&Vec<u8>> = clear.chain(encrypted).collect();
    let ask = async |name: Option<&str>| match best {
        Some(lane) => in_clear(port, lane, name, &known).await,
        None => in_session(port, name, &known).await,
    };
    let (without, first) = ask(None).await;
    if without == Item::observed(OtherName::SameCertificate) {
        let unknown = Item::not_attempted("the certificate does not depend on a name");
        return Names { without, unknown, asked: vec![first] };
    }
    let (unknown, second) = ask(Some(UNKNOWN)).await;
    Names { without, unknown, asked: vec![first, second] }
}

fn question(version: &str, name: Option<&str>) -> String {
    match name {
        None => format!("{version} without a server name"),
        Some(name) => format!("{version} with the server name {name}"),
    }
}

fn compare(leaf: Option<&Vec<u8>>, known: &[&Vec<u8>]) -> Item<OtherName> {
    match leaf {
        Some(leaf) if known.contains(&leaf) => Item::observed(OtherName::SameCertificate),
        Some(_) => Item::observed(OtherName::OtherCertificate),
        None => Item::not_attempted("what is accepted comes without a certificate"),
    }
}

async fn in_clear(
    port: Port<'_>,
    lane: &Legacy,
    name: Option<&str>,
    known: &[&Vec<u8>],
) -> (Item<OtherName>, Asked) {
    let question = question(title(lane.machine.version()), name);
    let asked = port.ask(&question, hello(lane, name)).await;
    let item = match (asked.accepted(), asked.ruling(true)) {
        (Some(flight), _) => compare(flight.chain.first(), known),
        (None, Ruling::Undecided(missing)) => absent(&missing),
        (None, _) => Item::observed(OtherName::Refused),
    };
    (item, asked.asked())
}

async fn in_session(
    port: Port<'_>,
    name: Option<&str>,
    known: &[&Vec<u8>],
) -> (Item<OtherName>, Asked) {
    let question = question("TLS 1.3", name);
    let shaken = port.shake(name.unwrap_or(NO_NAME), Options::default()).await;
    let (item, answer) = match (shaken.presented.chain.first(), shaken.outcome) {
        (Some(leaf), _) => (compare(Some(leaf), known), "a certificate".to_owned()),
        (None, Ok(_)) => (compare(None, known), "a session without a certificate".to_owned()),
        (None, Err(error)) => {
            let answer = error.to_string();
            let item = match error {
                HandshakeError::Alert(_) => Item::observed(OtherName::Refused),
                HandshakeError::Network(failure) => failure.item(),
                other => Item::error(other.to_string()),
            };
            (item, answer)
        }
    };
    (item, Asked { question, answer })
}
