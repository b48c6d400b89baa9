//! A store as baseline and history: what the operator audits in the cluster and what a workflow
//! audits are runs of the same targets.
//!
//! The dashboard is kept beside it, whole. Its evidence is not compared with then; what waits since
//! the adoption, how much of each target was evaluated, and since when nothing is observed of it
//! come from there still.

use jiff::{SignedDuration, Timestamp};
use model::run::{RunBundle, RunRecord, RunState};
use model::{Posture, TargetKey};
use store::{OpenMode, Owner, RunFilter, Store, StoreError, StoreUrl};

use crate::audit::{Judged, Standing};
use crate::failure::Failure;

/// Seconds after which another host takes a silent owner for gone: storing what is judged already
/// takes less.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Runs of a target that are looked at to see since when nothing is observed.
const LOOKED_BACK: usize = 500;

/// A store.
#[derive(Debug)]
pub struct History {
    store: Store,
}

fn failed(error: &StoreError) -> Failure {
    Failure::new(error.to_string())
}

impl History {
    /// Opens a store that this run adds to, or only reads.
    pub async fn open(url: &StoreUrl, writes: bool) -> Result<Self, Failure> {
        let mode = if writes { OpenMode::ReadWrite } else { OpenMode::ReadOnly };
        let store = Store::open(url, mode).await.map_err(|error| failed(&error))?;
        Ok(Self { store })
    }

    /// The targets, in the order of their keys.
    pub async fn targets(&self) -> Result<Vec<TargetKey>, Failure> {
        let times = self.store.evidence_times().await.map_err(|error| failed(&error))?;
        Ok(times.into_iter().map(|(target, _)| target).collect())
    }

    /// The last complete run of a target.
    pub async fn last(&self, target: &TargetKey) -> Result<Option<RunBundle>, Failure> {
        let now = Timestamp::now();
        let run = self.store.previous(target, now).await.map_err(|error| failed(&error))?;
        let Some(run) = run else { return Ok(None) };
        self.store.bundle(&run, false, now).await.map(Some).map_err(|error| failed(&error))
    }

    /// Since when nothing of a target was observed: the begin of the first of the runs, up to the
    /// last one, that evaluated nothing. None if the last one did, or nobody looked.
    pub async fn unobserved_since(&self, target: &TargetKey) -> Result<Option<Timestamp>, Failure> {
        let filter = RunFilter {
            target: Some(target.clone()),
            state: Some(RunState::Complete),
            limit: Some(LOOKED_BACK),
            ..RunFilter::default()
        };
        let runs = self.store.runs(&filter, Timestamp::now()).await;
        let runs = runs.map_err(|error| failed(&error))?;
        let blind = runs.iter().take_while(|run| run.posture == Some(Posture::Unknown));
        Ok(blind.last().map(|run| run.started_at))
    }

    /// What a target is compared with: its last complete run.
    pub async fn standing(&self, target: &TargetKey) -> Result<Option<Standing>, Failure> {
        Ok(self.last(target).await?.map(|bundle| Standing {
            run: bundle.record.id,
            started_at: bundle.record.started_at,
            document: bundle.record.document,
            plan: bundle.record.plan,
            evidence: bundle.evidence,
        }))
    }

    /// Stores a run.
    pub async fn keep(&self, judged: &Judged) -> Result<(), Failure> {
        let bundle = &judged.bundle;
        let begun = RunRecord {
            state: RunState::Running,
            ended_at: None,
            evidence: Vec::new(),
            assessment: None,
            delta: None,
            alerts: Vec::new(),
            integrity: None,
            ..bundle.record.clone()
        };
        let owner = Owner::this_process(Timestamp::now() + LEASE);
        self.store.begin(&begun, &owner).await.map_err(|error| failed(&error))?;
        for evidence in &bundle.evidence {
            let appended = self.store.append_evidence(&begun.id, evidence).await;
            appended.map_err(|error| failed(&error))?;
        }
        let mut record = bundle.record.clone();
        self.store
            .finish_in_chain(
                &mut record,
                &bundle.exceptions,
                &bundle.evidence,
                engine::integrity::seal,
            )
            .await
            .map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Closes its connections.
    pub async fn close(self) {
        self.store.close().await;
    }
}
