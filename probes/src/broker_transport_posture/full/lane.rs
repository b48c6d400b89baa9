//! One version, asked until everything is known.

use model::document::Endpoint;

use super::super::Missing;
use super::super::hello::{self, Hello, Ruling};
use super::super::interview::{Interview, failed};
use super::title;
use crate::insecure_tls::{self, Handshake, HandshakeError, Options, Presented};
use crate::net::{Connection, Dialer, Failure};
use crate::tls::client_hello::Extras;
use crate::tls::enumerate::{Ask, Chosen, Offer, Reply, by_ecdsa, legacy, modern};
use crate::tls::names::{SSL3, TLS10, TLS11, TLS12, TLS13};
use crate::tls::suites::{self, Exchange};
use crate::tls::{Answer, ClientHello, ServerFlight};
use crate::x509::key;

/// Alert of a server that does not have the version (RFC 5246 section 7.2.2).
const PROTOCOL_VERSION: u8 = 70;

/// Where hellos go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Port<'a> {
    pub(super) dialer: &'a Dialer,
    /// Name that the endpoint is asked by.
    pub(super) name: &'a str,
    /// The same where SNI can carry it: DNS names only (RFC 6066 section 3).
    pub(super) sni: Option<&'a str>,
}

impl<'a> Port<'a> {
    pub(super) fn new(dialer: &'a Dialer, endpoint: &'a Endpoint) -> Self {
        let name = endpoint.reference_identity();
        Self { dialer, name, sni: hello::sni(endpoint) }
    }

    /// Sends a hello, and once more where the network was in the way.
    pub(super) async fn ask(&self, question: &str, hello: ClientHello) -> Hello {
        let first = Hello::ask(self.dialer, question, hello).await;
        match &first.answer {
            Answer::Failed(failure) if is_worth_retrying(failure) => {
                Hello::ask(self.dialer, question, first.hello).await
            }
            _ => first,
        }
    }

    /// Makes a whole handshake under a name, and once more where the network was in the way.
    pub(super) async fn shake(&self, name: &str, options: Options) -> Handshake<Connection> {
        let first = self.shake_once(name, options.clone()).await;
        match &first.outcome {
            Err(HandshakeError::Network(failure)) if is_worth_retrying(failure) => {
                self.shake_once(name, options).await
            }
            _ => first,
        }
    }

    async fn shake_once(&self, name: &str, options: Options) -> Handshake<Connection> {
        match self.dialer.connect().await {
            Ok(connection) => insecure_tls::connect(connection, name, options).await,
            Err(failure) => {
                Handshake { presented: Presented::default(), outcome: Err(failure.into()) }
            }
        }
    }
}

/// True for what may be gone the next time: no answer of the target, and no limit of ours.
pub(super) const fn is_worth_retrying(failure: &Failure) -> bool {
    !matches!(
        failure,
        Failure::Closed | Failure::BudgetSpent(_) | Failure::Deadline(_) | Failure::TooManyBytes(_)
    )
}

/// What a version accepts, as a machine that asks for it.
pub(super) trait Machine {
    fn version(&self) -> u16;
    fn next(&self) -> Option<Offer>;
    fn take(&mut self, offer: &Offer, reply: Reply);
    fn suites(&self) -> &[u16];
    fn contradictions(&self) -> Vec<u16>;
}

impl Machine for legacy::Elimination {
    fn version(&self) -> u16 {
        self.version()
    }

    fn next(&self) -> Option<Offer> {
        self.next()
    }

    fn take(&mut self, offer: &Offer, reply: Reply) {
        self.take(offer, reply);
    }

    fn suites(&self) -> &[u16] {
        self.suites_as_found()
    }

    fn contradictions(&self) -> Vec<u16> {
        self.contradictions().into_iter().collect()
    }
}

impl Machine for modern::Elimination {
    fn version(&self) -> u16 {
        TLS13
    }

    fn next(&self) -> Option<Offer> {
        self.next()
    }

    fn take(&mut self, offer: &Offer, reply: Reply) {
        self.take(offer, reply);
    }

    fn suites(&self) -> &[u16] {
        self.suites_as_found()
    }

    fn contradictions(&self) -> Vec<u16> {
        self.contradictions().into_iter().collect()
    }
}

/// A version and all that was asked about it.
#[derive(Debug)]
pub(super) struct Lane<M> {
    pub(super) machine: M,
    pub(super) asked: Vec<Hello>,
    /// Why asking stopped before everything was known.
    pub(super) gave_up: Option<Missing>,
    /// The hello that confirmed a suite and carried what a client may add.
    pub(super) courtesy: Option<Hello>,
    /// Whether that hello is this lane's to send.
    courteous: bool,
    /// Whether the server fails on suites that it chooses.
    fails: bool,
    /// Whether hellos need key shares: the server does not answer those without.
    shares: bool,
    /// Whether a hello without key shares was ever answered.
    retried: bool,
    /// Whether hellos have no extensions.
    bare: bool,
}

impl<M: Machine> Lane<M> {
    fn of(machine: M, courteous: bool) -> Self {
        Self {
            machine,
            asked: Vec::new(),
            gave_up: None,
            courtesy: None,
            courteous,
            fails: false,
            shares: false,
            retried: false,
            bare: false,
        }
    }

    /// Whether the version is accepted.
    pub(super) fn is_accepted(&self) -> bool {
        !self.machine.suites().is_empty()
    }

    /// Asks until everything is known, or until an answer decides nothing.
    pub(super) async fn run(mut self, port: Port<'_>) -> Self {
        while let Some(offer) = self.machine.next() {
            match self.ask(port, &offer).await {
                Ok((offer, reply)) => self.machine.take(&offer, reply),
                Err(missing) => {
                    self.gave_up = Some(missing);
                    break;
                }
            }
        }
        self
    }

    /// What was offered in the end, and the answer to it.
    async fn ask(&mut self, port: Port<'_>, offer: &Offer) -> Result<(Offer, Reply), Missing> {
        let reply = self.ask_whole(port, offer).await?;
        if reply == Reply::Refused
            && offer.ask == Ask::Suites
            && self.fails
            && self.asked.last().is_some_and(failed)
        {
            return self.ask_apart(port, offer).await;
        }
        Ok((offer.clone(), reply))
    }

    /// Asks for DHE and for all else apart: a server that takes a suite and has no parameters for it
    /// fails, and has said nothing about the others on offer.
    async fn ask_apart(
        &mut self,
        port: Port<'_>,
        offer: &Offer,
    ) -> Result<(Offer, Reply), Missing> {
        let (own, others): (Vec<u16>, Vec<u16>) =
            offer.suites.iter().partition(|code| by_dhe(**code));
        if own.is_empty() || others.is_empty() {
            return Ok((offer.clone(), Reply::Refused));
        }
        for suites in [others, own] {
            let part = Offer { suites, ..offer.clone() };
            let reply = self.ask_whole(port, &part).await?;
            if reply != Reply::Refused {
                return Ok((part, reply));
            }
        }
        Ok((offer.clone(), Reply::Refused))
    }

    async fn ask_whole(&mut self, port: Port<'_>, offer: &Offer) -> Result<Reply, Missing> {
        let version = self.machine.version();
        if offer.ask == Ask::Confirm && self.courtesy.is_none() && self.courteous {
            let modern = version == TLS13;
            let extras = Extras {
                grease: true,
                future: modern,
                alpn: !modern,
                staple: !modern,
                ticket: !modern,
                ..Extras::default()
            };
            let hello = self.put(port, offer, extras).await;
            let reply = reply(&hello, version);
            self.courtesy = Some(hello);
            if matches!(reply, Ok(Reply::Chosen(_))) {
                return reply;
            }
        }
        let hello = self.put(port, offer, Extras::default()).await;
        let answered = reply(&hello, version)?;
        if version != TLS13 || self.shares || self.retried {
            return Ok(answered);
        }
        self.retried = true;
        if answered != Reply::Refused {
            return Ok(answered);
        }
        // Refused, before any hello without a key share was answered: it may be for that.
        self.shares = true;
        let hello = self.put(port, offer, Extras::default()).await;
        let answered = reply(&hello, version)?;
        self.shares = matches!(answered, Reply::Chosen(_));
        Ok(answered)
    }

    async fn put(&mut self, port: Port<'_>, offer: &Offer, extras: Extras) -> Hello {
        let version = self.machine.version();
        let extras = Extras { shares: self.shares, bare: self.bare, ..extras };
        let question = question(version, offer, extras);
        let Offer { suites, groups, signatures, .. } = offer.clone();
        let hello = ClientHello::of(version, suites, groups, signatures, port.sni).with(extras);
        let hello = port.ask(&question, hello).await;
        self.asked.push(hello.clone());
        hello
    }
}

fn question(version: u16, offer: &Offer, extras: Extras) -> String {
    let title = title(version);
    let (suites, groups) = (offer.suites.len(), offer.groups.len());
    let what = match offer.ask {
        Ask::Pairs => format!("{suites} suites and {groups} groups that are not known yet"),
        Ask::Suites => format!("{suites} suites that are not known yet"),
        Ask::Groups => format!("{groups} groups, not known yet but for a certificate's"),
        Ask::GroupOrder => "whose order of groups decides".to_owned(),
        Ask::Signatures => format!("{} signatures not known yet", offer.signatures.len()),
        Ask::Confirm => "a suite that was accepted before".to_owned(),
    };
    let with = if extras.grease { ", and values without a meaning" } else { "" };
    format!("{title}, {what}{with}")
}

/// Whether the server must have parameters of its own for a suite.
fn by_dhe(code: u16) -> bool {
    suites::suite(code).is_some_and(|suite| matches!(suite.exchange(), Exchange::Dhe { .. }))
}

/// What an answer says to a machine; why nothing, where it decides nothing.
pub(super) fn reply(hello: &Hello, version: u16) -> Result<Reply, Missing> {
    match hello.accepted() {
        Some(flight) if flight.version == version => Ok(Reply::Chosen(chosen(flight))),
        // The best version up to the one asked for is a lower one.
        Some(_) => Ok(Reply::NoVersion),
        None => match (hello.ruling(true), &hello.answer) {
            (Ruling::Undecided(missing), _) => Err(missing),
            (_, Answer::Alert(PROTOCOL_VERSION)) => Ok(Reply::NoVersion),
            _ => Ok(Reply::Refused),
        },
    }
}

fn chosen(flight: &ServerFlight) -> Chosen {
    let leaf = flight.chain.first().filter(|_| by_ecdsa(flight.suite));
    Chosen {
        suite: flight.suite,
        group: flight.group,
        signature: flight.signature,
        curve: leaf.and_then(|der| key::named_group(der)),
    }
}

fn offered(hello: &ClientHello) -> Offer {
    Offer {
        ask: Ask::Suites,
        suites: hello.suites.clone(),
        groups: hello.groups.clone(),
        signatures: hello.signatures.clone(),
    }
}

impl Lane<legacy::Elimination> {
    /// Takes a flight that answered a hello of the library.
    pub(super) fn hear(&mut self, offer: &Offer, flight: &ServerFlight) {
        self.machine.hear(offer, Reply::Chosen(chosen(flight)));
    }

    /// A version up to TLS 1.2, with what decision mode has heard about it. The best of them also
    /// shows what a client may add to its hello.
    pub(super) fn legacy(version: u16, interview: &Interview) -> Self {
        let bare = interview.bare;
        let mut machine = match bare {
            true => legacy::Elimination::bare(version),
            false => legacy::Elimination::new(version),
        };
        let best = interview.clear().is_some_and(|flight| flight.version == version);
        let fails = interview.fails_on_its_choice();
        let heard = interview.hellos().filter(|hello| !(fails && failed(hello)));
        for hello in heard.filter(|hello| hello.hello.version <= TLS12) {
            let asked = hello.hello.version;
            let heard = match reply(hello, asked) {
                Ok(heard) if asked == version => Some(heard),
                // Another hello shows this version where it is the best below its own.
                _ if asked > version => {
                    let lower = hello.accepted().filter(|flight| flight.version == version);
                    lower.map(|flight| Reply::Chosen(chosen(flight)))
                }
                _ => None,
            };
            if let Some(heard) = heard {
                machine.hear(&offered(&hello.hello), heard);
            }
        }
        // A hello for TLS 1.1 that is refused rules out TLS 1.0: it would have been the answer.
        if let (TLS10, [only]) = (version, &interview.old[..])
            && !(fails && failed(only))
            && matches!(reply(only, TLS11), Ok(Reply::Refused | Reply::NoVersion))
            && only.accepted().is_none()
        {
            machine.hear(&offered(&only.hello), Reply::NoVersion);
        }
        Self { fails, bare, ..Self::of(machine, best && version > SSL3 && !bare) }
    }
}

/// Suites of TLS 1.3 that the library offers in its handshakes, in order; the one that was chosen
/// alone, where they are not known.
fn of_library(chosen: u16) -> Vec<u16> {
    let provider = rustls::crypto::CryptoProvider::get_default();
    let all = provider.into_iter().flat_map(|provider| &provider.cipher_suites);
    let codes: Vec<u16> =
        all.filter(|s| s.tls13().is_some()).map(|s| u16::from(s.suite())).collect();
    if codes.contains(&chosen) { codes } else { vec![chosen] }
}

impl Lane<modern::Elimination> {
    /// TLS 1.3, with what decision mode has heard about it.
    pub(super) fn modern(interview: &Interview) -> Self {
        let mut machine = modern::Elimination::default();
        for hello in interview.hellos().filter(|hello| hello.hello.version == TLS13) {
            if let Ok(heard) = reply(hello, TLS13) {
                machine.hear(&offered(&hello.hello), heard);
            }
        }
        let first = interview.session.negotiated.as_ref().ok();
        let first = first.filter(|session| session.version == TLS13);
        let second = interview.session.shown(TLS13).and_then(|shown| shown.second);
        // Who came again has offered the same, and what it met is an answer like any other.
        let met = first.map(|session| (session.suite, session.group)).into_iter();
        for (suite, group) in met.chain(second.map(|second| (second.suite, second.group))) {
            let offer = Offer {
                ask: Ask::Pairs,
                suites: of_library(suite),
                groups: group.into_iter().collect(),
                signatures: Vec::new(),
            };
            machine.hear(&offer, Reply::Chosen(Chosen { suite, group, ..Chosen::default() }));
        }
        Self::of(machine, true)
    }
}
