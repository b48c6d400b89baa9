//! `plumb demo`: the whole reference story on this machine.

use std::path::Path;

use engine::report::{self, Format};
use engine::rule::RuleSet;
use model::run::RunBundle;
use model::{Bundle, Mode};
use store::{OpenMode, Store, StoreUrl};
use testkit::gateway::{Gateway, Ports, Posture, Site};

use crate::args::DemoArgs;
use crate::audit::{self, Audited, Baseline, Current, Order};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};
use crate::progress::Watcher;
use crate::{documents, files, summary};

/// Starts the reference gateway exposed, audits it, hardens it, audits it again, shows what
/// changed, makes the hardened run the baseline and writes three reports. Nothing stays running.
pub async fn run(args: DemoArgs, output: &Output) -> Outcome {
    prepare(&args)?;
    let rules = files::rules(&[])?;
    let failed = |error: &dyn std::fmt::Display| Failure::usage(format!("the demo: {error}"));
    let ports = Ports::free();
    let site = Site::create(&args.dir, ports).map_err(|error| failed(&error))?;
    let url = StoreUrl::sqlite(args.dir.join("runs.db"));
    let store = Store::open(&url, OpenMode::ReadWrite).await?;

    heading(output, "1. Audit: the gateway as it was found");
    let gateway = start(&site, Posture::Exposed).await?;
    let exposed = audit(&site, Bundle::AuditBaseline, Mode::Audit, &rules, &store, output).await;
    gateway.stop().await;
    let exposed = exposed?;

    heading(output, "2. Sprint: hardened, and audited again on the same path");
    let gateway = start(&site, Posture::Hardened).await?;
    let hardened = audit(&site, Bundle::AuditBaseline, Mode::Sprint, &rules, &store, output).await;
    let hardened = match hardened {
        Ok(hardened) => hardened,
        Err(failure) => {
            gateway.stop().await;
            return Err(failure);
        }
    };
    proof(&hardened.bundle, output)?;

    heading(output, "3. Retainer: the hardened run is what later runs are compared with");
    let id = &hardened.bundle.record.id;
    store.set_baseline(id, "hardened by the demo", jiff::Timestamp::now()).await?;
    output.line(&format!("  {id} is the baseline of {}", hardened.bundle.record.target))?;
    write_reports(&args.dir, &exposed.bundle, &hardened.bundle, output)?;
    next_steps(&args, output)?;
    store.close().await;
    if args.keep {
        output.note("the hardened gateway stays up; Ctrl-C ends it");
        tokio::signal::ctrl_c().await.ok();
    }
    gateway.stop().await;
    Ok(story_holds(&exposed.bundle, &hardened.bundle))
}

fn prepare(args: &DemoArgs) -> Result<(), Failure> {
    let dir = args.dir.display();
    let failed = |error| Failure::usage(format!("cannot use {dir}: {error}"));
    std::fs::create_dir_all(&args.dir).map_err(failed)?;
    let empty = std::fs::read_dir(&args.dir).map_err(failed)?.next().is_none();
    if empty || args.force {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{dir} is not empty; name another folder with --dir, or pass --force"
    )))
}

async fn start(site: &Site, posture: Posture) -> Result<Gateway, Failure> {
    let failed = |error: testkit::gateway::GatewayError| {
        Failure::usage(format!("the reference gateway: {error}"))
    };
    site.write(posture).map_err(failed)?;
    Gateway::start(site.dir()).await.map_err(failed)
}

async fn audit(
    site: &Site,
    bundle: Bundle,
    mode: Mode,
    rules: &RuleSet,
    store: &Store,
    output: &Output,
) -> Result<Audited, Failure> {
    let file = site.dir().join("target.yaml");
    let documents = documents::read_targets(std::slice::from_ref(&file), output)?;
    let declared = &documents.targets[0];
    let plan = engine::plan::plan(&declared.target, Some(bundle.checks()), rules)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    let watcher = Watcher::new(output, plan.requests.len());
    let order = Order {
        declared,
        plan,
        mode,
        bundle: Some(bundle),
        baseline: Baseline::Last,
        exceptions: &[],
        next_run: None,
    };
    let audited = audit::audit(&order, rules, store, &watcher, &Current::default()).await?;
    drop(watcher);
    for line in summary::run(&audited.bundle.record, output) {
        output.line(&format!("  {line}"))?;
    }
    Ok(audited)
}

/// What the gateway answers now, from the evidence of the run.
fn proof(bundle: &RunBundle, output: &Output) -> Result<(), Failure> {
    let value = |pointer: &str| {
        let found = bundle.evidence.iter().find_map(|document| document.item(pointer)?.value());
        found.map_or_else(
            || "not observed".to_owned(),
            |value| match value.as_str() {
                Some(text) => text.replace('_', " "),
                None => value.to_string(),
            },
        )
    };
    output.line(&format!(
        "  runtime proof: POST /v1/ingest without a token {}, with the token {}, over plaintext {}, \
         gateway {}",
        value("/anonymous/response/status"),
        value("/credential/response/status"),
        value("/plain/outcome"),
        value("/health/after"),
    ))
}

fn write_reports(
    dir: &Path,
    exposed: &RunBundle,
    hardened: &RunBundle,
    output: &Output,
) -> Result<(), Failure> {
    let rendered = |bytes: Result<String, report::ReportError>| {
        bytes.map_err(|error| Failure::usage(format!("the report: {error}")))
    };
    let pages = [
        ("audit.html", rendered(report::audit(exposed, Format::Html))?),
        ("delta.html", rendered(report::delta(hardened, Format::Html))?),
        ("alerts.html", rendered(report::alerts(std::slice::from_ref(hardened), Format::Html))?),
    ];
    heading(output, "Reports");
    for (name, bytes) in pages {
        let file = dir.join(name);
        std::fs::write(&file, bytes)
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", file.display())))?;
        output.line(&format!("  {}", file.display()))?;
    }
    Ok(())
}

fn next_steps(args: &DemoArgs, output: &Output) -> Result<(), Failure> {
    let dir = args.dir.display();
    output.note("");
    output.note("The runs are kept. Look at them with:");
    output.note(&format!("  plumb diff last~1 last --store sqlite:{dir}/runs.db"));
    output.note(&format!("  plumb verify last --store sqlite:{dir}/runs.db"));
    Ok(())
}

fn heading(output: &Output, text: &str) {
    output.note("");
    output.note(&output.paint_err(text, Tone::Strong));
}

/// The demo fails if its own story does not come out: that is how a broken build is noticed.
fn story_holds(exposed: &RunBundle, hardened: &RunBundle) -> Exit {
    let score = |bundle: &RunBundle| bundle.record.assessment.as_ref().and_then(|a| a.risk_score);
    let improved = hardened.record.delta.as_ref().map(|delta| delta.counts);
    let told = score(exposed) == Some(69)
        && score(hardened) == Some(0)
        && improved.is_some_and(|counts| counts.improved == 4 && counts.regressed == 0);
    if told { Exit::Passed } else { Exit::Failed }
}
