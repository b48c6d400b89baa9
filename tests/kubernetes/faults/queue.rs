//! The queue, where there is one place only.

use std::net::TcpListener;

use tests::local_operator::LocalOperator;

use super::process::Away;
use super::{Hanging, over, run_of};
use crate::cluster::Namespace;
use crate::operator::{Installation, alone, beside};

#[test]
fn a_run_that_must_leave_its_target_alone_holds_up_nobody_else() {
    let installation = Installation::get();
    let _alone = alone();
    let _away = Away::new();
    let hanging = Hanging { listener: TcpListener::bind((installation.node(), 0)).unwrap() };
    let namespace = Namespace::new("rest");
    let mut settings = beside(&namespace, &installation.store());
    settings.max_jobs = 1;
    let _operator = LocalOperator::start(&settings);
    let resting = hanging
        .target("resting", 1)
        .replace("probePolicy: {", "probePolicy: {minIntervalSeconds: 3600, ");
    namespace.apply(&resting);
    namespace.apply(&hanging.target("free", 1));
    namespace.apply(&run_of("resting", "first", "{}"));
    assert_eq!(over(&namespace, "first")["phase"], "Complete");
    // It comes before the other one, and could only start in an hour.
    namespace.apply(&run_of("resting", "second", "{}"));
    namespace.wait_for("auditrun/second", ".status.phase", "Queued");
    for run in ["third", "fourth"] {
        namespace.apply(&run_of("free", run, "{}"));
        assert_eq!(over(&namespace, run)["phase"], "Complete");
    }
    let status = &namespace.json("auditrun/second")["status"];
    assert_eq!(status["phase"], "Queued", "{status:#}");
    assert!(status["message"].as_str().unwrap().contains("minIntervalSeconds"), "{status:#}");
}
