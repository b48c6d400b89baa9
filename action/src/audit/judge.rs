//! One target, judged: as one commit has it, by the rules and exceptions that count.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine::conclude::{Terms, conclude};
use engine::integrity;
use engine::rule::RuleSet;
use jiff::Timestamp;
use model::RunId;
use model::document::AuditException;
use model::evidence::Evidence;
use model::request::{CheckRequest, Plan};
use model::run::{EngineInfo, RunBundle, RunRecord};

use super::collect::{Where, collect, stays_inside};
use super::{Declared, Judged, Standing};
use crate::checkout::{Checkout, Tree, inside};
use crate::failure::Failure;

/// What targets are judged by.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    /// Where the workflow has put what no commit has.
    pub checkout: &'a Checkout,
    /// The rules.
    pub rules: &'a RuleSet,
    /// Exceptions in force.
    pub exceptions: &'a [AuditException],
}

impl Judge<'_> {
    /// Judges a target as a commit has it, and compares it with what was there before.
    pub async fn judge(
        &self,
        declared: &Declared,
        tree: &Tree,
        before: Option<RunBundle>,
    ) -> Result<Judged, Failure> {
        let side = Side::new(self, declared, tree)?;
        side.check_paths()?;
        let mut record = begin(declared, &side.plan);
        let evidence = collect(&side.plan, &record.id, |request| side.base(request)).await?;
        self.conclude(&mut record, &evidence, before.as_ref());
        let part = |request: &CheckRequest| (request.check, request.subject.clone());
        let requests = side.plan.requests.iter();
        let places = requests.map(|request| (part(request), side.place(request))).collect();
        let mut bundle = self.bundle(record, evidence);
        bundle.baseline = before.map(Box::new);
        Ok(Judged {
            file: declared.file.clone(),
            bundle,
            places,
            introduced: BTreeSet::new(),
            resolved: BTreeSet::new(),
            lost: Vec::new(),
        })
    }

    /// What was seen before, judged by today's rules and exceptions: a rule that became stricter is
    /// no regression of the path.
    pub fn earlier(&self, standing: Standing, file: &str) -> RunBundle {
        let was = Declared { target: standing.document, file: file.to_owned() };
        let mut record = begin(&was, &standing.plan);
        record.id = standing.run;
        record.started_at = standing.started_at;
        self.conclude(&mut record, &standing.evidence, None);
        self.bundle(record, standing.evidence)
    }

    /// The base of a pull request: its files judged anew, and what the default branch saw of the
    /// rest.
    pub async fn base(
        &self,
        declared: &Declared,
        tree: &Tree,
        known: Option<Standing>,
    ) -> Result<RunBundle, Failure> {
        let mut side = Side::new(self, declared, tree)?;
        let of = |request: &CheckRequest, evidence: &Evidence| {
            evidence.check == request.check && evidence.subject == request.subject
        };
        let known = known.map(|standing| standing.evidence).unwrap_or_default();
        let mut files = Plan::default();
        let mut stored = Vec::new();
        for request in &side.plan.requests {
            if side.place(request) == Where::Repository {
                files.requests.push(request.clone());
            } else {
                stored.extend(known.iter().find(|evidence| of(request, evidence)).cloned());
            }
        }
        // What nobody saw before was not asked before.
        side.plan.requests.retain(|request| {
            files.requests.contains(request) || stored.iter().any(|seen| of(request, seen))
        });
        let mut record = begin(declared, &side.plan);
        let mut evidence = collect(&files, &record.id, |request| side.base(request)).await?;
        evidence.extend(stored);
        self.conclude(&mut record, &evidence, None);
        Ok(self.bundle(record, evidence))
    }

    fn conclude(&self, record: &mut RunRecord, evidence: &[Evidence], before: Option<&RunBundle>) {
        let terms =
            Terms { rules: self.rules, exceptions: self.exceptions, before, next_run: None };
        conclude(record, evidence, &terms, Timestamp::now());
        record.integrity = integrity::seal(record, None);
    }

    fn bundle(&self, record: RunRecord, evidence: Vec<Evidence>) -> RunBundle {
        RunBundle { record, evidence, exceptions: self.exceptions.to_vec(), baseline: None }
    }
}

/// A target as one commit has it.
struct Side<'a> {
    checkout: &'a Checkout,
    declared: &'a Declared,
    tree: &'a Tree,
    plan: Plan,
}

impl<'a> Side<'a> {
    fn new(by: &Judge<'a>, declared: &'a Declared, tree: &'a Tree) -> Result<Self, Failure> {
        let (file, key) = (&declared.file, declared.target.key());
        let plan = engine::plan::plan(&declared.target, None, by.rules)
            .map_err(|error| Failure::new(format!("{file}: {key}: {error}")))?;
        if plan.requests.is_empty() && plan.skipped.is_empty() {
            return Err(Failure::new(format!(
                "{file}: {key} declares no input of any check; declare endpoints, gatewayConfig or \
                 deviceCertificates"
            )));
        }
        Ok(Self { checkout: by.checkout, declared, tree, plan })
    }

    fn place(&self, request: &CheckRequest) -> Where {
        Where::of(request, &self.declared.folder(), |path| self.tree.has(path))
    }

    /// What is in the repository is read as the commit has it; everything else from the checkout,
    /// where earlier steps of the workflow may have put it.
    fn base(&self, request: &CheckRequest) -> PathBuf {
        self.root(request).join(self.declared.folder())
    }

    fn root(&self, request: &CheckRequest) -> &Path {
        let folder = self.declared.folder();
        let sources = request.sources();
        let tracked = sources.iter().filter_map(|source| source.path.as_ref()).all(|path| {
            let path = inside(&folder.join(path).to_string_lossy());
            path.is_ok_and(|path| self.tree.has(&path))
        });
        if tracked { self.tree.root() } else { self.checkout.root() }
    }

    fn check_paths(&self) -> Result<(), Failure> {
        let folder = self.declared.folder();
        self.plan.requests.iter().try_for_each(|request| {
            stays_inside(request, self.root(request), &folder)
                .map_err(|error| Failure::new(format!("{}: {error}", self.declared.file)))
        })
    }
}

fn begin(declared: &Declared, plan: &Plan) -> RunRecord {
    let started_at = Timestamp::now();
    let engine = EngineInfo {
        name: "plumbline-action".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let id = RunId::new(started_at, rand::random());
    RunRecord {
        file: Some(declared.file.clone()),
        ..RunRecord::begun(id, &declared.target, plan, engine, started_at)
    }
}
