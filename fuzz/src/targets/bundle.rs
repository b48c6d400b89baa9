//! The record of a run, as `plumb verify`, `plumb assess` and `plumb report` are handed it, and the
//! dashboard of a repository holds it.

use std::sync::LazyLock;

use engine::assess::{Case, assess};
use engine::conclude::{Terms, conclude};
use engine::integrity;
use engine::report::{self, Format};
use engine::rule::{RuleSet, built_in};
use model::run::RunBundle;

static RULES: LazyLock<RuleSet> = LazyLock::new(built_in);

/// Whatever it says: it is proven or not, judged again, compared, and rendered in every format.
pub(super) fn bundle(bytes: &[u8]) {
    let Ok(bundle) = serde_json::from_slice::<RunBundle>(bytes) else { return };
    integrity::verify(&bundle, &RULES);
    let record = &bundle.record;
    let case = Case {
        target: &record.document,
        file: record.file.as_deref(),
        plan: &record.plan,
        evidence: &bundle.evidence,
    };
    assess(&case, &RULES, &bundle.exceptions, record.started_at);
    let mut again = bundle.clone();
    let before = Some(bundle.baseline.as_deref().unwrap_or(&bundle));
    let terms =
        Terms { rules: &RULES, exceptions: &bundle.exceptions, before, next_run: record.ended_at };
    conclude(&mut again.record, &bundle.evidence, &terms, record.started_at);
    again.record.integrity = integrity::seal(&again.record, None);
    rendered(&bundle);
    rendered(&again);
}

fn rendered(bundle: &RunBundle) {
    for format in Format::ALL {
        report::audit(bundle, format).ok();
        report::delta(bundle, format).ok();
        report::alerts(std::slice::from_ref(bundle), format).ok();
    }
    report::audit_sarif(bundle, "targets/fuzzed.yaml").ok();
    // GitHub takes no longer one.
    assert!(report::comment(bundle).map_or(0, |text| text.chars().count()) <= 65_536);
}
