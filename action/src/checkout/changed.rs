//! Lines that a pull request adds or changes: annotations stand on these only.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Checkout, Commits};
use crate::failure::Failure;

/// Lines by file, as the head has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed(BTreeMap<String, Vec<RangeInclusive<u64>>>);

impl Changed {
    pub(super) fn between(checkout: &Checkout, commits: &Commits) -> Result<Self, Failure> {
        let diff = checkout.git(&[
            "diff-tree",
            "-r",
            "-p",
            "--unified=0",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--no-renames",
            "--src-prefix=a/",
            "--dst-prefix=b/",
            &commits.base,
            &commits.head,
        ]);
        // A diff with bytes that are no text has no lines to point at.
        Ok(diff.map(|diff| Self::of(&diff)).unwrap_or_default())
    }

    fn of(diff: &str) -> Self {
        let mut files: BTreeMap<String, Vec<RangeInclusive<u64>>> = BTreeMap::new();
        let mut file = None;
        let mut left = [0_u64; 2];
        for line in diff.lines() {
            // What is inside a hunk could look like a head of one.
            if left != [0, 0] {
                match line.as_bytes().first() {
                    Some(b'-') => left[0] = left[0].saturating_sub(1),
                    Some(b'+') => left[1] = left[1].saturating_sub(1),
                    _ => {}
                }
                continue;
            }
            if let Some(name) = line.strip_prefix("+++ ") {
                file = name.strip_prefix("b/").map(|name| name.trim_end_matches('\t').to_owned());
            } else if let Some(rest) = line.strip_prefix("@@ -") {
                let Some((old, rest)) = rest.split_once(" +") else { continue };
                let Some((new, _)) = rest.split_once(" @@") else { continue };
                let (Some((_, removed)), Some((start, added))) = (range(old), range(new)) else {
                    continue;
                };
                left = [removed, added];
                if let (Some(file), true) = (&file, added > 0) {
                    files
                        .entry(file.clone())
                        .or_default()
                        .push(start..=start.saturating_add(added - 1));
                }
            }
        }
        Self(files)
    }

    /// True if the line was added or changed.
    pub fn has(&self, file: &str, line: u64) -> bool {
        self.0.get(file).is_some_and(|ranges| ranges.iter().any(|range| range.contains(&line)))
    }
}

/// `start,count`, or `start` alone for one line.
fn range(text: &str) -> Option<(u64, u64)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_lines_are_found_by_file_and_removed_ones_are_not() {
        let changed = Changed::of(
            "diff --git a/conf/a.conf b/conf/a.conf\n--- a/conf/a.conf\n+++ b/conf/a.conf\n\
             @@ -3 +3,2 @@ x\n-old\n+new\n+second\n@@ -9,2 +9,0 @@\n-gone\n-gone too\n\
             diff --git a/gone b/gone\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
        );
        let found: Vec<_> = (1..12).filter(|line| changed.has("conf/a.conf", *line)).collect();
        assert_eq!(found, [3, 4]);
        assert!(!changed.has("gone", 1) && !changed.has("other", 3));
    }

    #[test]
    fn a_head_whose_numbers_reach_beyond_all_numbers_is_cut() {
        let changed = Changed::of("+++ b/x\n@@ -0,0 +18446744073709551615,3 @@\n+a\n");
        assert!(changed.has("x", u64::MAX) && !changed.has("x", 1));
    }

    #[test]
    fn a_line_that_looks_like_the_head_of_a_file_is_a_line() {
        let changed = Changed::of(
            "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n---- a/y\n++++ b/secret\n+@@ -1 +1,9 @@\n@@ -7 +8 @@\n-a\n+b\n",
        );
        assert!(changed.has("x", 1) && changed.has("x", 2) && changed.has("x", 8));
        assert!(!changed.has("secret", 8) && !changed.has("x", 5));
    }
}
