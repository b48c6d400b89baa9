//! What a pull request may say about its own audit: where things are, and nothing about how they
//! are judged.
//!
//! The head's document names endpoints and files, because those are what the change is about. What
//! decides over them (checks, parameters, severities, whom the path trusts, labels that exceptions
//! select by, what probes may do) is the base's. A credential goes only to an endpoint that the
//! base declares in the same words, and a variable of the environment is read only where the base
//! reads it.

use model::document::{AuditTarget, Endpoint, GatewayConfig, Source};

/// A target as a pull request is audited by it, and what of the pull request's wishes waits until
/// it is merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Composed {
    /// The target.
    pub target: AuditTarget,
    /// One sentence each.
    pub waits: Vec<String>,
}

/// Puts the head's places under the base's terms. Without a base the terms are the defaults.
pub fn compose(base: Option<&AuditTarget>, head: &AuditTarget) -> Composed {
    let mut target = head.clone();
    let mut waits = Vec::new();
    let key = head.key();
    let mut waiting = |what: &str| waits.push(format!("{key}: {what}"));
    match base {
        Some(base) => {
            let (own, terms) = (&head.spec, &base.spec);
            if own.checks != terms.checks {
                waiting("other checks, parameters or severities apply when this is merged");
            }
            if own.trust != terms.trust {
                waiting("another trust applies when this is merged");
            }
            if own.probe_policy != terms.probe_policy {
                waiting("another probe policy applies when this is merged");
            }
            if head.metadata.labels != base.metadata.labels {
                waiting("other labels, by which exceptions select, apply when this is merged");
            }
            target.metadata.labels.clone_from(&base.metadata.labels);
            target.spec.checks.clone_from(&terms.checks);
            target.spec.trust.clone_from(&terms.trust);
            target.spec.probe_policy.clone_from(&terms.probe_policy);
        }
        None => {
            let spec = &mut target.spec;
            if spec.checks.iter().any(|c| !c.severity_overrides.is_empty() || !c.params.is_empty())
            {
                waiting("its parameters and severities apply when this is merged");
            }
            if spec.probe_policy.is_some() {
                waiting("its probe policy applies when this is merged");
            }
            for check in &mut spec.checks {
                check.severity_overrides.clear();
                check.params.clear();
            }
            spec.probe_policy = None;
            target.metadata.labels.clear();
        }
    }
    if let Some(base) = base {
        for config in &mut target.spec.gateway_config {
            let Some(terms) = base.spec.gateway_config.iter().find(|c| c.name == config.name)
            else {
                continue;
            };
            let read = |c: &GatewayConfig| {
                (c.format, c.program_version.clone(), c.mapping.clone(), c.environment.clone())
            };
            if read(config) != read(terms) {
                waits.push(format!(
                    "{key}: config {} is read in another way (format, version, mapping or \
                     environment) when this is merged",
                    config.name
                ));
                (config.format, config.program_version, config.mapping, config.environment) =
                    read(terms);
            }
        }
    }
    let spec = &mut target.spec;
    spec.credentials = base.map(|base| base.spec.credentials.clone()).unwrap_or_default();
    for endpoint in &mut spec.endpoints {
        let wanted = wants_credential(head, endpoint);
        let same = base.is_some_and(|base| base.spec.endpoints.contains(endpoint));
        if !same {
            endpoint.credentials = Some(Vec::new());
            if wanted {
                waits.push(format!(
                    "{key}: endpoint {} is new or changed, and is probed without credentials",
                    endpoint.name
                ));
            }
        }
    }
    spec.device_certificates.retain(|set| {
        // A table is a database that is connected to with a secret, so the base names it.
        let same = base.is_some_and(|base| base.spec.device_certificates.contains(set));
        if set.table.is_some() && !same {
            waits.push(format!("{key}: the table of {} is read when this is merged", set.name));
            return false;
        }
        true
    });
    // The process that probes has secrets in its environment.
    let known: Vec<Source> = base.map(|base| base.spec.sources()).unwrap_or_default();
    let mut read = |source: Source, what: &str| {
        let stays = source.env.is_none() || known.contains(&source);
        if !stays {
            let name = source.env.unwrap_or_default();
            waits.push(format!("{key}: {what} reads the variable {name} when this is merged"));
        }
        stays
    };
    spec.gateway_config
        .retain(|config| config.sources().into_iter().all(|source| read(source, &config.name)));
    spec.device_certificates.retain(|set| {
        let own = [Some(set.source()), set.password.clone(), set.inventory.clone()];
        let mut sources = own.into_iter().flatten();
        sources.all(|source| read(source, &set.name))
    });
    if base.is_none()
        && let Some(trust) = &mut spec.trust
    {
        trust.ca_bundle = trust.ca_bundle.take().filter(|source| read(source.clone(), "trust"));
        trust.crls.retain(|source| read(source.clone(), "trust"));
    }
    Composed { target, waits }
}

/// A target with the files that only another declaration of it names: what one side of a change
/// declares is judged on both sides, so that to stop declaring a file, or to call it otherwise, is
/// neither a way out nor a finding.
pub fn united(target: &AuditTarget, other: &AuditTarget) -> AuditTarget {
    let mut united = target.clone();
    let spec = &mut united.spec;
    for config in &other.spec.gateway_config {
        if spec.gateway_config.iter().all(|own| own.name != config.name) {
            spec.gateway_config.push(config.clone());
        }
    }
    for set in &other.spec.device_certificates {
        if spec.device_certificates.iter().all(|own| own.name != set.name) {
            spec.device_certificates.push(set.clone());
        }
    }
    united
}

/// A target of which only the files are looked at.
pub fn files_of(target: &AuditTarget) -> AuditTarget {
    let mut files = target.clone();
    files.spec.endpoints.clear();
    files.spec.credentials.clear();
    files
}

/// Whether a credential would be presented to an endpoint of this document.
fn wants_credential(target: &AuditTarget, endpoint: &Endpoint) -> bool {
    match &endpoint.credentials {
        Some(names) => !names.is_empty(),
        None => target.spec.credentials.iter().any(|c| c.name == endpoint.name),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use model::document::{Place, Resource, read};

    use super::*;

    const BASE: &str = "apiVersion: plumbline.dev/v1alpha1
kind: AuditTarget
metadata: {name: edge, labels: {tier: prod}}
spec:
  path: gateway
  endpoints:
  - {name: ingest, protocol: https, host: ingest.example.com, port: 443, path: /v1}
  credentials:
  - {name: ingest, kind: bearer, env: INGEST_TOKEN}
  gatewayConfig:
  - {name: main, format: mosquitto, path: mosquitto.conf}
  checks:
  - {id: ingest_auth, params: {plainPort: 8080}}
  - {id: gateway_config_guardrails}
";

    fn target(text: &str) -> AuditTarget {
        let mut found = read("t.yaml", text, Place::Outside).unwrap();
        match found.remove(0).value {
            Resource::AuditTarget(target) => target,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_does_not_change_is_audited_as_it_is() {
        let base = target(BASE);
        assert_eq!(compose(Some(&base), &base), Composed { target: base.clone(), waits: vec![] });
    }

    #[test]
    fn a_credential_never_goes_to_a_place_that_the_base_does_not_name() {
        let base = target(BASE);
        for (from, to) in [
            ("ingest.example.com", "evil.example"),
            ("port: 443", "port: 444"),
            ("path: /v1", "path: /echo"),
            ("protocol: https", "protocol: http"),
        ] {
            let head = target(&BASE.replacen(from, to, 1));
            let composed = compose(Some(&base), &head);
            assert_eq!(composed.target.spec.endpoints[0].credentials, Some(vec![]), "{to}");
            assert!(composed.waits.iter().any(|w| w.contains("without credentials")), "{to}");
        }
        let head = target(BASE);
        assert_eq!(compose(None, &head).target.spec.endpoints[0].credentials, Some(vec![]));
        assert!(compose(None, &head).target.spec.credentials.is_empty());
    }

    #[test]
    fn another_credential_than_the_bases_is_never_presented() {
        let base = target(BASE);
        let head = target(&BASE.replace("env: INGEST_TOKEN", "env: DEPLOY_KEY"));
        let composed = compose(Some(&base), &head);
        assert_eq!(composed.target.spec.credentials, base.spec.credentials);
    }

    #[test]
    fn a_pull_request_does_not_choose_what_it_is_judged_by() {
        let base = target(BASE);
        let weaker = BASE.replace(
            "  - {id: gateway_config_guardrails}\n",
            "  - {id: gateway_config_guardrails, severityOverrides: \
             {gateway_config_guardrails.anonymous_allowed: info}}\n",
        );
        let head = target(&weaker.replace("tier: prod", "tier: lab"));
        let composed = compose(Some(&base), &head);
        assert_eq!(composed.target.spec.checks, base.spec.checks);
        assert_eq!(composed.target.metadata.labels, base.metadata.labels);
        assert_eq!(composed.waits.len(), 2, "{:?}", composed.waits);
        let alone = compose(None, &head);
        assert!(alone.target.spec.checks.iter().all(|c| c.severity_overrides.is_empty()));
        assert!(alone.target.metadata.labels.is_empty());
    }

    #[test]
    fn how_a_file_is_read_is_no_pull_requests_to_say() {
        let base = target(BASE);
        let head = target(&BASE.replace("format: mosquitto", "format: env"));
        let composed = compose(Some(&base), &head);
        assert_eq!(composed.target.spec.gateway_config, base.spec.gateway_config);
        assert!(composed.waits[0].contains("is read in another way"), "{:?}", composed.waits);
    }

    #[test]
    fn what_one_side_declares_is_judged_on_both() {
        let base = target(BASE);
        let head = target(&BASE.replace("name: main, format", "name: renamed, format"));
        let names = |target: &AuditTarget| -> Vec<String> {
            target.spec.gateway_config.iter().map(|config| config.name.clone()).collect()
        };
        assert_eq!(names(&united(&head, &base)), ["renamed", "main"]);
        assert_eq!(names(&united(&base, &head)), ["main", "renamed"]);
        assert_eq!(united(&base, &base), base);
        assert!(files_of(&base).spec.endpoints.is_empty());
    }

    #[test]
    fn a_table_is_read_only_where_the_base_reads_it_in_the_same_words() {
        let set = |table: &str| {
            let certificates = format!(
                "deviceCertificates: [{{name: fleet, path: address, table: {{name: {table}, \
                 device: id, certificate: pem}}}}]"
            );
            target(&format!("{BASE}  {certificates}\n"))
        };
        let (base, other) = (set("devices"), set("secrets"));
        let same = compose(Some(&base), &base);
        assert_eq!(same.target.spec.device_certificates, base.spec.device_certificates);
        for composed in [compose(Some(&base), &other), compose(None, &other)] {
            assert_eq!(composed.target.spec.device_certificates, []);
            let told = "the table of fleet is read when this is merged";
            assert!(composed.waits.iter().any(|wait| wait.ends_with(told)), "{:?}", composed.waits);
        }
    }

    #[test]
    fn the_environment_is_read_only_where_the_base_reads_it() {
        let base = target(BASE);
        let curious = BASE.replace("path: mosquitto.conf", "env: PLUMBLINE_TOKEN");
        let composed = compose(Some(&base), &target(&curious));
        assert!(composed.target.spec.gateway_config.is_empty());
        assert!(composed.waits[0].contains("PLUMBLINE_TOKEN"), "{:?}", composed.waits);
        let known = target(&curious);
        assert_eq!(compose(Some(&known), &known).target.spec.gateway_config.len(), 1);
    }
}
