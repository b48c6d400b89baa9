//! What people see of a run: summary, comment, annotations, files and outputs.

pub mod annotations;
pub mod comment;
pub mod dashboard;
pub mod files;
pub mod summary;
mod words;

pub use words::{Places, count};
