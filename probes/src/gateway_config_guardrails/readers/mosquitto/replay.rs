//! The lines in their order, and what each of them does to the broker.
//!
//! The broker has a listener that nobody declares. It takes every listener setting that stands
//! before the first `listener` line of its file, and once it has one it opens, on port 1883 of
//! every interface. Where its behaviour is measured, it was measured on 2.0.11.

use std::collections::HashMap;

use model::evidence::Guardrail;

use super::Release;
use super::broker::{Bridge, Broker, Doubt, Listener, Security};
use super::keys::{self, Again};
use super::lines::{Line, Step};
use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::values::{Bound, bound};

/// Most listeners, and most plugins, that are followed. No broker has as many; a file that says so
/// wants us to work.
const MAX_PARTS: usize = 256;

/// Most settings that are kept as undetermined, as replaced or as repeated.
const MAX_DOUBTS: usize = 1_000;

/// Where reading stands in one file.
#[derive(Debug, Clone, Default)]
struct Cursor {
    listener: Option<usize>,
    bridge: Option<usize>,
    /// An included file added a listener meanwhile: the broker's own pointer is lost [2.0.11].
    lost: bool,
}

/// What a setting belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Scope {
    /// The broker as a whole.
    Broker,
    /// A listener; the undeclared one without a number.
    Listener(Option<usize>),
    /// A bridge; without a number the broker refuses the line.
    Bridge(Option<usize>),
}

/// The broker that `release` makes of the lines.
pub fn replay(steps: &[Step], release: Release) -> Broker {
    let mut reader = Reader {
        release,
        broker: Broker { undeclared: true, ..Broker::default() },
        implicit: Listener::new(Place::top(""), true),
        opened: None,
        security_seen: false,
        plugins: 0,
        files: vec![Cursor::default()],
        set: HashMap::new(),
    };
    for step in steps {
        match step {
            Step::Begin => reader.files.push(Cursor::default()),
            Step::End => {
                reader.files.pop();
            }
            Step::Line(line) => reader.line(line),
            Step::Missing(line, reason) => {
                let guardrails = super::COVERED.to_vec();
                reader.doubt(
                    line,
                    guardrails,
                    format!("the files behind it were not read: {reason}"),
                );
            }
            Step::Marked(_) => {}
        }
    }
    reader.finish(steps)
}

struct Reader<'a> {
    release: Release,
    broker: Broker,
    implicit: Listener,
    /// The first line that brings the undeclared listener up.
    opened: Option<Place>,
    security_seen: bool,
    /// Plugins so far.
    plugins: usize,
    files: Vec<Cursor>,
    /// The last line of every key that does not add up, in its place.
    set: HashMap<(Scope, &'a str), &'a Line>,
}

impl<'a> Reader<'a> {
    fn cursor(&mut self) -> &mut Cursor {
        if self.files.is_empty() {
            self.files.push(Cursor::default());
        }
        let last = self.files.len() - 1;
        &mut self.files[last]
    }

    fn doubt(&mut self, line: &Line, guardrails: Vec<Guardrail>, reason: impl Into<String>) {
        let doubts = &mut self.broker.doubts;
        let full = doubts.len() >= MAX_DOUBTS;
        match doubts.last_mut().filter(|_| full) {
            // Evidence shows far fewer; what hangs on the others stays open through the last one.
            Some(last) => {
                let new = guardrails.into_iter().filter(|one| !last.guardrails.contains(one));
                last.guardrails.extend(new.collect::<Vec<_>>());
            }
            None => doubts.push(Doubt {
                place: line.place.clone(),
                setting: line.key.clone(),
                guardrails,
                reason: reason.into(),
            }),
        }
    }

    fn refuse(&mut self, line: &Line) {
        self.doubt(
            line,
            keys::guardrails(&line.key).to_vec(),
            "mosquitto refuses to start with this line, so what runs is not this file",
        );
    }

    fn truth(&mut self, line: &Line) -> Option<bool> {
        match line.word() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => {
                self.refuse(line);
                None
            }
        }
    }

    /// The listener that listener settings go to; the undeclared one outside any.
    fn listener(&mut self, line: &Line) -> &mut Listener {
        if self.cursor().lost {
            let guardrails = super::COVERED.to_vec();
            self.doubt(line, guardrails, "it follows an include_dir whose files add a listener, and the broker loses its place there");
        }
        match self.cursor().listener {
            Some(index) => &mut self.broker.listeners[index],
            None => &mut self.implicit,
        }
    }

    /// A listener setting; `opens` if it brings the undeclared listener up.
    fn on_listener(&mut self, line: &Line, opens: bool, set: impl FnOnce(&mut Listener)) {
        set(self.listener(line));
        if opens && self.cursor().listener.is_none() {
            self.opened.get_or_insert_with(|| line.place.clone());
        }
    }

    /// A security setting: of the listener or global, as `per_listener_settings` says.
    fn on_security(&mut self, line: &Line, opens: bool, set: impl FnOnce(&mut Security)) {
        self.security_seen = true;
        if !self.broker.per_listener {
            return set(&mut self.broker.global);
        }
        if self.release == Release::V2_1 && self.cursor().listener.is_none() {
            return self.refuse(line);
        }
        self.on_listener(line, opens, |listener| set(&mut listener.security));
    }

    /// Notes a key that was set before in the same place.
    fn again(&mut self, line: &'a Line) {
        let key = line.key.as_str();
        let what = keys::again(key, self.release);
        if what == Again::Adds {
            return;
        }
        // 2.1 keeps a true that was said once, so it is the later line that does not count.
        if key == "per_listener_settings"
            && self.release == Release::V2_1
            && self.broker.per_listener
        {
            return note(&mut self.broker.overridden, line);
        }
        let scope = self.scope(key);
        let before = self.set.insert((scope, keys::canonical(key)), line);
        match before {
            Some(_) if what == Again::Refused => {
                note(&mut self.broker.repeated, line);
                self.refuse(line);
            }
            Some(before) => note(&mut self.broker.overridden, before),
            None => {}
        }
    }

    fn scope(&mut self, key: &str) -> Scope {
        let cursor = self.cursor();
        let (listener, bridge) = (Scope::Listener(cursor.listener), Scope::Bridge(cursor.bridge));
        match key {
            "port" | "bind_address" => Scope::Listener(None),
            _ if keys::is_of_listener(key) => listener,
            _ if keys::is_of_bridge(key) => bridge,
            _ if keys::is_of_security(key) && self.broker.per_listener => listener,
            _ => Scope::Broker,
        }
    }

    fn line(&mut self, line: &'a Line) {
        let key = line.key.as_str();
        if !keys::is_known(key, self.release) {
            self.broker.unknown.push(line.clone());
            return;
        }
        self.again(line);
        match key {
            "listener" => self.declare(line),
            "port" | "bind_address" => self.default_listener(line),
            "allow_anonymous"
            | "acl_file"
            | "password_file"
            | "psk_file"
            | "plugin"
            | "auth_plugin"
            | "global_plugin"
            | "allow_zero_length_clientid"
            | "per_listener_settings"
            | "plugin_load"
            | "plugin_use" => self.security_line(line),
            "connection" => self.bridge_begins(line),
            _ if key.starts_with("bridge_") || matches!(key, "address" | "addresses") => {
                self.bridge_line(line);
            }
            _ if keys::is_of_listener(key) => self.listener_line(line),
            _ => self.global_line(line),
        }
    }

    fn declare(&mut self, line: &Line) {
        self.broker.undeclared = false;
        let address = line.words().nth(1).filter(|word| !word.starts_with('#'));
        let port = u16::try_from(leading_number(line.word())).ok();
        let Some(port) = port.filter(|port| *port > 0 || address.is_some()) else {
            return self.refuse(line);
        };
        if self.broker.listeners.len() >= MAX_PARTS {
            let reason = "more than 256 listeners are not followed";
            return self.doubt(line, super::COVERED.to_vec(), reason);
        }
        let mut listener = Listener::new(line.place.clone(), false);
        listener.port = port;
        listener.address = address.map(str::to_owned);
        self.broker.listeners.push(listener);
        let index = self.broker.listeners.len() - 1;
        let (current, outer) = match self.files.split_last_mut() {
            Some(split) => split,
            None => return,
        };
        current.listener = Some(index);
        current.lost = false;
        for cursor in outer {
            cursor.lost |= cursor.listener.is_some();
        }
    }

    /// `port` and `bind_address` speak of the undeclared listener wherever they stand.
    fn default_listener(&mut self, line: &Line) {
        self.broker.undeclared = false;
        self.opened.get_or_insert_with(|| line.place.clone());
        if line.key == "bind_address" {
            self.implicit.address = Some(line.text().to_owned());
        } else {
            match u16::try_from(leading_number(line.word())) {
                Ok(port) if port > 0 => self.implicit.port = port,
                _ => return self.refuse(line),
            }
        }
        if self.release == Release::V2_1 {
            self.cursor().listener = None;
        }
    }

    fn security_line(&mut self, line: &Line) {
        match line.key.as_str() {
            "per_listener_settings" => {
                let Some(value) = self.truth(line) else { return };
                if value && self.security_seen {
                    return self.refuse(line);
                }
                // 2.1 keeps a true that was said once; before, the last line counts.
                self.broker.per_listener =
                    value || (self.release == Release::V2_1 && self.broker.per_listener);
            }
            "allow_anonymous" => {
                let Some(value) = self.truth(line) else { return };
                let place = line.place.clone();
                self.on_security(line, false, |security| security.anonymous = Some((value, place)));
            }
            "allow_zero_length_clientid" => {
                let Some(value) = self.truth(line) else { return };
                self.on_security(line, !value, |_| {});
            }
            _ if line.text().is_empty() => self.refuse(line),
            "plugin" | "auth_plugin" | "global_plugin" | "plugin_load" | "plugin_use"
                if self.plugins >= MAX_PARTS =>
            {
                let guardrails = vec![Guardrail::Anonymous, Guardrail::Authorization];
                self.doubt(line, guardrails, "more than 256 plugins are not followed");
            }
            "acl_file" => {
                self.on_security(line, false, |security| security.acl_file = Some(line.clone()));
            }
            "password_file" | "psk_file" => {
                self.on_security(line, true, |security| security.has_users = true);
            }
            "plugin_load" => {
                self.plugins += 1;
                self.broker.loaded.push((line.word().to_owned(), line.clone()));
            }
            "plugin_use" => {
                let name = line.text().trim_end();
                let loaded = self.broker.loaded.iter().find(|(known, _)| known == name);
                match loaded.map(|(_, line)| line.clone()) {
                    Some(plugin) => {
                        self.plugins += 1;
                        self.listener(line).security.plugins.push(plugin);
                    }
                    None => self.refuse(line),
                }
            }
            "global_plugin" => {
                self.plugins += 1;
                self.broker.global.plugins.push(line.clone());
            }
            _ => {
                self.plugins += 1;
                self.on_security(line, true, |security| security.plugins.push(line.clone()));
            }
        }
    }

    fn listener_line(&mut self, line: &Line) {
        let on = |line: &Line| line.word() == "true" || line.word() == "1";
        match line.key.as_str() {
            "bind_interface" => {
                self.on_listener(line, false, |l| l.interface = Some(line.text().to_owned()));
            }
            "certfile" => self.on_listener(line, true, |l| l.certificate.0 = true),
            "keyfile" => self.on_listener(line, true, |l| l.certificate.1 = true),
            "psk_hint" => self.on_listener(line, true, |l| l.psk = true),
            "tls_version" => {
                self.on_listener(line, false, |l| l.tls_version = Some(line.clone()));
            }
            "max_connections" => {
                let count = leading_number(line.word());
                self.on_listener(line, count >= 0, |l| l.max_connections = Some(count));
            }
            "max_qos" | "maximum_qos" => {
                self.on_listener(line, leading_number(line.word()) != 2, |_| {});
            }
            "protocol" => {
                let api = (line.word() == "http_api").then(|| line.clone());
                self.on_listener(line, line.word() != "mqtt", |l| l.http_api = api);
            }
            "http_dir" | "max_topic_alias" => self.on_listener(line, false, |_| {}),
            "require_certificate"
            | "use_identity_as_username"
            | "use_subject_as_username"
            | "use_username_as_clientid"
            | "listener_allow_anonymous"
            | "disable_client_cert_date_checks" => {
                let Some(value) = self.truth(line) else { return };
                let place = line.place.clone();
                let kept = on(line).then(|| line.clone());
                self.on_listener(line, value, |l| match line.key.as_str() {
                    "require_certificate" => l.require_certificate = value,
                    "listener_allow_anonymous" => l.anonymous = Some((value, place)),
                    "disable_client_cert_date_checks" => l.dates_unchecked = kept,
                    "use_username_as_clientid" => {}
                    _ if value || l.identity.as_ref().is_some_and(|old| old.key == line.key) => {
                        l.identity = kept;
                    }
                    _ => {}
                });
            }
            _ => self.on_listener(line, true, |_| {}),
        }
    }

    fn bridge_begins(&mut self, line: &Line) {
        self.broker.bridges.push(Bridge {
            place: line.place.clone(),
            local: false,
            has_tls: false,
            insecure: None,
            tls_version: None,
        });
        let index = self.broker.bridges.len() - 1;
        self.cursor().bridge = Some(index);
    }

    fn bridge_line(&mut self, line: &Line) {
        let insecure = if matches!(line.key.as_str(), "bridge_insecure" | "bridge_tls_use_os_certs")
        {
            self.truth(line)
        } else {
            None
        };
        let Some(index) = self.cursor().bridge else { return self.refuse(line) };
        let bridge = &mut self.broker.bridges[index];
        match line.key.as_str() {
            "address" | "addresses" => {
                let mut hosts = line.words().take_while(|word| !word.starts_with('#')).peekable();
                bridge.local =
                    hosts.peek().is_some() && hosts.all(|host| bound(host) == Bound::Loopback);
            }
            "bridge_cafile" | "bridge_capath" | "bridge_psk" => bridge.has_tls = true,
            "bridge_tls_use_os_certs" => bridge.has_tls |= insecure == Some(true),
            "bridge_insecure" => bridge.insecure = (insecure == Some(true)).then(|| line.clone()),
            "bridge_tls_version" => bridge.tls_version = Some(line.clone()),
            _ => {}
        }
    }

    fn global_line(&mut self, line: &Line) {
        let number = leading_number(line.word());
        match line.key.as_str() {
            "max_packet_size" if number < 20 => self.refuse(line),
            "max_packet_size" => self.broker.packet_bound = true,
            "message_size_limit" => self.broker.packet_bound |= number > 0,
            "max_queued_messages" => {
                self.broker.queue_open = (number <= 0).then(|| line.clone());
            }
            "max_queued_bytes" => self.broker.queue_bytes = number > 0,
            "global_max_connections" | "global_max_clients" => {
                self.broker.clients_bound |= number >= 0;
            }
            "log_type" => match line.word() {
                "none" => self.broker.debug = None,
                "all" | "debug" => self.broker.debug = Some(line.clone()),
                _ => {}
            },
            _ => {}
        }
    }

    fn finish(mut self, steps: &[Step]) -> Broker {
        let top = steps.iter().find_map(|step| match step {
            Step::Line(line) | Step::Missing(line, _) => Some(Place::top(&line.place.file)),
            _ => None,
        });
        let declared = !self.broker.listeners.is_empty();
        self.broker.local_mode = match self.release {
            Release::V1_6 => false,
            Release::V2_0 => self.broker.undeclared && self.opened.is_none(),
            Release::V2_1 => self.broker.undeclared,
        };
        if self.broker.local_mode {
            let place = top.unwrap_or_else(|| Place::top(""));
            self.broker.listeners = vec![Listener {
                address: Some("127.0.0.1".to_owned()),
                security: self.implicit.security,
                ..Listener::new(place, true)
            }];
        } else if self.opened.is_some() || !declared {
            let place = self.opened.or(top).unwrap_or_else(|| Place::top(""));
            self.broker.listeners.push(Listener { place, ..self.implicit });
        }
        self.broker
    }
}

/// Keeps a line, as long as there is room; evidence shows far fewer.
fn note(lines: &mut Vec<Line>, line: &Line) {
    if lines.len() < MAX_DOUBTS {
        lines.push(line.clone());
    }
}

/// A number at the start of a word, as C's `atoi` reads it: 0 where there is none.
fn leading_number(word: &str) -> i64 {
    let word = word.trim_start_matches('\t');
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let number = digits[..end].parse::<i64>().unwrap_or(if end > 0 { i64::MAX } else { 0 });
    if word.starts_with('-') { -number } else { number }
}
