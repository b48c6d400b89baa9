//! Docker Compose: services with what they publish, what they may do on the host, and the secrets
//! that stand in the file. Reads `include`, `extends`, `env_file` and the override beside the file.
//!
//! Variables are never filled in, not even from a `.env` beside the file: the shell that starts
//! Compose comes first, and it is not in evidence. A default written in the file is looked at for
//! secrets, because it holds wherever nobody sets the variable.

mod layers;
mod ports;
mod service;

use model::evidence::{Guardrail, Reach, SecretKind};

use super::tables::{entries, entry, text};
use super::variables::{Filled, fill};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text};
use crate::gateway_config_guardrails::secrets;
use crate::gateway_config_guardrails::tree::{Node, shown};
use layers::Layers;

/// Guardrails that a Compose file has settings for.
pub(super) const COVERED: [Guardrail; 4] =
    [Guardrail::Privileges, Guardrail::Bind, Guardrail::InlineSecret, Guardrail::DefaultSecret];

/// Most services that are read.
const MAX_SERVICES: usize = 1_000;

/// Reviews a Compose file with the files that it names.
///
/// # Errors
///
/// If the declared file is no YAML: where, never what.
pub fn review(main: &Text, files: &mut Files) -> Result<Review, String> {
    let mut review = Review::default();
    review.cover(&COVERED);
    let layers = Layers::read(main, files, &mut review)?;
    for (file, document) in layers.documents() {
        for again in document.repeated() {
            let at = again.place(file);
            review.repeated(at.observe(&again.path, "set more than once", Reach::Unstated));
        }
        for kind in ["secrets", "configs"] {
            inline_content(&mut review, file, document, kind);
        }
    }
    let services = layers.services();
    if services.len() > MAX_SERVICES {
        let reason = "only the first 1,000 services are read";
        review.undetermined(&Place::top(&main.name), "services", &COVERED, reason);
    }
    for name in services.into_iter().take(MAX_SERVICES) {
        let service = layers.service(name, files, &mut review);
        service::review(&mut review, &service, files);
    }
    Ok(review)
}

/// Secrets whose content stands in the file instead of in one of its own.
fn inline_content(review: &mut Review, file: &str, document: &Node, kind: &str) {
    let Some(list) = entry(document, kind) else { return };
    for item in entries(&list.node) {
        let Some(content) = entry(&item.node, "content") else { continue };
        let place = Place { file: file.to_owned(), line: content.line, column: content.column };
        let setting = format!("{kind}.{}.content", shown(&item.key));
        let Some(written) = text(&content.node) else { continue };
        match fill(written) {
            Filled::Text(content) if kind == "secrets" && !content.is_empty() => {
                let traits = secrets::Traits::of(&content);
                review.secret(&place, &setting, SecretKind::Other, traits);
            }
            Filled::Text(content) => {
                super::containers::secret(review, &place, &setting, &item.key, &content);
            }
            Filled::Variable { .. } => {}
        }
    }
}

/// Whether a file is a Compose file: by its name, or by services with an image.
pub fn is_likely(name: &str, text: &str) -> bool {
    if ![".yaml", ".yml"].iter().any(|ending| name.ends_with(ending)) {
        return false;
    }
    let named = ["compose.", "docker-compose."].iter().any(|start| name.starts_with(start));
    let services = text.lines().any(|line| line.trim_end() == "services:");
    let made =
        |line: &str| ["image:", "build:"].iter().any(|key| line.trim_start().starts_with(key));
    named || (services && text.lines().any(made))
}
