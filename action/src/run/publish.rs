//! Everything that a run shows, in an order in which nothing that fails keeps the rest away.

use engine::tracker::plan::Plan;
use model::Posture;
use model::delta::DeltaClass;
use serde_json::json;

use super::Desk;
use crate::audit::Audit;
use crate::backlog::Plans;
use crate::event::Happened;
use crate::failure::Failure;
use crate::gate::Gate;
use crate::github::{Annotation, CheckRun, Fault, GitHub};
use crate::settings::{Mode, Sarif, Show};
use crate::show::comment::Change;
use crate::show::{Places, annotations, comment, files, summary};
use crate::track::Done;

/// What is shown.
pub struct Page<'a> {
    pub desk: &'a Desk<'a>,
    pub audit: &'a Audit,
    pub gate: &'a Gate,
    pub plans: &'a Plans,
    pub on_merge: Option<&'a Plan>,
    pub done: &'a Option<Done>,
    pub remarks: &'a [Annotation],
    pub written: &'a files::Written,
}

impl Page<'_> {
    /// Writes files and outputs, and tells GitHub what it takes.
    pub async fn publish(
        &self,
        github: Option<&mut GitHub>,
        mut notes: Vec<String>,
    ) -> Result<(), Failure> {
        let desk = self.desk;
        let plan_json = self.write_plan()?;
        if let Some(github) = github
            && desk.settings.mode.value() != Mode::Plan
        {
            self.tell(github, &mut notes).await;
            tracing::info!(reads = github.reads, writes = github.writes, "asked GitHub");
        } else {
            self.remark();
        }
        let said =
            summary::Said { plan: &self.plans.plan, written: self.done.is_some(), notes: &notes };
        let places = self.places();
        let change = self.change(&places);
        let text = summary::summary(self.audit, self.gate, change.as_ref(), &said)?;
        files::write(&self.written.folder.join("summary.md"), &text)?;
        files::summary(desk.file("GITHUB_STEP_SUMMARY").as_deref(), &text)?;
        for note in &notes {
            tracing::warn!("{note}");
        }
        self.outputs(&plan_json)
    }

    fn places(&self) -> Places {
        Places::of(&self.written.sarif_runs, self.audit)
    }

    fn change<'b>(&'b self, places: &'b Places) -> Option<Change<'b>> {
        let (audit, gate) = (self.audit, self.gate);
        self.on_merge.map(|on_merge| Change { audit, gate, on_merge, places })
    }

    fn write_plan(&self) -> Result<String, Failure> {
        let path = self.written.folder.join("plan.json");
        write_plan(&path, self.plans, self.on_merge, self.done.is_some())?;
        Ok(path.display().to_string())
    }

    /// Comment, check run and SARIF. What the token may not do is left out.
    async fn tell(&self, github: &mut GitHub, notes: &mut Vec<String>) {
        let desk = self.desk;
        let page = desk.event.run_page.as_deref();
        if desk.reads_only().is_some() {
            self.remark();
            return;
        }
        let mut note = |what: &str, outcome: Result<(), Fault>| {
            if let Err(fault) = outcome {
                notes.push(format!("{what}: {fault}"));
                return false;
            }
            true
        };
        // The default branch has its dashboard, and a run that saw nothing new writes nothing.
        let mut shown = false;
        if let Happened::Pull(pull) = &desk.event.happened {
            if desk.settings.comment.value() == Show::Auto {
                let outcome = self.comment(github, pull.number, page).await;
                note("the comment was not written", outcome);
            }
            if desk.settings.check_run.value() == Show::Auto {
                // The merge that is checked out is nobody's commit; checks stand at the branch's own.
                let outcome = self.check_run(github, &pull.head, page).await;
                shown = note("there is no check run", outcome);
            }
        }
        if !shown {
            self.remark();
        }
        if desk.settings.sarif.value() == Sarif::Upload {
            let log = files::sarif_log(&self.written.sarif_runs);
            let outcome = github.upload_sarif(&self.audit.commit, &desk.event.git_ref, &log).await;
            note("SARIF was not uploaded", outcome);
        }
    }

    async fn comment(
        &self,
        github: &mut GitHub,
        number: u64,
        page: Option<&str>,
    ) -> Result<(), Fault> {
        let author = &self.desk.identity.author;
        let comments = github.comments(number).await?;
        let ours = comments
            .iter()
            .find(|comment| comment.author == *author && comment.body.starts_with(comment::MARK));
        let places = self.places();
        let change = self.change(&places).filter(|_| comment::speaks(self.audit));
        let wanted = change.map(|change| comment::comment(&change, page));
        match (ours, wanted) {
            (None, None) => Ok(()),
            (None, Some(text)) => github.comment(number, author, &text).await,
            (Some(ours), text) => {
                let text = text.unwrap_or_else(|| comment::cleared(page));
                // The page differs from run to run; what is said decides.
                if said(&ours.body) == said(&text) {
                    return Ok(());
                }
                github.rewrite_comment(ours.id, &text).await
            }
        }
    }

    async fn check_run(
        &self,
        github: &mut GitHub,
        commit: &str,
        page: Option<&str>,
    ) -> Result<(), Fault> {
        let places = self.places();
        let run = CheckRun {
            commit,
            conclusion: if self.gate.failed() { "failure" } else { "success" },
            title: self.title(),
            summary: self
                .change(&places)
                .map(|change| comment::change(&change))
                .unwrap_or_default(),
            annotations: self.remarks,
            page,
        };
        github.check_run(&run).await
    }

    fn title(&self) -> String {
        match &self.gate.reason {
            Some(reason) => reason.clone(),
            None => format!("posture {}", self.posture()),
        }
    }

    /// The same remarks by way of the runner, which needs no permission.
    #[allow(clippy::print_stdout, reason = "the runner reads commands from standard output")]
    fn remark(&self) {
        for line in annotations::commands(self.remarks) {
            println!("{line}");
        }
    }

    fn posture(&self) -> Posture {
        let all = self.audit.targets.iter().map(|judged| judged.assessment().posture);
        all.max_by_key(|posture| match posture {
            Posture::Green => 0,
            Posture::Unknown => 1,
            Posture::Amber => 2,
            Posture::Red => 3,
        })
        .unwrap_or(Posture::Unknown)
    }

    fn outputs(&self, plan_json: &str) -> Result<(), Failure> {
        let audit = self.audit;
        let targets = || audit.targets.iter();
        let classes = |class: DeltaClass| -> u32 {
            let deltas = targets().filter_map(|judged| judged.bundle.record.delta.as_ref());
            deltas.map(|delta| delta.counts.of(class)).sum()
        };
        let pull = self.on_merge.is_some();
        let sum =
            |of: fn(&crate::audit::Judged) -> usize| targets().map(of).sum::<usize>().to_string();
        let number = |count: Option<usize>| count.unwrap_or(0).to_string();
        let score = targets().filter_map(|judged| judged.assessment().risk_score).max();
        let outputs = [
            ("posture", self.posture().to_string()),
            ("risk-score", score.map(|score| score.to_string()).unwrap_or_default()),
            ("findings-total", sum(|judged| judged.assessment().open_findings().count())),
            (
                "findings-new",
                if pull {
                    sum(|judged| judged.introduced.len())
                } else {
                    classes(DeltaClass::New).to_string()
                },
            ),
            ("findings-regressed", classes(DeltaClass::Regressed).to_string()),
            (
                "findings-resolved",
                if pull {
                    sum(|judged| judged.resolved.len())
                } else {
                    classes(DeltaClass::Improved).to_string()
                },
            ),
            ("findings-unknown", sum(|judged| judged.assessment().coverage.inconclusive as usize)),
            (
                "findings-waived",
                sum(|judged| judged.assessment().findings.iter().filter(|f| !f.is_open()).count()),
            ),
            (
                "sarif-file",
                self.written
                    .sarif
                    .as_ref()
                    .map(|path| path.display().to_string())
                    .unwrap_or_default(),
            ),
            ("report-html", files::lines(&self.written.html)),
            ("report-json", files::lines(&self.written.json)),
            ("report-md", files::lines(&self.written.md)),
            ("evidence-bundle", files::lines(&self.written.json)),
            ("plan-json", plan_json.to_owned()),
            ("issues-opened", number(self.done.as_ref().map(|done| done.opened.len()))),
            ("issues-closed", number(self.done.as_ref().map(|done| done.closed.len()))),
            ("failed-reason", self.gate.reason.clone().unwrap_or_default()),
            ("output-dir", self.written.folder.display().to_string()),
        ];
        files::outputs(self.desk.file("GITHUB_OUTPUT").as_deref(), &outputs)
    }
}

/// A comment without the line that names the run.
fn said(body: &str) -> Vec<&str> {
    body.lines().map(str::trim_end).filter(|line| !line.starts_with("[The whole report]")).collect()
}

fn write_plan(
    path: &std::path::Path,
    plans: &Plans,
    on_merge: Option<&Plan>,
    written: bool,
) -> Result<(), Failure> {
    let plan = json!({
        "written": written,
        "plan": plans.plan,
        "targets": plans.steps,
        "onMerge": on_merge,
    });
    files::write(path, &format!("{plan:#}\n"))
}

/// What is shown of a pull request that was closed.
pub fn closed(
    desk: &Desk<'_>,
    plans: &Plans,
    done: Option<&Done>,
    notes: &[String],
) -> Result<(), Failure> {
    let folder = desk.folder();
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", folder.display())))?;
    let path = folder.join("plan.json");
    write_plan(&path, plans, None, done.is_some())?;
    let closed = done.map_or(0, |done| done.closed.len());
    let mut text = format!("### Plumbline: {closed} issues of this pull request were closed\n\n");
    for note in notes.iter().chain(done.iter().flat_map(|done| &done.undone)) {
        text.push_str(&format!("- {}\n", engine::report::text::markdown(note)));
    }
    files::summary(desk.file("GITHUB_STEP_SUMMARY").as_deref(), &text)?;
    let outputs = [
        ("plan-json", path.display().to_string()),
        ("issues-opened", "0".to_owned()),
        ("issues-closed", closed.to_string()),
        ("failed-reason", String::new()),
        ("output-dir", folder.display().to_string()),
    ];
    files::outputs(desk.file("GITHUB_OUTPUT").as_deref(), &outputs)
}
