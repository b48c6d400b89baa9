//! Probes of one plan, and the folder that each of them reads from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::contract;
use model::RunId;
use model::evidence::Evidence;
use model::request::{CheckRequest, Inputs, Plan};
use probes::Context;
use tokio::task::JoinSet;

use crate::checkout::inside;
use crate::failure::Failure;

/// Where what a request looks at is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In the repository: a commit has it as it is.
    Repository,
    /// Made or started by this workflow: an endpoint on the machine itself or on a container beside
    /// it, or a file that the repository does not have.
    Workflow,
    /// Somewhere else, whatever this change says.
    Deployed,
}

impl Where {
    /// Of a request whose document lies in `folder`. `tracked` says what a commit has.
    pub fn of(request: &CheckRequest, folder: &Path, tracked: impl Fn(&Path) -> bool) -> Self {
        let source = match &request.inputs {
            Inputs::Endpoint { endpoint, .. } => {
                return if started_here(&endpoint.host) { Self::Workflow } else { Self::Deployed };
            }
            Inputs::Config { config } => config.source(),
            Inputs::DeviceCertificates { certificates, .. } => certificates.source(),
        };
        match (&source.path, &source.url) {
            (Some(path), _) => {
                let path = inside(&folder.join(path).to_string_lossy());
                if path.is_ok_and(|path| tracked(&path)) {
                    Self::Repository
                } else {
                    Self::Workflow
                }
            }
            (None, Some(_)) => Self::Deployed,
            (None, None) => Self::Workflow,
        }
    }
}

/// True of the machine itself, and of a name without a domain, which is how containers of one
/// workflow call each other.
fn started_here(host: &str) -> bool {
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback() || address.to_canonical().is_loopback(),
        Err(_) => !host.trim_end_matches('.').contains('.') || host.ends_with(".localhost"),
    }
}

/// Every path that a request reads stays below `root`, links followed.
pub fn stays_inside(request: &CheckRequest, root: &Path, folder: &Path) -> Result<(), Failure> {
    for source in request.sources() {
        let Some(path) = &source.path else { continue };
        let clean = inside(&folder.join(path).to_string_lossy())?;
        let Ok(real) = root.join(&clean).canonicalize() else { continue };
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        if !real.starts_with(&root) {
            return Err(Failure::new(format!(
                "`{}` is a link that leads out of the repository",
                clean.display()
            )));
        }
    }
    Ok(())
}

/// Collects what a plan asks for, in its order. `base` is the folder that a request's document
/// lies in.
pub async fn collect(
    plan: &Plan,
    run: &RunId,
    base: impl Fn(&CheckRequest) -> PathBuf,
) -> Result<Vec<Evidence>, Failure> {
    let mut probing = JoinSet::new();
    let mut waiting = plan.requests.iter().cloned().enumerate();
    let mut documents: Vec<Option<Evidence>> = vec![None; plan.requests.len()];
    loop {
        while probing.len() < plan.at_once() {
            let Some((position, request)) = waiting.next() else { break };
            tracing::info!(check = %request.check, subject = %request.subject, "probes");
            let context =
                Context::new(run.clone(), base(&request)).with_tables(Arc::new(tables::Postgres));
            probing.spawn(async move { (position, probes::collect(&context, &request).await) });
        }
        let Some(joined) = probing.join_next().await else { break };
        let (position, evidence) =
            joined.map_err(|error| Failure::new(format!("a probe ended early: {error}")))?;
        let json = serde_json::to_value(&evidence)
            .map_err(|error| Failure::new(format!("evidence is no JSON: {error}")))?;
        let admitted = contract::admit_value(&json).map_err(|rejection| {
            let (check, subject) = (evidence.check, &evidence.subject);
            Failure::new(format!("{check} of {subject} broke its contract: {rejection}"))
        })?;
        documents[position] = Some(admitted);
    }
    Ok(documents.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_beside_the_workflow_is_told_from_what_is_deployed() {
        for host in ["localhost", "127.0.0.1", "::1", "::ffff:127.0.0.1", "broker", "a.localhost"] {
            assert!(started_here(host), "{host}");
        }
        for host in ["broker.example.com", "10.0.0.7", "127.evil.example", "8.8.8.8"] {
            assert!(!started_here(host), "{host}");
        }
    }
}
