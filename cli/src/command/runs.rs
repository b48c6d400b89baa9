//! `plumb runs`

use model::TargetKey;
use model::run::RunState;
use serde_json::json;
use store::{Keep, RunFilter};

use crate::args::{Global, RunsArgs, RunsCommand};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};
use crate::stores;

/// Lists and shows runs, chooses baselines, and removes what was kept long enough.
pub async fn run(args: RunsArgs, global: &Global, output: &Output) -> Outcome {
    match args.command {
        RunsCommand::List { target, limit, json } => {
            let store = stores::open_to_read(global).await?;
            let filter = RunFilter {
                target: target.map(TargetKey),
                limit: Some(usize::try_from(limit).unwrap_or(usize::MAX)),
                ..RunFilter::default()
            };
            for run in store.runs(&filter, jiff::Timestamp::now()).await? {
                if json {
                    output.line(
                        &json!({
                            "id": run.id, "target": run.target, "mode": run.mode,
                            "state": run.state, "started_at": run.started_at,
                            "status": run.status, "posture": run.posture,
                            "risk_score": run.risk_score,
                        })
                        .to_string(),
                    )?;
                    continue;
                }
                let verdict = match (run.status, run.posture) {
                    (Some(status), Some(posture)) => format!(
                        "{:10} {:8} {}",
                        output.paint(&format!("{:10}", status.as_str()), status.into()),
                        output.paint(&format!("{:7}", posture.as_str()), posture.into()),
                        run.risk_score.map_or_else(|| "-".to_owned(), |score| score.to_string()),
                    ),
                    _ => {
                        let tone =
                            if run.state == RunState::Interrupted { Tone::Warn } else { Tone::Dim };
                        output.paint(run.state.as_str(), tone)
                    }
                };
                output
                    .line(&format!("{}  {:24} {:8} {verdict}", run.id, run.target.0, run.mode))?;
            }
        }
        RunsCommand::Show { run, target } => {
            let store = stores::open_to_read(global).await?;
            let id = stores::find(&store, &run, target.as_deref()).await?;
            let record = store.run(&id.0, jiff::Timestamp::now()).await?;
            let text = serde_json::to_string_pretty(&record)
                .map_err(|error| Failure::usage(error.to_string()))?;
            output.line(&text)?;
        }
        RunsCommand::Baseline { run, target, reason } => {
            let store = stores::open(global).await?;
            let id = stores::find(&store, &run, target.as_deref()).await?;
            store.set_baseline(&id, &reason, jiff::Timestamp::now()).await?;
            let record = store.run(&id.0, jiff::Timestamp::now()).await?;
            output.line(&format!("{id} is the baseline of {}", record.target))?;
        }
        RunsCommand::Prune { older_than, keep, target, dry_run } => {
            let store = stores::open(global).await?;
            let days = jiff::SignedDuration::from_hours(24 * i64::from(older_than));
            let since = jiff::Timestamp::now() - days;
            let keep = Keep { since, newest: keep };
            let (mut runs, mut evidence) = (0, 0);
            for key in store.targets_before(since).await? {
                if target.as_ref().is_some_and(|target| key.0 != *target) {
                    continue;
                }
                let pruned = store.prune(&key, keep, dry_run).await?;
                runs += pruned.runs;
                evidence += pruned.evidence;
            }
            let done = if dry_run { "would be removed" } else { "removed" };
            let count = |number: u64, what: &str| match number {
                1 => format!("1 {what}"),
                many => format!("{many} {what}s"),
            };
            let (runs, evidence) = (count(runs, "run"), count(evidence, "evidence document"));
            output.line(&format!("{runs} and {evidence} {done}"))?;
        }
    }
    Ok(Exit::Passed)
}
