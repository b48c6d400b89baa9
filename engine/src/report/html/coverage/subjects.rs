//! Subjects of the rows that stand for several, each list of them written once.

use std::collections::BTreeMap;

use maud::{Markup, html};
use model::Subject;
use model::assessment::ControlResult;

use crate::report::group::Group;
use crate::report::html::components::breaking;
use crate::report::words::count;

/// The lists, numbered from 1 in the order in which rows need them.
pub struct Subjects<'a> {
    numbers: BTreeMap<Vec<&'a Subject>, usize>,
}

impl<'a> Subjects<'a> {
    /// The lists that some rows need. A row of one subject needs none.
    pub fn new<'r>(rows: impl Iterator<Item = &'r Group<'a, ControlResult>>) -> Self
    where
        'a: 'r,
    {
        let mut numbers = BTreeMap::new();
        for row in rows.filter(|row| row.len() > 1) {
            let next = numbers.len() + 1;
            numbers.entry(list(row)).or_insert(next);
        }
        Self { numbers }
    }

    /// The subject of a row, or a link to its list.
    pub fn of(&self, row: &Group<'_, ControlResult>) -> Markup {
        match self.numbers.get(&list(row)) {
            Some(number) => html! {
                a href=(format!("#s/{number}")) { (count(row.len(), "subject", "subjects")) }
            },
            None => breaking(&row.first.subject.0),
        }
    }

    /// The lists themselves.
    pub fn lists(&self) -> Markup {
        let mut lists: Vec<_> = self.numbers.iter().collect();
        lists.sort_by_key(|(_, number)| **number);
        html! {
            @if !lists.is_empty() {
                details id="subjects" {
                    summary {
                        b { (count(lists.len(), "list", "lists")) " of subjects" }
                        span.muted { "of the rows above that stand for several" }
                    }
                    div {
                        @for (subjects, number) in lists {
                            h3 id=(format!("s/{number}")) { (count(subjects.len(), "subject", "subjects")) }
                            ul.list { @for subject in subjects { li { span { (breaking(&subject.0)) } } } }
                        }
                    }
                }
            }
        }
    }
}

fn list<'a>(row: &Group<'a, ControlResult>) -> Vec<&'a Subject> {
    row.all().map(|control| &control.subject).collect()
}
