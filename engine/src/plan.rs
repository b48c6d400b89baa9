//! From a target to what will be asked of it: exactly what is contacted, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use model::document::{AuditTarget, Credential, Endpoint, Protocol};
use model::request::{CheckRequest, Inputs, Plan, ProbePolicy, SkippedCheck};
use model::{CheckId, IssueKey, Subject};

use crate::rule::RuleSet;

/// Parameters that probes read, beside those of the rules.
const PROBE_PARAMS: &[(CheckId, &[&str])] = &[
    (CheckId::BrokerTransportPosture, &["mode"]),
    (CheckId::MqttAccessControl, MQTT_PARAMS),
    (CheckId::IngestAuth, INGEST_PARAMS),
    (CheckId::GatewayRuntimeHealth, HEALTH_PARAMS),
];

/// Words that a parameter of a probe may be, where it takes no others.
const PROBE_WORDS: &[(CheckId, &str, &[&str])] =
    &[(CheckId::BrokerTransportPosture, "mode", &["decision", "full"])];

/// Parameters of `mqtt_access_control` that its probe reads.
const MQTT_PARAMS: &[&str] = &[
    "scopeA",
    "scopeB",
    "clientIdA",
    "clientIdB",
    "listenMilliseconds",
    "connectIntervalMilliseconds",
    DEFAULT_CREDENTIALS,
    "staging",
    "browserClients",
];

/// Parameters of `ingest_auth` that its probe reads.
const INGEST_PARAMS: &[&str] = &[
    "method",
    "path",
    "body",
    "plainPort",
    "expiredToken",
    "wrongAudienceToken",
    "queryParameter",
    "maxBodyBytes",
];

/// Parameters of `gateway_runtime_health` that its probe reads.
const HEALTH_PARAMS: &[&str] = &["readyPath", "metricsPath", "requiredSeries", "minUptimeMinutes"];

/// Parameters of `ingest_auth` that name a credential which must not be let in.
const REFUSED_CREDENTIALS: [&str; 2] = ["expiredToken", "wrongAudienceToken"];

/// The parameter of `mqtt_access_control` that lists credentials which must not be let in.
const DEFAULT_CREDENTIALS: &str = "defaultCredentials";

/// Why a target cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A parameter that neither the probe nor a rule of the check reads.
    #[error(
        "checks[{check}].params.{name}: no rule or probe of this check reads it; known: {known}"
    )]
    UnknownParam {
        /// The check.
        check: CheckId,
        /// The parameter.
        name: String,
        /// What would be one.
        known: String,
    },
    /// A parameter of a probe with a value that is none of its words.
    #[error("checks[{check}].params.{name}: found {found}; expected {expected}")]
    UnknownWord {
        /// The check.
        check: CheckId,
        /// The parameter.
        name: &'static str,
        /// What stands there, as JSON.
        found: String,
        /// What could.
        expected: String,
    },
    /// A severity for a rule that does not exist, or belongs to another check.
    #[error("checks[{check}].severityOverrides.{rule}: there is no such rule of this check")]
    UnknownRule {
        /// The check.
        check: CheckId,
        /// The rule.
        rule: IssueKey,
    },
}

/// Plans the selected checks on a target. `selected` is what the command line, the bundle or the
/// schedule asks for; without it, the target's own `checks`; without those, every check whose
/// inputs are declared.
pub fn plan(
    target: &AuditTarget,
    selected: Option<&[CheckId]>,
    rules: &RuleSet,
) -> Result<Plan, PlanError> {
    let spec = &target.spec;
    for check in &spec.checks {
        validate(check.id, &check.params, rules)?;
        for rule in check.severity_overrides.keys() {
            if rule.check() != check.id || rules.find(rule.as_str()).is_none() {
                return Err(PlanError::UnknownRule { check: check.id, rule: rule.clone() });
            }
        }
    }
    let declared: Vec<_> = spec.checks.iter().map(|check| check.id).collect();
    let (wanted, explicit): (BTreeSet<_>, bool) = match selected {
        Some(checks) => (checks.iter().copied().collect(), true),
        None if !declared.is_empty() => (declared.into_iter().collect(), true),
        None => (CheckId::ALL.into_iter().collect(), false),
    };
    let mut plan = Plan::default();
    for check in CheckId::ALL.into_iter().filter(|check| wanted.contains(check)) {
        let inputs = inputs(target, check);
        if inputs.is_empty() && explicit {
            plan.skipped.push(SkippedCheck { check, reason: missing_input(check).to_owned() });
        }
        let selection = spec.checks.iter().find(|selection| selection.id == check);
        for (subject, inputs) in inputs {
            plan.requests.push(CheckRequest {
                check,
                target: target.key(),
                subject,
                inputs,
                policy: spec.probe_policy.as_ref().map(ProbePolicy::from).unwrap_or_default(),
                params: selection.map(|selection| selection.params.clone()).unwrap_or_default(),
            });
        }
    }
    Ok(plan)
}

fn validate(
    check: CheckId,
    params: &BTreeMap<String, serde_json::Value>,
    rules: &RuleSet,
) -> Result<(), PlanError> {
    let probe = PROBE_PARAMS.iter().filter(|(id, _)| *id == check).flat_map(|(_, names)| *names);
    let known: BTreeSet<&str> = rules
        .of(check)
        .flat_map(|rule| rule.params.keys().map(String::as_str))
        .chain(probe.copied())
        .collect();
    for (_, name, words) in PROBE_WORDS.iter().filter(|(id, ..)| *id == check) {
        let wrong = params.get(*name).filter(|value| !words.iter().any(|word| *value == *word));
        if let Some(value) = wrong {
            return Err(PlanError::UnknownWord {
                check,
                name,
                found: value.to_string(),
                expected: words.join(" or "),
            });
        }
    }
    match params.keys().find(|name| !known.contains(name.as_str())) {
        Some(name) => Err(PlanError::UnknownParam {
            check,
            name: name.clone(),
            known: known.into_iter().collect::<Vec<_>>().join(", "),
        }),
        None => Ok(()),
    }
}

fn inputs(target: &AuditTarget, check: CheckId) -> Vec<(Subject, Inputs)> {
    let spec = &target.spec;
    let trust = || spec.trust.clone().unwrap_or_default();
    let endpoints = |wanted: fn(&Endpoint) -> bool| {
        let matching = spec.endpoints.iter().filter(move |endpoint| wanted(endpoint));
        matching
            .map(|endpoint| {
                let inputs = Inputs::Endpoint {
                    endpoint: endpoint.clone(),
                    trust: trust(),
                    credentials: credentials(target, endpoint, check),
                };
                (Subject::endpoint(&endpoint.name), inputs)
            })
            .collect()
    };
    match check {
        CheckId::BrokerTransportPosture => {
            endpoints(|e| e.protocol.is_mqtt() || e.protocol == Protocol::Tls)
        }
        CheckId::BrokerCertIdentity => endpoints(|e| {
            (e.protocol.is_mqtt() && e.protocol.is_tls()) || e.protocol == Protocol::Tls
        }),
        CheckId::IngestAuth => endpoints(|e| e.protocol.is_http()),
        CheckId::GatewayRuntimeHealth => {
            endpoints(|e| e.protocol.is_http() && e.health_path.is_some())
        }
        CheckId::MqttAccessControl => endpoints(|e| e.protocol.is_mqtt()),
        CheckId::GatewayConfigGuardrails => spec
            .gateway_config
            .iter()
            .map(|config| {
                (Subject::config(&config.name), Inputs::Config { config: config.clone() })
            })
            .collect(),
        CheckId::DeviceCertHygiene => spec
            .device_certificates
            .iter()
            .map(|certificates| {
                let inputs = Inputs::DeviceCertificates {
                    certificates: certificates.clone(),
                    trust: trust(),
                };
                (Subject::certificates(&certificates.name), inputs)
            })
            .collect(),
    }
}

/// The credentials that an endpoint lists, else the one of its own name; and after them those that
/// parameters of the check name, which are presented to see that they are not let in.
fn credentials(target: &AuditTarget, endpoint: &Endpoint, check: CheckId) -> Vec<Credential> {
    let own = [endpoint.name.clone()];
    let mut names: Vec<&str> =
        endpoint.credentials.as_deref().unwrap_or(&own).iter().map(String::as_str).collect();
    let selection = target.spec.checks.iter().find(|selection| selection.id == check);
    let param = |name: &str| selection?.params.get(name);
    let refused: Vec<&str> = match check {
        CheckId::IngestAuth => {
            REFUSED_CREDENTIALS.iter().filter_map(|name| param(name)?.as_str()).collect()
        }
        CheckId::MqttAccessControl => {
            let listed = param(DEFAULT_CREDENTIALS).and_then(|list| list.as_array());
            listed.into_iter().flatten().filter_map(|name| name.as_str()).collect()
        }
        _ => Vec::new(),
    };
    for name in refused {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let all = &target.spec.credentials;
    names.into_iter().filter_map(|name| all.iter().find(|c| c.name == name).cloned()).collect()
}

/// What a target must declare for a check, as the sentence that a report prints.
const fn missing_input(check: CheckId) -> &'static str {
    match check {
        CheckId::BrokerTransportPosture => "no MQTT or TLS endpoint declared",
        CheckId::BrokerCertIdentity => "no MQTT endpoint over TLS declared",
        CheckId::MqttAccessControl => "no MQTT endpoint declared",
        CheckId::IngestAuth => "no HTTP endpoint declared",
        CheckId::GatewayRuntimeHealth => "no HTTP endpoint with a healthPath declared",
        CheckId::GatewayConfigGuardrails => "no gateway configuration declared",
        CheckId::DeviceCertHygiene => "no device certificates declared",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target(mode: serde_json::Value) -> AuditTarget {
        serde_json::from_value(json!({
            "apiVersion": model::document::API_VERSION,
            "metadata": { "name": "gw" },
            "spec": {
                "path": "mqtt",
                "endpoints": [
                    { "name": "broker", "protocol": "mqtts", "host": "gw.example", "port": 8883 },
                ],
                "checks": [{ "id": "broker_transport_posture", "params": { "mode": mode } }],
            },
        }))
        .expect("a target")
    }

    #[test]
    fn the_mode_of_the_transport_check_is_one_of_its_words_and_reaches_the_probe() {
        let rules = RuleSet::default();
        for word in ["full", "decision"] {
            let plan = plan(&target(json!(word)), None, &rules).expect("planned");
            assert_eq!(plan.requests[0].params["mode"], word);
        }
        for (wrong, shown) in [(json!("all"), "\"all\""), (json!(true), "true")] {
            let error = plan(&target(wrong), None, &rules).expect_err("refused").to_string();
            let expected = format!(
                "checks[broker_transport_posture].params.mode: found {shown}; expected decision or full"
            );
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn default_credentials_reach_the_probe_behind_those_of_the_endpoint_and_no_other_check() {
        let mut target = target(json!("full"));
        let credential = |name: &str| {
            let json = json!({ "name": name, "kind": "mqtt", "env": "PROBE" });
            serde_json::from_value(json).expect("a credential")
        };
        target.spec.credentials = ["vendor", "probe-a", "unused"].map(credential).to_vec();
        target.spec.endpoints[0].credentials = Some(vec!["probe-a".to_owned()]);
        let check = json!({
            "id": "mqtt_access_control",
            "params": { "defaultCredentials": ["vendor", "probe-a", "nobody"] },
        });
        target.spec.checks.push(serde_json::from_value(check).expect("a check"));
        let plan = plan(&target, None, &RuleSet::default()).expect("planned");
        let names = |check: CheckId| -> Vec<&str> {
            let request = plan.requests.iter().find(|request| request.check == check);
            let Some(Inputs::Endpoint { credentials, .. }) = request.map(|r| &r.inputs) else {
                panic!("{check} was planned")
            };
            credentials.iter().map(|credential| credential.name.as_str()).collect()
        };
        assert_eq!(names(CheckId::MqttAccessControl), ["probe-a", "vendor"]);
        assert_eq!(names(CheckId::BrokerTransportPosture), ["probe-a"]);
    }
}
