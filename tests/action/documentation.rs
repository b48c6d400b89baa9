//! What the documentation says of the Action is what `action.yml` says.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

fn action() -> Value {
    serde_saphyr::from_str(&read("action.yml")).unwrap()
}

/// The rows of the tables between two heads of a page, as their cells.
fn rows(page: &str, from: &str, to: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once(&format!("\n## {from}\n")).expect("the page has that head");
    let (part, _) = rest.split_once(&format!("\n## {to}\n")).expect("the page has that head");
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect())
        .collect()
}

/// The names of a cell: words of code.
fn names(cell: &str) -> Vec<String> {
    cell.split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
}

#[test]
fn every_input_stands_in_the_table_once_with_its_default() {
    let page = read("docs/action/inputs.md");
    let mut told = BTreeMap::new();
    for row in rows(&page, "Inputs", "Outputs") {
        let [name] = &names(&row[0])[..] else { panic!("{row:?}") };
        assert_eq!(row.len(), 3, "{row:?}");
        assert!(!row[2].is_empty(), "{row:?}");
        assert!(told.insert(name.clone(), row[1].clone()).is_none(), "{name} stands there twice");
    }
    let action = action();
    let inputs = action["inputs"].as_object().unwrap();
    assert_eq!(told.keys().collect::<Vec<_>>(), inputs.keys().collect::<Vec<_>>());
    for (name, input) in inputs {
        let default = input["default"].as_str().unwrap();
        let cell = &told[name];
        if default.is_empty() {
            let is_value = cell.starts_with('`') && cell.ends_with('`');
            assert!(!is_value, "{name} has no default, and the page says {cell}");
        } else {
            assert_eq!(*cell, format!("`{default}`"), "{name}");
        }
    }
}

#[test]
fn every_output_stands_in_the_table_once() {
    let page = read("docs/action/inputs.md");
    let rows = rows(&page, "Outputs", "Exit codes");
    let mut told: Vec<_> = rows.iter().flat_map(|row| names(&row[0])).collect();
    told.sort();
    let action = action();
    assert_eq!(told, action["outputs"].as_object().unwrap().keys().cloned().collect::<Vec<_>>());
}

/// The workflows that a page shows.
fn workflows(page: &str) -> Vec<Value> {
    let shown = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let workflows = shown.filter(|text| text.contains("\njobs:\n"));
    workflows.map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

#[test]
fn every_permission_that_a_shown_workflow_asks_for_is_explained() {
    let told = read("docs/action/permissions.md");
    let mut found = 0;
    for page in ["README.md", "recipes.md"] {
        for workflow in workflows(&read(&format!("docs/action/{page}"))) {
            assert_eq!(
                workflow["permissions"],
                serde_json::json!({}),
                "nothing but what a job says"
            );
            for (job, is) in workflow["jobs"].as_object().unwrap() {
                for (name, access) in is["permissions"].as_object().expect("each job says its own")
                {
                    let access = access.as_str().unwrap();
                    let line = format!("| `{name}: ");
                    let mut rows = told.lines().filter(|row| row.starts_with(&line));
                    let explained = rows.any(|row| {
                        row.starts_with(&format!("{line}{access}`"))
                            || row.contains(&format!("`{access}` is enough"))
                    });
                    assert!(explained, "{page}, {job}: {name}: {access}");
                    found += 1;
                }
            }
        }
    }
    assert!(found > 20, "only {found} permissions were found");
}

#[test]
fn nothing_of_an_input_stands_in_a_script() {
    let action = action();
    for step in action["runs"]["steps"].as_array().unwrap() {
        let script = step["run"].as_str().unwrap_or_default();
        assert!(!script.contains("${{"), "{step:#}");
    }
}
