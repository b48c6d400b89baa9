//! The order in which a TLS port is asked, so that few connections decide much.
//!
//! First the whole handshake and the broad hello of TLS 1.2, which most targets answer. Then what
//! they cannot show: old versions, and TLS 1.3 where rustls could not speak it. Last the classes
//! of suites, which need to know what the earlier answers have witnessed.

use model::document::Endpoint;
use model::evidence::{Asked, Item};
use tokio::join;

use super::Missing;
use super::hello::{self, Hello, Ruling};
use super::mode::Mode;
use super::narrowing::{self, Narrowing};
use super::session::{self, Session};
use crate::insecure_tls::HandshakeError;
use crate::net::Dialer;
use crate::tls::client_hello::Extras;
use crate::tls::enumerate::CURVES;
use crate::tls::names::{HYBRID_GROUPS, SSL3, TLS10, TLS11, TLS12, TLS13};
use crate::tls::{Answer, ClientHello, ServerFlight};

/// Alert of a server that cannot do what it chose (RFC 5246 section 7.2.2).
const INTERNAL_ERROR: u8 = 80;

/// Whether the server failed on one suite, and so said nothing about the others that were offered.
pub(super) const fn failed(hello: &Hello) -> bool {
    matches!(hello.answer, Answer::Alert(INTERNAL_ERROR))
}

/// Every answer that a TLS port gave.
#[derive(Debug)]
pub(super) struct Interview {
    pub(super) session: Session,
    /// The broad hello for TLS 1.2.
    pub(super) broad: Hello,
    /// TLS 1.1, and TLS 1.0 where the first was answered with 1.1.
    pub(super) old: Vec<Hello>,
    /// SSL 3.0, bare.
    pub(super) ssl3: Option<Hello>,
    /// TLS 1.3 with every group, where the whole handshake failed; with hybrid groups alone, where
    /// another was negotiated.
    pub(super) tls13: Vec<Hello>,
    /// Suites by class.
    pub(super) classes: Vec<Hello>,
    /// Whether hellos are answered only where they have no extensions; the hellos above have none,
    /// then.
    pub(super) bare: bool,
    /// What this took: hellos of which the refusal is about extensions; or the one without any that
    /// was refused as well.
    about_extensions: Vec<Hello>,
    /// What the answers say about classes.
    pub(super) narrowing: Narrowing,
}

/// Asks a TLS port. Full mode asks about hybrid groups itself.
pub(super) async fn hold(dialer: &Dialer, endpoint: &Endpoint, mode: Mode) -> Interview {
    let sni = hello::sni(endpoint);

    let broad = ClientHello::up_to(TLS12, narrowing::broad(), sni);
    let (session, broad) = join!(
        session::observe(dialer, endpoint, mode),
        Hello::ask(dialer, "TLS 1.2, suites in common use", broad),
    );
    let mut interview = Interview {
        session,
        broad,
        old: Vec::new(),
        ssl3: None,
        tls13: Vec::new(),
        classes: Vec::new(),
        bare: false,
        about_extensions: Vec::new(),
        narrowing: Narrowing::default(),
    };
    if interview.unheard().is_some() {
        return interview;
    }
    let bare = ClientHello::ssl3(narrowing::old(SSL3));
    let (old, ssl3, tls13) = join!(
        walk_down(dialer, sni, mode, Extras::default()),
        Hello::ask(dialer, "SSL 3.0", bare),
        ask_tls13(dialer, sni, &interview.session, mode),
    );
    interview.old = old;
    interview.ssl3 = Some(ssl3);
    interview.tls13 = tls13;
    if !interview.shows_extensions() && (interview.speaks_tls() || interview.is_mute()) {
        interview.leave_extensions_out(dialer, mode).await;
    }
    if interview.speaks_tls() || interview.is_mute() {
        interview.ask_classes(dialer, sni).await;
    }
    interview
}

/// TLS 1.1; and 1.0, unless the first answer shows already whether it is there.
/// Full mode offers every curve, so that a refusal is about the version and needs no second hello.
async fn walk_down(dialer: &Dialer, sni: Option<&str>, mode: Mode, extras: Extras) -> Vec<Hello> {
    let hello = |version| {
        let mut hello = ClientHello::up_to(version, narrowing::old(version), sni).with(extras);
        if mode == Mode::Full {
            hello.groups = CURVES.to_vec();
        }
        hello
    };
    let first = Hello::ask(dialer, "TLS 1.1", hello(TLS11)).await;
    let has_tls11 = first.accepted().is_some_and(|flight| flight.version == TLS11);
    let mut asked = vec![first];
    if has_tls11 {
        asked.push(Hello::ask(dialer, "TLS 1.0", hello(TLS10)).await);
    }
    asked
}

/// TLS 1.3 where the whole handshake does not show it, and hybrid groups where it does not.
async fn ask_tls13(
    dialer: &Dialer,
    sni: Option<&str>,
    session: &Session,
    mode: Mode,
) -> Vec<Hello> {
    let mut asked = Vec::new();
    let group = match &session.negotiated {
        Ok(negotiated) if negotiated.version == TLS13 => negotiated.group,
        Ok(_) => return asked,
        Err(_) => {
            let hello = ClientHello::tls13(sni);
            asked.push(Hello::ask(dialer, "TLS 1.3, every group", hello).await);
            match asked[0].accepted() {
                Some(flight) => flight.group,
                None => return asked,
            }
        }
    };
    let is_hybrid = group.is_some_and(|group| HYBRID_GROUPS.contains(&group));
    if mode == Mode::Decision && !is_hybrid {
        let hello = ClientHello::tls13_hybrid(sni);
        asked.push(Hello::ask(dialer, "TLS 1.3, hybrid groups only", hello).await);
    }
    asked
}

impl Interview {
    /// Every hello, in the order of the plan.
    pub(super) fn hellos(&self) -> impl Iterator<Item = &Hello> {
        std::iter::once(&self.broad)
            .chain(&self.old)
            .chain(&self.ssl3)
            .chain(&self.tls13)
            .chain(&self.classes)
    }

    /// Every question and its answer, for the reader.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let hellos = self.about_extensions.iter().chain(self.hellos());
        std::iter::once(self.session.asked()).chain(hellos.map(Hello::asked)).collect()
    }

    /// Flights of versions up to TLS 1.2 that took up an offer: of the broad hello first.
    pub(super) fn clear_flights(&self) -> impl Iterator<Item = &ServerFlight> {
        self.hellos().filter_map(Hello::accepted).filter(|flight| flight.version <= TLS12)
    }

    /// Whether any hello was answered with a ServerHello.
    pub(super) fn is_alive(&self) -> bool {
        self.session.negotiated.is_ok() || self.hellos().any(Hello::shows_server_hello)
    }

    /// Whether a hello with extensions was answered with a ServerHello.
    pub(super) fn shows_extensions(&self) -> bool {
        let hellos = std::iter::once(&self.broad).chain(&self.old).chain(&self.tls13);
        let heard =
            self.session.negotiated.is_ok() || hellos.clone().any(Hello::shows_server_hello);
        heard && !self.bare
    }

    /// Asks once without extensions, which old servers stumble over. Where that is answered, what was
    /// refused before says nothing, and the older versions are asked again in the same way.
    async fn leave_extensions_out(&mut self, dialer: &Dialer, mode: Mode) {
        let extras = Extras { bare: true, ..Extras::default() };
        // Who stumbles over extensions is old, and has what is older than TLS 1.2.
        let hello = ClientHello::up_to(TLS12, narrowing::old(TLS11), None).with(extras);
        let hello = Hello::ask(dialer, "TLS 1.2 without extensions", hello).await;
        if hello.accepted().is_none() {
            self.about_extensions.push(hello);
            return;
        }
        self.bare = true;
        self.about_extensions.push(std::mem::replace(&mut self.broad, hello));
        let old = walk_down(dialer, None, mode, extras).await;
        self.about_extensions.extend(std::mem::replace(&mut self.old, old));
    }

    /// Whether the server fails on suites of TLS 1.2 that it chooses. Others say by the same alert that
    /// they do not have an old version: OpenSSL does where its security level leaves no signature.
    pub(super) fn fails_on_its_choice(&self) -> bool {
        std::iter::once(&self.broad).chain(&self.classes).any(failed)
    }

    /// Whether anything that came was TLS.
    pub(super) fn speaks_tls(&self) -> bool {
        self.is_alive()
            || matches!(self.session.negotiated, Err(HandshakeError::Alert(_)))
            || self.hellos().any(Hello::shows_tls)
    }

    /// Whether every hello met the end of its connection and nothing else. So does a server that takes
    /// nothing but what no careful client offers, and ends without a word what it does not take.
    fn is_mute(&self) -> bool {
        let ended = |hello: &Hello| matches!(&hello.answer, Answer::Failed(f) if f.is_end());
        self.hellos().all(ended)
    }

    /// Why the target could not be heard at all, if it could not.
    pub(super) fn unheard(&self) -> Option<Missing> {
        let failure = self.broad.unheard()?;
        match &self.session.negotiated {
            Err(HandshakeError::Network(other)) if !other.is_end() => Some(failure.item()),
            _ => None,
        }
    }

    async fn ask_classes(&mut self, dialer: &Dialer, sni: Option<&str>) {
        let mut narrowing = Narrowing::default();
        for flight in self.clear_flights() {
            narrowing.accept(flight);
        }
        // What the broad hello offered in vain need not be offered again.
        if self.broad.ruling(self.is_alive()) == Ruling::Refused && !failed(&self.broad) {
            narrowing.refuse(&self.broad.hello.suites);
        }
        while let Some(suites) = narrowing.next() {
            let extras = Extras { bare: self.bare, ..Extras::default() };
            let hello = ClientHello::up_to(TLS12, suites, sni).with(extras);
            let hello = Hello::ask(dialer, "TLS 1.2, suites to be refused", hello).await;
            self.classes.push(hello);
            let hello = self.classes.last().expect("it was just put there");
            // An alert is taken at its word here; whether this target answers anybody is known
            // only at the end, and judged there.
            match (hello.accepted(), hello.ruling(self.speaks_tls())) {
                (Some(flight), _) => narrowing.accept(flight),
                (None, Ruling::Undecided(missing)) => {
                    narrowing.give_up(&hello.hello.suites, &missing);
                }
                // It failed on one suite that it chose, and said nothing about the others.
                (None, _) if failed(hello) => {
                    let missing = Item::error("the target failed on it: alert 80 internal_error");
                    narrowing.give_up(&hello.hello.suites, &missing);
                }
                (None, _) => narrowing.refuse(&hello.hello.suites),
            }
            // One hello more for whoever was mute; then this is no TLS.
            if !self.speaks_tls() {
                break;
            }
        }
        self.narrowing = narrowing;
    }
}
