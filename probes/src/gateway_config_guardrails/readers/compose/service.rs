//! One service of a Compose file.

use model::evidence::{Guardrail, Origin, Reach};

use super::layers::{Service, note_default};
use super::ports;
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::Files;
use crate::gateway_config_guardrails::readers::tables::{entries, entry, items, text};
use crate::gateway_config_guardrails::readers::variables::{Filled, fill};
use crate::gateway_config_guardrails::readers::{containers, env};
use crate::gateway_config_guardrails::secrets::VARIABLE;
use crate::gateway_config_guardrails::tree::{Node, Value, shown};
use crate::gateway_config_guardrails::values;

/// Why a value that a variable or a tag fills in decides nothing.
const ELSEWHERE: &str = "something outside the file fills it in, and that is not in evidence";

/// Reviews a service with everything that its files say of it.
pub fn review(review: &mut Review, service: &Service, files: &mut Files) {
    overridden(review, service);
    privileges(review, service);
    user(review, service);
    ports::review(review, service);
    volumes(review, service);
    environment(review, service);
    env_files(review, service, files);
    command(review, service);
    image(review, service);
}

/// Values that a stronger file takes the place of.
fn overridden(review: &mut Review, service: &Service) {
    let lists = ["cap_add", "devices", "environment", "ports", "security_opt", "volumes"];
    let single =
        ["privileged", "read_only", "user", "network_mode", "pid", "ipc", "userns_mode", "command"];
    let replaced = single.into_iter().flat_map(|key| {
        let mut all = service.all(key);
        all.pop();
        all.into_iter().map(move |(place, _)| (key, place, "a later file sets it"))
    });
    let taken = lists.into_iter().chain(single).flat_map(|key| {
        let gone = service.taken_away(key).into_iter();
        gone.map(move |(place, _)| (key, place, "a later file takes it away"))
    });
    for (key, place, why) in replaced.chain(taken) {
        review.overridden(place.observe(service.setting(key), why, Reach::Unstated));
    }
}

fn off(review: &mut Review, place: &Place, service: &Service, key: &str, value: &str) {
    let seen = place.observe(service.setting(key), value, Reach::Unstated);
    review.off(Guardrail::Privileges, seen);
}

/// A truth value of the service: set, absent, or filled in from elsewhere.
fn truth(review: &mut Review, service: &Service, key: &str) -> Option<(Place, Option<bool>)> {
    let Some((place, entry)) = service.last(key) else {
        return Some((service.place(), None));
    };
    let value = match text(&entry.node).map(fill) {
        Some(Filled::Text(text)) => values::truth(&text, None),
        _ => None,
    };
    if value.is_none() {
        review.undetermined(&place, service.setting(key), &[Guardrail::Privileges], ELSEWHERE);
        return None;
    }
    Some((place, value))
}

fn privileges(review: &mut Review, service: &Service) {
    if let Some((place, Some(true))) = truth(review, service, "privileged") {
        off(review, &place, service, "privileged", "true");
    }
    match truth(review, service, "read_only") {
        Some((place, Some(true))) => {
            review.setting(&place, service.setting("read_only"), "true", Origin::Explicit);
        }
        Some((place, Some(false))) => {
            off(review, &place, service, "read_only", "false: the root file system is writable");
        }
        Some((place, None)) => {
            off(review, &place, service, "read_only", "absent: the root file system is writable");
        }
        None => {}
    }
    for key in ["network_mode", "pid", "ipc", "userns_mode"] {
        let Some((place, entry)) = service.last(key) else { continue };
        match text(&entry.node).map(fill) {
            Some(Filled::Text(text)) if text == "host" => {
                off(review, &place, service, key, "host");
                if key == "network_mode" {
                    let reason =
                        "it shares the network of the host: what its program binds to decides";
                    review.undetermined(&place, service.setting(key), &[Guardrail::Bind], reason);
                }
            }
            Some(Filled::Text(_)) => {}
            _ => {
                let both = [Guardrail::Privileges, Guardrail::Bind];
                let bears = if key == "network_mode" { &both[..] } else { &both[..1] };
                review.undetermined(&place, service.setting(key), bears, ELSEWHERE);
            }
        }
    }
    for key in ["cap_add", "security_opt"] {
        for (place, item) in listed(service, key) {
            match text(item).map(fill) {
                Some(Filled::Text(text)) => {
                    let seen = match key {
                        "cap_add" => containers::dangerous(&text),
                        _ => unconfined(&text),
                    };
                    if let Some(seen) = seen {
                        off(review, &place, service, key, seen);
                    }
                }
                _ => {
                    let bears = &[Guardrail::Privileges];
                    review.undetermined(&place, service.setting(key), bears, ELSEWHERE);
                }
            }
        }
    }
}

/// A security option that takes a protection of the engine away.
fn unconfined(option: &str) -> Option<&'static str> {
    ["seccomp", "apparmor", "systempaths", "label"]
        .into_iter()
        .zip([
            "seccomp unconfined",
            "apparmor unconfined",
            "systempaths unconfined",
            "label disable",
        ])
        .find_map(|(name, seen)| {
            let value = option.strip_prefix(name)?.strip_prefix([':', '='])?;
            matches!(value, "unconfined" | "disable").then_some(seen)
        })
}

fn user(review: &mut Review, service: &Service) {
    let setting = service.setting("user");
    let Some((place, entry)) = service.last("user") else {
        let reason = "it is absent, and the image decides as whom the program runs; set `user`";
        let bears = &[Guardrail::Privileges];
        return review.undetermined(&service.place(), setting, bears, reason);
    };
    match text(&entry.node).map(fill) {
        Some(Filled::Text(user)) => {
            let user = user.split(':').next().unwrap_or("");
            if matches!(user, "root" | "0") {
                off(review, &place, service, "user", "root");
            } else {
                review.setting(&place, setting, "not root", Origin::Explicit);
            }
        }
        _ => review.undetermined(&place, setting, &[Guardrail::Privileges], ELSEWHERE),
    }
}

/// Items of a list key over all files.
fn listed<'a>(service: &'a Service, key: &str) -> Vec<(Place, &'a Node)> {
    let lists = service.all(key).into_iter();
    lists
        .flat_map(|(place, entry)| {
            let own = std::slice::from_ref(&entry.node);
            let all =
                if matches!(entry.node.value, Value::List(_)) { items(&entry.node) } else { own };
            all.iter().map(move |item| {
                (Place { file: place.file.clone(), line: item.line, column: item.column }, item)
            })
        })
        .collect()
}

fn volumes(review: &mut Review, service: &Service) {
    for (place, item) in listed(service, "volumes") {
        let source = match &item.value {
            Value::Table(_) => entry(item, "source").and_then(|source| text(&source.node)),
            Value::Scalar(text) => text.split(':').next().filter(|_| text.contains(':')),
            _ => None,
        };
        // A variable as the source is a folder of the project nearly always, and a file that
        // hands the socket on names it: what cannot be seen is a setting, not a doubt.
        let path = source.filter(|source| source.starts_with('/'));
        if let Some(seen) = path.and_then(containers::host_path) {
            off(review, &place, service, "volumes", seen);
        }
    }
    for (place, _) in listed(service, "devices") {
        review.setting(
            &place,
            service.setting("devices"),
            "a device of the host",
            Origin::Explicit,
        );
    }
}

fn environment(review: &mut Review, service: &Service) {
    for key in ["environment", "build"] {
        for (place, found) in service.all(key) {
            let (node, name) = match key {
                "build" => match entry(&found.node, "args") {
                    Some(args) => (&args.node, "build.args"),
                    None => continue,
                },
                _ => (&found.node, "environment"),
            };
            for entry in entries(node) {
                let at = Place { file: place.file.clone(), line: entry.line, column: entry.column };
                let setting = service.setting(&format!("{name}.{}", shown(&entry.key)));
                variable(review, &at, &setting, &entry.key, text(&entry.node));
            }
            for item in items(node) {
                let at = Place { file: place.file.clone(), line: item.line, column: item.column };
                let Some((key, value)) = text(item).and_then(|text| text.split_once('=')) else {
                    continue;
                };
                let setting = service.setting(&format!("{name}.{}", shown(key)));
                variable(review, &at, &setting, key, Some(value));
            }
        }
    }
}

/// One variable. Without a value it comes from the shell that starts Compose.
fn variable(review: &mut Review, place: &Place, setting: &str, name: &str, value: Option<&str>) {
    match value.map(fill) {
        Some(Filled::Text(value)) => containers::variable(review, place, setting, name, &value),
        Some(Filled::Variable { fallback }) => {
            containers::variable_from_elsewhere(review, place, setting, name, fallback.as_deref());
        }
        None => containers::variable_from_elsewhere(review, place, setting, name, None),
    }
}

/// Files with variables. One that is not beside the Compose file keeps secrets out of it.
fn env_files(review: &mut Review, service: &Service, files: &mut Files) {
    for (place, item) in listed(service, "env_file") {
        let path = match &item.value {
            Value::Table(_) => entry(item, "path").and_then(|path| text(&path.node)),
            _ => text(item),
        };
        let setting = service.setting("env_file");
        let Some(Filled::Text(path)) = path.map(fill) else {
            review.setting(&place, setting, VARIABLE, Origin::Unresolved);
            continue;
        };
        let Ok(file) = files.read(&path) else {
            review.setting(&place, setting, "a file that is not in evidence", Origin::Unresolved);
            continue;
        };
        let Ok(variables) = env::read(&file.content) else {
            let bears = &[Guardrail::InlineSecret, Guardrail::DefaultSecret];
            review.undetermined(&place, setting, bears, "it cannot be read as KEY=value lines");
            continue;
        };
        for entry in entries(&variables) {
            let at = Place { file: file.name.clone(), line: entry.line, column: entry.column };
            if let Some(value) = text(&entry.node) {
                containers::variable(review, &at, &shown(&entry.key), &entry.key, value);
            }
        }
    }
}

fn command(review: &mut Review, service: &Service) {
    for key in ["command", "entrypoint"] {
        let Some((place, entry)) = service.last(key) else { continue };
        let words: Vec<&str> = match &entry.node.value {
            Value::List(items) => items.iter().filter_map(text).collect(),
            Value::Scalar(line) => line.split_whitespace().collect(),
            _ => continue,
        };
        containers::command(review, &place, &service.setting(key), &words);
    }
}

fn image(review: &mut Review, service: &Service) {
    let Some((place, entry)) = service.last("image") else {
        return note_default(review, service, "image", "built here");
    };
    let seen = match text(&entry.node).map(fill) {
        Some(Filled::Text(image)) if image.contains("@sha256:") => "pinned by digest",
        Some(Filled::Text(image)) => {
            let name = image.rsplit('/').next().unwrap_or("");
            if name.contains(':') && !name.ends_with(":latest") { "a tag" } else { "the latest" }
        }
        _ => {
            return review.setting(&place, service.setting("image"), VARIABLE, Origin::Unresolved);
        }
    };
    review.setting(&place, service.setting("image"), seen, Origin::Explicit);
}
