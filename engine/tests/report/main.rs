//! Reports, seen from outside: the reference pair, and everything that can go wrong with a record.

#![allow(clippy::unwrap_used)]

mod fixture;

mod cases;
mod conservation;
mod fleet;
mod hostile;
mod page;
mod sarif;
mod snapshots;
mod thorough;
