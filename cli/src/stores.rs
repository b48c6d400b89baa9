//! The store that a command works on, and the runs that people name in it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use etcetera::BaseStrategy as _;
use model::{RunId, TargetKey};
use store::{OpenMode, RunFilter, RunSummary, Store, StoreError, StoreUrl};

use crate::args::Global;
use crate::exit::{Exit, Failure};

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Corrupt { .. } => Exit::Integrity,
            _ => Exit::Usage,
        };
        Self { exit, message: error.to_string() }
    }
}

/// The address of the store: `--store`, else SQLite in the user's data directory.
pub fn address(global: &Global) -> Result<StoreUrl, Failure> {
    match &global.store {
        Some(text) => text.parse().map_err(|error| Failure::usage(format!("--store: {error}"))),
        None => Ok(StoreUrl::sqlite(default_path()?)),
    }
}

/// The stores that this process opened.
static OPENED: Mutex<Vec<Store>> = Mutex::new(Vec::new());

/// Ends every session with a server. Without it, a server's log would tell of clients that were lost.
pub async fn close() {
    let opened = std::mem::take(&mut *OPENED.lock().unwrap_or_else(PoisonError::into_inner));
    for store in opened {
        store.close().await;
    }
}

async fn opened(address: &StoreUrl, mode: OpenMode) -> Result<Store, Failure> {
    let store = Store::open(address, mode).await?;
    OPENED.lock().unwrap_or_else(PoisonError::into_inner).push(store.clone());
    Ok(store)
}

/// Opens it for writing, and marks runs whose process is gone.
pub async fn open(global: &Global) -> Result<Store, Failure> {
    let address = address(global)?;
    // The user's data directory is ours to make; a place that somebody names is not.
    if let Some(folder) = address.sqlite_path().and_then(|path| path.parent())
        && global.store.is_none()
    {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::usage(format!("cannot create {}: {error}", folder.display()))
        })?;
    }
    let store = opened(&address, OpenMode::ReadWrite).await?;
    store.reap(jiff::Timestamp::now()).await?;
    Ok(store)
}

/// Opens it for reading.
pub async fn open_to_read(global: &Global) -> Result<Store, Failure> {
    opened(&address(global)?, OpenMode::ReadOnly).await
}

fn default_path() -> Result<PathBuf, Failure> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| {
        Failure::usage("there is no home directory to keep runs in; pass --store sqlite:PATH")
    })?;
    Ok(strategy.data_dir().join("plumbline").join("runs.db"))
}

/// The run that a text names: `last`, `last~N`, an id, or the unique beginning of one.
pub async fn find(store: &Store, name: &str, target: Option<&str>) -> Result<RunId, Failure> {
    let back = match name.strip_prefix("last") {
        Some("") => Some(0),
        Some(rest) => rest.strip_prefix('~').and_then(|n| n.parse::<usize>().ok()),
        None => None,
    };
    let Some(back) = back else { return Ok(store.run(name, jiff::Timestamp::now()).await?.id) };
    let runs = complete(store, target).await?;
    let mut targets: Vec<_> = runs.iter().map(|run| run.target.clone()).collect();
    targets.sort();
    targets.dedup();
    if targets.len() > 1 {
        let names: Vec<_> = targets.iter().map(|target| target.0.as_str()).collect();
        return Err(Failure::usage(format!(
            "`{name}` could mean several targets; pass --target with one of {}",
            names.join(", ")
        )));
    }
    runs.get(back).map(|run| run.id.clone()).ok_or_else(|| {
        Failure::usage(format!(
            "`{name}`: there are {} complete runs{}",
            runs.len(),
            target.map(|target| format!(" of {target}")).unwrap_or_default()
        ))
    })
}

/// The complete runs, the newest first.
pub async fn complete(store: &Store, target: Option<&str>) -> Result<Vec<RunSummary>, Failure> {
    let filter = RunFilter {
        target: target.map(|target| TargetKey(target.to_owned())),
        state: Some(model::run::RunState::Complete),
        limit: Some(1_000),
        ..RunFilter::default()
    };
    Ok(store.runs(&filter, jiff::Timestamp::now()).await?)
}
