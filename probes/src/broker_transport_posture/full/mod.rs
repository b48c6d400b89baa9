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
use crate::boxed;
use crate::net::Dialer;
use crate::tls::enumerate::{legacy, modern};
use crate::tls::names::{SSL3, TLS10, TLS11, TLS12, TLS13};
use crate::tls::sslv2;

mod facts;
mod features;
mod fleet;
mod lane;
mod names;
mod resumption;
mod schemes;
pub(super) mod sessions;
mod staple;

use features::Features;
use lane::{Lane, Port};
use names::Names;
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
    names: Names,
}

/// Why nothing is listed.
#[derive(Debug)]
pub(super) struct Unlisted {
    /// Why not.
    pub(super) missing: Missing,
    sslv2: Option<sslv2::Answer>,
}

impl Unlisted {
    /// Whether SSL 2.0 is accepted all the same.
    pub(super) fn sslv2(&self) -> Item<bool> {
        match self.sslv2 {
            Some(sslv2::Answer::Accepted { .. }) => Item::observed(true),
            // Nobody knows yet that this target answers anybody.
            _ => absent(&self.missing),
        }
    }

    /// Every question and its answer, for the reader.
    pub(super) fn asked(&self) -> Option<Asked> {
        self.sslv2.as_ref().map(asked_sslv2)
    }
}

impl From<Missing> for Unlisted {
    fn from(missing: Missing) -> Self {
        Self { missing, sslv2: None }
    }
}

/// Asks for everything, on from where decision mode ended; why not, where it heard no TLS. A server
/// of SSL 2.0 alone may not understand any other hello, so this one is sent whatever was heard.
pub(super) async fn enumerate(
    dialer: &Dialer,
    endpoint: &Endpoint,
    interview: &Interview,
) -> Result<Full, Unlisted> {
    let unheard = interview.unheard();
    let early = if unheard.is_some() || !interview.is_alive() {
        let answer = ask_sslv2(dialer).await;
        let accepted = matches!(answer, sslv2::Answer::Accepted { .. });
        let missing = match unheard {
            Some(missing) => Some(missing),
            // It answers, so that the other hellos were refused, and not everybody.
            None if accepted => None,
            None if interview.speaks_tls() => {
                Some(Item::refused("every hello was refused, whatever it offered"))
            }
            None => Some(Item::error("no hello was answered with TLS")),
        };
        if let Some(missing) = missing {
            return Err(Unlisted { missing, sslv2: Some(answer) });
        }
        Some(answer)
    } else {
        None
    };
    let port = Port::new(dialer, endpoint);
    let lane = |version| Lane::legacy(version, interview);
    let (sslv2, ssl3, tls10, tls11, (tls12, old), modern, schemes, new) = join!(
        async {
            match early {
                Some(answer) => answer,
                None => ask_sslv2(dialer).await,
            }
        },
        boxed(|| lane(SSL3).run(port)),
        boxed(|| lane(TLS10).run(port)),
        boxed(|| lane(TLS11).run(port)),
        boxed(|| sessions::old(port, interview, lane(TLS12))),
        boxed(|| Lane::modern(interview).run(port)),
        boxed(|| schemes::observe(port, interview)),
        boxed(|| sessions::new(port, interview)),
    );
    let sessions = Sessions::of(old, new);
    let legacy = vec![ssl3, tls10, tls11, tls12];
    let (features, names) = join!(
        boxed(|| features::observe(port, interview, &legacy, &modern)),
        boxed(|| names::observe(port, interview, features::best(&legacy), &legacy, &schemes)),
    );
    Ok(Full { sslv2, legacy, modern, schemes, sessions, features, names })
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

fn asked_sslv2(answer: &sslv2::Answer) -> Asked {
    let answer = match answer {
        sslv2::Answer::Accepted { kinds, .. } => format!("SSLv2, {}", kinds.join(", ")),
        sslv2::Answer::Declined => "another answer than a SERVER-HELLO with ciphers".to_owned(),
        sslv2::Answer::Malformed => "a SERVER-HELLO that is not whole".to_owned(),
        sslv2::Answer::Failed(failure) => failure.to_string(),
    };
    Asked { question: "SSL 2.0".to_owned(), answer }
}

impl Full {
    /// Every hello of every lane, the oldest version first.
    fn hellos(&self) -> impl Iterator<Item = &Hello> {
        let legacy = self.legacy.iter().flat_map(|lane| &lane.asked);
        legacy.chain(&self.modern.asked).chain(self.features.hellos())
    }

    /// Every question and its answer, for the reader.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let first = asked_sslv2(&self.sslv2);
        std::iter::once(first)
            .chain(self.hellos().map(Hello::asked))
            .chain(self.features.asked().chain(&self.names.asked).cloned())
            .chain(self.schemes.asked.iter().chain(&self.sessions.asked).cloned())
            .collect()
    }

    /// Leaves that came in TLS 1.3, under the right name.
    fn encrypted(&self) -> impl Iterator<Item = &Vec<u8>> {
        let shown = self.schemes.presented.iter().chain(self.features.presented());
        shown.filter_map(|shown| shown.chain.first())
    }

    /// The lane of the best version up to TLS 1.2 that is accepted.
    fn best_legacy(&self) -> Option<&Lane<legacy::Elimination>> {
        features::best(&self.legacy)
    }
}

/// Why a fact is missing that shows in extensions alone, of a server that refuses any.
fn takes_extensions() -> Missing {
    Item::not_attempted("this takes an extension in the hello, and a hello with any is refused")
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
