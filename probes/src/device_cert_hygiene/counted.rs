//! Counting everything and keeping only the first few, so that a million wrong certificates cost no
//! more memory than twenty.

use std::cmp::Ordering;

use model::evidence::SAMPLE;

/// How many there are, and the first of them.
#[derive(Debug, Clone)]
pub struct Counted<T> {
    /// How many there are.
    pub count: u32,
    /// The first [`SAMPLE`] of them in their order, or as many as [`Counted::keeping`] said.
    pub sample: Vec<T>,
    most: usize,
}

impl<T> Default for Counted<T> {
    fn default() -> Self {
        Self::keeping(SAMPLE)
    }
}

impl<T> Counted<T> {
    /// Nothing yet, and room for so many.
    pub fn keeping(most: usize) -> Self {
        Self { count: 0, sample: Vec::new(), most }
    }

    /// Counts one more; it is kept if it comes before one that is.
    pub fn add_by(&mut self, item: T, order: impl Fn(&T, &T) -> Ordering) {
        self.count = self.count.saturating_add(1);
        let full = self.sample.len() >= self.most;
        if full && self.sample.last().is_none_or(|last| order(&item, last) != Ordering::Less) {
            return;
        }
        let place = self.sample.partition_point(|kept| order(kept, &item) == Ordering::Less);
        self.sample.insert(place, item);
        self.sample.truncate(self.most);
    }
}

impl<T: Ord> Counted<T> {
    /// Counts one more in its own order.
    pub fn add(&mut self, item: T) {
        self.add_by(item, T::cmp);
    }

    /// Counts what somebody else counted.
    pub fn merge(&mut self, other: Self) {
        let count = self.count.saturating_add(other.count);
        other.sample.into_iter().for_each(|item| self.add(item));
        self.count = count;
    }
}

impl<T: Ord> FromIterator<T> for Counted<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut counted = Self::default();
        items.into_iter().for_each(|item| counted.add(item));
        counted
    }
}
