//! Schedules: what is audited, and when.

use super::{document, problems, schedule};

#[test]
fn a_schedule_says_what_and_when() {
    let text = document(
        "AuditSchedule",
        "bundle: audit-baseline\nchecks: [ingest_auth, ingest_auth]\nschedule: \"0 0 30 2 *\"\ntimeZone: europe/berln\nbaseline: {policy: pinned}\nretention: {days: 0}\njobTemplate: 7\njitterSeconds: 86401\nrules: {pack: \"\"}",
    );
    insta::assert_snapshot!(problems(&text), @r#"
    5:3: spec: expected exactly one of targetRefs and targetSelector, found none; add the targets that are audited
    6:11: spec.checks: expected at most one of bundle and checks, found both; remove one
    6:25: spec.checks[1]: `ingest_auth` is already given in spec.checks[0]; each must differ
    7:13: spec.schedule: expected a schedule that comes true on some day, found `0 0 30 2 *`, which never does
    8:13: spec.timeZone: expected an IANA time zone such as Europe/Berlin, found `europe/berln`; did you mean `Europe/Berlin`?
    9:13: spec.baseline.runRef: the policy pinned needs a run; add runRef with its name
    10:21: spec.retention.days: expected a whole number from 1 to 36500, found 0
    11:16: spec.jobTemplate: expected a mapping
    12:18: spec.jitterSeconds: expected a whole number from 0 to 86400, found 86401
    13:17: spec.rules.pack: expected the id of a rule pack, found empty text
    "#);
    let text = schedule("targetSelector: {}\nchecks: []\nbaseline: {policy: previous, runRef: x}")
        .replace("[{name: a}]", "[{name: x}, {name: X}, {name: x}]");
    insta::assert_snapshot!(problems(&text), @r#"
    5:34: spec.targetRefs[1].name: expected lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit; found `X`; did you mean `x`?
    5:45: spec.targetRefs[2].name: `x` is already given in spec.targetRefs[0].name; each must differ
    7:19: spec.targetSelector: expected exactly one of targetRefs and targetSelector, found both; remove one
    8:11: spec.checks: expected at least one check, found an empty list
    9:40: spec.baseline.runRef: runRef is read with the policy pinned only; remove it, or use pinned
    "#);
    insta::assert_snapshot!(problems(&schedule("").replace("[{name: a}]", "[]")), @"5:15: spec.targetRefs: expected at least one target, found an empty list");
}

#[test]
fn cron_expressions_have_five_fields_and_come_true() {
    let cases = [
        "* * * * *",
        "*/15 0-6 1,15 * MON-FRI",
        "0 0 29 2 *",
        "0 0 L * *",
        "@daily",
        "0 4 * *",
        "0 0 4 * * *",
        "61 * * * *",
        "0 0 31 4 *",
        "CRON_TZ=UTC 0 4 * * *",
        "a b c d e",
        "",
    ];
    let verdicts = cases.map(|cron| {
        let text = schedule("").replace("0 4 * * *", &format!("\"{cron}\""));
        format!("{cron}: {}", problems(&text))
    });
    insta::assert_snapshot!(verdicts.join("\n"), @r#"
    * * * * *: no problem in 1 documents
    */15 0-6 1,15 * MON-FRI: no problem in 1 documents
    0 0 29 2 *: no problem in 1 documents
    0 0 L * *: no problem in 1 documents
    @daily: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `@daily`
    0 4 * *: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `0 4 * *`
    0 0 4 * * *: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `0 0 4 * * *`
    61 * * * *: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `61 * * * *`: Number out of bounds
    0 0 31 4 *: 6:13: spec.schedule: expected a schedule that comes true on some day, found `0 0 31 4 *`, which never does
    CRON_TZ=UTC 0 4 * * *: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `CRON_TZ=UTC 0 4 * * *`; the zone belongs into timeZone
    a b c d e: 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found `a b c d e`: CronPattern contains illegal character 'A' in part 'A'
    : 6:13: spec.schedule: expected a cron expression of five fields: minute, hour, day of month, month, day of week; found ``
    "#);
}

#[test]
fn time_zones_are_those_of_the_database() {
    for zone in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
        assert_eq!(problems(&schedule(&format!("timeZone: {zone}"))), "no problem in 1 documents");
    }
    insta::assert_snapshot!(problems(&schedule("timeZone: CEST-1")), @"7:13: spec.timeZone: expected an IANA time zone such as Europe/Berlin, found `CEST-1`");
    insta::assert_snapshot!(problems(&schedule("timeZone: utc")), @"7:13: spec.timeZone: expected an IANA time zone such as Europe/Berlin, found `utc`; did you mean `UTC`?");
}
