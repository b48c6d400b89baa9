//! HAProxy as the TLS front end of a broker, a gateway or an ingest edge.
//!
//! Files of a `conf.d` beside the declared one are read after it, in the order of their names, as
//! `-f haproxy.cfg -f conf.d` does: sections add up, and the defaults of one file hold in the next.

mod front;
mod hop;
mod parse;
mod repeats;
mod surfaces;

use std::collections::BTreeSet;

use model::evidence::{Guardrail, Reach};

use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text, Unread, by_name};
use crate::gateway_config_guardrails::tree::Unreadable;
use crate::gateway_config_guardrails::values::{Bound, bound};
use crate::gateway_config_guardrails::version::Version;
use parse::{Config, Line, Section};

/// Guardrails that HAProxy has settings for; that of key permissions joins them where a key is
/// here to be looked at.
pub(crate) const COVERED: [Guardrail; 11] = [
    Guardrail::IdentityMapping,
    Guardrail::Tls,
    Guardrail::TlsVersion,
    Guardrail::PeerVerification,
    Guardrail::DefaultSecret,
    Guardrail::InlineSecret,
    Guardrail::Bind,
    Guardrail::Admin,
    Guardrail::Debug,
    Guardrail::Limits,
    Guardrail::ProxyHeader,
];

/// Most sections that are read.
const MAX_SECTIONS: usize = 1_000;

/// Most words of all sections together, those of the defaults counted for each that takes them over.
const MAX_WORDS: usize = 1_000_000;

/// Why what a variable fills in decides nothing.
const ELSEWHERE: &str = "a variable fills it in, and that is not in evidence";

/// Releases between which a default that matters here changed: since 2.2 a listener takes TLS 1.2
/// and newer unless it says otherwise (configuration manual, `ssl-min-ver`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Release {
    /// 2.1 and earlier.
    Old,
    /// 2.2 and later.
    New,
}

/// Reviews a configuration; without a version under every release that differs.
///
/// # Errors
///
/// If the declared file breaks the syntax: where, never what.
pub fn review(
    main: &Text,
    version: Option<Version>,
    files: &mut Files,
) -> Result<Review, Unreadable> {
    let mut config = parse::parse(main)?;
    let gaps = beside(main, &mut config, files);
    let files = &*files;
    let as_release = |release| {
        let mut review = Review::default();
        review.cover(&COVERED);
        for (place, reason) in &gaps {
            review.undetermined(place, "conf.d", &COVERED, reason.clone());
        }
        if let Some(place) = config.conditions.first() {
            let reason = "a condition decides which lines count, and that is not in evidence";
            review.undetermined(place, ".if", &COVERED, reason);
        }
        if config.sections.len() > MAX_SECTIONS {
            let reason = "only the first 1,000 sections are read";
            review.undetermined(&Place::top(&main.name), "sections", &COVERED, reason);
        }
        let served = served(&config);
        let global = Global::of(&config);
        let (mut defaults, mut words) = (None, 0);
        for section in config.sections.iter().take(MAX_SECTIONS) {
            if section.kind == "defaults" {
                defaults = Some(section);
            }
            let named = section.from.as_ref().map(|name| {
                let mut all = config.sections.iter();
                all.find(|one| one.kind == "defaults" && one.name == *name)
            });
            let defaults = named.unwrap_or(defaults);
            words += section.words() + defaults.map_or(0, Section::words);
            if words > MAX_WORDS {
                let reason =
                    "sections with their defaults hold more than the 1,000,000 words that are read";
                review.undetermined(&section.place, "sections", &COVERED, reason);
                break;
            }
            let proxy = Proxy { section, defaults, served: &served, global: &global };
            match section.kind.as_str() {
                "frontend" | "listen" | "backend" => {
                    front::review(&mut review, &proxy, release, files);
                    hop::review(&mut review, &proxy);
                }
                _ => {}
            }
            surfaces::review(&mut review, &proxy);
            repeats::review(&mut review, section);
        }
        review
    };
    let changed = Version { major: 2, minor: 2, patch: 0 };
    let top = Place::top(&main.name);
    Ok(Review::by_release(version, changed, ["2.0", "2.8"], &top, |new| {
        as_release(if new { Release::New } else { Release::Old })
    }))
}

/// Adds the sections of the folder beside the declared file; what of it cannot be read.
fn beside(main: &Text, config: &mut Config, files: &mut Files) -> Vec<(Place, String)> {
    let mut gaps = Vec::new();
    let texts = match files.read_folder("conf.d", ".cfg") {
        Ok(texts) => by_name(texts),
        // Where no such folder lies beside the file, none was handed over.
        Err(Unread::NotInEvidence) => Vec::new(),
        Err(error) => {
            gaps.push((Place::top(&main.name), error.to_string()));
            Vec::new()
        }
    };
    for text in texts {
        match parse::parse(&text) {
            Ok(more) => {
                config.sections.extend(more.sections);
                config.conditions.extend(more.conditions);
            }
            Err(error) => gaps.push((Place::top(&text.name), error.to_string())),
        }
    }
    gaps
}

/// What the `global` sections say for every other one.
struct Global<'a> {
    /// What `ssl-default-bind-options` say of versions.
    versions: front::Versions<'a>,
    /// The line that leaves certificates of servers unchecked.
    unchecked: Option<&'a Line>,
}

impl<'a> Global<'a> {
    fn of(config: &'a Config) -> Self {
        let sections = config.sections.iter().filter(|one| one.kind == "global");
        let lines = || sections.clone().flat_map(|one| &one.lines);
        let options = lines().filter(|line| line.starts(&["ssl-default-bind-options"]));
        let mut verify = lines().filter(|line| line.starts(&["ssl-server-verify"]));
        let verify = verify.next_back();
        Self {
            versions: front::Versions::of(options),
            unchecked: verify.filter(|line| line.word(1) == "none"),
        }
    }
}

/// A section among the others.
struct Proxy<'a> {
    section: &'a Section,
    /// The defaults that hold: those that it names, else the last ones before it.
    defaults: Option<&'a Section>,
    served: &'a BTreeSet<&'a str>,
    global: &'a Global<'a>,
}

/// Backends that a listener leads to which ends TLS.
fn served(config: &Config) -> BTreeSet<&str> {
    let ends = |section: &&Section| {
        section.lines.iter().any(|line| line.starts(&["bind"]) && line.has("ssl"))
    };
    let lines = config.sections.iter().filter(ends).flat_map(|section| &section.lines);
    let leads = |line: &&Line| matches!(line.word(0), "use_backend" | "default_backend");
    lines.filter(leads).map(|line| line.word(1)).collect()
}

impl<'a> Proxy<'a> {
    /// Lines of the section, and of the defaults that it takes over.
    fn lines(&self) -> impl Iterator<Item = &'a Line> + use<'a> {
        let own = self.section.lines.iter();
        own.chain(self.defaults.into_iter().flat_map(|section| section.lines.iter()))
    }

    /// The line that decides among those that begin with these words: its own last one, else the
    /// last of the defaults [2.6.12].
    fn decides(&self, words: &[&str]) -> Option<&'a Line> {
        let sections = [Some(self.section), self.defaults];
        let mut lines = sections.into_iter().flatten().flat_map(|one| one.lines.iter().rev());
        lines.find(|line| line.starts(words))
    }

    /// Lines by which it listens.
    fn binds(&self) -> impl Iterator<Item = &'a Line> + use<'a> {
        self.section.lines.iter().filter(|line| line.starts(&["bind"]))
    }

    /// The protocol that it speaks; `tcp` where nothing says (configuration manual, `mode`).
    fn is_http(&self) -> bool {
        self.decides(&["mode"]).is_some_and(|line| line.word(1) == "http")
    }

    /// From where it can be reached; a backend only through its frontends.
    fn reach(&self) -> Reach {
        let mut binds = self.binds().peekable();
        if binds.peek().is_none() {
            return Reach::Unstated;
        }
        let local = |line: &Line| addresses(line).iter().all(|one| *one == Bound::Loopback);
        if binds.all(local) { Reach::Loopback } else { Reach::Network }
    }

    /// Whether any word of it holds a text.
    fn mentions(&self, text: &str) -> bool {
        self.lines().any(|line| line.words.iter().any(|word| word.contains(text)))
    }
}

/// What a `bind` line is bound to, for each of its addresses.
fn addresses(line: &Line) -> Vec<Bound> {
    line.word(1).split(',').map(address).collect()
}

/// An address that is no port: a socket in the file system, or one that is handed over.
fn is_socket(text: &str) -> bool {
    let starts = ["/", "unix@", "abns@", "abnsz@", "fd@", "sockpair@"];
    starts.iter().any(|start| text.starts_with(start))
}

/// What one address is bound to.
fn address(text: &str) -> Bound {
    if is_socket(text) {
        return Bound::Loopback;
    }
    let plain = text.split_once('@').map_or(text, |(_, rest)| rest);
    // A port may be a range; what is in front of it decides.
    match plain.rsplit_once(':') {
        Some((host, _)) => bound(if host.is_empty() { "*" } else { host }),
        None => bound(plain),
    }
}

/// Whether a file looks like HAProxy's: sections, and lines that bind or name servers.
pub fn is_likely(name: &str, content: &str) -> bool {
    let head = |line: &str| {
        let mut words = line.split_whitespace();
        let listens = matches!(words.next(), Some("frontend" | "listen" | "backend" | "defaults"));
        listens && !line.starts_with(' ') && !line.contains(['=', '{', ':'])
    };
    let line = |line: &str| {
        ["bind ", "server ", "timeout "].iter().any(|start| line.trim_start().starts_with(start))
    };
    name == "haproxy.cfg"
        || (content.lines().any(head) && content.lines().any(line) && !content.contains(';'))
}
