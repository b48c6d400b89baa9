//! One audit of one target, from plan to stored record. `plumb run` and `plumb demo` both walk
//! this way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::conclude::{Terms, conclude};
use engine::rule::RuleSet;
use engine::{contract, integrity};
use jiff::Timestamp;
use model::document::AuditException;
use model::evidence::Evidence;
use model::request::Plan;
use model::run::{EngineInfo, RunBundle, RunRecord};
use model::{Bundle, Mode, RunId};
use probes::Context;
use store::{Owner, Store};
use tokio::task::JoinSet;

use crate::documents::Declared;
use crate::exit::Failure;
use crate::progress::Watcher;
use crate::stores;

/// How often the owner of a run is heard of.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Seconds after which another host takes a silent owner for gone.
const LEASE_SECONDS: i64 = 60;

/// What is asked of one target.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// The target.
    pub declared: &'a Declared,
    /// What will be asked.
    pub plan: Plan,
    /// The stage.
    pub mode: Mode,
    /// The bundle, where one was named.
    pub bundle: Option<Bundle>,
    /// The run to compare with.
    pub baseline: Baseline,
    /// Exceptions in force.
    pub exceptions: &'a [AuditException],
    /// When the next run is due.
    pub next_run: Option<Timestamp>,
}

/// The run to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// The target's baseline, else its last run.
    Last,
    /// A named run.
    Run(String),
    /// None.
    None,
}

/// A stored run with all that reports need.
#[derive(Debug)]
pub struct Audited {
    /// Record, evidence, exceptions and baseline.
    pub bundle: RunBundle,
    /// The run became the target's baseline, because there was none.
    pub became_baseline: bool,
}

/// The run that is going on, for whoever has to mark it interrupted.
#[derive(Debug, Default)]
pub struct Current(Mutex<Option<RunId>>);

impl Current {
    /// The run, if one is going on.
    pub fn run(&self) -> Option<RunId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, run: Option<RunId>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = run;
    }
}

/// Collects, judges and stores. On an error the run is marked interrupted; if the future is
/// dropped instead, `current` says which run that is left to do for.
pub async fn audit(
    order: &Order<'_>,
    rules: &RuleSet,
    store: &Store,
    watcher: &Watcher,
    current: &Current,
) -> Result<Audited, Failure> {
    let started_at = Timestamp::now();
    let mut record = begin(order, started_at);
    let before = before(order, store, started_at).await?;
    store.begin(&record, &owner(started_at)).await?;
    current.set(Some(record.id.clone()));
    let alive = tokio::spawn(keep_alive(store.clone(), record.id.clone()));
    let outcome = work(order, rules, store, watcher, &mut record, before).await;
    alive.abort();
    current.set(None);
    if outcome.is_err() {
        // Best effort: if this fails too, the run is found to have no owner when it is next read.
        store.interrupt(&record.id, Timestamp::now()).await.ok();
    }
    outcome
}

fn begin(order: &Order<'_>, started_at: Timestamp) -> RunRecord {
    let engine =
        EngineInfo { name: "plumb".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let id = RunId::new(started_at, rand::random());
    let target = &order.declared.target;
    RunRecord {
        mode: order.mode,
        bundle: order.bundle,
        file: Some(order.declared.file.clone()),
        ..RunRecord::begun(id, target, &order.plan, engine, started_at)
    }
}

/// The baseline of the comparison, read before anything is probed: a name that means nothing must
/// not cost an audit.
async fn before(
    order: &Order<'_>,
    store: &Store,
    now: Timestamp,
) -> Result<Option<RunBundle>, Failure> {
    let target = order.declared.target.key();
    let id = match &order.baseline {
        Baseline::None => None,
        Baseline::Run(name) => Some(stores::find(store, name, Some(&target.0)).await?),
        Baseline::Last => match store.baseline(&target).await? {
            Some(id) => Some(id),
            None => store.previous(&target, now).await?,
        },
    };
    let Some(id) = id else { return Ok(None) };
    let bundle = store.bundle(&id, false, now).await?;
    if bundle.record.target != target {
        return Err(Failure::usage(format!(
            "run {id} is of {}, not of {target}",
            bundle.record.target
        )));
    }
    if bundle.record.assessment.is_none() {
        return Err(Failure::usage(format!("run {id} has not ended; it cannot be a baseline")));
    }
    Ok(Some(bundle))
}

async fn work(
    order: &Order<'_>,
    rules: &RuleSet,
    store: &Store,
    watcher: &Watcher,
    record: &mut RunRecord,
    before: Option<RunBundle>,
) -> Result<Audited, Failure> {
    let evidence = collect(order, store, watcher, record).await?;
    let now = Timestamp::now();
    let terms = Terms {
        rules,
        exceptions: order.exceptions,
        before: before.as_ref(),
        next_run: order.next_run,
    };
    conclude(record, &evidence, &terms, now);
    store.finish_in_chain(record, order.exceptions, &evidence, integrity::seal).await?;
    let target = &record.target;
    let became_baseline = order.mode == Mode::Audit && store.baseline(target).await?.is_none();
    if became_baseline {
        store.set_baseline(&record.id, "first audit of this target", now).await?;
    }
    let bundle = RunBundle {
        record: record.clone(),
        evidence,
        exceptions: order.exceptions.to_vec(),
        baseline: before.map(Box::new),
    };
    Ok(Audited { bundle, became_baseline })
}

/// Runs the probes of the plan, as many at once as the target allows, and stores each document as
/// it comes. The documents are returned in the order of the plan.
async fn collect(
    order: &Order<'_>,
    store: &Store,
    watcher: &Watcher,
    record: &RunRecord,
) -> Result<Vec<Evidence>, Failure> {
    let context = Context::new(record.id.clone(), order.declared.base.clone())
        .with_tables(Arc::new(tables::Postgres));
    let mut probing = JoinSet::new();
    let mut waiting = order.plan.requests.iter().cloned().enumerate();
    let mut documents: Vec<Option<Evidence>> = vec![None; order.plan.requests.len()];
    loop {
        while probing.len() < order.plan.at_once() {
            let Some((position, request)) = waiting.next() else { break };
            watcher.started(&request);
            let context = context.clone();
            probing.spawn(async move { (position, probes::collect(&context, &request).await) });
        }
        let Some(joined) = probing.join_next().await else { break };
        let (position, evidence) =
            joined.map_err(|error| Failure::usage(format!("a probe ended early: {error}")))?;
        let json = serde_json::to_value(&evidence)
            .map_err(|error| Failure::usage(format!("evidence is no JSON: {error}")))?;
        let admitted = contract::admit_value(&json).map_err(|rejection| {
            let (check, subject) = (evidence.check, &evidence.subject);
            Failure::integrity(format!("{check} of {subject} broke its contract: {rejection}"))
        })?;
        store.append_evidence(&record.id, &admitted).await?;
        watcher.finished(&admitted);
        documents[position] = Some(admitted);
    }
    Ok(documents.into_iter().flatten().collect())
}

async fn keep_alive(store: Store, run: RunId) {
    let mut ticks = tokio::time::interval(HEARTBEAT);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        // A store that cannot be reached now may be there at the next tick; finishing decides.
        store.heartbeat(&run, &owner(Timestamp::now())).await.ok();
    }
}

fn owner(now: Timestamp) -> Owner {
    Owner::this_process(now + jiff::SignedDuration::from_secs(LEASE_SECONDS))
}
