//! The check as a whole: files in a folder, evidence out.

mod brokers;
mod bytes;
mod compose;
mod defaults;
mod emqx;
mod gateway;
mod haproxy;
mod hostile;
mod kubernetes;
mod layered;
mod mapped;
mod mosquitto;
mod nginx;
mod node_red;
mod repeated;
mod systemd;
mod telegraf;
mod thingsboard;

use std::path::Path;

use model::RunId;
use model::document::{ConfigFormat, GatewayConfig, Source};
use model::evidence::{GatewayConfigGuardrailsStable, Guardrail, Item, Observation, Reach};
use tempfile::TempDir;

use crate::Context;

/// A context whose documents lie in `folder`.
fn context(folder: &Path) -> Context {
    Context::new(RunId("20261121-000000-00000000".to_owned()), folder.to_owned())
}

/// What is observed of a configuration.
fn observe(context: &Context, config: &GatewayConfig) -> GatewayConfigGuardrailsStable {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("runtime").block_on(super::observe(context, config))
}

/// A declared configuration.
fn declared(path: &str, format: ConfigFormat) -> GatewayConfig {
    GatewayConfig {
        name: "main".to_owned(),
        format,
        path: Some(path.to_owned()),
        ..GatewayConfig::default()
    }
}

/// A folder with files, of which the first is the configuration.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

/// What is seen of the first of some files.
fn seen(
    files: &[(&str, &str)],
    format: ConfigFormat,
    version: Option<&str>,
) -> GatewayConfigGuardrailsStable {
    seen_with(files, format, version, None)
}

/// The same with a file that holds the environment of the program.
fn seen_with(
    files: &[(&str, &str)],
    format: ConfigFormat,
    version: Option<&str>,
    environment: Option<&str>,
) -> GatewayConfigGuardrailsStable {
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let folder = folder(&files);
    let mut config = declared(files[0].0, format);
    config.program_version = version.map(str::to_owned);
    if let Some(text) = environment {
        std::fs::write(folder.path().join("program.env"), text).unwrap();
        config.environment = Some(Source::path("program.env"));
    }
    observe(&context(folder.path()), &config)
}

/// Every guardrail that is not on, in words.
fn weak(seen: &GatewayConfigGuardrailsStable) -> Vec<String> {
    Guardrail::ALL
        .into_iter()
        .filter(|one| !matches!(one, Guardrail::DefaultSecret | Guardrail::InlineSecret))
        .filter(|one| seen.guardrails.value().is_some_and(|covered| covered.contains(one)))
        .filter(|one| word(seen, *one) != "on")
        .map(|one| format!("{one:?} {}", word(seen, one)))
        .collect()
}

/// Asserts that a configuration leaves none of these guardrails off or open, and holds no secret.
/// Those of secrets have lists of their own.
fn keeps(seen: &GatewayConfigGuardrailsStable, guardrails: &[Guardrail], words: &[&str]) {
    for guardrail in guardrails {
        if !matches!(guardrail, Guardrail::InlineSecret | Guardrail::DefaultSecret) {
            let told = word(seen, *guardrail);
            assert!(words.contains(&told), "{guardrail:?} is {told}");
        }
    }
    assert_eq!(seen.secrets_inline.value().unwrap(), &[]);
    assert_eq!(undetermined(seen), Vec::<String>::new());
}

/// Asserts what becomes of a guardrail when one part of a sample is another.
fn one_change(
    sample: &str,
    read: impl Fn(&str) -> GatewayConfigGuardrailsStable,
    cases: &[(&str, &str, Guardrail, &str)],
) {
    for (from, to, guardrail, expected) in cases {
        assert!(sample.contains(from), "the sample has no {from}");
        let seen = read(&sample.replacen(from, to, 1));
        assert_eq!(word(&seen, *guardrail), *expected, "{to}");
    }
}

/// What is seen of a file through a mapping.
fn mapped(name: &str, text: &str, mapping: &str) -> GatewayConfigGuardrailsStable {
    let folder = folder(&[(name, text.as_bytes()), ("mapping.yaml", mapping.as_bytes())]);
    let mut config = declared(name, ConfigFormat::Auto);
    config.mapping = Some(Source::path("mapping.yaml"));
    observe(&context(folder.path()), &config)
}

/// The list of a guardrail.
fn list(seen: &GatewayConfigGuardrailsStable, guardrail: Guardrail) -> &Item<Vec<Observation>> {
    match guardrail {
        Guardrail::Authentication => &seen.auth_not_enforced,
        Guardrail::Anonymous => &seen.auth_anonymous,
        Guardrail::IdentityMapping => &seen.auth_unproven_identity,
        Guardrail::Authorization => &seen.authorization_missing,
        Guardrail::Tls => &seen.tls_plaintext,
        Guardrail::TlsVersion => &seen.tls_old_versions,
        Guardrail::PeerVerification => &seen.tls_unverified_peers,
        Guardrail::KeyPermissions => &seen.keys_open_permissions,
        Guardrail::Bind => &seen.bind_all_interfaces,
        Guardrail::Admin => &seen.admin_exposed,
        Guardrail::Debug => &seen.debug_logging,
        Guardrail::Limits => &seen.limits_unbounded,
        Guardrail::UnknownKey => &seen.unknown_keys,
        Guardrail::Privileges => &seen.privileges_excessive,
        Guardrail::ProxyHeader => &seen.proxy_header_trusted,
        Guardrail::DefaultSecret | Guardrail::InlineSecret => {
            panic!("secrets have their own lists")
        }
    }
}

/// A guardrail in one word: `on`, `off`, `local` (off for this machine only) or `open`.
fn word(seen: &GatewayConfigGuardrailsStable, guardrail: Guardrail) -> &'static str {
    match list(seen, guardrail) {
        Item::Observed { value } if value.is_empty() => "on",
        Item::Observed { value } if value.iter().all(|one| one.reach == Reach::Loopback) => "local",
        Item::Observed { .. } => "off",
        _ => "open",
    }
}

/// Settings that cannot be told.
fn undetermined(seen: &GatewayConfigGuardrailsStable) -> Vec<String> {
    seen.undetermined.value().unwrap().iter().map(|entry| entry.setting.clone()).collect()
}

/// `file:line:column` of every entry of a list.
fn places(item: &Item<Vec<Observation>>) -> Vec<String> {
    let value = item.value().unwrap();
    value.iter().map(|one| format!("{}:{}:{}", one.file, one.line, one.column)).collect()
}
