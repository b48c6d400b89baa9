//! Node-RED's settings.js: editor and flow API, HTTP nodes, address, TLS, secrets; and the flows beside
//! it: brokers that it connects to.
//!
//! The file is a program. It is never run: a reader of our own takes the object that it exports,
//! bounded in depth and size, and what only running would tell is undetermined. A full parser of
//! JavaScript would bring about a hundred crates for the dozen forms that such a file is made of.

mod flows;
mod judge;
mod settings;
mod tokens;

use model::evidence::Guardrail;

use super::Places;
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::tree::Unreadable;

/// Guardrails that settings.js has settings for.
pub(crate) const COVERED: [Guardrail; 7] = [
    Guardrail::Authentication,
    Guardrail::Admin,
    Guardrail::Tls,
    Guardrail::Bind,
    Guardrail::Debug,
    Guardrail::InlineSecret,
    Guardrail::DefaultSecret,
];

/// Reviews a settings.js.
///
/// # Errors
///
/// If it is no JavaScript that can be taken apart: where, never what.
pub fn review(main: &Text, files: &mut Files) -> Result<Review, Unreadable> {
    let places = Places::of(&main.content);
    let broken = |broken: tokens::Broken| broken.told(|at| places.at(at));
    let tokens = tokens::read(&main.content).map_err(broken)?;
    let export = settings::exported(&tokens).map_err(broken)?;
    let mut review = Review::default();
    review.cover(&COVERED);
    match export {
        Some(export) => {
            judge::review(&mut review, &main.name, &places, &export);
            flows::review(&mut review, &main.name, &places, &export, files);
        }
        None => {
            let reason = "it does not export an object that can be read without running it";
            review.undetermined(&Place::top(&main.name), "module.exports", &COVERED, reason);
        }
    }
    Ok(review)
}

/// Whether a file is a settings.js of Node-RED.
pub fn is_likely(name: &str, content: &str) -> bool {
    let known = ["uiPort", "flowFile", "adminAuth", "httpNodeRoot", "credentialSecret"];
    name.ends_with(".js")
        && content.contains("module.exports")
        && known.iter().any(|key| content.contains(key))
}
