//! How well what a tool says fits what was configured.

use std::collections::BTreeSet;

/// Counts of what was told rightly, wrongly and not at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

impl Score {
    /// Adds what a tool says of one more server.
    pub(super) fn add<T: Ord>(&mut self, expected: &BTreeSet<T>, told: &BTreeSet<T>) {
        let right = expected.intersection(told).count();
        self.right += right;
        self.wrong += told.len() - right;
        self.missed += expected.len() - right;
    }

    /// The harmonic mean of precision and recall; none where there is nothing to tell.
    pub(super) fn f1(&self) -> Option<f64> {
        ratio(2 * self.right, 2 * self.right + self.wrong + self.missed)
    }

    /// Precision, recall and F1 in one cell, with what they are made of.
    pub(super) fn cell(&self) -> String {
        let precision = ratio(self.right, self.right + self.wrong);
        let recall = ratio(self.right, self.right + self.missed);
        let word = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        format!(
            "{}, {}, {} ({} right, {} wrong, {} missed)",
            word(precision),
            word(recall),
            word(self.f1()),
            self.right,
            self.wrong,
            self.missed
        )
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of suites are small")]
fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_and_recall_count_over_all_servers() {
        let mut score = Score::default();
        score.add(&BTreeSet::from([1, 2, 3]), &BTreeSet::from([1, 2]));
        score.add(&BTreeSet::from([1]), &BTreeSet::from([1, 4]));
        assert_eq!(score, Score { right: 3, wrong: 1, missed: 1 });
        assert_eq!(score.f1(), Some(0.75));
        assert_eq!(Score::default().f1(), None);
        assert!(Score::default().cell().starts_with("-, -, - (0 right"));
    }
}
