//! What container manifests of every kind have in common.

use model::evidence::{Guardrail, Origin, Reach, SecretKind};

use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::judge::{HIDDEN, holds_secret};
use crate::gateway_config_guardrails::{secrets, values};

/// Capabilities with which a process takes its host over, or what runs beside it: capabilities(7),
/// without the prefix `CAP_`.
const DANGEROUS: [&str; 13] = [
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_BOOT",
    "NET_ADMIN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "BPF",
    "PERFMON",
];

/// Sockets of container engines: whoever writes to one is root on the host.
const SOCKETS: [&str; 4] = ["docker.sock", "containerd.sock", "crio.sock", "podman.sock"];

/// Variables by which images of brokers let everybody in, with the words for true that they take.
const ANONYMOUS: [&str; 4] = [
    "HIVEMQ_ALLOW_ALL_CLIENTS",
    "NANOMQ_ALLOW_ANONYMOUS",
    "DOCKER_VERNEMQ_ALLOW_ANONYMOUS",
    "VERNEMQ_ALLOW_ANONYMOUS",
];

/// The name of a capability as evidence shows it, if it is one that no gateway should have.
pub fn dangerous(capability: &str) -> Option<&'static str> {
    let upper = capability.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    DANGEROUS.into_iter().find(|known| *known == bare)
}

/// What a folder or file of the host gives away, in words; none where that is nothing.
pub fn host_path(path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches('/');
    if SOCKETS.iter().any(|socket| path.ends_with(socket)) {
        return Some("the socket of the container engine");
    }
    match path {
        "" => Some("the root of the host"),
        "/etc" | "/root" | "/proc" | "/sys" | "/boot" | "/var" | "/var/run" | "/run"
        | "/var/lib/docker" | "/var/lib/kubelet" | "/usr" | "/home" => {
            Some("a folder of the host's own system")
        }
        _ => None,
    }
}

/// One variable of a container's environment, whose value stands in the manifest.
pub fn variable(review: &mut Review, place: &Place, setting: &str, name: &str, value: &str) {
    if ANONYMOUS.contains(&name) {
        review.cover(&[Guardrail::Anonymous]);
        match values::truth(value, None) {
            Some(true) => {
                review.off(Guardrail::Anonymous, place.observe(setting, "true", Reach::Unstated));
            }
            Some(false) => review.setting(place, setting, "false", Origin::Explicit),
            None => review.undetermined(
                place,
                setting,
                &[Guardrail::Anonymous],
                "its value cannot be read as true or false",
            ),
        }
        return;
    }
    secret(review, place, setting, name, value);
}

/// A variable that something outside the manifest fills in; `fallback` stands in the manifest.
pub fn variable_from_elsewhere(
    review: &mut Review,
    place: &Place,
    setting: &str,
    name: &str,
    fallback: Option<&str>,
) {
    if ANONYMOUS.contains(&name) {
        let reason = "a variable fills it in, and that is not in evidence";
        review.undetermined(place, setting, &[Guardrail::Anonymous], reason);
    }
    match fallback {
        Some(value) => secret(review, place, setting, name, value),
        None if kind(name).is_some() => {
            review.setting(place, setting, secrets::VARIABLE, Origin::Unresolved);
        }
        None => {}
    }
}

/// Notes a secret, told by the name of its setting or by the address that it is part of.
pub fn secret(review: &mut Review, place: &Place, setting: &str, name: &str, value: &str) {
    if let Some(password) = secrets::in_address(value) {
        let traits = secrets::Traits::of(password);
        review.secret(place, setting, SecretKind::UrlCredentials, traits);
    } else if holds_secret(value)
        && let Some(kind) = kind(name)
    {
        review.setting(place, setting, HIDDEN, Origin::Explicit);
        review.secret(place, setting, kind, secrets::Traits::of(value));
    }
}

/// Secrets among the words of a command line: `--password=x`, `--password x`, `NAME=x`.
pub fn command(review: &mut Review, place: &Place, setting: &str, words: &[&str]) {
    for (index, word) in words.iter().enumerate() {
        let name = word.trim_start_matches('-');
        match name.split_once('=') {
            Some((name, value)) if secrets::placeholder(value).is_none() => {
                secret(review, place, setting, name, value);
            }
            Some(_) => {}
            None if word.starts_with("--") => {
                let value = words.get(index + 1).filter(|next| !next.starts_with('-'));
                if let Some(value) = value.filter(|value| secrets::placeholder(value).is_none()) {
                    secret(review, place, setting, name, value);
                }
            }
            None => secret(review, place, setting, "", word),
        }
    }
}

/// What a variable of that name holds. VerneMQ's image makes users of variables, whose names end
/// in the name of the user.
fn kind(name: &str) -> Option<SecretKind> {
    if name.starts_with("DOCKER_VERNEMQ_USER_") {
        return Some(SecretKind::Password);
    }
    secrets::kind(name)
}
