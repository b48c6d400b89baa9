//! The guardrails of one broker under one release.

use model::evidence::{Guardrail, Origin, Reach};

use super::access::Access;
use super::broker::{Bridge, Broker, Listener, Security};
use super::keys;
use super::lines::{Line, Step};
use super::{COVERED, Release};
use crate::gateway_config_guardrails::guardrail::{Place, Review};
use crate::gateway_config_guardrails::includes::Files;
use crate::gateway_config_guardrails::judge::{HIDDEN, key_mode};
use crate::gateway_config_guardrails::tree::shown;
use crate::gateway_config_guardrails::{secrets, values};

/// Reviews a broker as one release reads it.
pub fn review(steps: &[Step], broker: &Broker, access: &Access, release: Release) -> Review {
    let mut judge = Judge { broker, access, release, review: Review::default() };
    judge.review.cover(&COVERED);
    for doubt in &broker.doubts {
        judge.review.undetermined(&doubt.place, &doubt.setting, &doubt.guardrails, &doubt.reason);
    }
    for listener in &broker.listeners {
        judge.listener(listener);
    }
    for bridge in &broker.bridges {
        judge.bridge(bridge);
    }
    judge.limits(steps);
    judge.global();
    judge.review
}

struct Judge<'a> {
    broker: &'a Broker,
    access: &'a Access,
    release: Release,
    review: Review,
}

impl Judge<'_> {
    fn off(
        &mut self,
        guardrail: Guardrail,
        place: &Place,
        setting: &str,
        value: String,
        reach: Reach,
    ) {
        self.review.off(guardrail, place.observe(setting, value, reach));
    }

    fn listener(&mut self, listener: &Listener) {
        let (name, reach, place) = (listener.name(), listener.reach(), &listener.place);
        self.anonymous(listener);
        self.authorization(listener);
        if listener.is_everywhere() {
            self.off(
                Guardrail::Bind,
                place,
                "listener",
                format!("{name} on every interface"),
                reach,
            );
        }
        if !listener.has_tls() && listener.port != 0 {
            self.off(Guardrail::Tls, place, "listener", format!("{name} without TLS"), reach);
        }
        if listener.has_tls() {
            self.tls_version(listener.tls_version.as_ref(), reach);
            if self.release == Release::V1_6 && listener.tls_version.is_none() {
                let value = format!("absent on {name}: TLS 1.1 and newer");
                self.off(Guardrail::TlsVersion, place, "tls_version", value, reach);
            }
        }
        if let Some(line) = listener.identity.as_ref().filter(|_| !listener.require_certificate) {
            let value = format!("true on {name} without require_certificate");
            self.off(Guardrail::IdentityMapping, &line.place, &line.key, value, reach);
        }
        if let Some(line) = &listener.dates_unchecked {
            self.off(
                Guardrail::PeerVerification,
                &line.place,
                &line.key,
                format!("true on {name}"),
                reach,
            );
        }
        if let Some(line) = &listener.http_api {
            self.off(
                Guardrail::Admin,
                &line.place,
                &line.key,
                format!("http_api on {name}"),
                reach,
            );
        }
        if listener.max_connections.is_none_or(|count| count < 0) && !self.broker.clients_bound {
            let value = format!("no bound on {name}");
            self.off(Guardrail::Limits, place, "max_connections", value, reach);
        }
    }

    /// Settings that hold for a listener.
    fn security<'b>(&'b self, listener: &'b Listener) -> &'b Security {
        if self.broker.per_listener { &listener.security } else { &self.broker.global }
    }

    fn anonymous(&mut self, listener: &Listener) {
        if listener.demands_key() {
            return;
        }
        let name = listener.name();
        let security = self.security(listener);
        let global = security.anonymous.as_ref();
        let (open, at) = match self.release {
            Release::V1_6 => (
                global.map_or(!security.has_users && security.plugins.is_empty(), |(set, _)| *set),
                global,
            ),
            // Measured: without any declared listener the file's own value is overridden.
            Release::V2_0 if self.broker.undeclared => (true, global.filter(|(set, _)| *set)),
            // Measured: with per_listener_settings the undeclared listener is never set to false.
            Release::V2_0 => {
                let default = self.broker.per_listener && listener.implicit;
                (global.map_or(default, |(set, _)| *set), global)
            }
            Release::V2_1 => {
                let own = listener.anonymous.as_ref().or(global);
                (own.map_or(self.broker.local_mode, |(set, _)| *set), own)
            }
        };
        let plugins = self.foreign_plugins(listener);
        if open {
            let (place, value) = match at {
                Some((_, place)) => (place.clone(), format!("true on {name}")),
                None => (listener.place.clone(), format!("true by default on {name}")),
            };
            self.off(Guardrail::Anonymous, &place, "allow_anonymous", value, listener.reach());
        } else {
            self.ask_plugins(&plugins, Guardrail::Anonymous);
        }
    }

    fn authorization(&mut self, listener: &Listener) {
        let security = self.security(listener).clone();
        let reach = listener.reach();
        let plugins: Vec<_> = security
            .plugins
            .iter()
            .chain(&listener.security.plugins)
            .chain(&self.broker.global.plugins)
            .cloned()
            .collect();
        let controls = |line: &Line| matches!(stem(line), Stem::Controls | Stem::Foreign);
        let mut named: Vec<_> =
            security.acl_file.iter().map(|line| line.text().to_owned()).collect();
        named.extend(
            plugins
                .iter()
                .filter(|line| stem(line) == Stem::Controls)
                .filter_map(|line| self.access.option_of(line).map(str::to_owned)),
        );
        for file in &named {
            for (place, value) in self.access.open(file).to_vec() {
                self.off(Guardrail::Authorization, &place, "acl", value.to_owned(), reach);
            }
        }
        if security.acl_file.is_none() && !plugins.iter().any(controls) {
            let value = format!(
                "absent on {}: every client may read and write everything",
                listener.name()
            );
            self.off(Guardrail::Authorization, &listener.place, "acl_file", value, reach);
        }
        let foreign = self.foreign_plugins(listener);
        self.ask_plugins(&foreign, Guardrail::Authorization);
    }

    /// Plugins of a listener that only their own code can speak for.
    fn foreign_plugins(&self, listener: &Listener) -> Vec<Line> {
        let own = listener.security.plugins.iter().chain(&self.broker.global.plugins);
        own.filter(|line| stem(line) == Stem::Foreign).cloned().collect()
    }

    fn ask_plugins(&mut self, plugins: &[Line], guardrail: Guardrail) {
        for plugin in plugins {
            self.review.undetermined(
                &plugin.place,
                &plugin.key,
                &[guardrail],
                "what this plugin decides is in its code and not in the configuration",
            );
        }
    }

    fn tls_version(&mut self, line: Option<&Line>, reach: Reach) {
        let Some(line) = line else { return };
        match line.text().trim_end() {
            "tlsv1.2" | "tlsv1.3" => {}
            "tlsv1" | "tlsv1.1" => {
                let value = line.text().trim_end().to_owned();
                self.off(Guardrail::TlsVersion, &line.place, &line.key, value, reach);
            }
            _ => self.review.undetermined(
                &line.place,
                &line.key,
                &[Guardrail::TlsVersion],
                "its value is no TLS version that mosquitto knows",
            ),
        }
    }

    fn bridge(&mut self, bridge: &Bridge) {
        let reach = if bridge.local { Reach::Loopback } else { Reach::Network };
        if !bridge.has_tls {
            let value = "bridge without trust anchors: plaintext, whatever its port".to_owned();
            self.off(Guardrail::Tls, &bridge.place, "connection", value, reach);
        }
        self.tls_version(bridge.tls_version.as_ref(), reach);
        if let Some(line) = &bridge.insecure {
            self.off(Guardrail::PeerVerification, &line.place, &line.key, "true".to_owned(), reach);
        }
    }

    fn limits(&mut self, steps: &[Step]) {
        let first = steps.iter().find_map(|step| match step {
            Step::Line(line) | Step::Missing(line, _) => Some(Place::top(&line.place.file)),
            _ => None,
        });
        // An empty file opens the loopback only, and whoever reaches that is on the machine.
        let reach = if self.broker.local_mode { Reach::Loopback } else { Reach::Unstated };
        if let (false, Some(place), true) =
            (self.broker.packet_bound, first, self.release < Release::V2_1)
        {
            let value = "absent: no bound before 2.1".to_owned();
            self.off(Guardrail::Limits, &place, "max_packet_size", value, reach);
        }
        if let Some(line) = self.broker.queue_open.as_ref().filter(|_| !self.broker.queue_bytes) {
            let value = "no bound, and max_queued_bytes sets none".to_owned();
            self.off(Guardrail::Limits, &line.place, &line.key, value, reach);
        }
    }

    fn global(&mut self) {
        if let Some(line) = &self.broker.debug {
            let value = line.word().to_owned();
            self.off(Guardrail::Debug, &line.place, &line.key, value, Reach::Unstated);
        }
        for line in &self.broker.overridden {
            let seen = line.place.observe(shown(&line.key), shown_value(line), Reach::Unstated);
            self.review.overridden(seen);
        }
        for line in &self.broker.repeated {
            let what = "set more than once: mosquitto refuses to start";
            let seen = line.place.observe(shown(&line.key), what, Reach::Unstated);
            self.review.repeated(seen);
        }
        for line in &self.broker.unknown {
            let (name, value) = (unknown(&line.key), REFUSED.to_owned());
            self.off(Guardrail::UnknownKey, &line.place, &name, value, Reach::Unstated);
        }
    }
}

/// What is said of a key that no release of the declared line knows.
const REFUSED: &str = "not a known key: mosquitto refuses to start";

/// Notes what holds for the lines themselves, whichever release reads them: settings for the
/// reader, secrets, and the permissions of key files.
pub fn note_lines(review: &mut Review, steps: &[Step], files: &Files) {
    for step in steps {
        match step {
            Step::Line(line) => note_line(review, line, files),
            Step::Marked(place) => {
                let mark = place.observe("(byte order mark)", REFUSED, Reach::Unstated);
                review.off(Guardrail::UnknownKey, mark);
            }
            _ => {}
        }
    }
}

fn note_line(review: &mut Review, line: &Line, files: &Files) {
    if keys::is_known(&line.key, Release::V2_1) {
        let (setting, value) = (shown(&line.key), shown_value(line));
        review.setting(&line.place, setting, value, Origin::Explicit);
    }
    if matches!(line.key.as_str(), "keyfile" | "bridge_keyfile" | "psk_file")
        && let Some(mode) = files.mode(line.text())
    {
        key_mode(review, &line.place, &line.key, mode);
    }
    let held = match line.key.as_str() {
        "password" | "remote_password" | "local_password" => {
            Some((line.text(), model::evidence::SecretKind::Password))
        }
        "bridge_psk" => Some((line.text(), model::evidence::SecretKind::Key)),
        key if key.starts_with("plugin_opt_") || key.starts_with("auth_opt_") => {
            secrets::kind(key).map(|kind| (line.text(), kind))
        }
        _ => None,
    };
    let held = held.or_else(|| {
        secrets::in_address(line.text())
            .map(|password| (password, model::evidence::SecretKind::UrlCredentials))
    });
    if let Some((secret, kind)) = held {
        review.secret(&line.place, &shown(&line.key), kind, secrets::Traits::of(secret));
    }
}

/// An unknown key as evidence shows it: only if it has the look of a key, for it may be a line of
/// something that was pasted here.
fn unknown(key: &str) -> String {
    let lower = key.to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    if keys::is_known(&lower, Release::V2_1) || (key.len() <= 40 && key.chars().all(plain)) {
        shown(key)
    } else {
        shown("")
    }
}

/// What a plugin is known to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stem {
    /// Shipped with mosquitto, says who may do what.
    Controls,
    /// Shipped with mosquitto, has no say in it.
    Other,
    /// Anything else.
    Foreign,
}

fn stem(line: &Line) -> Stem {
    let path = if line.key == "plugin_load" { line.words().nth(1) } else { line.words().next() };
    let file = path.and_then(|path| path.rsplit(['/', '\\']).next()).unwrap_or("");
    match file.split('.').next().unwrap_or("") {
        "mosquitto_dynamic_security" | "mosquitto_acl_file" => Stem::Controls,
        "mosquitto_password_file" | "mosquitto_persist_sqlite" | "mosquitto_sparkplug_aware" => {
            Stem::Other
        }
        _ => Stem::Foreign,
    }
}

/// A value as evidence shows it: switches, numbers, addresses and the broker's own words.
fn shown_value(line: &Line) -> String {
    let word = line.word();
    let number = |word: &str| word.parse::<i64>().is_ok();
    let own =
        ["true", "false", "none", "all", "debug", "information", "notice", "warning", "error"];
    let more = ["mqtt", "websockets", "http_api", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"];
    match line.key.as_str() {
        "listener" | "port" if number(word) => match line.words().nth(1) {
            Some(address) if !address.starts_with('#') && word != "0" => {
                format!("{word} on {}", values::shown_address(address))
            }
            _ => word.to_owned(),
        },
        "bind_address" => values::shown_address(line.text()),
        key if secrets::kind(key).is_none()
            && !key.contains("opt_")
            && (number(word) || own.contains(&word) || more.contains(&word)) =>
        {
            word.to_owned()
        }
        _ => HIDDEN.to_owned(),
    }
}
