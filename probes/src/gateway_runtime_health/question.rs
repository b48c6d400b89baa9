//! What is asked: paths, and the series that must be there.

use std::collections::{BTreeMap, BTreeSet};

use model::document::{Endpoint, Protocol};
use serde_json::Value;

use crate::http::{authority, is_plain};
use crate::text::cut;

/// Longest time that a process may be asked to have been running: 31 days, in minutes. Runs are
/// compared with an earlier one, and rarely with one of longer ago.
const MAX_UPTIME_MINUTES: u32 = 31 * 24 * 60;

/// Series that may be required.
const MAX_REQUIRED: usize = 100;

/// The paths of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Value of `Host`.
    pub host: String,
    /// Path of the health request.
    pub health: String,
    /// Path of the ready request.
    pub ready: Option<String>,
    /// Path of the metrics.
    pub metrics: Option<String>,
    /// Names of series that must be there, sorted.
    pub required: Vec<String>,
    /// For how long the process should have been running, in minutes.
    pub min_uptime_minutes: Option<u32>,
}

impl Question {
    /// The question to an endpoint; a sentence if what the target declares cannot be asked.
    pub fn new(endpoint: &Endpoint, params: &BTreeMap<String, Value>) -> Result<Self, String> {
        if !endpoint.protocol.is_http() {
            return Err("this check looks at an http or https endpoint".to_owned());
        }
        let health = endpoint.health_path.clone();
        let health = health.ok_or("the endpoint declares no `healthPath`")?;
        let (ready, metrics) = (text(params, "readyPath")?, text(params, "metricsPath")?);
        for path in [Some(&health), ready.as_ref(), metrics.as_ref()].into_iter().flatten() {
            if !path.starts_with('/') || !is_plain(path, false) {
                let path = cut(path.as_bytes());
                return Err(format!(
                    "a path must start with `/` and hold no spaces, found `{path}`"
                ));
            }
        }
        let default_port = if endpoint.protocol == Protocol::Https { 443 } else { 80 };
        let host = authority(endpoint.reference_identity(), endpoint.port, default_port);
        if !is_plain(&host, false) {
            let host = cut(host.as_bytes());
            return Err(format!("`{host}` cannot stand in a Host header"));
        }
        let required = required(params.get("requiredSeries"))?;
        let min_uptime_minutes = minutes(params.get("minUptimeMinutes"))?;
        if min_uptime_minutes.is_some() && metrics.is_none() {
            return Err("`params.minUptimeMinutes` needs `params.metricsPath`, whose \
                        `process_start_time_seconds` it is held against"
                .to_owned());
        }
        Ok(Self { host, health, ready, metrics, required, min_uptime_minutes })
    }
}

fn text(params: &BTreeMap<String, Value>, name: &str) -> Result<Option<String>, String> {
    match params.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => {
            let found = cut(other.to_string().as_bytes());
            Err(format!("`params.{name}` must be a string, found {found}"))
        }
    }
}

fn minutes(param: Option<&Value>) -> Result<Option<u32>, String> {
    let Some(value) = param else { return Ok(None) };
    let minutes = value.as_u64().and_then(|minutes| u32::try_from(minutes).ok());
    match minutes.filter(|minutes| (1..=MAX_UPTIME_MINUTES).contains(minutes)) {
        Some(minutes) => Ok(Some(minutes)),
        None => {
            let found = cut(value.to_string().as_bytes());
            Err(format!(
                "`params.minUptimeMinutes` must be a whole number from 1 to {MAX_UPTIME_MINUTES}, found {found}"
            ))
        }
    }
}

fn required(param: Option<&Value>) -> Result<Vec<String>, String> {
    let Some(value) = param else { return Ok(Vec::new()) };
    let wrong = || {
        let found = cut(value.to_string().as_bytes());
        format!("`params.requiredSeries` must be 1-{MAX_REQUIRED} names of series, found {found}")
    };
    let list = value.as_array().ok_or_else(wrong)?;
    let names: BTreeSet<String> = list
        .iter()
        .filter_map(Value::as_str)
        .filter(|name| super::metrics::is_name(name))
        .map(ToOwned::to_owned)
        .collect();
    if list.is_empty() || list.len() > MAX_REQUIRED || names.len() != list.len() {
        return Err(wrong());
    }
    Ok(names.into_iter().collect())
}
