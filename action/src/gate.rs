//! Whether the job fails.

use model::Severity;
use model::delta::DeltaClass;

use crate::audit::Audit;
use crate::failure::Exit;
use crate::settings::FailOn;
use crate::show::count;

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// How the process ends.
    pub exit: Exit,
    /// Why the job fails, without a full stop.
    pub reason: Option<String>,
}

impl Gate {
    /// True if the job fails.
    pub const fn failed(&self) -> bool {
        self.reason.is_some()
    }

    const fn passed() -> Self {
        Self { exit: Exit::Passed, reason: None }
    }

    const fn fails(reason: String) -> Self {
        Self { exit: Exit::Failed, reason: Some(reason) }
    }

    /// For a pull request: only what it brings counts.
    pub fn of_pull(audit: &Audit, fail_on: FailOn) -> Self {
        if fail_on == FailOn::Never {
            return Self::passed();
        }
        let least = match fail_on {
            FailOn::Regression => Severity::Info,
            other => other.severity().unwrap_or(Severity::High),
        };
        let brought = audit.targets.iter().flat_map(|judged| {
            let open = judged.assessment().open_findings();
            open.filter(|finding| judged.introduced.contains(&finding.id))
        });
        let grave = brought.filter(|finding| finding.severity >= least).count();
        if grave > 0 {
            let what = count(grave, "finding", "findings");
            let grade = if fail_on == FailOn::Regression {
                String::new()
            } else {
                format!(" of {least} or above")
            };
            return Self::fails(format!("the change brings {what}{grade}"));
        }
        let lost: usize = audit.targets.iter().map(|judged| judged.lost.len()).sum();
        if lost > 0 {
            let what = count(lost, "mandatory control", "mandatory controls");
            return Self::fails(format!("with the change {what} cannot be judged any more"));
        }
        Self::observed(audit)
    }

    /// For a branch: all that is open counts.
    pub fn of_branch(audit: &Audit, fail_on: FailOn) -> Self {
        match fail_on {
            FailOn::Auto | FailOn::Never => {}
            FailOn::Regression => {
                let deltas = audit.targets.iter().filter_map(|j| j.bundle.record.delta.as_ref());
                let regressed: u32 =
                    deltas.map(|delta| delta.counts.of(DeltaClass::Regressed)).sum();
                if regressed > 0 {
                    let what = count(regressed as usize, "control has", "controls have");
                    return Self::fails(format!("{what} regressed"));
                }
            }
            other => {
                let least = other.severity().unwrap_or(Severity::High);
                let open = audit.targets.iter().flat_map(|j| j.assessment().open_findings());
                let grave = open.filter(|finding| finding.severity >= least).count();
                if grave > 0 {
                    let what = count(grave, "finding", "findings");
                    return Self::fails(format!("{what} of {least} or above"));
                }
            }
        }
        if fail_on == FailOn::Never { Self::passed() } else { Self::observed(audit) }
    }

    /// Nothing that was selected could be observed: that is neither good nor bad.
    fn observed(audit: &Audit) -> Self {
        let coverage = audit.targets.iter().map(|judged| judged.assessment().coverage);
        let (selected, evaluated) = coverage
            .fold((0, 0), |(s, e), coverage| (s + coverage.selected, e + coverage.evaluated));
        if selected > 0 && evaluated == 0 {
            let reason = "nothing could be observed".to_owned();
            return Self { exit: Exit::Unobserved, reason: Some(reason) };
        }
        Self::passed()
    }
}
