//! `plumb diff`: two stored runs, control by control.

use engine::delta::{Compared, delta};
use engine::report::{self, Format};
use model::delta::{ControlDelta, ControlSide, DeltaClass};
use model::run::RunBundle;

use crate::args::{DiffArgs, Global};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, tame};
use crate::{reports, stores, summary};

/// Compares two stored runs. The exit code says whether a control gave way.
pub async fn run(args: DiffArgs, global: &Global, output: &Output) -> Outcome {
    let wanted = reports::parse(&args.outputs, &[Format::Html, Format::Md, Format::Json])?;
    let store = stores::open_to_read(global).await?;
    let now = jiff::Timestamp::now();
    let before = stores::find(&store, &args.before, args.target.as_deref()).await?;
    let after = stores::find(&store, &args.after, args.target.as_deref()).await?;
    let before = store.bundle(&before, false, now).await?;
    let mut after = store.bundle(&after, false, now).await?;
    if before.record.target != after.record.target {
        return Err(Failure::usage(format!(
            "{} is of {}, {} is of {}: only runs of one target can be compared",
            before.record.id, before.record.target, after.record.id, after.record.target
        )));
    }
    let ended = |id| Failure::usage(format!("run {id} has not ended; there is nothing to compare"));
    let left = Compared::of(&before.record, &before.evidence)
        .ok_or_else(|| ended(before.record.id.clone()))?;
    let right = Compared::of(&after.record, &after.evidence)
        .ok_or_else(|| ended(after.record.id.clone()))?;
    let compared = delta(&left, &right);
    let target = compared.target.file_name();
    reports::prove_writable(&wanted, &[&target])?;
    let regressed = compared.counts.regressed > 0;
    after.record.delta = Some(compared);
    after.baseline = Some(Box::new(before));
    if !wanted.iter().any(reports::Wanted::is_stdout) {
        print(&after, output)?;
    }
    for report in &wanted {
        let bytes = report::delta(&after, report.format)
            .map_err(|error| Failure::usage(error.to_string()))?;
        report.write(&target, bytes.as_bytes(), output)?;
    }
    Ok(if regressed { Exit::Failed } else { Exit::Passed })
}

fn print(compared: &RunBundle, output: &Output) -> Result<(), Failure> {
    let Some(delta) = &compared.record.delta else { return Ok(()) };
    output.line(summary::delta_line(delta, output).trim_start())?;
    let failed = |error: report::ReportError| Failure::usage(error.to_string());
    for (control, sides) in delta.controls.iter().zip(report::changes(compared).map_err(failed)?) {
        if control.class == DeltaClass::Unchanged {
            continue;
        }
        output.line(&row(control, output))?;
        for (change, sides) in control.changes.iter().zip(sides) {
            let [before, after] =
                sides.map(|side| side.map_or_else(|| "absent".to_owned(), |side| side.plain()));
            output.line(&format!(
                "      {}: {} -> {}",
                change.pointer,
                tame(&before),
                tame(&after)
            ))?;
        }
    }
    Ok(())
}

fn row(control: &ControlDelta, output: &Output) -> String {
    let tone = match control.class {
        DeltaClass::Regressed => Tone::Bad,
        DeltaClass::Improved => Tone::Good,
        DeltaClass::CoverageLost | DeltaClass::RuleChanged => Tone::Warn,
        _ => Tone::Dim,
    };
    let word = output.paint(&format!("{:15}", control.class.as_str().replace('_', " ")), tone);
    let verdict =
        |side: &Option<ControlSide>| side.as_ref().map_or("absent", |side| side.verdict.as_str());
    format!(
        "  {word} {}  {}  {} -> {}",
        control.rule,
        tame(&control.subject.0),
        verdict(&control.before),
        verdict(&control.after)
    )
}
