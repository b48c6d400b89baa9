//! nginx as the TLS front end of a broker, a gateway or an ingest edge: `http`, `stream` and `mail`
//! servers with what they inherit, and the files that `include` names.
//!
//! An inner directive takes the place of an outer one of the same name. All servers on one
//! address negotiate by the settings of the first of them, so a stricter second server changes
//! nothing; that is how they are judged.

mod admin;
mod identity;
mod mail;
mod parse;
mod redirect;
mod repeats;
mod server;
mod tls;
mod upstream;

use model::evidence::Guardrail;

use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text, Unread};
use crate::gateway_config_guardrails::tree::{MAX_NODES, Unreadable};
use crate::gateway_config_guardrails::version::Version;
use parse::Directive;
use server::{Front, Once};

/// Guardrails that nginx has settings for; that of key permissions joins them where a key is here
/// to be looked at.
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

/// Deepest chain of files that include one another.
const MAX_INCLUDES: usize = 8;

/// Files that every package includes and that decide no guardrail.
const HARMLESS: [&str; 7] = [
    "mime.types",
    "fastcgi_params",
    "fastcgi.conf",
    "proxy_params",
    "scgi_params",
    "uwsgi_params",
    "modules-enabled/*.conf",
];

/// Releases between which a default that matters here changed: since 1.27.3 TLS 1.0 and 1.1 are
/// off unless a file asks for them (nginx's list of changes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Release {
    /// 1.27.2 and earlier.
    Old,
    /// 1.27.3 and later.
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
    let mut gaps = Vec::new();
    let mut count = 0;
    let tree = expand(parse::parse(main)?, files, &mut gaps, &mut count, 0);
    let front = Front::of(&tree);
    let as_release = |release| {
        let mut review = Review::default();
        review.cover(&COVERED);
        for (place, reason) in &gaps {
            review.undetermined(place, "include", &COVERED, reason.clone());
        }
        let mut once = Once::default();
        for server in &front.servers {
            tls::review(&mut review, &front, server, release, files, &mut once);
            upstream::review(&mut review, &front, server);
            mail::review(&mut review, server);
            admin::review(&mut review, server);
            identity::review(&mut review, server, &mut once);
        }
        admin::everywhere(&mut review, &tree);
        repeats::review(&mut review, &tree);
        review
    };
    let changed = Version { major: 1, minor: 27, patch: 3 };
    let top = Place::top(&main.name);
    Ok(Review::by_release(version, changed, ["1.26", "1.28"], &top, |new| {
        as_release(if new { Release::New } else { Release::Old })
    }))
}

/// Directives with the files that `include` names in their place.
fn expand(
    directives: Vec<Directive>,
    files: &mut Files,
    gaps: &mut Vec<(Place, String)>,
    count: &mut usize,
    depth: usize,
) -> Vec<Directive> {
    let mut out = Vec::new();
    for mut directive in directives {
        *count += 1;
        if directive.name != "include" {
            if let Some(block) = directive.block.take() {
                directive.block = Some(expand(block, files, gaps, count, depth));
            }
            out.push(directive);
            continue;
        }
        let named = directive.arg(0);
        if HARMLESS.iter().any(|harmless| named.ends_with(harmless)) {
            continue;
        }
        if depth >= MAX_INCLUDES || *count > MAX_NODES {
            let reason = "it goes beyond the limit of 8 levels or 100,000 directives".to_owned();
            gaps.push((directive.place, reason));
            continue;
        }
        match included(named, files) {
            Ok(texts) => {
                for text in texts {
                    match parse::parse(&text) {
                        Ok(inner) => out.extend(expand(inner, files, gaps, count, depth + 1)),
                        Err(error) => gaps.push((Place::top(&text.name), error.to_string())),
                    }
                }
            }
            Err(reason) => gaps.push((directive.place, reason)),
        }
    }
    out
}

/// The files that a pattern names. A `*` is read in the last part of the path, once.
fn included(named: &str, files: &mut Files) -> Result<Vec<Text>, String> {
    let words = |error: Unread| error.to_string();
    let Some((before, suffix)) = named.split_once('*') else {
        return files.read(named).map(|text| vec![text]).map_err(words);
    };
    if suffix.contains(['*', '/', '?', '[']) || before.contains(['?', '[']) {
        return Err("only one `*` in the name of the file is read".to_owned());
    }
    let (folder, prefix) = before.rsplit_once('/').unwrap_or((".", before));
    let mut texts = files.read_folder(folder, suffix).map_err(words)?;
    texts.retain(|text| {
        let name = text.name.rsplit('/').next().unwrap_or(&text.name);
        // A leading dot needs one in the pattern, as in every shell.
        name.starts_with(prefix) && (!name.starts_with('.') || prefix.starts_with('.'))
    });
    texts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(texts)
}

/// Whether a text looks like nginx.conf or a part of it: a block of
/// servers, and directives that end in a semicolon.
pub fn is_likely(name: &str, text: &str) -> bool {
    let block = |head: &str| {
        let opens = |line: &str| {
            let rest = line.trim_start().strip_prefix(head)?;
            Some(rest.trim_start().starts_with('{'))
        };
        text.lines().any(|line| opens(line) == Some(true)) && text.contains(';')
    };
    let js = name.ends_with(".js") || name.ends_with(".json");
    name == "nginx.conf" || (!js && ["http", "stream", "server"].into_iter().any(block))
}
