//! The reference pair in every format, byte for byte.

use engine::report::{self, Format};

use crate::fixture;

#[test]
fn the_audit_before_hardening() {
    let before = fixture::before();
    for format in Format::ALL {
        let name = format!("before.{}", format.extension());
        insta::assert_snapshot!(name, report::audit(&before, format).unwrap());
    }
    insta::assert_snapshot!("before.comment.md", report::comment(&before).unwrap());
}

#[test]
fn the_audit_after_hardening() {
    let after = fixture::after();
    for format in [Format::Html, Format::Md, Format::Csv, Format::Sarif] {
        let name = format!("after.{}", format.extension());
        insta::assert_snapshot!(name, report::audit(&after, format).unwrap());
    }
    insta::assert_snapshot!("after.comment.md", report::comment(&after).unwrap());
}

#[test]
fn the_delta_after_hardening() {
    let after = fixture::after();
    for format in [Format::Html, Format::Md, Format::Json] {
        let name = format!("delta.{}", format.extension());
        insta::assert_snapshot!(name, report::delta(&after, format).unwrap());
    }
}

#[test]
fn the_alerts_of_a_run_that_gave_way() {
    let bundles = [fixture::regressed()];
    for format in [Format::Html, Format::Md, Format::Json] {
        let name = format!("alerts.{}", format.extension());
        insta::assert_snapshot!(name, report::alerts(&bundles, format).unwrap());
    }
}
