//! What is not a matter of suites: fallbacks, and what a client may add to a hello.

use model::evidence::{Asked, Item};

use super::super::hello::{Hello, Ruling};
use super::super::interview::Interview;
use super::super::{Missing, absent};
use super::lane::{Lane, Port};
use super::{takes_extensions, title};
use crate::insecure_tls::{Handshake, HandshakeError, Options, Presented};
use crate::text;
use crate::tls::client_hello::{ALPN, Extras};
use crate::tls::enumerate::{CURVES, SIGNATURES, legacy, modern};
use crate::tls::names::{SSL3, TLS12};
use crate::tls::{Answer, ClientHello};

/// Alert of a server that recognizes a needless fallback (RFC 7507 section 3).
const INAPPROPRIATE_FALLBACK: u8 = 86;

/// Alert of a server that has none of the protocols on offer (RFC 7301 section 3.2).
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// What the hellos of the end showed.
#[derive(Debug)]
pub(super) struct Features {
    /// A fallback that says so; why none was tried.
    fallback: Result<Hello, &'static str>,
    /// Values without a meaning alone, where a hello with more in it was refused.
    grease: Option<Hello>,
    /// A version of the future, where no hello for TLS 1.3 carried one.
    future: Option<Hello>,
    /// The application protocol of a session of TLS 1.3.
    protocol: Option<InSession>,
}

/// An application protocol that was asked for in a whole handshake.
#[derive(Debug)]
struct InSession {
    chosen: Item<Option<String>>,
    presented: Presented,
    asked: Asked,
}

pub(super) type Legacy = Lane<legacy::Elimination>;
type Modern = Lane<modern::Elimination>;

/// Asks the last questions.
pub(super) async fn observe(
    port: Port<'_>,
    interview: &Interview,
    legacy: &[Legacy],
    modern: &Modern,
) -> Features {
    let best = best(legacy);
    let (fallback, grease, future, protocol) = tokio::join!(
        fallback(port, interview, legacy, modern),
        grease(port, best, modern),
        future(port, interview, best, modern),
        protocol(port, best, modern),
    );
    Features { fallback, grease, future, protocol }
}

/// The best version up to TLS 1.2 that is accepted.
pub(super) fn best(legacy: &[Legacy]) -> Option<&Legacy> {
    legacy.iter().rev().find(|lane| lane.is_accepted())
}

/// A hello of a version up to TLS 1.2 with every suite that it accepts.
pub(super) fn hello(lane: &Legacy, sni: Option<&str>) -> ClientHello {
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
    let extras = Extras { fallback: true, bare: interview.bare, ..Extras::default() };
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

async fn future(
    port: Port<'_>,
    interview: &Interview,
    best: Option<&Legacy>,
    modern: &Modern,
) -> Option<Hello> {
    let extras = Extras { future: true, bare: interview.bare, ..Extras::default() };
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

/// The protocol that a session agrees on, where no flight in clear shows it.
async fn protocol(port: Port<'_>, best: Option<&Legacy>, modern: &Modern) -> Option<InSession> {
    if best.is_some() || !modern.is_accepted() {
        return None;
    }
    let alpn = ALPN.map(|name| name.as_bytes().to_vec()).to_vec();
    let options = Options { versions: vec![&rustls::version::TLS13], alpn, ..Options::default() };
    let Handshake { presented, outcome } = port.shake(port.name, options).await;
    let (chosen, answer) = match outcome {
        Ok(session) => {
            let chosen = session.alpn.as_deref().map(text::cut);
            let answer = chosen.clone().unwrap_or_else(|| "a session without one".to_owned());
            (Item::observed(chosen), answer)
        }
        Err(error) => {
            let answer = error.to_string();
            let item = match error {
                HandshakeError::Alert(NO_APPLICATION_PROTOCOL) => Item::observed(None),
                HandshakeError::Network(failure) => failure.item(),
                other => Item::error(other.to_string()),
            };
            (item, answer)
        }
    };
    let asked = Asked { question: "TLS 1.3, application protocols".to_owned(), answer };
    Some(InSession { chosen, presented, asked })
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
        self.fallback.iter().chain([&self.grease, &self.future].into_iter().flatten())
    }

    /// Questions that were no hellos.
    pub(super) fn asked(&self) -> impl Iterator<Item = &Asked> {
        self.protocol.iter().map(|session| &session.asked)
    }

    /// What came with them.
    pub(super) fn presented(&self) -> impl Iterator<Item = &Presented> {
        self.protocol.iter().map(|session| &session.presented)
    }

    /// The application protocol that is chosen. `courtesy` asked for it in clear.
    pub(super) fn alpn(&self, courtesy: Option<&Hello>) -> Option<Item<Option<String>>> {
        match courtesy.map(|hello| &hello.answer) {
            Some(Answer::Flight(flight)) => {
                Some(Item::observed(flight.alpn.as_deref().map(text::cut)))
            }
            Some(Answer::Alert(NO_APPLICATION_PROTOCOL)) => Some(Item::observed(None)),
            _ => self.protocol.as_ref().map(|session| session.chosen.clone()),
        }
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
pub(super) fn only_clear<T>(interview: &Interview, missing: Option<&Missing>) -> Item<T> {
    if interview.bare {
        return absent(&takes_extensions());
    }
    missing.map_or_else(
        || Item::not_attempted("no version up to TLS 1.2 is accepted, whose flight shows this"),
        absent,
    )
}
