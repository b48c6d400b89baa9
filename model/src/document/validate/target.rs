//! What must hold in an AuditTarget.

use std::collections::BTreeMap;

use super::{Faults, names};
use crate::digest::Digest;
use crate::document::location::Field;
use crate::document::problem::quote;
use crate::document::{
    Address, AuditTargetSpec, CheckSelection, Credential, CredentialKind, DeviceCertificates,
    DeviceTable, Endpoint, Protocol, Trust, limits, suggest,
};

pub(super) fn check(faults: &mut Faults, spec: &AuditTargetSpec) {
    let field = Field::of("spec");
    endpoints(faults, &field.key("endpoints"), spec);
    if let Some(trust) = &spec.trust {
        check_trust(faults, &field.key("trust"), trust);
    }

    let credentials = field.key("credentials");
    faults.named(&credentials, spec.credentials.iter().map(|c| c.name.as_str()));
    for (index, credential) in spec.credentials.iter().enumerate() {
        faults.source(&credentials.index(index), &credential.source());
    }

    let configs = field.key("gatewayConfig");
    faults.named(&configs, spec.gateway_config.iter().map(|c| c.name.as_str()));
    for (index, config) in spec.gateway_config.iter().enumerate() {
        let field = configs.index(index);
        faults.source(&field, &config.source());
        if let Some(version) = &config.program_version {
            faults.not_blank(&field.key("programVersion"), version, "a version");
        }
        if let Some(mapping) = &config.mapping {
            faults.source(&field.key("mapping"), mapping);
        }
        if let Some(environment) = &config.environment {
            faults.source(&field.key("environment"), environment);
        }
    }

    let sets = field.key("deviceCertificates");
    faults.named(&sets, spec.device_certificates.iter().map(|c| c.name.as_str()));
    for (index, set) in spec.device_certificates.iter().enumerate() {
        let field = sets.index(index);
        faults.source(&field, &set.source());
        if let Some(password) = &set.password {
            faults.source(&field.key("password"), password);
        }
        if let Some(inventory) = &set.inventory {
            faults.source(&field.key("inventory"), inventory);
        }
        if let Some(table) = &set.table {
            check_table(faults, &field, set, table);
        }
    }

    checks(faults, &field.key("checks"), &spec.checks);
    if let Some(policy) = &spec.probe_policy {
        let field = field.key("probePolicy");
        let (min, max) = limits::CONNECTIONS;
        faults.range(field.key("maxConnections"), policy.max_connections.map(u32::from), min, max);
        let (min, max) = limits::CONCURRENT_PROBES;
        let probes = policy.max_concurrent_probes.map(u32::from);
        faults.range(field.key("maxConcurrentProbes"), probes, min, max);
        let (min, max) = limits::CONNECT_TIMEOUT_SECONDS;
        let timeout = policy.connect_timeout_seconds.map(u32::from);
        faults.range(field.key("connectTimeoutSeconds"), timeout, min, max);
        let (min, max) = limits::DEADLINE_SECONDS;
        faults.range(
            field.key("deadlineSeconds"),
            policy.deadline_seconds.map(u32::from),
            min,
            max,
        );
        let (min, max) = limits::MIN_INTERVAL_SECONDS;
        faults.range(field.key("minIntervalSeconds"), policy.min_interval_seconds, min, max);
    }
}

impl Faults {
    /// Names of the entries of a list: labels, each once.
    fn named<'a>(&mut self, field: &Field, names: impl Iterator<Item = &'a str> + Clone) {
        for (index, name) in names.clone().enumerate() {
            self.label(&field.index(index).key("name"), name);
        }
        self.unique(field, "name", names);
    }
}

fn endpoints(faults: &mut Faults, field: &Field, spec: &AuditTargetSpec) {
    faults.named(field, spec.endpoints.iter().map(|e| e.name.as_str()));
    let declared = spec.credentials.iter().map(|c| (c.name.as_str(), c)).collect();
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        check_endpoint(faults, &field.index(index), endpoint, &declared);
    }
}

fn check_endpoint(
    faults: &mut Faults,
    field: &Field,
    endpoint: &Endpoint,
    declared: &BTreeMap<&str, &Credential>,
) {
    let protocol = endpoint.protocol;
    if let Err(message) = names::host(&endpoint.host) {
        faults.add(field.key("host"), message);
    }
    let (min, max) = limits::PORT;
    faults.range(field.key("port"), Some(endpoint.port.into()), min.into(), max.into());
    let has_path = protocol.is_http() || matches!(protocol, Protocol::Ws | Protocol::Wss);
    let paths = [
        ("path", &endpoint.path, has_path, "http, https, ws or wss"),
        ("healthPath", &endpoint.health_path, protocol.is_http(), "http or https"),
    ];
    for (name, path, allowed, protocols) in paths {
        let Some(path) = path else { continue };
        if !allowed {
            let protocol = protocol.as_str();
            let message = format!(
                "{name} means something for {protocols} only; this endpoint speaks {protocol}, remove it"
            );
            faults.add(field.key(name), message);
        } else if let Err(message) = names::path(path) {
            faults.add(field.key(name), message);
        }
    }
    if let Some(name) = &endpoint.server_name {
        if !protocol.is_tls() {
            let protocol = protocol.as_str();
            let message = format!(
                "serverName means something where TLS is spoken only; this endpoint speaks {protocol}, remove it"
            );
            faults.add(field.key("serverName"), message);
        } else if let Err(message) = names::host(name) {
            faults.add(field.key("serverName"), message);
        }
    }
    if let Some(credentials) = &endpoint.credentials {
        let field = field.key("credentials");
        faults.unique(&field, "", credentials.iter().map(String::as_str));
        for (index, name) in credentials.iter().enumerate() {
            if faults.is_full() {
                return;
            }
            match declared.get(name.as_str()) {
                Some(credential) => fits(faults, field.index(index), credential, protocol),
                None => {
                    let advice = suggest::clause(name, declared.keys().copied());
                    let name = quote(name);
                    let message = format!(
                        "expected the name of an entry of spec.credentials, found {name}{advice}"
                    );
                    faults.add(field.index(index), message);
                }
            }
        }
    }
}

/// A credential that an endpoint lists must be one that can be presented there.
fn fits(faults: &mut Faults, field: Field, credential: &Credential, protocol: Protocol) {
    let web = protocol.is_http() || matches!(protocol, Protocol::Ws | Protocol::Wss);
    let (allowed, needs) = match credential.kind {
        CredentialKind::Bearer | CredentialKind::Basic => (web, "HTTP"),
        CredentialKind::Mqtt => (protocol.is_mqtt(), "MQTT"),
        CredentialKind::ClientCertificate => (protocol.is_tls(), "TLS"),
    };
    if !allowed {
        let (kind, name) = (credential.kind.as_str(), quote(&credential.name));
        let protocol = protocol.as_str();
        let message = format!(
            "a {kind} credential is presented over {needs}, and this endpoint speaks {protocol}; remove {name} here"
        );
        faults.add(field, message);
    }
}

fn check_trust(faults: &mut Faults, field: &Field, trust: &Trust) {
    if let Some(bundle) = &trust.ca_bundle {
        faults.source(&field.key("caBundle"), bundle);
    }
    let issuers = field.key("expectedIssuers");
    for (index, issuer) in trust.expected_issuers.iter().enumerate() {
        faults.not_blank(&issuers.index(index), issuer, "a common name or a whole subject");
    }
    faults.unique(&issuers, "", trust.expected_issuers.iter().map(String::as_str));
    let keys = field.key("pinnedKeys");
    for (index, key) in trust.pinned_keys.iter().enumerate() {
        if let Err(error) = key.parse::<Digest>() {
            faults.add(keys.index(index), error.to_string());
        }
    }
    faults.unique(&keys, "", trust.pinned_keys.iter().map(String::as_str));
    for (index, list) in trust.crls.iter().enumerate() {
        faults.source(&field.key("crls").index(index), list);
    }
    let hosts = field.key("revocationHosts");
    for (index, host) in trust.revocation_hosts.iter().enumerate() {
        if let Err(message) = check_revocation_host(host) {
            faults.add(hosts.index(index), message);
        }
    }
    faults.unique(&hosts, "", trust.revocation_hosts.iter().map(String::as_str));
}

/// A table, and the source beside it, which holds an address with a password.
fn check_table(faults: &mut Faults, field: &Field, set: &DeviceCertificates, table: &DeviceTable) {
    let unfit = [("url", set.url.is_some()), ("configMapRef", set.config_map_ref.is_some())];
    for (name, _) in unfit.into_iter().filter(|(_, is_set)| *is_set) {
        let message = format!(
            "with `table` the source holds the address of a database, which is a secret; expected \
             secretRef, path or env, found {name}"
        );
        faults.add(field.key(name), message);
    }
    if set.password.is_some() {
        let message = "password opens PKCS#12 files, and a table has none; the password of the \
                       database stands in its address";
        faults.add(field.key("password"), message);
    }
    let field = field.key("table");
    let names = [
        ("schema", table.schema.as_ref()),
        ("name", Some(&table.name)),
        ("device", Some(&table.device)),
        ("certificate", Some(&table.certificate)),
        ("cohort", table.cohort.as_ref()),
        ("username", table.username.as_ref()),
    ];
    for (key, name) in names {
        let Some(name) = name else { continue };
        let fits = (1..=limits::IDENTIFIER_LENGTH).contains(&name.len());
        if !fits || name.contains('\0') {
            let (most, found) = (limits::IDENTIFIER_LENGTH, quote(name));
            let message = format!(
                "expected a name of Postgres, 1 to {most} bytes without NUL, found {found}"
            );
            faults.add(field.key(key), message);
        }
    }
}

fn check_revocation_host(host: &str) -> Result<(), String> {
    // The form of an address, so that the port is read as it is everywhere.
    let text = format!("http://{host}");
    match Address::parse(&text)?.path {
        "" => Ok(()),
        _ => Err(format!("expected a host or `host:port`, found {}", quote(host))),
    }
}

fn checks(faults: &mut Faults, field: &Field, checks: &[CheckSelection]) {
    faults.unique(field, "id", checks.iter().map(|check| check.id));
    for (index, check) in checks.iter().enumerate() {
        let overrides = field.index(index).key("severityOverrides");
        for key in check.severity_overrides.keys().filter(|key| key.check() != check.id) {
            let message = format!(
                "expected a rule of {}, found one of {}; move it to that check",
                check.id,
                key.check()
            );
            faults.add(overrides.key(key.as_str()), message);
        }
    }
}
