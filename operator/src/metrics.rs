//! What Prometheus reads at `/metrics`.

use std::sync::Mutex;

use jiff::Timestamp;
use model::TargetKey;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use store::{CertificateRecord, OpenFindings};

/// How a run ended: `pass`, `fail`, `incomplete` or `failed`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// Why something was refused or skipped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// What findings are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    severity: &'static str,
    domain: &'static str,
}

/// A target, in its parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TargetLabels {
    namespace: String,
    target: String,
}

impl TargetLabels {
    fn of(key: &TargetKey) -> Self {
        let (namespace, target) = key.0.split_once('/').unwrap_or(("", &key.0));
        Self { namespace: namespace.to_owned(), target: target.to_owned() }
    }
}

/// Where a certificate was seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabels {
    namespace: String,
    target: String,
    subject: String,
}

/// Where everything stands in the store.
#[derive(Debug, Default)]
pub struct Standing {
    /// Open findings by kind.
    pub findings: Vec<OpenFindings>,
    /// When the last complete run of each target ended.
    pub evidence: Vec<(TargetKey, Timestamp)>,
    /// Certificates that were seen.
    pub certificates: Vec<CertificateRecord>,
}

/// Every metric of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    runs: Family<ResultLabel, Counter>,
    rejected: Family<ReasonLabel, Counter>,
    skipped: Family<ReasonLabel, Counter>,
    findings: Family<FindingLabels, Gauge>,
    evidence_age: Family<TargetLabels, Gauge>,
    not_after: Family<CertificateLabels, Gauge>,
    /// Seconds from a run's begin to its stored judgement.
    pub run_duration: Histogram,
    /// Seconds from when a run of a slot was due, its target's own delay included, to its Job.
    pub slot_delay: Histogram,
    /// Runs whose Job is at work.
    pub jobs_active: Gauge,
    /// Runs that wait for their turn.
    pub queue_depth: Gauge,
    /// 1 on the replica that leads.
    pub leader: Gauge,
    /// 1 while the store answers.
    pub store_up: Gauge,
    /// Documents that were taken in.
    pub accepted: Counter,
    /// Runs that were kept long enough.
    pub pruned: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let metrics = Self {
            runs: Family::default(),
            rejected: Family::default(),
            skipped: Family::default(),
            findings: Family::default(),
            evidence_age: Family::default(),
            not_after: Family::default(),
            run_duration: Histogram::new([
                0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0,
            ]),
            slot_delay: Histogram::new([0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0]),
            jobs_active: Gauge::default(),
            queue_depth: Gauge::default(),
            leader: Gauge::default(),
            store_up: Gauge::default(),
            accepted: Counter::default(),
            pruned: Counter::default(),
            registry: Mutex::default(),
        };
        registry.register("audit_runs", "Runs that ended, by result", metrics.runs.clone());
        registry.register(
            "audit_ingest_rejected",
            "Documents that were not taken in, by reason",
            metrics.rejected.clone(),
        );
        registry.register(
            "audit_slots_skipped",
            "Slots of schedules that were not started, by reason",
            metrics.skipped.clone(),
        );
        registry.register(
            "audit_run_duration_seconds",
            "From a run's begin to its stored judgement",
            metrics.run_duration.clone(),
        );
        registry.register(
            "audit_slot_delay_seconds",
            "From when a run of a slot was due to its Job",
            metrics.slot_delay.clone(),
        );
        registry.register(
            "audit_jobs_active",
            "Runs whose Job is at work",
            metrics.jobs_active.clone(),
        );
        registry.register(
            "audit_queue_depth",
            "Runs that wait for their turn",
            metrics.queue_depth.clone(),
        );
        registry.register("audit_leader", "1 on the replica that leads", metrics.leader.clone());
        registry.register("audit_store_up", "1 while the store answers", metrics.store_up.clone());
        registry.register(
            "audit_findings",
            "Open findings that nobody waived, by severity and domain",
            metrics.findings.clone(),
        );
        registry.register(
            "audit_evidence_age_seconds",
            "Age of the evidence of a target's last complete run",
            metrics.evidence_age.clone(),
        );
        registry.register(
            "audit_certificate_not_after_seconds",
            "End of the certificate that ends first under a subject, in Unix time",
            metrics.not_after.clone(),
        );
        registry.register(
            "audit_ingest_accepted",
            "Documents that were taken in",
            metrics.accepted.clone(),
        );
        registry.register(
            "audit_runs_pruned",
            "Runs that were kept long enough and removed from the store",
            metrics.pruned.clone(),
        );
        Self { registry: Mutex::new(registry), ..metrics }
    }
}

impl Metrics {
    /// Counts a run that ended: `pass`, `fail`, `incomplete`, or `failed` if it never began.
    pub fn run_ended(&self, result: &'static str) {
        self.runs.get_or_create(&ResultLabel { result }).inc();
    }

    /// Counts a document that was not taken in.
    pub fn rejected(&self, reason: &'static str) {
        self.rejected.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Counts slots that were not started.
    pub fn skipped(&self, reason: &'static str, slots: u32) {
        self.skipped.get_or_create(&ReasonLabel { reason }).inc_by(slots.into());
    }

    /// Takes in where everything stands in the store.
    pub fn stand(&self, standing: &Standing, now: Timestamp) {
        self.findings.clear();
        for open in &standing.findings {
            let labels =
                FindingLabels { severity: open.severity.as_str(), domain: open.domain.as_str() };
            self.findings.get_or_create(&labels).set(i64::try_from(open.count).unwrap_or(i64::MAX));
        }
        self.evidence_age.clear();
        for (target, ended) in &standing.evidence {
            let age = now.duration_since(*ended).as_secs().max(0);
            self.evidence_age.get_or_create(&TargetLabels::of(target)).set(age);
        }
        self.not_after.clear();
        for record in &standing.certificates {
            let Some(end) = record.certificate.not_after else { continue };
            let TargetLabels { namespace, target } = TargetLabels::of(&record.target);
            let subject = record.certificate.subject.0.clone();
            let gauge = self.not_after.get_or_create_owned(&CertificateLabels {
                namespace,
                target,
                subject,
            });
            // Of several under one subject, the one that ends first.
            let end = end.as_second();
            if gauge.get() == 0 || end < gauge.get() {
                gauge.set(end);
            }
        }
    }

    /// All of it, as OpenMetrics text.
    pub fn render(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut text = String::new();
        // Writing into a String cannot fail.
        encode(&mut text, &registry).ok();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_rendered_under_its_name() {
        let metrics = Metrics::default();
        metrics.run_ended("fail");
        metrics.skipped("forbidden", 3);
        metrics.rejected("digest");
        let text = metrics.render();
        for line in [
            "audit_runs_total{result=\"fail\"} 1",
            "audit_slots_skipped_total{reason=\"forbidden\"} 3",
            "audit_ingest_rejected_total{reason=\"digest\"} 1",
            "audit_leader 0",
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }

    #[test]
    fn what_stands_in_the_store_is_rendered_and_what_went_is_not() {
        let metrics = Metrics::default();
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().expect("a time");
        let ended: Timestamp = "2026-11-21T09:00:00Z".parse().expect("a time");
        let standing = Standing {
            findings: vec![OpenFindings {
                severity: model::Severity::High,
                domain: model::Domain::ALL[0],
                count: 3,
            }],
            evidence: vec![(TargetKey("plant/gw".to_owned()), ended)],
            certificates: Vec::new(),
        };
        metrics.stand(&standing, now);
        let text = metrics.render();
        let age = "audit_evidence_age_seconds{namespace=\"plant\",target=\"gw\"} 3600";
        assert!(text.contains(age), "{text}");
        assert!(text.contains("audit_findings{severity=\"high\",domain="), "{text}");
        metrics.stand(&Standing::default(), now);
        assert!(!metrics.render().contains("plant"), "a target that went is gone");
    }
}
