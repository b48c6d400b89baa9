//! mosquitto.conf, with `include_dir`, `per_listener_settings`, bridges, ACL files and the
//! defaults of 1.6, 2.0 and 2.1.

mod access;
mod broker;
mod judge;
mod keys;
mod lines;
mod replay;

use model::evidence::Guardrail;

use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::version::Version;

/// Lines of releases between which defaults that matter here changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Release {
    /// 1.6 and earlier: anonymous clients unless users are declared, every interface.
    V1_6,
    /// 2.0: anonymous clients only on the loopback that is opened when nothing is declared.
    V2_0,
    /// 2.1 and later: packets bounded, settings per listener.
    V2_1,
}

impl Release {
    const ALL: [(&'static str, Self); 3] =
        [("1.6", Self::V1_6), ("2.0", Self::V2_0), ("2.1", Self::V2_1)];

    fn of(version: Version) -> Self {
        match (version.major, version.minor) {
            (..=1, _) => Self::V1_6,
            (2, 0) => Self::V2_0,
            _ => Self::V2_1,
        }
    }
}

/// Guardrails that mosquitto.conf has settings for; that of key permissions joins them where a
/// key is here to be looked at.
pub(crate) const COVERED: [Guardrail; 13] = [
    Guardrail::Anonymous,
    Guardrail::IdentityMapping,
    Guardrail::Authorization,
    Guardrail::Tls,
    Guardrail::TlsVersion,
    Guardrail::PeerVerification,
    Guardrail::DefaultSecret,
    Guardrail::InlineSecret,
    Guardrail::Bind,
    Guardrail::Admin,
    Guardrail::Debug,
    Guardrail::Limits,
    Guardrail::UnknownKey,
];

/// Reviews a broker's configuration; without a version under every release that differs.
pub fn review(main: &Text, version: Option<Version>, files: &mut Files) -> Review {
    let steps = lines::steps(main, files);
    let access = access::read(&steps, files);
    let as_release = |release| {
        let broker = replay::replay(&steps, release);
        judge::review(&steps, &broker, &access, release)
    };
    let mut review = match version {
        Some(version) => as_release(Release::of(version)),
        None => {
            let reviews = Release::ALL.map(|(name, release)| (name, as_release(release)));
            Review::agree(reviews.into(), &Place::top(&main.name))
        }
    };
    judge::note_lines(&mut review, &steps, files);
    review
}

/// Whether a text looks like mosquitto.conf: the first settings are all keys of the broker.
pub fn is_likely(text: &str) -> bool {
    let mut settings = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split(' ').find(|word| !word.is_empty()).unwrap_or(""))
        .take(5)
        .peekable();
    settings.peek().is_some() && settings.all(|key| keys::is_known(key, Release::V2_1))
}
