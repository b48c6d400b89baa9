//! Evidence: what a probe saw, and nothing of what it means.
//!
//! One JSON document per (check, subject). Its facts are items under flat JSON-Pointer names,
//! split into `stable` (digests, drift and rules read it) and `volatile` (times, randoms, ports:
//! kept for the reader, never judged). An item that was not observed says so, with a reason.

mod broker_cert_identity;
mod broker_transport_posture;
mod certificate;
mod device_cert_hygiene;
mod fleet;
mod gateway_config_guardrails;
mod gateway_runtime_health;
mod ingest_auth;
mod mqtt_access_control;
mod validation;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use broker_cert_identity::*;
pub use broker_transport_posture::*;
pub use certificate::*;
pub use device_cert_hygiene::*;
pub use fleet::*;
pub use gateway_config_guardrails::*;
pub use gateway_runtime_health::*;
pub use ingest_auth::*;
pub use mqtt_access_control::*;
pub use validation::*;

use crate::check::CheckId;
use crate::digest::Digest;
use crate::key::{RunId, Subject, TargetKey};

/// One observed fact, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case", deny_unknown_fields)]
pub enum Item<T> {
    /// Seen, whole.
    Observed {
        /// What was seen.
        value: T,
    },
    /// The target declined to give it.
    Refused {
        /// How it declined.
        reason: String,
    },
    /// No answer within the time allowed.
    Timeout {
        /// What was waited for, and how long.
        reason: String,
    },
    /// Something failed on the way: on our side, or in what the target sent.
    Error {
        /// What failed.
        reason: String,
    },
    /// A limit of ours was reached before the whole was seen.
    Truncated {
        /// Which limit.
        reason: String,
        /// The part that was seen, if it helps a reader. Rules never see it.
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<T>,
    },
    /// Not looked at: not declared, not allowed, or not needed any more.
    NotAttempted {
        /// Why not.
        reason: String,
    },
}

impl<T> Item<T> {
    /// A fact that was seen.
    pub const fn observed(value: T) -> Self {
        Self::Observed { value }
    }

    /// A fact that was not looked at.
    pub fn not_attempted(reason: impl Into<String>) -> Self {
        Self::NotAttempted { reason: reason.into() }
    }

    /// A fact that could not be had because something failed.
    pub fn error(reason: impl Into<String>) -> Self {
        Self::Error { reason: reason.into() }
    }

    /// A fact that did not arrive in time.
    pub fn timeout(reason: impl Into<String>) -> Self {
        Self::Timeout { reason: reason.into() }
    }

    /// A fact that the target declined to give.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// A fact cut short by a limit of ours.
    pub fn truncated(reason: impl Into<String>) -> Self {
        Self::Truncated { reason: reason.into(), value: None }
    }

    /// The value, only if it was observed whole.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Observed { value } => Some(value),
            _ => None,
        }
    }

    /// The status word as it is written everywhere.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Observed { .. } => "observed",
            Self::Refused { .. } => "refused",
            Self::Timeout { .. } => "timeout",
            Self::Error { .. } => "error",
            Self::Truncated { .. } => "truncated",
            Self::NotAttempted { .. } => "not_attempted",
        }
    }

    /// Why there is no value; none if there is one.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Observed { .. } => None,
            Self::Refused { reason }
            | Self::Timeout { reason }
            | Self::Error { reason }
            | Self::Truncated { reason, .. }
            | Self::NotAttempted { reason } => Some(reason),
        }
    }

    /// The same item with its value borrowed.
    pub fn as_ref(&self) -> Item<&T> {
        match self {
            Self::Observed { value } => Item::Observed { value },
            Self::Refused { reason } => Item::Refused { reason: reason.clone() },
            Self::Timeout { reason } => Item::Timeout { reason: reason.clone() },
            Self::Error { reason } => Item::Error { reason: reason.clone() },
            Self::Truncated { reason, value } => {
                Item::Truncated { reason: reason.clone(), value: value.as_ref() }
            }
            Self::NotAttempted { reason } => Item::NotAttempted { reason: reason.clone() },
        }
    }

    /// The item that an observed value leads to; every other status stays as it is, without a
    /// value.
    pub fn and_then<U>(self, next: impl FnOnce(T) -> Item<U>) -> Item<U> {
        match self {
            Self::Observed { value } => next(value),
            Self::Refused { reason } => Item::Refused { reason },
            Self::Timeout { reason } => Item::Timeout { reason },
            Self::Error { reason } => Item::Error { reason },
            Self::Truncated { reason, .. } => Item::Truncated { reason, value: None },
            Self::NotAttempted { reason } => Item::NotAttempted { reason },
        }
    }

    /// The same item with its value turned into another; every other status stays as it is.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Item<U> {
        match self {
            Self::Observed { value } => Item::Observed { value: f(value) },
            Self::Refused { reason } => Item::Refused { reason },
            Self::Timeout { reason } => Item::Timeout { reason },
            Self::Error { reason } => Item::Error { reason },
            Self::Truncated { reason, value } => Item::Truncated { reason, value: value.map(f) },
            Self::NotAttempted { reason } => Item::NotAttempted { reason },
        }
    }
}

/// What an item says that a contract has gained, in evidence of a probe that did not know it.
pub fn not_asked<T>() -> Item<T> {
    Item::not_attempted("the probe that collected this did not ask")
}

/// The contract of one check in one version: the two halves of its body as Rust types, from which
/// the committed JSON Schema is generated.
pub trait Contract {
    /// The check that collects it.
    const CHECK: CheckId;
    /// Version of the shape. A contract may gain items ([`not_asked`]); what changes or takes away
    /// one is a new version.
    const VERSION: u32;
    /// The items that digests, drift and rules read.
    type Stable: Serialize + DeserializeOwned + JsonSchema;
    /// The items that only a reader sees.
    type Volatile: Serialize + DeserializeOwned + JsonSchema;

    /// The schema's name, `<check>.v<N>`.
    fn schema() -> String {
        format!("{}.v{}", Self::CHECK, Self::VERSION)
    }
}

/// Who collected the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeInfo {
    /// Name of the program.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One evidence document. `S` and `V` are the typed halves on the probe's side and maps of
/// pointers to items everywhere else (see [`Evidence`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document<S, V> {
    /// Contract that the body follows, `<check>.v<N>`.
    pub schema: String,
    /// The check that asked.
    pub check: CheckId,
    /// The target's declared name.
    pub target: TargetKey,
    /// The part of the target that this document speaks about.
    pub subject: Subject,
    /// The run that collected it.
    pub run: RunId,
    /// The program that collected it.
    pub probe: ProbeInfo,
    /// When collecting began.
    pub started_at: Timestamp,
    /// How long collecting took, in milliseconds.
    pub duration_ms: u64,
    /// How often collecting was tried.
    pub attempts: u32,
    /// Items that digests, drift and rules read.
    pub stable: S,
    /// Items that only a reader sees.
    pub volatile: V,
}

/// Items by pointer, as rules, reports and stores see them.
pub type Items = BTreeMap<String, Item<serde_json::Value>>;

/// An evidence document after admission: same JSON, items by pointer.
pub type Evidence = Document<Items, Items>;

impl<S: Serialize, V> Document<S, V> {
    /// The address of the body: the digest over schema, target, subject and the stable items.
    ///
    /// Two runs that saw the same thing have the same address, so equal addresses mean no drift.
    pub fn digest(&self) -> Digest {
        #[derive(Serialize)]
        struct Body<'a, S> {
            schema: &'a str,
            target: &'a TargetKey,
            subject: &'a Subject,
            stable: &'a S,
        }
        Digest::of(&Body {
            schema: &self.schema,
            target: &self.target,
            subject: &self.subject,
            stable: &self.stable,
        })
    }
}

impl Evidence {
    /// The item at a pointer of the stable half.
    pub fn item(&self, pointer: &str) -> Option<&Item<serde_json::Value>> {
        self.stable.get(pointer)
    }
}
