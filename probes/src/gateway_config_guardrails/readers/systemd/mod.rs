//! systemd units with the drop-ins beside them: as whom a program runs, what it may do, and the
//! secrets in its environment, which every local user can ask systemd for.
//!
//! The score of `systemd-analyze security` is not rebuilt here. Three settings decide: the user,
//! new privileges, and whether the system is writable; the others are recorded as they are.

mod unit;

use model::evidence::{Guardrail, Origin, Reach, SecretKind};

use super::tables::{entries, text};
use super::{containers, env};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::{Files, Text, Unread};
use crate::gateway_config_guardrails::secrets::Traits;
use crate::gateway_config_guardrails::tree::{Unreadable, shown};
use crate::gateway_config_guardrails::values::{self, Bound, bound};
use unit::{Line, Unit, words};

/// Guardrails that a service has settings for.
const COVERED: [Guardrail; 3] =
    [Guardrail::Privileges, Guardrail::InlineSecret, Guardrail::DefaultSecret];

/// Settings of a sandbox that are recorded and not judged: which of them a program can bear is
/// its own matter.
const RECORDED: [&str; 17] = [
    "CapabilityBoundingSet",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "PrivateDevices",
    "PrivateTmp",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictSUIDSGID",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "UMask",
];

/// Settings that imply `NoNewPrivileges` for a program that does not run as root: systemd.exec(5).
const IMPLY: [&str; 10] = [
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "PrivateDevices",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictSUIDSGID",
    "SystemCallFilter",
];

/// Options by which programs of this field log everything.
const DEBUG: [(&str, &[&str]); 4] = [
    ("mosquitto", &["-v", "--verbose"]),
    ("telegraf", &["--debug"]),
    ("haproxy", &["-d"]),
    ("node-red", &["--verbose", "-v"]),
];

/// Reviews a unit with its drop-ins.
///
/// # Errors
///
/// If a file has more lines than are read.
pub fn review(main: &Text, files: &mut Files) -> Result<Review, Unreadable> {
    let mut review = Review::default();
    let mut unit = Unit::default();
    unit.add(main)?;
    let name = main.name.rsplit('/').next().unwrap_or(&main.name);
    match files.read_folder(&format!("{name}.d"), ".conf") {
        Ok(texts) => texts.iter().try_for_each(|text| unit.add(text))?,
        // Where no such folder lies beside the unit, none was handed over.
        Err(Unread::NotInEvidence) => {}
        Err(error) => {
            review.undetermined(&Place::top(&main.name), "drop-ins", &COVERED, error.to_string());
        }
    }
    if unit.lines.iter().any(|line| line.section == "Socket") {
        sockets(&mut review, &unit);
    }
    if let Some(first) = unit.lines.iter().find(|line| line.section == "Service") {
        let top = first.place.clone();
        review.cover(&COVERED);
        let mut service = Service { review: &mut review, unit: &unit, top };
        service.overridden();
        service.privileges();
        service.environment(files);
        service.commands();
    }
    Ok(review)
}

/// Addresses that systemd itself listens on.
fn sockets(review: &mut Review, unit: &Unit) {
    review.cover(&[Guardrail::Bind]);
    for key in ["ListenStream", "ListenDatagram"] {
        for line in unit.list("Socket", key) {
            let local = line.value.starts_with(['/', '@', '%']) || line.value.starts_with("vsock:");
            if !local && bound(&line.value) == Bound::Wildcard {
                let seen = line.place.observe(key, "on every interface", Reach::Network);
                review.off(Guardrail::Bind, seen);
            }
        }
    }
}

struct Service<'a> {
    review: &'a mut Review,
    unit: &'a Unit,
    /// Where what is absent is said to be.
    top: Place,
}

impl Service<'_> {
    fn last(&self, key: &str) -> Option<&Line> {
        self.unit.last("Service", key).filter(|line| !line.value.is_empty())
    }

    fn off(&mut self, place: &Place, key: &str, value: &str) {
        let seen = place.observe(key, value, Reach::Unstated);
        self.review.off(Guardrail::Privileges, seen);
    }

    fn is_on(&self, key: &str) -> bool {
        self.last(key).is_some_and(|line| values::truth(&line.value, None) == Some(true))
    }

    /// Settings of which only the last counts.
    fn overridden(&mut self) {
        for key in ["User", "DynamicUser", "NoNewPrivileges", "ProtectSystem"] {
            let lines = self.unit.lines.iter();
            let mut all: Vec<_> =
                lines.filter(|line| line.section == "Service" && line.key == key).collect();
            all.pop();
            for line in all {
                let seen = line.place.observe(key, "a later line sets it", Reach::Unstated);
                self.review.overridden(seen);
            }
        }
    }

    fn privileges(&mut self) {
        let dynamic = self.is_on("DynamicUser");
        let user = self.last("User").cloned();
        let root = match &user {
            Some(line) => matches!(line.value.as_str(), "root" | "0"),
            None => !dynamic,
        };
        match &user {
            Some(line) if root => self.off(&line.place, "User", "root"),
            Some(line) if line.value.contains('%') => self.review.undetermined(
                &line.place,
                "User",
                &[Guardrail::Privileges],
                "the name of the instance fills it in",
            ),
            Some(line) => self.review.setting(&line.place, "User", "not root", Origin::Explicit),
            None if root => self.off(&self.top.clone(), "User", "absent: root (default)"),
            None => {}
        }
        self.new_privileges(dynamic, root);
        self.system(dynamic);
        for line in self.unit.list("Service", "AmbientCapabilities") {
            for seen in line.value.split_whitespace().filter_map(containers::dangerous) {
                self.off(&line.place, "AmbientCapabilities", seen);
            }
        }
        for key in RECORDED {
            match self.last(key).cloned() {
                Some(line) => self.review.setting(&line.place, key, "set", Origin::Explicit),
                None => self.review.setting(&self.top, key, "absent (default)", Origin::Default),
            }
        }
    }

    fn new_privileges(&mut self, dynamic: bool, root: bool) {
        let key = "NoNewPrivileges";
        let implied = dynamic || (!root && IMPLY.iter().any(|key| self.last(key).is_some()));
        match self.last(key).cloned() {
            Some(line) if values::truth(&line.value, None) == Some(true) => {
                self.review.setting(&line.place, key, "yes", Origin::Explicit);
            }
            _ if implied => {
                self.review.setting(&self.top, key, "yes, implied by others", Origin::Default);
            }
            Some(line) => self.off(&line.place, key, "no"),
            None => self.off(&self.top.clone(), key, "absent: no (default)"),
        }
    }

    fn system(&mut self, dynamic: bool) {
        let key = "ProtectSystem";
        match self.last(key).cloned() {
            Some(line) if matches!(line.value.as_str(), "strict" | "full") => {
                self.review.setting(&line.place, key, &line.value, Origin::Explicit);
            }
            Some(line) if values::truth(&line.value, None) == Some(true) => {
                self.review.setting(&line.place, key, "yes", Origin::Explicit);
            }
            None if dynamic => {
                self.review.setting(
                    &self.top,
                    key,
                    "strict, implied by DynamicUser",
                    Origin::Default,
                );
            }
            Some(line) => self.off(&line.place, key, "no: the system is writable"),
            None => self.off(&self.top.clone(), key, "absent: the system is writable (default)"),
        }
    }

    fn environment(&mut self, files: &mut Files) {
        for line in self.unit.list("Service", "Environment") {
            for word in words(&line.value) {
                if let Some((name, value)) = word.split_once('=') {
                    let setting = format!("Environment.{}", shown(name));
                    containers::variable(self.review, &line.place, &setting, name, value);
                }
            }
        }
        for line in self.unit.list("Service", "SetCredential") {
            if let Some((name, value)) = line.value.split_once(':') {
                let setting = format!("SetCredential.{}", shown(name));
                let traits = Traits::of(value);
                self.review.secret(&line.place, &setting, SecretKind::Other, traits);
            }
        }
        for line in self.unit.list("Service", "EnvironmentFile") {
            let path = line.value.trim_start_matches('-');
            let Ok(file) = files.read(path) else {
                let seen = "a file that is not in evidence";
                self.review.setting(&line.place, "EnvironmentFile", seen, Origin::Unresolved);
                continue;
            };
            let Ok(variables) = env::read(&file.content) else {
                let bears = &[Guardrail::InlineSecret, Guardrail::DefaultSecret];
                let reason = "it cannot be read as KEY=value lines";
                self.review.undetermined(&line.place, "EnvironmentFile", bears, reason);
                continue;
            };
            for entry in entries(&variables) {
                let at = Place { file: file.name.clone(), line: entry.line, column: entry.column };
                if let Some(value) = text(&entry.node) {
                    containers::variable(self.review, &at, &shown(&entry.key), &entry.key, value);
                }
            }
        }
    }

    fn commands(&mut self) {
        for key in ["ExecStart", "ExecStartPre", "ExecStartPost"] {
            for line in self.unit.list("Service", key) {
                let command = line.value.trim_start_matches(['@', '-', ':', '|']);
                if command.starts_with('+') {
                    self.off(&line.place, key, "with full privileges, whatever the unit says");
                }
                let words = words(command.trim_start_matches(['+', '!']));
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                containers::command(self.review, &line.place, key, &words);
                self.options(&line.place, key, &words);
            }
        }
    }

    fn options(&mut self, place: &Place, key: &str, words: &[&str]) {
        let program = words.first().and_then(|path| path.rsplit('/').next()).unwrap_or("");
        let Some((_, debug)) = DEBUG.iter().find(|(name, _)| *name == program) else { return };
        self.review.cover(&[Guardrail::Debug]);
        if words.iter().any(|word| debug.contains(word)) {
            let seen = place.observe(key, "an option that logs everything", Reach::Unstated);
            self.review.off(Guardrail::Debug, seen);
        }
        if let Some(at) = words.iter().position(|word| word.starts_with("--pprof-addr")) {
            let address = words[at].split_once('=').map(|(_, address)| address);
            let address = address.or_else(|| words.get(at + 1).copied()).unwrap_or("");
            let seen = place.observe(key, "a profiling surface", bound(address).reach());
            self.review.off(Guardrail::Admin, seen);
        }
    }
}

/// Whether a file is a unit: by the ending of its name and a section.
pub fn is_likely(name: &str, content: &str) -> bool {
    let section = |name: &str| content.lines().any(|line| line.trim() == name);
    [".service", ".socket"].iter().any(|ending| name.ends_with(ending))
        && (section("[Service]") || section("[Socket]"))
}
