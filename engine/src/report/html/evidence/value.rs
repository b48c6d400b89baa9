//! The value of an item in a table: a short one as it is, a long list folded under its length.

use maud::{Markup, html};
use model::evidence::Item;
use serde_json::{Map, Value};

use crate::report::html::components::shown;
use crate::report::text;
use crate::report::words::{count, number};

/// From this many entries on, a list is folded.
const FOLD_FROM: usize = 4;

/// Entries of a list that a page shows; the evidence holds all.
const ENTRIES: usize = 200;

/// Columns of a table of entries; entries with more fields are written as they are.
const COLUMNS: usize = 4;

/// What stands in the cell.
pub fn cell(item: &Item<Value>) -> Markup {
    match item.value() {
        Some(Value::Array(entries)) if entries.len() >= FOLD_FROM => folded(entries),
        _ => shown(&text::item(item)),
    }
}

fn folded(entries: &[Value]) -> Markup {
    let first = &entries[..entries.len().min(ENTRIES)];
    html! {
        details {
            summary { b { (count(entries.len(), "entry", "entries")) } }
            div {
                @match fields(first) {
                    Some((names, rows)) => (table(&names, &rows)),
                    None => ul { @for entry in first { li { (shown(&text::brief(entry))) } } },
                }
                @if entries.len() > ENTRIES {
                    p.note { "The first " (number(ENTRIES)) " of " (number(entries.len())) "." }
                }
            }
        }
    }
}

type Fields = Map<String, Value>;

/// Names of the fields and the entries, if all entries are flat objects of the same few fields.
fn fields(entries: &[Value]) -> Option<(Vec<&str>, Vec<&Fields>)> {
    let rows = entries.iter().map(Value::as_object).collect::<Option<Vec<_>>>()?;
    let names: Vec<_> = rows.first()?.keys().map(String::as_str).collect();
    // What names a line of a file reads better as one text.
    let place = names.contains(&"file") && names.contains(&"line");
    let alike = |row: &&Fields| {
        row.len() == names.len()
            && row.iter().all(|(name, value)| {
                names.contains(&name.as_str()) && !value.is_array() && !value.is_object()
            })
    };
    (!place && (1..=COLUMNS).contains(&names.len()) && rows.iter().all(alike))
        .then_some((names, rows))
}

fn table(names: &[&str], rows: &[&Fields]) -> Markup {
    html! {
        table.entries {
            caption.vh { "Entries" }
            thead { tr { @for name in names { th scope="col" { (shown(&text::hostile(name))) } } } }
            tbody {
                @for row in rows {
                    tr { @for name in names { td { (shown(&text::brief(&row[*name]))) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(value: Value) -> String {
        cell(&Item::observed(value)).into_string()
    }

    #[test]
    fn a_short_list_stands_as_it_is_and_a_long_one_is_folded_under_its_length() {
        assert_eq!(page(json!(["a", "b", "c"])), "[&quot;a&quot;, &quot;b&quot;, &quot;c&quot;]");
        let long = page(json!(["a", "b", "c", "<d>"]));
        assert!(long.starts_with("<details><summary><b>4 entries</b></summary>"), "{long}");
        assert!(long.contains("<li>a</li><li>b</li><li>c</li><li>&lt;d&gt;</li>"), "{long}");
    }

    #[test]
    fn entries_of_the_same_few_fields_are_a_table() {
        let suites: Vec<_> =
            (0..5).map(|n| json!({"version": "TLSv1.2", "suite": format!("<S{n}>")})).collect();
        let page = page(Value::Array(suites));
        assert!(
            page.contains(r#"<th scope="col">suite</th><th scope="col">version</th>"#),
            "{page}"
        );
        assert!(page.contains("<tr><td>&lt;S4&gt;</td><td>TLSv1.2</td></tr>"), "{page}");
    }

    #[test]
    fn entries_that_differ_in_their_fields_or_hold_more_are_lines() {
        let unlike = json!([{"a": 1}, {"a": 1}, {"b": 1}, {"a": 1}]);
        let nested = json!([{"a": [1]}, {"a": [1]}, {"a": [1]}, {"a": [1]}]);
        let mixed = json!([{"a": 1}, 2, 3, 4]);
        for value in [unlike, nested, mixed] {
            let page = page(value);
            assert!(page.contains("<ul>") && !page.contains("<table"), "{page}");
        }
        let place = json!({"file": "a.conf", "line": 7, "setting": "x", "value": "y"});
        let page = page(json!([place, place, place, place]));
        assert!(page.contains("<li>x = y (a.conf:7)</li>"), "{page}");
    }

    #[test]
    fn a_list_without_end_is_cut_and_says_so() {
        let page = page(json!((0..1_000).collect::<Vec<_>>()));
        assert_eq!(page.matches("<li>").count(), ENTRIES);
        assert!(page.contains("<b>1,000 entries</b>"), "{page}");
        assert!(page.contains("The first 200 of 1,000."), "{page}");
    }
}
