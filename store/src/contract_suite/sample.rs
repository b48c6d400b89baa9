//! Runs to try a store with.

use jiff::{SignedDuration, Timestamp};
use model::assessment::{
    Assessment, ControlResult, Coverage, ExceptionState, ExceptionUse, Finding, PackRef,
    Remediation, Says, Waiver,
};
use model::document::{AuditException, AuditTarget};
use model::evidence::{Evidence, Item, ProbeInfo};
use model::request::Plan;
use model::run::{EngineInfo, EvidenceRef, Integrity, RUN_SCHEMA, RunRecord, RunState};
use model::{
    CheckId, Digest, Domain, FindingId, IssueKey, Mode, Posture, RunId, Severity, Status, Subject,
    TargetKey, Verdict,
};
use serde_json::json;

use crate::{CertificateSeen, Owner, Store};

/// A rule that most cases speak of.
pub const OPEN_INGEST: &str = "ingest_auth.unauthenticated_ingest_allowed";
/// A rule of another check.
pub const GUARDRAIL: &str = "gateway_config_guardrails.auth_enforcement_disabled";

/// `minutes` after a moment whose fraction no database keeps whole.
pub fn at(minutes: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-20T10:00:00.123456789Z".parse().unwrap();
    begin + SignedDuration::from_mins(minutes)
}

/// An owner on a host that does not exist, so that only the lease counts.
pub fn elsewhere(lease_until: Timestamp) -> Owner {
    Owner { host: "elsewhere".to_owned(), pid: 7, pid_started: Some(7), lease_until }
}

/// A target key.
pub fn target(name: &str) -> TargetKey {
    TargetKey(name.to_owned())
}

/// A rule's key.
pub fn rule(text: &str) -> IssueKey {
    text.parse().unwrap()
}

/// The ingest endpoint, which most evidence speaks about.
pub fn ingest() -> Subject {
    Subject::endpoint("ingest")
}

/// The record of a run that begins at minute `minutes`, of checks `ingest_auth` and
/// `gateway_config_guardrails`.
pub fn running(target: &str, minutes: i64) -> RunRecord {
    let document: AuditTarget = serde_json::from_value(json!({
        "apiVersion": "plumbline.dev/v1alpha1",
        "metadata": { "name": target },
        "spec": {
            "path": "gateway",
            "checks": [{ "id": "ingest_auth", "params": { "share": 0.1, "limit": 10 } }],
        },
    }))
    .unwrap();
    RunRecord {
        schema: RUN_SCHEMA.to_owned(),
        id: RunId(format!("{}-{target}", at(minutes).strftime("%Y%m%d-%H%M%S"))),
        target: document.key(),
        mode: Mode::Sprint,
        bundle: None,
        checks: vec![CheckId::IngestAuth, CheckId::GatewayConfigGuardrails],
        state: RunState::Running,
        started_at: at(minutes),
        ended_at: None,
        engine: EngineInfo { name: "plumb".to_owned(), version: "0.1.0".to_owned() },
        file: None,
        document,
        plan: Plan::default(),
        evidence: Vec::new(),
        assessment: None,
        delta: None,
        alerts: Vec::new(),
        integrity: None,
    }
}

/// Evidence of a run on a subject. `fact` stands in the stable half.
pub fn evidence(run: &RunRecord, subject: &Subject, fact: &str) -> Evidence {
    let stable = [
        ("/anonymous/access", Item::observed(json!(fact))),
        ("/anonymous/response/status", Item::observed(json!(202))),
        ("/tls/version", Item::timeout("no answer within 5 s, \"quoted\", \u{0}, \u{1F512}")),
        ("/tls/parts", Item::observed(json!([{ "b": 1.5, "a": null }, 0.1, -0.0, 1e21]))),
    ];
    let volatile = [
        ("/server", Item::observed(json!("nginx \u{7}\u{0}"))),
        ("/date", Item::not_attempted("not needed")),
    ];
    Evidence {
        schema: "ingest_auth.v1".to_owned(),
        check: CheckId::IngestAuth,
        target: run.target.clone(),
        subject: subject.clone(),
        run: run.id.clone(),
        probe: ProbeInfo { name: "plumb".to_owned(), version: "0.1.0".to_owned() },
        started_at: run.started_at,
        duration_ms: 1234,
        attempts: 1,
        stable: stable.map(|(pointer, item)| (pointer.to_owned(), item)).into(),
        volatile: volatile.map(|(pointer, item)| (pointer.to_owned(), item)).into(),
    }
}

/// A control on the ingest endpoint.
pub fn control(key: &str, verdict: Verdict) -> ControlResult {
    ControlResult {
        rule: rule(key),
        rule_version: 1,
        subject: ingest(),
        title: "Ingest asks for a credential".to_owned(),
        solid: String::new(),
        domain: Domain::AccessControl,
        severity: Severity::High,
        mandatory: true,
        verdict,
        waived_by: None,
        evidence: Some(Digest::of_bytes(b"evidence")),
    }
}

/// A verdict without an answer.
pub fn inconclusive() -> Verdict {
    Verdict::Inconclusive { reason: "/anonymous/access timed out".to_owned() }
}

/// The finding of a failing control.
pub fn finding(target: &TargetKey, control: &ControlResult) -> Finding {
    Finding {
        id: FindingId::new(target, &control.rule, &control.subject),
        key: control.rule.clone(),
        rule_version: control.rule_version,
        subject: control.subject.clone(),
        severity: control.severity,
        domain: control.domain,
        title: "Ingest takes requests without a credential".to_owned(),
        what: "An anonymous request was accepted.".to_owned(),
        why: "Anyone may write.".to_owned(),
        observed: Vec::new(),
        expected: Vec::new(),
        evidence: Digest::of_bytes(b"evidence"),
        pointers: vec!["/anonymous/access".to_owned()],
        remediation: Remediation {
            action: "Ask for a credential".to_owned(),
            text: "Ask for one.".to_owned(),
            snippet: None,
            owner: None,
        },
        acceptance: Vec::new(),
        verify: "plumb run".to_owned(),
        standards: Vec::new(),
        references: Vec::new(),
        waived_by: control.waived_by.clone(),
        waiver: control.waived_by.as_ref().map(|name| Waiver {
            name: name.clone(),
            reason: "being replaced".to_owned(),
            approved_by: "a@example.com".to_owned(),
            expires_at: at(100_000),
        }),
        says: Says {
            opinion: String::new(),
            exposed: String::new(),
            first: String::new(),
            solid: String::new(),
        },
    }
}

/// The judgement that consists of these controls, one minute after the run began.
pub fn assessment(record: &RunRecord, controls: Vec<ControlResult>) -> Assessment {
    let failing = controls.iter().filter(|control| control.verdict == Verdict::Fail);
    let findings: Vec<_> = failing.map(|control| finding(&record.target, control)).collect();
    let open = findings.iter().filter(|finding| finding.is_open()).count();
    Assessment {
        target: record.target.clone(),
        assessed_at: record.started_at + SignedDuration::from_mins(1),
        packs: vec![PackRef {
            id: "plumbline".to_owned(),
            version: "1.0.0".to_owned(),
            digest: Digest::of_bytes(b"pack"),
        }],
        rules: Vec::new(),
        status: if open == 0 { Status::Pass } else { Status::Fail },
        posture: if open == 0 { Posture::Green } else { Posture::Red },
        risk_score: Some(u32::try_from(open).unwrap()),
        points: 0,
        coverage: Coverage::default(),
        domains: Vec::new(),
        controls,
        findings,
        exceptions: vec![ExceptionUse {
            name: "accepted".to_owned(),
            state: ExceptionState::Active,
            findings: Vec::new(),
        }],
        defects: Vec::new(),
    }
}

/// The record of a run that ends with these controls, evidence and place in the chain.
pub fn complete(
    record: &RunRecord,
    evidence: &[Evidence],
    controls: Vec<ControlResult>,
    chain: Option<(Option<Digest>, u64)>,
) -> RunRecord {
    let mut record = record.clone();
    record.state = RunState::Complete;
    record.ended_at = Some(record.started_at + SignedDuration::from_secs(90));
    record.evidence = evidence.iter().map(EvidenceRef::from).collect();
    let assessment = assessment(&record, controls);
    record.integrity = chain.map(|(previous, chain_length)| Integrity {
        manifest: Digest::of_bytes(record.id.0.as_bytes()),
        assessment: Digest::of(&assessment),
        previous,
        chain_length,
    });
    record.assessment = Some(assessment);
    record
}

/// Begins and finishes a run with these controls, at the end of the target's chain.
pub async fn run(
    store: &Store,
    target: &str,
    minutes: i64,
    controls: Vec<ControlResult>,
) -> RunRecord {
    let record = running(target, minutes);
    store.begin(&record, &elsewhere(at(minutes + 60))).await.unwrap();
    let evidence = evidence(&record, &ingest(), "denied");
    store.append_evidence(&record.id, &evidence).await.unwrap();
    let head = store.chain_head(&record.target).await.unwrap();
    let chain = head.map_or((None, 1), |head| (Some(head.manifest), head.length + 1));
    let record = complete(&record, &[evidence], controls, Some(chain));
    store.finish(&record, &[], &[]).await.unwrap();
    record
}

/// An exception for the open ingest.
pub fn exception(name: &str) -> AuditException {
    serde_json::from_value(json!({
        "apiVersion": "plumbline.dev/v1alpha1",
        "metadata": { "name": name },
        "spec": {
            "issueKeys": [OPEN_INGEST],
            "reason": "being replaced",
            "approvedBy": "a@example.com",
            "expiresAt": "2027-01-01T00:00:00Z",
            "expireOnChange": true,
        },
    }))
    .unwrap()
}

/// A certificate on the ingest endpoint, told apart by its name.
pub fn certificate(name: &str) -> CertificateSeen {
    CertificateSeen {
        subject: ingest(),
        spki: Digest::of_bytes(name.as_bytes()),
        name: name.to_owned(),
        issuer: "CN=Example CA".to_owned(),
        not_after: Some(at(1000)),
        count: 1,
    }
}
