//! The inputs of a pull request that changes its own workflow. GitHub runs a workflow as the pull
//! request has it; what decides is still what the base's says, as far as that can be told.

use std::collections::BTreeMap;

use clap::Parser as _;
use serde::Deserialize;
use serde_json::Value;

use crate::checkout::Checkout;
use crate::event::{Event, Happened, Workflow};
use crate::failure::Failure;
use crate::settings::{Arguments, Command, Run};

/// Inputs that decide: what is audited and by what, what fails, and how issues are kept. Each is an
/// option of the command line by the same name.
const DECIDES: [&str; 14] = [
    "targets",
    "rules",
    TRUST,
    "mode",
    "issues",
    "fail-on",
    "label",
    "author",
    "max-new-issues",
    "resolve-after",
    "adopt",
    "dashboard",
    "unobserved-after",
    "confirm-bulk-close",
];
/// The input that lets a pull request decide.
const TRUST: &str = "trust-head";
/// Where workflows are.
const FOLDER: &str = ".github/workflows/";
/// Workflows of the base that are looked through.
const MOST: usize = 200;
/// Bytes of a workflow that is read.
const LARGEST: usize = 1024 * 1024;

/// Inputs as they count, and which of the pull request's wait until it is merged.
#[derive(Debug)]
pub struct Terms {
    /// The inputs.
    pub settings: Run,
    /// One sentence each.
    pub waits: Vec<String>,
}

/// The inputs of a run. What keeps the workflow from being looked at is no failure here: without a
/// base there is nothing to judge either, and that is said where the base is looked for.
pub fn terms(settings: &Run, event: &Event) -> Result<Terms, Failure> {
    let unchanged = || Terms { settings: settings.clone(), waits: Vec::new() };
    let (Happened::Pull(pull), Some(workflow)) = (&event.happened, &event.workflow) else {
        return Ok(unchanged());
    };
    let here = std::env::current_dir().unwrap_or_default();
    let Ok(checkout) = Checkout::find(&here) else { return Ok(unchanged()) };
    let Ok(commits) = checkout.commits(pull) else { return Ok(unchanged()) };
    let read = |commit: &str, path: &str| checkout.text(commit, path, LARGEST);
    let head = read(&commits.head, &workflow.path).unwrap_or_default();
    let base = match read(&commits.base, &workflow.path) {
        Some(base) if base == head => return Ok(unchanged()),
        Some(base) => Some(base),
        // Its file is new: it takes the place of one of ours that is not there any more as it was.
        None => {
            let paths = checkout.files(&commits.base, FOLDER);
            let gone = paths.iter().take(MOST).filter_map(|path| {
                let text = read(&commits.base, path)?;
                (read(&commits.head, path).as_ref() != Some(&text)).then_some(text)
            });
            let mut ours = gone.filter(|text| has_ours(text, workflow));
            match (ours.next(), ours.next()) {
                (None, _) => return Ok(unchanged()),
                (Some(base), None) => Some(base),
                (Some(_), Some(_)) => None,
            }
        }
    };
    of_base(settings, workflow, base.as_deref().unwrap_or_default(), &head)
}

/// The inputs where the workflow differs.
fn of_base(settings: &Run, at: &Workflow, base: &str, head: &str) -> Result<Terms, Failure> {
    let path = &at.path;
    let Some(wanted) = inputs(base, at) else {
        let waits = vec![format!(
            "the workflow {path} is another one than the base's, where it cannot be told which \
             inputs this step has: look at them, they are this pull request's own already"
        )];
        return Ok(Terms { settings: settings.clone(), waits });
    };
    let text = |inputs: &BTreeMap<String, String>, name: &str| {
        inputs.get(name).map(|text| text.trim().to_owned()).unwrap_or_default()
    };
    if text(&wanted, TRUST) == "true" {
        return Ok(Terms { settings: settings.clone(), waits: Vec::new() });
    }
    let given = inputs(head, at).unwrap_or_default();
    let differs = |name: &&str| text(&wanted, name) != text(&given, name);
    // What GitHub makes of an expression is known to nobody but the run of that commit.
    let is_open = |name: &str| text(&wanted, name).contains("${{");
    let (open, told): (Vec<&str>, Vec<&str>) =
        DECIDES.into_iter().filter(differs).partition(|name| is_open(name) && *name != TRUST);
    let mut waits = Vec::new();
    let settings = settings.clone();
    if !told.is_empty() {
        let names = told.join(", ");
        waits.push(format!("other inputs in {path} apply when this is merged: {names}"));
    }
    if !open.is_empty() {
        let names = open.join(", ");
        waits.push(format!(
            "other inputs in {path} apply already, because the base has expressions there: {names}"
        ));
    }
    if told.is_empty() {
        return Ok(Terms { settings, waits });
    }
    // Whether it is trusted is never left to it.
    let value = |name: &str| if is_open(name) { String::new() } else { text(&wanted, name) };
    let options = told.iter().map(|name| format!("--{name}={}", value(name)));
    let line = ["plumbline-action", "run"].map(str::to_owned).into_iter().chain(options);
    let settings = match Arguments::try_parse_from(line).map(|arguments| arguments.command) {
        Ok(Command::Run(settings)) => *settings,
        Ok(Command::Sync(_)) => settings,
        Err(error) => {
            let said = error.to_string();
            let said = said.lines().next().unwrap_or_default().to_owned();
            return Err(Failure::new(format!("{path} of the base: {said}")));
        }
    };
    Ok(Terms { settings, waits })
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    jobs: BTreeMap<String, Job>,
}

#[derive(Deserialize)]
struct Job {
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    uses: Option<String>,
    #[serde(default)]
    with: BTreeMap<String, Value>,
}

/// The inputs that a workflow gives to the one step of ours in the job that runs, or, where there is
/// no such job, in all of it; none where there is another number of them.
fn inputs(text: &str, at: &Workflow) -> Option<BTreeMap<String, String>> {
    let document: Document = serde_saphyr::from_str(text).ok()?;
    let given = |(name, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), text)
    };
    let found: Vec<&Step> = match document.jobs.get(&at.job) {
        Some(job) => ours(job, at).collect(),
        None => document.jobs.values().flat_map(|job| ours(job, at)).collect(),
    };
    let [step] = found[..] else { return None };
    Some(step.with.iter().map(given).collect())
}

fn ours<'a>(job: &'a Job, at: &Workflow) -> impl Iterator<Item = &'a Step> {
    job.steps.iter().filter(|step| step.uses.as_deref().is_some_and(|uses| at.is_ours(uses)))
}

/// Whether a workflow has a step of ours.
fn has_ours(text: &str, at: &Workflow) -> bool {
    let document = serde_saphyr::from_str::<Document>(text);
    document.is_ok_and(|document| document.jobs.values().any(|job| ours(job, at).next().is_some()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    fn workflow() -> Workflow {
        Workflow {
            path: ".github/workflows/audit.yml".to_owned(),
            job: "audit".to_owned(),
            action: "acme/mirror".to_owned(),
        }
    }

    fn with(inputs: &str) -> String {
        format!(
            "on: pull_request\njobs:\n  other:\n    steps:\n      - run: true\n      - uses: \
             plumbline/plumbline@a\n        with: {{fail-on: low}}\n  audit:\n    steps:\n      - \
             uses: actions/checkout@v1\n      - uses: acme/mirror@b\n        with: {inputs}\n"
        )
    }

    fn run() -> Run {
        let line = ["plumbline-action", "run", "--fail-on", "never", "--targets", "head.yaml"];
        match Arguments::try_parse_from(line).unwrap().command {
            Command::Run(run) => *run,
            Command::Sync(_) => unreachable!("it says run"),
        }
    }

    fn of(base: &str, head: &str) -> (Option<Vec<String>>, String, String) {
        let terms = of_base(&run(), &workflow(), &with(base), &with(head)).unwrap();
        let word = format!("{:?}", terms.settings.fail_on.value());
        (terms.settings.targets.0, word, terms.waits.join("\n"))
    }

    #[test]
    fn what_decides_is_the_bases_and_what_is_shown_is_not() {
        let (targets, word, waits) =
            of("{fail-on: medium}", "{fail-on: never, targets: head.yaml, comment: never}");
        assert_eq!((targets, word.as_str()), (None, "Medium"));
        assert!(waits.ends_with("apply when this is merged: targets, fail-on"), "{waits}");
        let (_, _, waits) = of("{comment: auto}", "{comment: never}");
        assert_eq!(waits, "");
    }

    #[test]
    fn an_expression_of_the_base_is_nobodys_to_know_and_is_said() {
        let (_, word, waits) = of("{fail-on: '${{ vars.GATE }}'}", "{fail-on: never}");
        assert_eq!(word, "Never");
        assert!(waits.contains("apply already") && waits.ends_with(": fail-on"), "{waits}");
    }

    #[test]
    fn a_base_that_trusts_its_pull_requests_lets_them_decide() {
        let (targets, word, waits) = of("{trust-head: true}", "{fail-on: never}");
        assert_eq!((targets.unwrap()[0].as_str(), word.as_str()), ("head.yaml", "Never"));
        assert_eq!(waits, "");
        // And only a base does.
        for base in ["{}", "{trust-head: '${{ vars.TRUST }}'}"] {
            let (_, _, waits) = of(base, "{trust-head: true}");
            assert!(waits.ends_with("is merged: trust-head"), "{waits}");
        }
    }

    #[test]
    fn a_step_that_cannot_be_told_from_another_is_said_to_be() {
        let two = with("{}").replace("actions/checkout@v1", "acme/mirror@c");
        for base in ["jobs: {}", "jobs: {audit: {uses: o/r/.github/workflows/x.yml@v1}}", "[", &two]
        {
            let terms = of_base(&run(), &workflow(), base, &with("{}")).unwrap();
            assert!(terms.waits[0].contains("cannot be told"), "{base}");
            assert_eq!(terms.settings.fail_on, run().fail_on);
        }
        // A job that was renamed is the only one that it can be.
        let renamed = "jobs: {old: {steps: [{uses: plumbline/plumbline@a, with: {rules: own}}]}}";
        let given = inputs(renamed, &workflow()).unwrap();
        assert_eq!(given["rules"], "own");
    }

    #[test]
    fn a_base_that_says_what_is_none_is_a_failure_that_names_it() {
        let wrong = of_base(&run(), &workflow(), &with("{fail-on: hgih}"), &with("{}"));
        let said = wrong.unwrap_err().to_string();
        assert!(said.starts_with(".github/workflows/audit.yml of the base: "), "{said}");
    }

    #[test]
    fn every_input_that_decides_is_an_option() {
        let options = DECIDES.map(|name| format!("--{name}="));
        let line = ["plumbline-action", "run"].map(str::to_owned).into_iter().chain(options);
        Arguments::try_parse_from(line).unwrap();
    }
}
