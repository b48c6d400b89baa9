//! The guardrails of an exported object.

use model::evidence::{Guardrail, LengthClass, Origin, Reach, SecretKind};

use super::settings::{Js, Member};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::judge::HIDDEN;
use crate::gateway_config_guardrails::readers::{Places, containers};
use crate::gateway_config_guardrails::secrets::Traits;
use crate::gateway_config_guardrails::tree::shown;
use crate::gateway_config_guardrails::values::{Bound, bound};

/// Why a value that only running the file would tell decides nothing.
const RUNS: &str = "only running the file would tell, and it is never run";

/// Modules that hand the machine to whoever edits a flow.
const MACHINE: &str = "functionGlobalContext";

/// Reviews an exported object.
pub fn review(review: &mut Review, file: &str, places: &Places<'_>, export: &Js) {
    let mut judge = Judge { review, file, places };
    let reach = judge.host(export);
    judge.tls(export, reach);
    judge.editor(export, reach);
    judge.nodes(export, reach);
    judge.credential_secret(export);
    judge.logging(export);
    judge.secrets(export, "", 0);
    if let Held::Is(_, at) = held(export, MACHINE) {
        let place = judge.at(at);
        judge.review.setting(&place, MACHINE, HIDDEN, Origin::Explicit);
    }
}

/// A member of an object as far as it can be told.
pub(super) enum Held<'a> {
    /// Not there.
    Absent,
    /// Something that is spread behind it, or instead of it, may set it.
    Open(usize),
    /// Its last value, and the byte at which it stands.
    Is(&'a Js, usize),
}

pub(super) fn held<'a>(object: &'a Js, key: &str) -> Held<'a> {
    let Js::Object(members) = object else { return Held::Absent };
    for member in members.iter().rev() {
        match &member.key {
            None => return Held::Open(member.at),
            Some(name) if name == key => return Held::Is(&member.value, member.at),
            Some(_) => {}
        }
    }
    Held::Absent
}

struct Judge<'a> {
    review: &'a mut Review,
    file: &'a str,
    places: &'a Places<'a>,
}

impl Judge<'_> {
    fn at(&self, byte: usize) -> Place {
        let (line, column) = self.places.at(byte);
        Place { file: self.file.to_owned(), line, column }
    }

    fn top(&self) -> Place {
        Place::top(self.file)
    }

    fn open(&mut self, at: usize, setting: &str, guardrail: Guardrail) {
        let place = self.at(at);
        self.review.undetermined(&place, setting, &[guardrail], RUNS);
    }

    fn off(
        &mut self,
        guardrail: Guardrail,
        place: &Place,
        setting: &str,
        value: &str,
        reach: Reach,
    ) {
        self.review.off(guardrail, place.observe(setting, value, reach));
    }

    fn explicit(&mut self, at: usize, setting: &str, value: &str) {
        let place = self.at(at);
        self.review.setting(&place, setting, value, Origin::Explicit);
    }

    /// Where Node-RED listens: on every interface unless it is told otherwise.
    fn host(&mut self, export: &Js) -> Reach {
        let (key, guardrail) = ("uiHost", Guardrail::Bind);
        match held(export, key) {
            Held::Absent => {
                let place = self.top();
                let value = "absent: every interface (default)";
                self.off(guardrail, &place, key, value, Reach::Network);
                Reach::Network
            }
            Held::Is(Js::Text(host), at) => {
                let bound = bound(host);
                let place = self.at(at);
                if bound == Bound::Wildcard {
                    self.off(guardrail, &place, key, "every interface", Reach::Network);
                } else {
                    let value = format!("{} address", bound.as_str());
                    self.review.setting(&place, key, value, Origin::Explicit);
                }
                bound.reach()
            }
            Held::Is(_, at) | Held::Open(at) => {
                self.open(at, key, guardrail);
                Reach::Unstated
            }
        }
    }

    fn tls(&mut self, export: &Js, reach: Reach) {
        let (key, guardrail) = ("https", Guardrail::Tls);
        match held(export, key) {
            Held::Absent => {
                let place = self.top();
                self.off(guardrail, &place, key, "absent: plain HTTP (default)", reach);
            }
            Held::Is(Js::Object(_) | Js::Function, at) => self.explicit(at, key, "set"),
            Held::Is(Js::Word(_), at) => {
                let place = self.at(at);
                self.off(guardrail, &place, key, "none: plain HTTP", reach);
            }
            Held::Is(_, at) | Held::Open(at) => self.open(at, key, guardrail),
        }
    }

    /// The editor and the API behind it: open to everybody where nothing guards them.
    fn editor(&mut self, export: &Js, reach: Reach) {
        let (key, guardrail) = ("adminAuth", Guardrail::Admin);
        if is_false(export, "httpAdminRoot") {
            return;
        }
        match held(export, key) {
            Held::Absent => {
                let place = self.top();
                let value = "absent: editor and flow API are open (default)";
                self.off(guardrail, &place, key, value, reach);
            }
            Held::Is(auth @ Js::Object(_), at) => {
                self.explicit(at, key, "set");
                let default = match held(auth, "default") {
                    Held::Absent => return,
                    Held::Open(at) => return self.open(at, key, guardrail),
                    Held::Is(default, at) => (default, at),
                };
                let setting = "adminAuth.default";
                match (default.0, held(default.0, "permissions")) {
                    (Js::Object(_), Held::Is(Js::Text(permissions), at)) => {
                        let value = if permissions == "*" {
                            "everything for everybody"
                        } else {
                            "flows can be read by everybody"
                        };
                        let place = self.at(at);
                        self.off(guardrail, &place, setting, value, reach);
                    }
                    (Js::Object(_), Held::Absent) => {}
                    _ => self.open(default.1, setting, guardrail),
                }
            }
            Held::Is(Js::Word(_), at) => {
                let place = self.at(at);
                self.off(guardrail, &place, key, "none: editor and flow API are open", reach);
            }
            Held::Is(_, at) | Held::Open(at) => self.open(at, key, guardrail),
        }
    }

    /// HTTP nodes and dashboards, which `adminAuth` does not guard.
    fn nodes(&mut self, export: &Js, reach: Reach) {
        let (key, guardrail) = ("httpNodeAuth", Guardrail::Authentication);
        if is_false(export, "httpNodeRoot") {
            return;
        }
        match (held(export, key), held(export, "httpNodeMiddleware")) {
            (Held::Absent, Held::Is(_, at)) => self.open(at, "httpNodeMiddleware", guardrail),
            (Held::Absent, _) => {
                let place = self.top();
                self.off(guardrail, &place, key, "absent: HTTP nodes are open (default)", reach);
            }
            (Held::Is(Js::Object(_), at), _) => self.explicit(at, key, "set"),
            (Held::Is(_, at) | Held::Open(at), _) => self.open(at, key, guardrail),
        }
    }

    /// `false` keeps the credentials of flows in clear.
    fn credential_secret(&mut self, export: &Js) {
        let key = "credentialSecret";
        match held(export, key) {
            Held::Is(Js::Word(word), at) if word == "false" => {
                let place = self.at(at);
                let traits = Traits { length: LengthClass::Empty, known: false };
                self.review.secret(&place, key, SecretKind::Key, traits);
                self.explicit(at, key, "false: credentials of flows are stored in clear");
            }
            Held::Absent => {
                let place = self.top();
                let value = "absent: generated, and kept beside the flows (default)";
                self.review.setting(&place, key, value, Origin::Default);
            }
            _ => {}
        }
    }

    fn logging(&mut self, export: &Js) {
        let Held::Is(logging, _) = held(export, "logging") else { return };
        let Held::Is(console, _) = held(logging, "console") else { return };
        let setting = "logging.console.level";
        match held(console, "level") {
            Held::Is(Js::Text(level), at) if matches!(level.as_str(), "debug" | "trace") => {
                let place = self.at(at);
                self.off(Guardrail::Debug, &place, setting, level, Reach::Unstated);
            }
            Held::Absent | Held::Is(Js::Text(_), _) => {}
            Held::Is(_, at) | Held::Open(at) => self.open(at, setting, Guardrail::Debug),
        }
    }

    /// Secrets anywhere in the object.
    fn secrets(&mut self, value: &Js, path: &str, at: usize) {
        match value {
            Js::Object(members) => {
                for member in members {
                    self.member(member, path);
                }
            }
            Js::List(items) => {
                for (index, (item, at)) in items.iter().enumerate() {
                    self.secrets(item, &format!("{path}[{index}]"), *at);
                }
            }
            Js::Text(text) => {
                let name = path.rsplit('.').next().unwrap_or(path);
                let place = self.at(at);
                let traits = Traits::of(text);
                // The hash of a password is no password, unless it is the one that samples share.
                if text.starts_with("$2") && !traits.known {
                    return self.review.setting(&place, path, "a hash", Origin::Explicit);
                }
                containers::secret(self.review, &place, path, name, text);
            }
            Js::Variable(Some(fallback)) => self.secrets(fallback, path, at),
            _ => {}
        }
    }

    fn member(&mut self, member: &Member, path: &str) {
        let Some(key) = &member.key else { return };
        let key = shown(key);
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        self.secrets(&member.value, &path, member.at);
    }
}

fn is_false(export: &Js, key: &str) -> bool {
    matches!(held(export, key), Held::Is(Js::Word(word), _) if word == "false")
}
