//! `plumb alerts`: what the last run of each target says that somebody must hear.

use engine::report::{self, Format};
use model::alert::{Alert, ExpiryState};

use crate::args::{AlertsArgs, Global};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, tame};
use crate::{reports, stores};

/// Shows alerts. The exit code says whether there are any.
pub async fn run(args: AlertsArgs, global: &Global, output: &Output) -> Outcome {
    let wanted = reports::parse(&args.outputs, &[Format::Html, Format::Md, Format::Json])?;
    reports::prove_writable(&wanted, &["alerts"])?;
    let store = stores::open_to_read(global).await?;
    let mut bundles = Vec::new();
    let mut seen = Vec::new();
    for summary in stores::complete(&store, args.target.as_deref()).await? {
        if !seen.contains(&summary.target) {
            seen.push(summary.target.clone());
            bundles.push(store.bundle(&summary.id, true, jiff::Timestamp::now()).await?);
        }
    }
    if let (Some(target), true) = (&args.target, bundles.is_empty()) {
        return Err(Failure::usage(format!("there is no complete run of {target}")));
    }
    bundles.sort_by(|a, b| a.record.target.cmp(&b.record.target));
    let alerts: Vec<&Alert> = bundles.iter().flat_map(|bundle| &bundle.record.alerts).collect();
    if !wanted.iter().any(reports::Wanted::is_stdout) {
        for alert in &alerts {
            output.line(&row(alert, output))?;
        }
        if alerts.is_empty() {
            output.note(&match bundles.len() {
                1 => "no alerts in the last run of 1 target".to_owned(),
                many => format!("no alerts in the last runs of {many} targets"),
            });
        }
    }
    for report in &wanted {
        let bytes = report::alerts(&bundles, report.format)
            .map_err(|error| Failure::usage(error.to_string()))?;
        report.write("alerts", bytes.as_bytes(), output)?;
    }
    Ok(if alerts.is_empty() { Exit::Passed } else { Exit::Failed })
}

fn row(alert: &Alert, output: &Output) -> String {
    match alert {
        Alert::Regression(regression) => format!(
            "{}  {}  {}  {}: {}",
            output.paint("regression   ", Tone::Bad),
            regression.target,
            regression.rule,
            tame(&regression.subject.0),
            tame(&regression.title),
        ),
        Alert::CertificateExpiry(certificate) => {
            let (word, tone) = match certificate.state {
                ExpiryState::Expired => ("expired      ", Tone::Bad),
                ExpiryState::Critical => ("expires soon ", Tone::Bad),
                ExpiryState::BeforeNextRun => ("before rerun ", Tone::Warn),
                ExpiryState::Warning => ("expires      ", Tone::Warn),
            };
            format!(
                "{}  {}  {}  {} ({} days, {})",
                output.paint(word, tone),
                certificate.target,
                tame(&certificate.subject.0),
                tame(&certificate.certificate),
                certificate.days_left,
                certificate.not_after,
            )
        }
    }
}
