//! Fair shares: each address and each run may hold so many places at once, so that nobody can
//! take all there are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Places by whose they are.
pub(super) struct Shares<K> {
    most: usize,
    held: Mutex<BTreeMap<K, Arc<()>>>,
}

/// A place; it is given back with this value.
pub(super) struct Place {
    _held: Arc<()>,
}

impl<K: Ord> Shares<K> {
    /// Everybody may hold so many places at once.
    pub(super) fn new(most: usize) -> Self {
        Self { most, held: Mutex::default() }
    }

    /// A place, unless this one holds all that he may.
    pub(super) fn take(&self, whose: K) -> Option<Place> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, places| Arc::strong_count(places) > 1);
        let places = held.entry(whose).or_default();
        // The map's own is one of them.
        let free = Arc::strong_count(places) <= self.most;
        free.then(|| Place { _held: Arc::clone(places) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_his_share_and_what_is_given_back_is_free() {
        let shares = Shares::new(2);
        let first = shares.take("one");
        let second = shares.take("one");
        assert!(first.is_some() && second.is_some());
        assert!(shares.take("one").is_none());
        assert!(shares.take("other").is_some());
        drop(first);
        assert!(shares.take("one").is_some());
    }
}
