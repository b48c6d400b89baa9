//! Full mode: everything that a server accepts, of every version at the same time.
//!
//! It goes on from the answers of decision mode, and costs about one more connection for each suite
//! that is accepted.

use model::document::Endpoint;
use model::evidence::{Asked, Item};
use tokio::join;

use super::hello::Hello;
use super::interview::Interview;
use super::{Missing, absent};
use crate::net::Dialer;
use crate::tls::enumerate::{legacy, modern};
use crate::tls::names::{SSL3, TLS10, TLS11, TLS12, TLS13};
use crate::tls::sslv2;

mod facts;
mod features;
mod lane;
mod resumption;
mod schemes;
pub(super) mod sessions;

use features::Features;
use lane::{Lane, Port};
use schemes::Schemes;
use sessions::Sessions;

/// Everything that the target answered in full mode.
#[derive(Debug)]
pub(super) struct Full {
    sslv2: sslv2::Answer,
    /// SSL 3.0 to TLS 1.2.
    legacy: Vec<Lane<legacy::Elimination>>,
    modern: Lane<modern::Elimination>,
    schemes: Schemes,
    sessions: Sessions,
    features: Features,
}

/// Asks for everything, on from where decision mode ended; why not, where it heard no TLS.
pub(super) async fn enumerate(
    dialer: &Dialer,
    endpoint: &Endpoint,
    interview: &Interview,
) -> Result<Full, Missing> {
    if let Some(missing) = interview.unheard() {
        return Err(missing);
    }
    if !interview.is_alive() {
        let missing = match interview.speaks_tls() {
            true => Item::refused("every hello was refused, whatever it offered"),
            false => Item::error("no hello was answered with TLS"),
        };
        return Err(missing);
    }
    let port = Port::new(dialer, endpoint);
    let lane = |version| Lane::legacy(version, interview);
    let (sslv2, ssl3, tls10, tls11, (tls12, old), modern, schemes, new) = join!(
        ask_sslv2(dialer),
        lane(SSL3).run(port),
        lane(TLS10).run(port),
        lane(TLS11).run(port),
        sessions::old(port, interview, lane(TLS12)),
        Lane::modern(interview).run(port),
        schemes::observe(port, interview),
        sessions::new(port, interview),
    );
    let sessions = Sessions::of(old, new);
    let legacy = vec![ssl3, tls10, tls11, tls12];
    let features = features::observe(port, interview, &legacy, &modern, &schemes).await;
    Ok(Full { sslv2, legacy, modern, schemes, sessions, features })
}

/// SSL 2.0, again where the network was in the way.
async fn ask_sslv2(dialer: &Dialer) -> sslv2::Answer {
    match sslv2::ask(dialer).await {
        sslv2::Answer::Failed(failure) if lane::is_worth_retrying(&failure) => {
            sslv2::ask(dialer).await
        }
        answer => answer,
    }
}

impl Full {
    /// Every hello of every lane, the oldest version first.
    fn hellos(&self) -> impl Iterator<Item = &Hello> {
        let legacy = self.legacy.iter().flat_map(|lane| &lane.asked);
        legacy.chain(&self.modern.asked).chain(self.features.hellos())
    }

    /// Every question and its answer, for the reader.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let sslv2 = match &self.sslv2 {
            sslv2::Answer::Accepted(suites) => format!("SSLv2, {}", suites.join(", ")),
            sslv2::Answer::Declined => "another answer than a SERVER-HELLO".to_owned(),
            sslv2::Answer::Failed(failure) => failure.to_string(),
        };
        let first = Asked { question: "SSL 2.0".to_owned(), answer: sslv2 };
        std::iter::once(first)
            .chain(self.hellos().map(Hello::asked))
            .chain(self.schemes.asked.iter().chain(&self.sessions.asked).cloned())
            .collect()
    }

    /// The lane of the best version up to TLS 1.2 that is accepted.
    fn best_legacy(&self) -> Option<&Lane<legacy::Elimination>> {
        self.legacy.iter().rev().find(|lane| lane.is_accepted())
    }
}

/// Names of the versions that lanes stand for, for the reader.
const fn title(version: u16) -> &'static str {
    match version {
        SSL3 => "SSL 3.0",
        TLS10 => "TLS 1.0",
        TLS11 => "TLS 1.1",
        TLS12 => "TLS 1.2",
        TLS13 => "TLS 1.3",
        _ => "TLS",
    }
}

/// A list that is whole only where nothing was missing on the way; a limit of ours leaves the part
/// that was seen.
fn whole<T>(missing: Option<&Missing>, values: T) -> Item<T> {
    match missing {
        None => Item::observed(values),
        Some(Item::Truncated { reason, .. }) => {
            Item::Truncated { reason: reason.clone(), value: Some(values) }
        }
        Some(missing) => absent(missing),
    }
}

#[cfg(test)]
mod tests;
