//! The shared words of Plumbline: what is audited, what was observed, what was decided.
//!
//! Every other crate speaks in these types. They hold no I/O, no clock and no network: time is
//! always a value that somebody hands in, and a digest is always taken over canonical bytes.

pub mod alert;
pub mod assessment;
mod canonical;
pub mod check;
pub mod delta;
pub mod digest;
pub mod document;
pub mod domain;
pub mod evidence;
pub mod key;
pub mod posture;
pub mod request;
pub mod run;
pub mod schema;
pub mod severity;
pub mod verdict;

pub use check::{Bundle, CheckId, Mode};
pub use digest::Digest;
pub use domain::Domain;
pub use key::{FindingId, IssueKey, RunId, Subject, TargetKey};
pub use posture::{Posture, Status};
pub use severity::Severity;
pub use verdict::Verdict;
