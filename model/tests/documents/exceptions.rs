//! Exceptions: a reason, an approver, and an end.

use jiff::{SignedDuration, Timestamp};
use model::document::{Fault, MAX_EXCEPTION_DAYS, Place, Resource, read, validate_exception};

use super::{document, problems};

const EXCEPTION: &str = "issueKeys: [ingest_auth.insecure_transport]\nreason: ordered\napprovedBy: somebody\nexpiresAt: 2030-06-30T00:00:00Z\n";

#[test]
fn an_exception_has_a_reason_an_approver_and_an_end() {
    let good = document("AuditException", EXCEPTION);
    assert_eq!(problems(&good), "no problem in 1 documents");
    let endless = good.replace("expiresAt: 2030-06-30T00:00:00Z", "");
    insta::assert_snapshot!(problems(&endless), @"5:3: spec.expiresAt: this field is required and missing; add it");
    let vague = good
        .replace("2030-06-30T00:00:00Z", "2030-06-30")
        .replace("[ingest_auth.insecure_transport]", "[ingest_auth, ingest_auth.X]");
    insta::assert_snapshot!(problems(&vague), @r#"
    5:15: spec.issueKeys[0]: expected `<check>.<name>` in lower case with `_`, found `ingest_auth`
    5:28: spec.issueKeys[1]: expected `<check>.<name>` in lower case with `_`, found `ingest_auth.X`
    8:14: spec.expiresAt: expected a time with its offset, such as 2030-12-31T00:00:00Z, found `2030-06-30`
    "#);
    let empty = good.replace("ordered", "\" \"").replace("somebody", "\"\"").replace(
        "[ingest_auth.insecure_transport]",
        "[]\n  expireOnChange: true\n  subjects: [endpoint/a, ingest, config/, target]",
    );
    insta::assert_snapshot!(problems(&empty), @r#"
    5:3: spec.evidence: expireOnChange needs the evidence that was accepted; add its digest, which the finding shows
    5:14: spec.issueKeys: expected at least one rule, found an empty list
    7:26: spec.subjects[1]: expected endpoint/NAME, config/NAME, certificates/NAME or target, found `ingest`
    7:34: spec.subjects[2]: expected endpoint/NAME, config/NAME, certificates/NAME or target, found `config/`
    8:11: spec.reason: expected a reason why this is acceptable, found empty text
    9:15: spec.approvedBy: expected the name of who accepts it, found empty text
    "#);
}

#[test]
fn an_exception_ends_within_half_a_year() {
    let text = document("AuditException", EXCEPTION);
    let documents = read("t.yaml", &text, Place::Outside).expect("the document is good");
    let Resource::AuditException(exception) = &documents[0].value else { panic!("no exception") };
    let end = exception.spec.expires_at;
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let faults = |now: Timestamp| -> Vec<Fault> { validate_exception(exception, now) };
    assert_eq!(faults(end), []);
    assert_eq!(faults(end - days(MAX_EXCEPTION_DAYS)), []);
    assert_eq!(faults(end + days(1)), [], "an exception that has ended is not wrong");
    let [fault] = &faults(end - days(MAX_EXCEPTION_DAYS) - SignedDuration::from_secs(1))[..] else {
        panic!("one second more than allowed is one fault")
    };
    insta::assert_snapshot!(documents[0].problem(fault.clone()), @"t.yaml:8:14: spec.expiresAt: expected a time at most 180 days ahead, found 2030-06-30T00:00:00Z; approve it again when it ends");
}
