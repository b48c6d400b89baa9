//! The pages in Chromium: what a reader gets, by eye, by keyboard and on paper.
//!
//! `PLUMBLINE_AXE` names the file `axe.min.js` (`cargo xtask test --tier browser` brings it). If
//! `PLUMBLINE_SCREENSHOTS` names a folder, every page is written there as pictures.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "../../engine/tests/report/fixture/mod.rs"]
#[allow(dead_code, reason = "this target needs a part of the fixtures")]
mod fixture;

mod accessible;
mod hostile;
mod large;
mod layout;
mod links;
mod pages;
mod print;
mod quiet;
