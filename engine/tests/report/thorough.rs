//! Lists of hundreds of names: a picture first, and the names folded.

use engine::report::text::Shown;
use engine::report::{self, Format};

use crate::fixture;

/// What stands between two texts of the page.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("no `{from}`"));
    rest.split_once(to).unwrap_or_else(|| panic!("no `{to}`")).0
}

#[test]
fn each_version_of_tls_has_a_row_with_its_suites_by_strength_the_newest_first() {
    let page = report::audit(&fixture::thorough(), Format::Html).unwrap();
    let table = between(&page, "<table class=\"accepted stack\">", "</table>");
    let rows: Vec<_> = table.split("<th scope=\"row\">").skip(1).collect();
    let versions: Vec<_> = rows.iter().map(|row| row.split_once('<').unwrap().0).collect();
    assert_eq!(versions, ["TLSv1.3", "TLSv1.2", "TLSv1.1"]);
    for (row, counts) in [
        (rows[0], [("green", 2)].as_slice()),
        (rows[1], &[("red", 3), ("amber", 1), ("green", 1), ("unknown", 1)]),
        (rows[2], &[("red", 1), ("amber", 1)]),
    ] {
        assert_eq!(row.matches("<summary><b class").count(), counts.len(), "{row}");
        for (colour, count) in counts {
            assert!(row.contains(&format!("<b class=\"{colour}\">{count}</b>")), "{row}");
            assert!(row.contains(&format!("<path class=\"{colour}\"")), "{row}");
        }
    }
    for (version, suites) in fixture::SUITES {
        let row = rows.iter().find(|row| row.starts_with(version)).unwrap();
        for suite in suites {
            assert!(row.replace("<wbr>", "").contains(suite), "{suite} in {row}");
        }
    }
    assert!(rows[0].contains("2 more") && rows[2].contains("none listed"), "{table}");
    assert!(rows[0].contains("only one") && rows[1].contains("the server"), "{table}");
    assert!(page.contains("1 question was answered in two ways"), "{table}");
}

#[test]
fn a_document_without_a_full_enumeration_has_no_table_of_it() {
    let page = report::audit(&fixture::before(), Format::Html).unwrap();
    assert!(!page.contains("table class=\"accepted"));
    assert!(!page.contains("class=\"expiry\""));
}

#[test]
fn a_fleet_is_a_picture_of_when_it_ends_with_its_cohorts_under_it() {
    let page = report::audit(&fixture::thorough(), Format::Html).unwrap();
    let figure = between(&page, "<figure class=\"expiry\">", "</figure>");
    assert!(figure.contains("<b>3</b> before the month of the run"), "{figure}");
    assert_eq!(figure.matches("fill=\"currentColor\"").count(), 3, "{figure}");
    let table = between(&page, "<table class=\"cohorts stack\">", "</table>");
    assert_eq!(table.matches("<tr>").count(), 1 + 8, "the head and the largest: {table}");
    assert!(table.contains("CN=Quay &lt;CA&gt;") && table.contains("900"), "{table}");
    assert!(page.contains("<b>10 cohorts</b>") && page.contains("of 2 issuers"));
    assert!(page.contains("The first 8 of 10"));
}

#[test]
fn a_long_list_of_an_item_is_folded_under_its_length() {
    let page = report::audit(&fixture::thorough(), Format::Html).unwrap();
    assert!(page.contains("<summary><b>10 entries</b></summary>"), "the suites");
}

#[test]
fn markdown_says_how_long_a_list_is_and_how_it_begins() {
    let text = report::audit(&fixture::pointing_at_a_list(), Format::Md).unwrap();
    let row = text.lines().find(|line| line.contains("`/names`")).unwrap();
    assert!(row.contains("300 entries: `[\"name-0\", \"name-1\""), "{row}");
    assert!(row.contains("(first 480 of "), "{row}");
    assert!(row.len() < 700, "{row}");
}

#[test]
fn a_list_that_changed_shows_what_only_one_side_has() {
    let bundle = fixture::with_a_list_that_changed();
    let page = report::delta(&bundle, Format::Html).unwrap();
    for name in ["old", "new"] {
        let shown = format!("301 entries, 1 only here: [&quot;{name}&quot;]");
        assert!(page.contains(&shown), "{name}");
    }
    let text = report::delta(&bundle, Format::Md).unwrap();
    let row = text.lines().find(|line| line.contains("`/names`")).unwrap();
    assert!(row.contains("only here: [\"old\"]") && row.contains("only here: [\"new\"]"), "{row}");
    let sides = report::changes(&bundle).unwrap().concat();
    let told = |side: &Option<Shown>| side.as_ref().map(Shown::plain).unwrap_or_default();
    let told: Vec<_> = sides.iter().map(|[before, after]| (told(before), told(after))).collect();
    let names = |(before, after): &&(String, String)| {
        before == "301 entries, 1 only here: [\"old\"]" && after.ends_with("only here: [\"new\"]")
    };
    assert!(told.iter().any(|sides| names(&sides)), "{told:?}");
}
