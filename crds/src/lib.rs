//! The custom resources: the same specs that are read from files, with the status that the
//! operator keeps.
//!
//! [`definitions`] is what `kubectl apply -f crds/` installs. Everything in a status is small:
//! evidence, findings and history are in Postgres.
#![allow(clippy::duplicated_attributes, reason = "every printer column has a type and a path")]

mod audit_exception;
mod audit_run;
mod audit_schedule;
mod audit_target;
pub mod condition;
mod definition;
pub mod job_template;
mod rule;
mod summary;

pub use audit_exception::{AuditException, AuditExceptionSpec, AuditExceptionStatus};
pub use audit_run::{
    AuditRun, AuditRunSpec, AuditRunStatus, EvidenceCount, Phase, RunDigests, ScheduleRef, Trigger,
};
pub use audit_schedule::{AuditSchedule, AuditScheduleSpec, AuditScheduleStatus};
pub use audit_target::{AuditTarget, AuditTargetSpec, AuditTargetStatus, LastRun};
pub use definition::{definitions, files};
pub use job_template::{BadJobTemplate, JobTemplate};
pub use summary::{DeltaSummary, Summary};

/// The API group.
pub const GROUP: &str = "plumbline.dev";
/// The version that is served and stored.
pub const VERSION: &str = "v1alpha1";

/// Label on an AuditTarget that asks for a run now; its value names the request.
pub const RUN_NOW: &str = "plumbline.dev/run-now";
/// Label on runs, Jobs and pods: the AuditRun.
pub const RUN_LABEL: &str = "plumbline.dev/run";
/// Label on runs, Jobs and pods: the AuditTarget.
pub const TARGET_LABEL: &str = "plumbline.dev/target";
/// Label on runs: the AuditSchedule.
pub const SCHEDULE_LABEL: &str = "plumbline.dev/schedule";
/// Finalizer on Jobs: their pods' last words are read before they go.
pub const JOB_FINALIZER: &str = "plumbline.dev/evidence";
