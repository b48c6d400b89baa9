//! Pure: plan, contract, rule evaluation, score, delta, alerts, waivers, report rendering.
//!
//! No I/O and no clock: time is an argument, and the same input gives the same bytes.

pub mod alert;
pub mod assess;
pub mod conclude;
pub mod contract;
pub mod delta;
pub mod expression;
pub mod integrity;
pub mod judge;
pub mod plan;
pub mod profile;
pub mod report;
pub mod rule;
pub mod score;
pub mod tracker;
pub mod waiver;
