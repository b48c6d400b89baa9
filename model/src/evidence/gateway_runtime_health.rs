//! `gateway_runtime_health.v1`: what a running gateway says of itself.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, Item};
use crate::check::CheckId;

/// The contract `gateway_runtime_health.v1`.
pub struct GatewayRuntimeHealth;

impl Contract for GatewayRuntimeHealth {
    const CHECK: CheckId = CheckId::GatewayRuntimeHealth;
    const VERSION: u32 = 1;
    type Stable = GatewayRuntimeHealthStable;
    type Volatile = GatewayRuntimeHealthVolatile;
}

/// What a health path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// 2xx, and no part that fails.
    Healthy,
    /// 2xx, and a part that fails.
    Degraded,
    /// 5xx.
    Unhealthy,
    /// Nothing answers there: 404, 405 or 410.
    Absent,
    /// A credential is asked for: 401 or 403.
    Guarded,
}

/// How the clock of a gateway stands to the one of the machine that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// The two may agree within a second.
    Plausible,
    /// They differ by more than a second beyond what cannot be known: a `Date` has whole seconds
    /// (RFC 9110, section 5.6.7), and the answer was some time on its way.
    Off,
}

/// How metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricsFormat {
    /// The text format of Prometheus, 0.0.4.
    Prometheus,
    /// `OpenMetrics`, which ends in `# EOF`.
    OpenMetrics,
}

/// How long the process of a gateway has been running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProcessAge {
    /// For as long as the target asks for.
    Settled,
    /// Not yet.
    Recent,
}

/// Items that rules read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayRuntimeHealthStable {
    /// `host:port` as declared.
    #[serde(rename = "/endpoint/address")]
    pub endpoint_address: Item<String>,

    /// Declared path of the health request.
    #[serde(rename = "/health/path")]
    pub health_path: Item<String>,
    /// What it says.
    #[serde(rename = "/health/state")]
    pub health_state: Item<HealthState>,
    /// Status of the answer.
    #[serde(rename = "/health/response/status")]
    pub health_status: Item<u16>,
    /// Parts that the answer says fail, as pointers into its JSON, sorted, at most 16: hostile
    /// text, cut at 160 bytes each. Empty where the answer is no JSON.
    #[serde(rename = "/health/failing")]
    pub health_failing: Item<Vec<String>>,

    /// Whether `params.readyPath` is declared.
    #[serde(rename = "/ready/declared")]
    pub ready_declared: Item<bool>,
    /// That path.
    #[serde(rename = "/ready/path")]
    pub ready_path: Item<String>,
    /// What it says.
    #[serde(rename = "/ready/state")]
    pub ready_state: Item<HealthState>,
    /// Status of the answer.
    #[serde(rename = "/ready/response/status")]
    pub ready_status: Item<u16>,
    /// Parts that fail, as in `/health/failing`.
    #[serde(rename = "/ready/failing")]
    pub ready_failing: Item<Vec<String>>,

    /// Whether `params.metricsPath` is declared.
    #[serde(rename = "/metrics/declared")]
    pub metrics_declared: Item<bool>,
    /// That path.
    #[serde(rename = "/metrics/path")]
    pub metrics_path: Item<String>,
    /// Status of the answer without a credential.
    #[serde(rename = "/metrics/anonymous/status")]
    pub metrics_anonymous_status: Item<u16>,
    /// Whether metrics are given to somebody without a credential.
    #[serde(rename = "/metrics/public")]
    pub metrics_public: Item<bool>,
    /// Status of the answer that metrics were read from.
    #[serde(rename = "/metrics/response/status")]
    pub metrics_status: Item<u16>,
    /// How they are written.
    #[serde(rename = "/metrics/format")]
    pub metrics_format: Item<MetricsFormat>,
    /// Series that `params.requiredSeries` names, sorted.
    #[serde(rename = "/metrics/required")]
    pub metrics_required: Item<Vec<String>>,
    /// Those of them that are not there, sorted.
    #[serde(rename = "/metrics/missing")]
    pub metrics_missing: Item<Vec<String>>,

    /// How the clock stands, by the `Date` of the first answer.
    #[serde(rename = "/clock/state")]
    pub clock_state: Item<ClockState>,

    /// Whether `params.minUptimeMinutes` is declared.
    #[serde(rename = "/process/declared", default = "super::not_asked::<bool>")]
    pub process_declared: Item<bool>,
    /// That number of minutes.
    #[serde(rename = "/process/min_uptime_minutes", default = "super::not_asked::<u32>")]
    pub process_min_uptime_minutes: Item<u32>,
    /// Whether the process had been running for so long when its metrics were read.
    #[serde(rename = "/process/age", default = "super::not_asked::<ProcessAge>")]
    pub process_age: Item<ProcessAge>,
    /// When it began, by its own clock, cut to the minute; absent where that is longer ago than the
    /// target asks for. So it moves between two runs if the process began anew, and else when it has
    /// settled, and where its metrics tell a moment now on this and now on that side of a full minute.
    #[serde(rename = "/process/restarted_at", default = "super::not_asked::<Option<Timestamp>>")]
    pub process_restarted_at: Item<Option<Timestamp>>,

    /// Connections that were opened.
    #[serde(rename = "/connections")]
    pub connections: Item<u32>,
}

/// Items that only a reader sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayRuntimeHealthVolatile {
    /// Middle of the span in which the offset of the clock lies, in milliseconds; above 0 where
    /// the gateway is ahead.
    #[serde(rename = "/clock/offset_ms")]
    pub clock_offset_ms: Item<i64>,
    /// Half the width of that span, in milliseconds.
    #[serde(rename = "/clock/error_ms")]
    pub clock_error_ms: Item<i64>,
    /// Value of `process_start_time_seconds`, in seconds since 1970, cut to whole ones.
    #[serde(rename = "/process/started_at")]
    pub process_started_at: Item<i64>,
    /// Names of series that were seen.
    #[serde(rename = "/metrics/series")]
    pub metrics_series: Item<u32>,
}
