//! The examples of the guide, read the way that users have them read.

use std::fs;
use std::path::{Path, PathBuf};

use model::document::{Place, Resource, read, read_files};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// Name and content of the YAML files in a folder, in the order of their names.
fn yaml_files(name: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder(name))
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("the example can be read");
            (path.display().to_string(), text)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_examples_are_read_together_without_a_problem() {
    let files = yaml_files("examples");
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let documents = read_files(&files, Place::Outside).expect("the examples are good");
    let kinds: Vec<_> = documents.iter().map(|document| document.value.kind()).collect();
    for kind in model::document::KINDS {
        assert!(kinds.contains(&kind), "there is no example of {kind}");
    }
}

#[test]
fn the_examples_of_the_cluster_are_read_inside_it_and_nowhere_else() {
    for (name, text) in yaml_files("examples/cluster") {
        assert!(read(&name, &text, Place::Inside).is_ok(), "{name}");
        assert!(read(&name, &text, Place::Outside).is_err(), "{name}");
    }
}

#[test]
fn a_document_that_is_written_out_reads_the_same_again() {
    for (name, text) in yaml_files("examples") {
        for document in read(&name, &text, Place::Outside).expect("the examples are good") {
            let json = serde_json::to_string(&document.value).expect("it is JSON");
            let again = read(&name, &json, Place::Outside).expect("what we write can be read");
            assert_eq!(again[0].value, document.value, "{name}");
            let direct: Resource = serde_json::from_str(&json).expect("it is a resource");
            assert_eq!(direct, document.value, "{name}");
        }
    }
}

#[test]
fn the_snippets_of_the_guide_are_parts_of_the_examples() {
    let guide = fs::read_to_string(folder("documents.md")).expect("the guide is there");
    let examples: Vec<_> =
        yaml_files("examples").into_iter().chain(yaml_files("examples/cluster")).collect();
    let blocks: Vec<&str> =
        guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 3, "the guide shows {} snippets", blocks.len());
    for block in blocks {
        let found = examples.iter().any(|(_, text)| text.contains(block));
        assert!(found, "no example holds this snippet of documents.md:\n{block}");
    }
}

#[test]
fn the_problems_of_the_guide_are_those_that_are_printed() {
    let (_, text) = yaml_files("examples")
        .into_iter()
        .find(|(name, _)| name.ends_with("first-target.yaml"))
        .expect("the example is there");
    let text = text.replace("protocol: http", "protocol: htp").replace("8080", "\"8080\"");
    let problems = read("edge.yaml", &text, Place::Outside).expect_err("two things are wrong");
    let printed: String =
        problems.iter().map(|problem| format!("{problem}\n{}", problem.snippet(&text))).collect();
    let guide = fs::read_to_string(folder("documents.md")).expect("the guide is there");
    assert!(guide.contains(&printed), "documents.md should show:\n{printed}");
}
