//! Score by formula, colour by gate; the same two functions for a domain and for a whole run.

use model::assessment::{ControlResult, Coverage, DomainPosture};
use model::{Domain, Posture, Severity, Status, Verdict};

/// Points per open, unwaived finding, added up.
pub fn points<'a>(controls: impl IntoIterator<Item = &'a ControlResult>) -> u64 {
    controls.into_iter().filter(|control| is_open(control)).map(|c| c.severity.points()).sum()
}

/// `floor(100*P/(P+30))`: 0 for nothing, monotone, and below 100 for ever, so that every fix moves
/// it.
pub fn risk_score(points: u64) -> u32 {
    u32::try_from(100 * points / (points + 30)).unwrap_or(100)
}

/// What was evaluated out of what was selected.
pub fn coverage<'a>(controls: impl IntoIterator<Item = &'a ControlResult>) -> Coverage {
    let mut coverage = Coverage::default();
    for control in controls {
        match control.verdict {
            Verdict::Pass | Verdict::Fail => {
                coverage.selected += 1;
                coverage.evaluated += 1;
            }
            Verdict::Inconclusive { .. } | Verdict::NotRun { .. } => {
                coverage.selected += 1;
                coverage.inconclusive += 1;
                coverage.mandatory_inconclusive += u32::from(control.mandatory);
            }
            Verdict::NotApplicable { .. } => coverage.not_applicable += 1,
        }
    }
    coverage
}

/// The colour of a set of controls.
pub fn posture<'a>(controls: impl IntoIterator<Item = &'a ControlResult> + Clone) -> Posture {
    let coverage = coverage(controls.clone());
    if coverage.evaluated == 0 {
        return Posture::Unknown;
    }
    let failing = || controls.clone().into_iter().filter(|c| c.verdict == Verdict::Fail);
    if failing().any(|c| is_open(c) && c.severity >= Severity::High) {
        return Posture::Red;
    }
    let open_medium = failing().any(|c| is_open(c) && c.severity == Severity::Medium);
    let waived_high = failing().any(|c| !is_open(c) && c.severity >= Severity::High);
    if open_medium || waived_high || coverage.mandatory_inconclusive > 0 {
        return Posture::Amber;
    }
    Posture::Green
}

/// Posture, score and coverage of one domain, out of all controls of a run.
pub fn domain(domain: Domain, controls: &[ControlResult]) -> DomainPosture {
    let own = controls.iter().filter(|control| control.domain == domain);
    let coverage = coverage(own.clone());
    DomainPosture {
        domain,
        posture: posture(own.clone()),
        risk_score: (coverage.evaluated > 0).then(|| risk_score(points(own))),
        coverage,
    }
}

/// The worst of the domains that anything was selected in; unknown where there is none. A domain
/// of which nothing could be observed keeps the whole from green.
pub fn overall(domains: impl IntoIterator<Item = (Posture, Coverage)>) -> Posture {
    domains
        .into_iter()
        .filter(|(_, coverage)| coverage.selected > 0)
        .map(|(posture, _)| posture)
        .max()
        .unwrap_or(Posture::Unknown)
}

/// PASS, FAIL or INCOMPLETE of a whole run.
pub fn status(controls: &[ControlResult], posture: Posture) -> Status {
    let open = |control: &&ControlResult| is_open(control) && control.severity >= Severity::Medium;
    if controls.iter().any(|control| open(&control)) {
        return Status::Fail;
    }
    if posture == Posture::Unknown || coverage(controls).mandatory_inconclusive > 0 {
        return Status::Incomplete;
    }
    Status::Pass
}

fn is_open(control: &ControlResult) -> bool {
    control.verdict == Verdict::Fail && control.waived_by.is_none()
}

#[cfg(test)]
mod tests {
    use model::Subject;
    use proptest::prelude::*;

    use super::*;

    fn control(verdict: Verdict, severity: Severity, mandatory: bool) -> ControlResult {
        ControlResult {
            rule: "ingest_auth.insecure_transport".parse().unwrap(),
            rule_version: 1,
            subject: Subject::target(),
            title: String::new(),
            domain: Domain::DataProtection,
            severity,
            mandatory,
            verdict,
            waived_by: None,
            evidence: None,
            solid: String::new(),
        }
    }

    fn inconclusive() -> Verdict {
        Verdict::Inconclusive { reason: String::new() }
    }

    #[test]
    fn three_high_and_one_medium_give_69() {
        let high = control(Verdict::Fail, Severity::High, true);
        let medium = control(Verdict::Fail, Severity::Medium, true);
        let controls = [high.clone(), high.clone(), high, medium];
        assert_eq!(points(&controls), 68);
        assert_eq!(risk_score(68), 69);
        assert_eq!(posture(&controls), Posture::Red);
        assert_eq!(status(&controls, Posture::Red), Status::Fail);
    }

    #[test]
    fn one_high_gives_40_and_one_medium_21() {
        assert_eq!((risk_score(0), risk_score(20), risk_score(8)), (0, 40, 21));
    }

    #[test]
    fn a_waived_high_is_amber_without_points() {
        let mut waived = control(Verdict::Fail, Severity::High, true);
        waived.waived_by = Some("accepted".to_owned());
        assert_eq!(points([&waived]), 0);
        assert_eq!(posture([&waived]), Posture::Amber);
        assert_eq!(status(&[waived], Posture::Amber), Status::Pass);
    }

    #[test]
    fn low_findings_keep_green() {
        let controls = [control(Verdict::Fail, Severity::Low, false)];
        assert_eq!(posture(&controls), Posture::Green);
        assert_eq!(status(&controls, Posture::Green), Status::Pass);
    }

    #[test]
    fn a_mandatory_control_that_was_not_observed_is_amber_and_incomplete() {
        let pass = control(Verdict::Pass, Severity::High, true);
        let lost = control(inconclusive(), Severity::High, true);
        let controls = [pass, lost];
        assert_eq!(posture(&controls), Posture::Amber);
        assert_eq!(status(&controls, Posture::Amber), Status::Incomplete);
    }

    #[test]
    fn a_domain_without_observation_keeps_the_whole_from_green() {
        let seen = coverage([&control(Verdict::Pass, Severity::High, true)]);
        let unseen = coverage([&control(inconclusive(), Severity::Low, false)]);
        let none = Coverage::default();
        assert_eq!(overall([(Posture::Green, seen), (Posture::Unknown, none)]), Posture::Green);
        assert_eq!(overall([(Posture::Green, seen), (Posture::Unknown, unseen)]), Posture::Unknown);
        assert_eq!(overall([(Posture::Red, seen), (Posture::Unknown, unseen)]), Posture::Red);
        assert_eq!(overall([]), Posture::Unknown);
    }

    proptest! {
        #[test]
        fn no_sequence_of_inconclusive_results_reads_as_green_or_pass(
            controls in prop::collection::vec((any::<bool>(), 0_u8..5, 0_u8..3), 0..40)
        ) {
            let controls: Vec<_> = controls
                .into_iter()
                .map(|(mandatory, severity, verdict)| {
                    let severity = Severity::WORST_FIRST[usize::from(severity)];
                    let reason = String::new();
                    let verdict = match verdict {
                        0 => Verdict::Inconclusive { reason },
                        1 => Verdict::NotRun { reason },
                        _ => Verdict::NotApplicable { reason },
                    };
                    control(verdict, severity, mandatory)
                })
                .collect();
            let posture = posture(&controls);
            prop_assert_eq!(posture, Posture::Unknown);
            prop_assert_eq!(status(&controls, posture), Status::Incomplete);
            prop_assert_eq!(overall([(posture, coverage(&controls))]), Posture::Unknown);
        }

        #[test]
        fn the_score_grows_with_every_point_and_never_reaches_100(points in 0_u64..1_000_000) {
            prop_assert!(risk_score(points) <= risk_score(points + 1));
            prop_assert!(risk_score(points) < 100);
        }
    }
}
