//! What must hold in an AuditException.

use jiff::{SignedDuration, Timestamp};

use super::Faults;
use crate::document::location::Field;
use crate::document::problem::{Fault, quote};
use crate::document::{AuditException, AuditExceptionSpec};

/// Longest time that an exception may be granted for, in days: long enough for two releases of a
/// device, too short to be forgotten.
pub const MAX_EXCEPTION_DAYS: i64 = 180;

/// Fails if one of these exceptions has a term on the day `now` that no exception may have.
///
/// # Errors
/// One line for each fault, with the name of its exception.
pub fn in_force(exceptions: &[AuditException], now: Timestamp) -> Result<(), String> {
    let faults: Vec<_> = exceptions
        .iter()
        .flat_map(|exception| {
            let name = &exception.metadata.name;
            let faults = validate_exception(exception, now);
            faults.into_iter().map(move |fault| format!("AuditException {name}: {fault}"))
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// What is wrong with an exception on the day `now`: its end must be near enough.
///
/// An exception that has ended is not wrong; it waives nothing any more.
pub fn validate_exception(exception: &AuditException, now: Timestamp) -> Vec<Fault> {
    let longest = SignedDuration::from_hours(24 * MAX_EXCEPTION_DAYS);
    let end = exception.spec.expires_at;
    if end.duration_since(now) <= longest {
        return Vec::new();
    }
    let message = format!(
        "expected a time at most {MAX_EXCEPTION_DAYS} days ahead, found {end}; approve it again \
         when it ends"
    );
    vec![Fault { field: Field::of("spec").key("expiresAt"), message }]
}

pub(super) fn check(faults: &mut Faults, spec: &AuditExceptionSpec) {
    let field = Field::of("spec");
    let keys = field.key("issueKeys");
    if spec.issue_keys.is_empty() {
        faults.add(keys.clone(), "expected at least one rule, found an empty list");
    }
    faults.unique(&keys, "", &spec.issue_keys);
    let subjects = field.key("subjects");
    for (index, subject) in spec.subjects.iter().enumerate() {
        if !is_subject(subject) {
            let message = format!(
                "expected endpoint/NAME, config/NAME, certificates/NAME or target, found {}",
                quote(subject)
            );
            faults.add(subjects.index(index), message);
        }
    }
    faults.unique(&subjects, "", spec.subjects.iter().map(String::as_str));
    faults.not_blank(&field.key("reason"), &spec.reason, "a reason why this is acceptable");
    faults.not_blank(&field.key("approvedBy"), &spec.approved_by, "the name of who accepts it");
    if spec.expire_on_change && spec.evidence.is_none() {
        let message = "expireOnChange needs the evidence that was accepted; add its digest, which \
                       the finding shows";
        faults.add(field.key("evidence"), message);
    }
}

fn is_subject(text: &str) -> bool {
    match text.split_once('/') {
        Some((kind, name)) => {
            matches!(kind, "endpoint" | "config" | "certificates")
                && !name.is_empty()
                && !name.contains('/')
        }
        None => text == "target",
    }
}
