//! What is going on, while it goes on.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use model::evidence::{Evidence, Item};
use model::request::CheckRequest;
use serde_json::json;

use crate::args::Progress;
use crate::output::{Output, tame};

/// Tells a person or a program what each probe does.
pub struct Watcher {
    output: Output,
    bar: Option<ProgressBar>,
    running: Mutex<Vec<String>>,
}

impl Watcher {
    /// For a run of so many probes.
    pub fn new(output: &Output, probes: usize) -> Self {
        let bar = (output.bars() && probes > 0).then(|| {
            let bar = ProgressBar::new(u64::try_from(probes).unwrap_or(u64::MAX));
            let style = ProgressStyle::with_template("{spinner} {pos}/{len} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { output: output.clone(), bar, running: Mutex::default() }
    }

    /// A probe has begun.
    pub fn started(&self, request: &CheckRequest) {
        let name = format!("{} {}", request.check, request.subject);
        if self.output.progress() == Progress::Json {
            self.line(&json!({
                "event": "probe_started", "check": request.check, "subject": request.subject,
            }));
        }
        self.change(|running| running.push(name));
    }

    /// A probe has ended.
    pub fn finished(&self, evidence: &Evidence) {
        let name = format!("{} {}", evidence.check, evidence.subject);
        self.change(|running| running.retain(|other| *other != name));
        let observed = evidence.stable.values().filter(|item| item.value().is_some()).count();
        let items = evidence.stable.len();
        // What nobody asked for, such as the lists of full mode, is nothing that somebody misses.
        let not_asked = |item: &&Item<_>| matches!(item, Item::NotAttempted { .. });
        let asked = items - evidence.stable.values().filter(not_asked).count();
        match self.output.progress() {
            Progress::None => {}
            Progress::Json => self.line(&json!({
                "event": "probe_finished", "check": evidence.check, "subject": evidence.subject,
                "observed": observed, "items": items, "duration_ms": evidence.duration_ms,
                "evidence": evidence.digest(),
            })),
            Progress::Plain => {
                let text = format!(
                    "{:24} {:24} {observed:3} of {asked:3} items observed in {} ms",
                    evidence.check.as_str(),
                    tame(&evidence.subject.0),
                    evidence.duration_ms
                );
                match &self.bar {
                    Some(bar) => bar.println(text),
                    None => self.output.note(&text),
                }
            }
        }
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn change(&self, with: impl FnOnce(&mut Vec<String>)) {
        // A poisoned list is still a list of names.
        let mut running = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        with(&mut running);
        if let Some(bar) = &self.bar {
            bar.set_message(running.join(", "));
        }
    }

    fn line(&self, value: &serde_json::Value) {
        self.output.note(&value.to_string());
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
