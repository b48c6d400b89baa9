//! What is not a matter of suites: names, fallbacks, and what a client may add to a hello.

use model::evidence::{Item, WithoutName};

use super::super::hello::{Hello, Ruling};
use super::super::interview::Interview;
use super::super::{Missing, absent};
use super::lane::{Lane, Port};
use super::schemes::Schemes;
use super::title;
use crate::insecure_tls::{self, HandshakeError, Options};
use crate::tls::client_hello::Extras;
use crate::tls::enumerate::{CURVES, SIGNATURES, legacy, modern};
use crate::tls::names::{SSL3, TLS12};
use crate::tls::{Answer, ClientHello};

/// A name that SNI cannot carry, so that none is sent.
const NO_NAME: &str = "no name";

/// Alert of a server that recognizes a needless fallback (RFC 7507 section 3).
const INAPPROPRIATE_FALLBACK: u8 = 86;

/// What the hellos of the end showed.
#[derive(Debug)]
pub(super) struct Features {
    /// Without a server name, and what it showed.
    pub(super) without_name: Item<WithoutName>,
    /// A fallback that says so; why none was tried.
    fallback: Result<Hello, &'static str>,
    /// Values without a meaning alone, where a hello with more in it was refused.
    grease: Option<Hello>,
    /// A version of the future, where no hello for TLS 1.3 carried one.
    future: Option<Hello>,
    no_name: Option<Hello>,
}

type Legacy = Lane<legacy::Elimination>;
type Modern = Lane<modern::Elimination>;

/// Asks the last questions.
pub(super) async fn observe(
    port: Port<'_>,
    interview: &Interview,
    legacy: &[Legacy],
    modern: &Modern,
    schemes: &Schemes,
) -> Features {
    let best = legacy.iter().rev().find(|lane| lane.is_accepted());
    let (fallback, grease, future, (without_name, no_name)) = tokio::join!(
        fallback(port, interview, legacy, modern),
        grease(port, best, modern),
        future(port, best, modern),
        without_name(port, interview, best, legacy, schemes),
    );
    Features { without_name, fallback, grease, future, no_name }
}

/// A hello of a version up to TLS 1.2 with every suite that it accepts.
fn hello(lane: &Legacy, sni: Option<&str>) -> ClientHello {
    let version = lane.machine.version();
    let suites = lane.machine.suites_as_found().iter().copied().take(64).collect();
    let groups = if version == SSL3 { Vec::new() } else { CURVES.to_vec() };
    ClientHello::of(version, suites, groups, SIGNATURES.to_vec(), sni)
}

/// The best version but one, and the signal that a better one failed. It is obsolete (RFC 8996), and
/// a server of TLS 1.3 that marks lower versions in its random needs no signal of the client.
async fn fallback(
    port: Port<'_>,
    interview: &Interview,
    legacy: &[Legacy],
    modern: &Modern,
) -> Result<Hello, &'static str> {
    if modern.is_accepted() && interview.clear().is_some_and(|flight| flight.downgrade_sentinel) {
        return Err("the server marks its lower versions itself, so a client needs no signal");
    }
    let mut accepted = legacy.iter().rev().filter(|lane| lane.is_accepted());
    let lane = if modern.is_accepted() { accepted.next() } else { accepted.nth(1) };
    let lane = lane.ok_or("there is one version, and nothing to fall back to")?;
    let extras = Extras { fallback: true, ..Extras::default() };
    let question = format!("{} as a fallback", title(lane.machine.version()));
    Ok(port.ask(&question, hello(lane, port.sni).with(extras)).await)
}

async fn grease(port: Port<'_>, best: Option<&Legacy>, modern: &Modern) -> Option<Hello> {
    let refused = |courtesy: &Option<Hello>| courtesy.as_ref().is_some_and(is_refused);
    let extras = Extras { grease: true, ..Extras::default() };
    match best {
        Some(lane) if refused(&lane.courtesy) => {
            let question = format!("{}, values without a meaning", title(lane.machine.version()));
            Some(port.ask(&question, hello(lane, port.sni).with(extras)).await)
        }
        _ if refused(&modern.courtesy) => {
            let hello = ClientHello::tls13(port.sni).with(extras);
            Some(port.ask("TLS 1.3, values without a meaning", hello).await)
        }
        _ => None,
    }
}

async fn future(port: Port<'_>, best: Option<&Legacy>, modern: &Modern) -> Option<Hello> {
    let extras = Extras { future: true, ..Extras::default() };
    match (modern.is_accepted(), best) {
        (true, _) => {
            modern.courtesy.as_ref().filter(|courtesy| is_refused(courtesy))?;
            let hello = ClientHello::tls13(port.sni).with(extras);
            Some(port.ask("TLS 1.3, after a version of the future", hello).await)
        }
        (false, Some(lane)) if lane.machine.version() == TLS12 => {
            Some(port.ask("a version of the future", hello(lane, port.sni).with(extras)).await)
        }
        _ => None,
    }
}

/// What a client without a name is shown.
async fn without_name(
    port: Port<'_>,
    interview: &Interview,
    best: Option<&Legacy>,
    legacy: &[Legacy],
    schemes: &Schemes,
) -> (Item<WithoutName>, Option<Hello>) {
    if port.sni.is_none() {
        let reason = "the endpoint is asked by an address, which no client sends as a name";
        return (Item::not_attempted(reason), None);
    }
    let known: Vec<&Vec<u8>> = legacy
        .iter()
        .flat_map(|lane| &lane.asked)
        .chain(interview.hellos())
        .filter_map(|hello| hello.accepted()?.chain.first())
        .chain(schemes.presented.iter().filter_map(|shown| shown.chain.first()))
        .collect();
    let compare = |leaf: Option<&Vec<u8>>| match leaf {
        Some(leaf) if known.contains(&leaf) => Item::observed(WithoutName::SameCertificate),
        Some(_) => Item::observed(WithoutName::OtherCertificate),
        None => Item::not_attempted("what is accepted comes without a certificate"),
    };
    let Some(lane) = best else {
        let item = match port.dialer.connect().await {
            Err(failure) => failure.item(),
            Ok(connection) => {
                let shaken = insecure_tls::connect(connection, NO_NAME, Options::default()).await;
                match (shaken.presented.chain.first(), shaken.outcome) {
                    (Some(leaf), _) => compare(Some(leaf)),
                    (None, Err(HandshakeError::Alert(_))) => Item::observed(WithoutName::Refused),
                    (None, Err(error)) => Item::error(error.to_string()),
                    (None, Ok(_)) => compare(None),
                }
            }
        };
        return (item, None);
    };
    let question = format!("{} without a server name", title(lane.machine.version()));
    let asked = port.ask(&question, hello(lane, None)).await;
    let item = match (asked.accepted(), asked.ruling(true)) {
        (Some(flight), _) => compare(flight.chain.first()),
        (None, Ruling::Undecided(missing)) => absent(&missing),
        (None, _) => Item::observed(WithoutName::Refused),
    };
    (item, Some(asked))
}

fn is_refused(hello: &Hello) -> bool {
    hello.accepted().is_none() && hello.ruling(true) == Ruling::Refused
}

/// Whether what was added to a hello was passed over.
fn tolerated(hello: &Hello) -> Item<bool> {
    match (hello.accepted(), hello.ruling(true)) {
        (Some(_), _) => Item::observed(true),
        (None, Ruling::Undecided(missing)) => absent(&missing),
        (None, _) => Item::observed(false),
    }
}

impl Features {
    pub(super) fn hellos(&self) -> impl Iterator<Item = &Hello> {
        let others = [&self.grease, &self.future, &self.no_name].into_iter().flatten();
        self.fallback.iter().chain(others)
    }

    /// Whether a fallback that says so is refused.
    pub(super) fn fallback_scsv(&self) -> Item<bool> {
        let hello = match &self.fallback {
            Ok(hello) => hello,
            Err(reason) => return Item::not_attempted(*reason),
        };
        match (&hello.answer, hello.ruling(true)) {
            (Answer::Alert(INAPPROPRIATE_FALLBACK), _) => Item::observed(true),
            (_, Ruling::Accepted) => Item::observed(false),
            (_, Ruling::Undecided(missing)) => absent(&missing),
            (_, Ruling::Refused) => Item::error("the fallback was refused for another reason"),
        }
    }

    /// Whether values without a meaning are passed over.
    pub(super) fn grease_tolerant(&self, courtesies: &[Option<&Hello>]) -> Item<bool> {
        if let Some(alone) = &self.grease {
            return tolerated(alone);
        }
        match courtesies.iter().flatten().next() {
            Some(hello) => tolerated(hello),
            None => Item::not_attempted("no version is accepted that has extensions"),
        }
    }

    /// Whether a version of the future is passed over.
    pub(super) fn version_tolerant(&self, modern: Option<&Hello>) -> Item<bool> {
        match self.future.as_ref().or(modern) {
            Some(hello) => tolerated(hello),
            None => Item::not_attempted("no hello with a version of the future was sent"),
        }
    }
}

/// Why a feature is missing that only a hello of a version up to TLS 1.2 shows.
pub(super) fn only_clear<T>(missing: Option<&Missing>) -> Item<T> {
    missing.map_or_else(
        || Item::not_attempted("no version up to TLS 1.2 is accepted, whose flight shows this"),
        absent,
    )
}
