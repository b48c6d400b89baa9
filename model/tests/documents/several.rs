//! Several documents, several files, and objects that no file holds.

use model::document::{Place, Resource, read, read_files, validate};

use super::{lines, one_target, schedule, target};

#[test]
fn two_documents_of_one_kind_have_two_names() {
    let a = target("");
    let files = [("a.yaml", a.as_bytes()), ("b.yaml", a.as_bytes())];
    let problems = read_files(&files, Place::Outside).expect_err("the names are equal");
    insta::assert_snapshot!(lines(&problems), @"b.yaml:3:18: metadata.name: a second AuditTarget named `a`; the first stands at a.yaml:1; give each its own name");
    let other = schedule("");
    let files = [("a.yaml", a.as_bytes()), ("b.yaml", other.as_bytes())];
    assert_eq!(read_files(&files, Place::Outside).map(|d| d.len()), Ok(2));
}

#[test]
fn the_problems_of_all_files_are_reported_in_their_order() {
    let files = [("a.yaml", &b"kind: X\n"[..]), ("b.yaml", &b"\xff\xfe"[..]), ("c.yaml", &b""[..])];
    let problems = read_files(&files, Place::Outside).expect_err("nothing is good");
    let files: Vec<_> = problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["a.yaml", "b.yaml", "c.yaml"]);
}

#[test]
fn objects_from_the_cluster_are_checked_without_a_file() {
    let document = one_target(&target("credentials: [{name: a, kind: bearer, path: t}]"));
    let faults = validate(&Resource::AuditTarget(document.value), Place::Inside);
    insta::assert_snapshot!(faults[0], @"spec.credentials[0].path: path exists only outside the cluster; inside it use secretRef or configMapRef");
    assert_eq!(faults.len(), 1);
}

#[test]
fn a_file_full_of_mistakes_is_cut_off() {
    let text = "a: b\n---\n".repeat(500);
    let problems = read("t.yaml", &text, Place::Outside).expect_err("nothing is good");
    assert_eq!(problems.len(), 51);
    assert_eq!(problems[50].message, "more problems follow; they are listed once these are solved");
    let broken = "a: [\n---\n".repeat(500);
    let problems = read("t.yaml", &broken, Place::Outside).expect_err("nothing is good");
    assert!((50..=51).contains(&problems.len()), "{}", problems.len());
}
