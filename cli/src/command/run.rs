//! `plumb run`

use engine::report::Format;
use engine::rule::RuleSet;
use model::delta::DeltaClass;
use model::document::{AuditException, Source};
use model::request::{CheckRequest, Inputs, Plan};
use model::run::RunRecord;
use model::{CheckId, Severity, Status};

use crate::args::{FailOn, Global, RunArgs};
use crate::audit::{self, Baseline, Current, Order};
use crate::documents::{self, Declared};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::progress::Watcher;
use crate::reports::{self, Wanted};
use crate::{files, stores, summary};

/// Audits targets.
pub async fn run(args: RunArgs, global: &Global, output: &Output) -> Outcome {
    let rules = files::rules(&args.rules)?;
    let documents = documents::read_targets(&args.files, output)?;
    let now = jiff::Timestamp::now();
    documents::in_force(&documents.exceptions, now)?;
    let selected = selection(&args);
    let mut plans = Vec::new();
    for declared in &documents.targets {
        let plan = engine::plan::plan(&declared.target, selected.as_deref(), &rules);
        let key = declared.target.key();
        let plan = plan.map_err(|e| Failure::usage(format!("{}: {key}: {e}", declared.file)))?;
        if plan.requests.is_empty() && plan.skipped.is_empty() {
            return Err(Failure::usage(format!(
                "{}: {key} declares no input of any check; declare endpoints, gatewayConfig or \
                 deviceCertificates",
                declared.file
            )));
        }
        plans.push((declared, plan));
    }
    if args.dry_run {
        return dry_run(&plans, output);
    }
    let wanted = reports::parse(&args.outputs, &Format::ALL)?;
    let keys: Vec<_> = plans.iter().map(|(declared, _)| declared.target.key()).collect();
    let names: Vec<_> = keys.iter().map(model::TargetKey::file_name).collect();
    reports::prove_writable(&wanted, &names)?;
    let store = stores::open(global).await?;
    let current = Current::default();
    let desk = Desk { args: &args, rules: &rules, store: &store, wanted: &wanted, output };
    let work = audit_all(&desk, &plans, &documents.exceptions, &current);
    let outcome = tokio::select! {
        outcome = work => outcome,
        () = stopped() => {
            // Dropping the work left its runs without an end; say so in the store.
            if let Some(run) = current.run() {
                store.interrupt(&run, jiff::Timestamp::now()).await?;
            }
            output.note("interrupted; the run is marked so, and what was collected is kept");
            Ok(Exit::Interrupted)
        }
    };
    store.close().await;
    outcome
}

/// What every audit of one command line shares.
struct Desk<'a> {
    args: &'a RunArgs,
    rules: &'a RuleSet,
    store: &'a store::Store,
    wanted: &'a [Wanted],
    output: &'a Output,
}

async fn audit_all(
    desk: &Desk<'_>,
    plans: &[(&Declared, Plan)],
    exceptions: &[AuditException],
    current: &Current,
) -> Outcome {
    let Desk { args, rules, store, wanted, output } = *desk;
    let mut exit = Exit::Passed;
    for (declared, plan) in plans {
        let order = Order {
            declared,
            plan: plan.clone(),
            mode: args.mode,
            bundle: args.bundle,
            baseline: match args.baseline.as_str() {
                "last" => Baseline::Last,
                "none" => Baseline::None,
                name => Baseline::Run(name.to_owned()),
            },
            exceptions,
            next_run: args.next_run,
        };
        let watcher = Watcher::new(output, plan.requests.len());
        let audited = audit::audit(&order, rules, store, &watcher, current).await?;
        drop(watcher);
        let record = &audited.bundle.record;
        let key = record.target.file_name();
        for report in wanted {
            let text = reports::render(&audited.bundle, report.format, &declared.path)?;
            report.write(&key, text.as_bytes(), output)?;
        }
        let lines = summary::run(record, output);
        if wanted.iter().any(Wanted::is_stdout) {
            lines.iter().for_each(|line| output.note(line));
        } else {
            for line in &lines {
                output.line(line)?;
            }
        }
        let baseline = if audited.became_baseline { "; it is the baseline now" } else { "" };
        output.note(&format!("run {}{baseline}", record.id));
        exit = exit.worst(gate(record, args.fail_on));
    }
    Ok(exit)
}

/// The checks that the command line asks for.
fn selection(args: &RunArgs) -> Option<Vec<CheckId>> {
    match (args.bundle, args.checks.is_empty()) {
        (Some(bundle), _) => Some(bundle.checks().to_vec()),
        (None, false) => Some(args.checks.clone()),
        (None, true) => None,
    }
}

/// What the gate says of one run.
fn gate(record: &RunRecord, fail_on: FailOn) -> Exit {
    let Some(assessment) = &record.assessment else { return Exit::Incomplete };
    let open = |worst: Severity| assessment.open_findings().any(|f| f.severity >= worst);
    let failed = match fail_on {
        FailOn::Critical => open(Severity::Critical),
        FailOn::High => open(Severity::High),
        FailOn::Medium => open(Severity::Medium),
        FailOn::Low => open(Severity::Low),
        FailOn::Regression => {
            record.delta.as_ref().is_some_and(|delta| delta.counts.of(DeltaClass::Regressed) > 0)
        }
        FailOn::Never => return Exit::Passed,
    };
    let lost = assessment.coverage.mandatory_inconclusive > 0;
    if failed {
        Exit::Failed
    } else if lost || assessment.status == Status::Incomplete {
        Exit::Incomplete
    } else {
        Exit::Passed
    }
}

/// Says what would be contacted and read.
fn dry_run(plans: &[(&Declared, Plan)], output: &Output) -> Outcome {
    for (declared, plan) in plans {
        output.line(&format!("{} ({})", declared.target.key(), declared.file))?;
        for request in &plan.requests {
            let (place, own) = match &request.inputs {
                Inputs::Endpoint { endpoint, credentials, .. } => {
                    let names: Vec<_> = credentials.iter().map(|c| c.name.as_str()).collect();
                    let with = if names.is_empty() {
                        String::new()
                    } else {
                        format!(", credential {}", names.join(", "))
                    };
                    let also = old_port(request).map(|port| format!(", and to its port {port}"));
                    let with = with + &also.unwrap_or_default();
                    let protocol = endpoint.protocol.as_str();
                    (format!("connects to {protocol}://{}{with}", endpoint.address()), None)
                }
                Inputs::Config { config } => reads(config.source()),
                Inputs::DeviceCertificates { certificates, .. } => {
                    let place = probes::device_cert_hygiene::place(certificates);
                    (format!("reads {place}"), Some(certificates.source()))
                }
            };
            let place = place + &further_sources(request, own.as_ref());
            output.line(&format!(
                "  {:24} {:24} {place}",
                request.check.as_str(),
                request.subject.0
            ))?;
        }
        for skipped in &plan.skipped {
            let check = skipped.check.as_str();
            output.line(&format!("  {check:24} {:24} not applicable: {}", "-", skipped.reason))?;
        }
    }
    Ok(Exit::Passed)
}

/// The old plaintext port that a target wants proven closed.
fn old_port(request: &CheckRequest) -> Option<u64> {
    request.params.get("plainPort")?.as_u64()
}

fn reads(own: Source) -> (String, Option<Source>) {
    (format!("reads {}", probes::source::place(&own)), Some(own))
}

/// What a probe reads beside what it looks at.
fn further_sources(request: &CheckRequest, own: Option<&Source>) -> String {
    let further = request.sources().into_iter().filter(|source| Some(source) != own);
    further.map(|source| format!(", reads {}", probes::source::place(&source))).collect()
}

/// Ctrl-C, or the request to end.
pub(super) async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt => {}
        () = terminate => {}
    }
}
