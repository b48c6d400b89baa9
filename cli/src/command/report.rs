//! `plumb report`: a stored run, rendered again.

use engine::report::Format;

use crate::args::{Global, ReportArgs};
use crate::exit::{Exit, Outcome};
use crate::output::Output;
use crate::{reports, stores};

/// Renders a stored run. Nothing is probed and nothing is judged again.
pub async fn run(args: ReportArgs, global: &Global, output: &Output) -> Outcome {
    let wanted = reports::parse(&args.outputs, &Format::ALL)?;
    let store = stores::open_to_read(global).await?;
    let id = stores::find(&store, &args.run, args.target.as_deref()).await?;
    let bundle = store.bundle(&id, true, jiff::Timestamp::now()).await?;
    let target = bundle.record.target.file_name();
    reports::prove_writable(&wanted, &[&target])?;
    for report in &wanted {
        let default = format!("{target}.yaml");
        let artifact = bundle.record.file.as_deref().unwrap_or(&default);
        let text = reports::render(&bundle, report.format, artifact)?;
        report.write(&target, text.as_bytes(), output)?;
    }
    Ok(Exit::Passed)
}
