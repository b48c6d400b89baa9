//! Self-contained pages: one file, one stylesheet, no script, nothing fetched.
//!
//! A page reads from top to bottom without its stylesheet, prints whole, and navigates by anchors
//! only. Every number in it links to the rows that it counts.

mod alerts;
mod audit;
mod certificates;
mod components;
mod coverage;
mod delta;
mod evidence;
mod finding;
mod frame;
mod path;
mod style;
mod svg;
mod verdict;

pub use alerts::alerts;
pub use audit::audit;
pub use delta::delta;
