//! Work that one reader has too much of: whoever has nothing left to read takes it over.
//!
//! One file may hold a whole fleet. The thread that reads it cuts it into batches and offers them;
//! if enough are waiting already, it works on the batch itself, so memory stays bounded and nobody
//! waits for a slower other.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Batches that may wait.
const MAX_WAITING: usize = 16;

/// A queue of batches.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    producers: usize,
}

impl<T> Queue<T> {
    /// An empty queue that nobody fills.
    pub fn new() -> Self {
        let state = State { waiting: VecDeque::new(), producers: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Says that somebody may fill the queue, until what this returns is dropped.
    pub fn producer(&self) -> Producer<'_, T> {
        self.lock().producers += 1;
        Producer { queue: self }
    }

    /// The next batch; waits while somebody may still offer one, none when nobody may.
    pub fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(batch) = state.waiting.pop_front() {
                return Some(batch);
            }
            if state.producers == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who may fill a queue.
pub struct Producer<'a, T> {
    queue: &'a Queue<T>,
}

impl<T> Producer<'_, T> {
    /// Offers a batch; gives it back if enough are waiting.
    pub fn offer(&self, batch: T) -> Option<T> {
        let mut state = self.queue.lock();
        if state.waiting.len() >= MAX_WAITING {
            return Some(batch);
        }
        state.waiting.push_back(batch);
        drop(state);
        self.queue.changed.notify_one();
        None
    }
}

impl<T> Drop for Producer<'_, T> {
    fn drop(&mut self) {
        self.queue.lock().producers -= 1;
        self.queue.changed.notify_all();
    }
}
