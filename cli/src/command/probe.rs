//! `plumb probe`: one check, one evidence document.

use std::path::PathBuf;

use engine::rule::RuleSet;
use model::document::{
    API_VERSION, Address, AuditTarget, AuditTargetSpec, CheckSelection, Endpoint, Metadata,
    PathKind, Protocol, Source, Trust, without_secrets,
};
use model::{CheckId, RunId};
use probes::Context;

use crate::args::ProbeArgs;
use crate::documents;
use crate::exit::{Exit, Failure, Outcome};
use crate::files;
use crate::output::Output;

/// Runs one check and prints its evidence.
pub async fn run(args: ProbeArgs, output: &Output) -> Outcome {
    let (mut target, base) = match (&args.file, &args.endpoint) {
        (Some(file), _) => {
            let mut found = documents::read_targets(std::slice::from_ref(file), output)?.targets;
            if found.len() > 1 {
                let message = format!("{} declares several targets; give one", file.display());
                return Err(Failure::usage(message));
            }
            let declared = found.remove(0);
            (declared.target, declared.base)
        }
        (None, Some(url)) => (synthetic(url, args.check)?, PathBuf::from(".")),
        (None, None) => return Err(Failure::usage("give a target with -f or an --endpoint")),
    };
    if let Some(ca) = &args.ca {
        let source = Source::path(ca.display().to_string());
        let trust = target.spec.trust.get_or_insert_with(Trust::default);
        trust.ca_bundle = Some(if ca.is_absolute() || args.file.is_none() {
            source
        } else {
            let own = std::env::current_dir().unwrap_or_default().join(ca);
            Source::path(own.display().to_string())
        });
    }
    if args.full {
        ask_for_everything(&mut target, args.check)?;
    }
    // An address alone names no parameters of rules, so they need not be loaded.
    let rules = match args.file {
        Some(_) => files::rules(&[])?,
        None => RuleSet::default(),
    };
    let plan = engine::plan::plan(&target, Some(&[args.check]), &rules)
        .map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(skipped) = plan.skipped.first() {
        return Err(Failure::usage(format!("{}: {}", skipped.check, skipped.reason)));
    }
    let now = jiff::Timestamp::now();
    let context = Context::new(RunId::new(now, rand::random()), base);
    let mut documents = Vec::new();
    for request in &plan.requests {
        let evidence = probes::collect(&context, request).await;
        let json = serde_json::to_value(&evidence)
            .map_err(|error| Failure::usage(format!("evidence is no JSON: {error}")))?;
        engine::contract::admit_value(&json).map_err(|rejection| {
            Failure::integrity(format!("the probe broke its own contract: {rejection}"))
        })?;
        documents.push(json);
    }
    let mut text = String::new();
    for document in &documents {
        let pretty = serde_json::to_string_pretty(document);
        text.push_str(&pretty.map_err(|error| Failure::usage(error.to_string()))?);
        text.push('\n');
    }
    match &args.out {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", path.display())))?,
        None => output.data(text.as_bytes())?,
    }
    Ok(Exit::Passed)
}

/// Sets full mode, over what the target says.
fn ask_for_everything(target: &mut AuditTarget, check: CheckId) -> Result<(), Failure> {
    if check != CheckId::BrokerTransportPosture {
        let message = format!("--full belongs to {}, not {check}", CheckId::BrokerTransportPosture);
        return Err(Failure::usage(message));
    }
    let checks = &mut target.spec.checks;
    let at = checks.iter().position(|selection| selection.id == check).unwrap_or_else(|| {
        let (params, severity_overrides) = Default::default();
        checks.push(CheckSelection { id: check, params, severity_overrides });
        checks.len() - 1
    });
    checks[at].params.insert("mode".to_owned(), "full".into());
    Ok(())
}

/// A target with one endpoint, from an address. Its path is that of the health, where that is asked.
fn synthetic(url: &str, check: CheckId) -> Result<AuditTarget, Failure> {
    let wrong = |what: &str| {
        let url = without_secrets(url);
        Failure::usage(format!("--endpoint {url}: {what}; expected PROTOCOL://HOST:PORT[/PATH]"))
    };
    let address = Address::parse(url).map_err(|reason| wrong(&reason))?;
    let (protocol, default) = match address.scheme {
        "mqtt" => (Protocol::Mqtt, Some(1883)),
        "mqtts" => (Protocol::Mqtts, Some(8883)),
        "ws" => (Protocol::Ws, Some(80)),
        "wss" => (Protocol::Wss, Some(443)),
        "http" => (Protocol::Http, Some(80)),
        "https" => (Protocol::Https, Some(443)),
        "tls" => (Protocol::Tls, None),
        _ => return Err(wrong("the protocol is none of mqtt, mqtts, ws, wss, http, https, tls")),
    };
    let port = address.port.or(default).ok_or_else(|| wrong("no port"))?;
    let path = Some(address.request_path());
    let (path, health_path) = match check {
        CheckId::GatewayRuntimeHealth => (None, path),
        _ => (path.filter(|path| path != "/"), None),
    };
    Ok(AuditTarget {
        api_version: API_VERSION.to_owned(),
        metadata: Metadata { name: "endpoint".to_owned(), ..Metadata::default() },
        spec: AuditTargetSpec {
            path: if protocol.is_http() { PathKind::Ingest } else { PathKind::Mqtt },
            owner: None,
            criticality: None,
            description: None,
            endpoints: vec![Endpoint {
                path,
                health_path,
                ..Endpoint::new("endpoint", protocol, address.host, port)
            }],
            trust: None,
            credentials: Vec::new(),
            gateway_config: Vec::new(),
            device_certificates: Vec::new(),
            checks: Vec::new(),
            probe_policy: None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTURE: CheckId = CheckId::BrokerTransportPosture;

    fn endpoint(url: &str) -> Endpoint {
        synthetic(url, POSTURE).unwrap().spec.endpoints.remove(0)
    }

    #[test]
    fn addresses_are_read_with_their_defaults() {
        let full = endpoint("https://gw.example:8443/v1/ingest");
        assert_eq!((full.host.as_str(), full.port), ("gw.example", 8443));
        assert_eq!(full.path.as_deref(), Some("/v1/ingest"));
        assert_eq!(endpoint("mqtts://broker").port, 8883);
        let six = endpoint("tls://[::1]:8883");
        assert_eq!((six.host.as_str(), six.address().as_str()), ("::1", "[::1]:8883"));
    }

    #[test]
    fn the_path_of_an_address_is_that_of_the_health_where_the_health_is_asked() {
        let mut target = synthetic("http://gw/healthz", CheckId::GatewayRuntimeHealth).unwrap();
        let endpoint = target.spec.endpoints.remove(0);
        assert_eq!((endpoint.path, endpoint.health_path.as_deref()), (None, Some("/healthz")));
    }

    #[test]
    fn full_mode_is_a_parameter_of_the_transport_check_and_of_no_other() {
        let mut target = synthetic("mqtts://broker", POSTURE).unwrap();
        let failure = ask_for_everything(&mut target, CheckId::IngestAuth).unwrap_err();
        assert!(failure.message.contains("broker_transport_posture"), "{failure}");
        ask_for_everything(&mut target, CheckId::BrokerTransportPosture).unwrap();
        ask_for_everything(&mut target, CheckId::BrokerTransportPosture).unwrap();
        assert_eq!(target.spec.checks.len(), 1);
        assert_eq!(target.spec.checks[0].params["mode"], "full");
    }

    #[test]
    fn what_is_no_address_says_what_was_expected() {
        let endpoints = [
            "broker:8883",
            "smtp://x:25",
            "tls://x",
            "mqtt://:1883",
            "mqtt://x:0",
            "http://u:p@x/",
        ];
        for wrong in endpoints {
            let failure = synthetic(wrong, POSTURE).unwrap_err();
            assert!(failure.message.contains("expected PROTOCOL://HOST:PORT"), "{failure}");
            assert!(!failure.message.contains("u:p"), "{failure}");
        }
    }
}
