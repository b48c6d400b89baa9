//! What follows from a finished run: the baseline, and what target, schedule and last the run
//! itself say, so that a crash on the way is repaired by doing all of it again.

use crds::condition::{self, Said};
use crds::job_template::TTL_SECONDS;
use crds::{
    AuditRunStatus, AuditSchedule, AuditTarget, AuditTargetStatus, DeltaSummary, EvidenceCount,
    JobTemplate, LastRun, Phase, RunDigests, Summary,
};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;
use kube::{Api, ResourceExt as _};
use model::assessment::Assessment;
use model::run::RunRecord;
use serde_json::json;

use super::Step;
use super::observe::End;
use crate::context::MANAGER;
use crate::crash::{self, Point};
use crate::error::{Error, Result};

/// Missing documents that a message names.
const NAMED: usize = 4;

impl Step<'_> {
    /// Writes down in the cluster what the store already holds, and how the probing ended if that
    /// is known.
    pub(super) async fn report(&self, record: &RunRecord, end: Option<End>) -> Result<Action> {
        let Some(assessment) = &record.assessment else {
            return Err(Error::Incomplete("a finished run", "assessment"));
        };
        let missing = missing(record);
        let message = message(record, assessment, &missing, end.as_ref());
        self.keep_baseline(record).await?;
        self.report_target(record, assessment, &missing).await?;
        crash::reached(Point::TargetReported);
        self.report_schedule(record, &missing).await?;
        crash::reached(Point::ScheduleReported);
        self.release_job().await?;
        crash::reached(Point::JobReleased);
        self.report_run(record, assessment, &missing, &message).await?;
        crash::reached(Point::RunReported);
        self.tell_outcome(record, &missing, &message).await;
        self.count(record, assessment);
        Ok(Action::await_change())
    }

    async fn report_run(
        &self,
        record: &RunRecord,
        assessment: &Assessment,
        missing: &[String],
        message: &str,
    ) -> Result<()> {
        let old = self.run.status.as_ref();
        let mut status = AuditRunStatus {
            observed_generation: self.run.metadata.generation,
            phase: Some(Phase::Complete),
            message: Some(message.to_owned()),
            run_id: Some(record.id.0.clone()),
            ended_at: record.ended_at.map(time),
            evidence: Some(EvidenceCount {
                planned: number(record.plan.requests.len()),
                stored: number(record.evidence.len()),
            }),
            status: Some(assessment.status),
            posture: Some(assessment.posture),
            risk_score: assessment.risk_score.and_then(|score| i32::try_from(score).ok()),
            summary: Some(Summary::from(assessment)),
            delta: record.delta.as_ref().map(DeltaSummary::from),
            digests: record.integrity.as_ref().map(|integrity| RunDigests {
                manifest: integrity.manifest.to_string(),
                assessment: integrity.assessment.to_string(),
            }),
            ..old.cloned().unwrap_or_default()
        };
        let said = evidence_stored(missing);
        condition::set(
            &mut status.conditions,
            &said.as_said(),
            self.run.metadata.generation,
            self.now,
        );
        self.context.patch_status(self.run, old, &status).await
    }

    async fn report_target(
        &self,
        record: &RunRecord,
        assessment: &Assessment,
        missing: &[String],
    ) -> Result<()> {
        let targets: Api<AuditTarget> = self.context.beside(self.run);
        let Some(object) = targets.get_opt(&self.run.spec.target_ref.name).await? else {
            return Ok(());
        };
        let old = object.status.as_ref();
        let ended = record.ended_at.unwrap_or(self.now);
        let newer = old
            .and_then(|status| status.evidence_time.as_ref())
            .is_some_and(|known| known.0 > condition::whole_second(ended));
        if newer {
            return Ok(());
        }
        let generation = object.metadata.generation;
        let mut status = AuditTargetStatus {
            observed_generation: generation,
            posture: Some(assessment.posture),
            status: Some(assessment.status),
            risk_score: assessment.risk_score.and_then(|score| i32::try_from(score).ok()),
            summary: Some(Summary::from(assessment)),
            delta: record.delta.as_ref().map(DeltaSummary::from),
            evidence_time: Some(time(ended)),
            last_run: Some(LastRun {
                name: self.run.name_any(),
                run_id: record.id.0.clone(),
                manifest: record.integrity.as_ref().map(|i| i.manifest.to_string()),
                target_generation: generation_of(&object, record),
            }),
            ..old.cloned().unwrap_or_default()
        };
        let stored = evidence_stored(missing);
        let degraded = Said {
            kind: condition::DEGRADED,
            holds: Some(!assessment.defects.is_empty()),
            reason: if assessment.defects.is_empty() { "AsExpected" } else { "EngineDefect" },
            message: if assessment.defects.is_empty() {
                "every rule could be evaluated"
            } else {
                "a rule could not be evaluated; see the report"
            },
        };
        let stale = Said {
            kind: condition::STALE,
            holds: Some(false),
            reason: "EvidenceFresh",
            message: "the evidence is younger than allowed",
        };
        for said in [&stored.as_said(), &degraded, &stale] {
            condition::set(&mut status.conditions, said, generation, self.now);
        }
        self.context.patch_status(&object, old, &status).await
    }

    async fn report_schedule(&self, record: &RunRecord, missing: &[String]) -> Result<()> {
        let Some(reference) = self.run.spec.schedule_ref.as_ref().filter(|_| missing.is_empty())
        else {
            return Ok(());
        };
        let schedules: Api<AuditSchedule> = self.context.beside(self.run);
        let ended = condition::whole_second(record.ended_at.unwrap_or(self.now));
        let patch = json!({ "status": { "lastSuccessfulTime": Time(ended) } });
        let by = PatchParams::apply(MANAGER);
        match schedules.patch_status(&reference.name, &by, &Patch::Merge(patch)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets the Job go: until now it had no time to live, so that nothing of it was lost.
    async fn release_job(&self) -> Result<()> {
        let template = JobTemplate::read(self.run.spec.job_template.as_ref()).unwrap_or_default();
        let seconds = template.ttl_seconds_after_finished.unwrap_or(TTL_SECONDS);
        let jobs: Api<Job> = self.context.beside(self.run);
        let patch = json!({ "spec": { "ttlSecondsAfterFinished": seconds } });
        match jobs
            .patch(&self.run.name_any(), &PatchParams::apply(MANAGER), &Patch::Merge(patch))
            .await
        {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn tell_outcome(&self, record: &RunRecord, missing: &[String], message: &str) {
        let context = self.context;
        if missing.is_empty() {
            context.tell(self.run, EventType::Normal, "EvidenceStored", message).await;
        } else {
            context.tell(self.run, EventType::Warning, "EvidenceMissing", message).await;
        }
        let regressed = record.delta.as_ref().map_or(0, |delta| delta.counts.regressed);
        if regressed > 0 {
            let note = format!("{} regressed since run {}", controls(regressed), baseline(record));
            context.tell(self.run, EventType::Warning, "Regressed", &note).await;
        }
    }

    fn count(&self, record: &RunRecord, assessment: &Assessment) {
        let metrics = &self.context.metrics;
        metrics.run_ended(match assessment.status {
            model::Status::Pass => "pass",
            model::Status::Fail => "fail",
            model::Status::Incomplete => "incomplete",
        });
        if let Some(ended) = record.ended_at {
            let seconds = ended.duration_since(record.started_at).as_secs_f64();
            metrics.run_duration.observe(seconds.max(0.0));
        }
        tracing::info!(
            run = %record.id, name = %self.run.name_any(), target = %record.target,
            status = assessment.status.as_str(), posture = assessment.posture.as_str(), "run stored"
        );
    }
}

/// The condition `EvidenceStored`, with its own text.
struct Stored {
    holds: bool,
    message: String,
}

impl Stored {
    fn as_said(&self) -> Said<'_> {
        Said {
            kind: condition::EVIDENCE_STORED,
            holds: Some(self.holds),
            reason: if self.holds { "Stored" } else { "EvidenceMissing" },
            message: &self.message,
        }
    }
}

fn evidence_stored(missing: &[String]) -> Stored {
    let message = if missing.is_empty() {
        "every planned document is stored and judged".to_owned()
    } else {
        format!("no evidence came of {}", list(missing))
    };
    Stored { holds: missing.is_empty(), message }
}

/// What was asked and not answered, as `check of subject`.
fn missing(record: &RunRecord) -> Vec<String> {
    record
        .plan
        .requests
        .iter()
        .filter(|request| {
            !record
                .evidence
                .iter()
                .any(|e| e.check == request.check && e.subject == request.subject)
        })
        .map(|request| format!("{} of {}", request.check, request.subject))
        .collect()
}

fn message(
    record: &RunRecord,
    assessment: &Assessment,
    missing: &[String],
    end: Option<&End>,
) -> String {
    if !missing.is_empty() {
        let why = match end {
            Some(End::Short(why)) => format!(": {why}"),
            _ => String::new(),
        };
        return format!("no evidence came of {}{why}", list(missing));
    }
    let open = assessment.open_findings().count();
    let findings = if open == 1 { "1 finding".to_owned() } else { format!("{open} findings") };
    let Some(delta) = &record.delta else {
        return format!("{findings}; the first run of this target");
    };
    format!(
        "{findings}; {} improved, {} regressed since run {}",
        delta.counts.improved, delta.counts.regressed, delta.before.run
    )
}

fn baseline(record: &RunRecord) -> &str {
    record.delta.as_ref().map_or("", |delta| delta.before.run.0.as_str())
}

fn controls(number: u32) -> String {
    if number == 1 { "1 control".to_owned() } else { format!("{number} controls") }
}

fn list(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// The generation that was audited, if the target still says what it said then.
fn generation_of(object: &AuditTarget, record: &RunRecord) -> Option<i64> {
    (object.spec.0 == record.document.spec).then_some(object.metadata.generation).flatten()
}

fn time(time: Timestamp) -> Time {
    Time(condition::whole_second(time))
}

fn number(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
