//! Tells which input a parser does not come back from.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How long one input may take on the slowest machine: everything has much smaller limits of its
/// own.
const PATIENCE: Duration = Duration::from_secs(120);

/// Watches over a parser.
pub struct Watch(Arc<Mutex<(u64, &'static str, Vec<u8>)>>);

impl Watch {
    /// Begins to watch.
    pub fn start() -> Self {
        let input = Arc::new(Mutex::new((0, "", Vec::new())));
        let seen = Arc::downgrade(&input);
        std::thread::spawn(move || {
            let mut last = 0;
            loop {
                std::thread::sleep(PATIENCE);
                let Some(input) = seen.upgrade() else { return };
                let (number, name, bytes) = input.lock().unwrap().clone();
                if number == last {
                    let bytes = STANDARD.encode(bytes);
                    // A panic would end this thread and leave the parser where it is.
                    #[allow(clippy::print_stderr, reason = "the process ends here")]
                    {
                        eprintln!("{name} does not come back from this (base64):\n{bytes}");
                    }
                    std::process::exit(101);
                }
                last = number;
            }
        });
        Self(input)
    }

    /// Says what is looked at from now on.
    pub fn looks_at(&self, name: &'static str, bytes: &[u8]) {
        let mut input = self.0.lock().unwrap();
        *input = (input.0 + 1, name, bytes.to_vec());
    }
}
