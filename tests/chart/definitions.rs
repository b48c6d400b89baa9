//! The custom resource definitions: the generated files, as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::helm::{chart, render_chart, root};

const DEFINITION: &str = r#"# Generated.
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: audittargets.plumbline.dev
spec:
  group: plumbline.dev
  names: {kind: AuditTarget, plural: audittargets}
  scope: Namespaced
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            seconds: {type: integer, minimum: 0, maximum: 2592000}
            word: {type: string, pattern: "^(a|{{b}})$", description: "'quoted' {{ not a template }}"}
"#;

/// A copy of the chart whose only definition is [`DEFINITION`].
fn with_definition() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&chart(), copy.path());
    let folder = copy.path().join("files/crds");
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("audittargets.yaml"), DEFINITION).unwrap();
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn yaml_files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn the_charts_definitions_are_the_generated_ones_byte_for_byte() {
    let generated = yaml_files(&root().join("crds"));
    let packed = yaml_files(&chart().join("files/crds"));
    assert_eq!(
        packed.keys().collect::<Vec<_>>(),
        generated.keys().collect::<Vec<_>>(),
        "charts/plumbline/files/crds and crds/ hold different files; run `cargo xtask gen`"
    );
    for (name, content) in packed {
        assert!(content == generated[&name], "files/crds/{name} differs; run `cargo xtask gen`");
    }
}

#[test]
fn a_definition_is_rendered_as_its_file_says() {
    let copy = with_definition();
    let rendering = render_chart(copy.path(), "default", &[]);
    let rendered = rendering.object("CustomResourceDefinition", "audittargets.plumbline.dev");
    let mut rendered = rendered.clone();
    let metadata = rendered["metadata"].as_object_mut().unwrap();
    let annotations = metadata.remove("annotations").unwrap();
    assert_eq!(annotations["helm.sh/resource-policy"], "keep");
    metadata.remove("labels").unwrap();
    assert_eq!(rendered, serde_saphyr::from_str::<Value>(DEFINITION).unwrap());
}

#[test]
fn every_definition_of_the_chart_is_rendered_as_its_file_says() {
    let rendering = render_chart(&chart(), "default", &[]);
    let files = yaml_files(&chart().join("files/crds"));
    assert_eq!(rendering.of("CustomResourceDefinition").count(), files.len());
    for content in files.values() {
        let file: Value = serde_saphyr::from_str(content).unwrap();
        let name = file["metadata"]["name"].as_str().unwrap();
        let rendered = rendering.object("CustomResourceDefinition", name);
        assert_eq!(rendered["spec"], file["spec"], "{name}");
    }
}

#[test]
fn definitions_can_be_left_out_and_can_go_with_the_release() {
    let copy = with_definition();
    let without = render_chart(copy.path(), "default", &["crds.install=false"]);
    assert_eq!(without.of("CustomResourceDefinition").count(), 0);
    let gone = render_chart(copy.path(), "default", &["crds.keep=false"]);
    let definition = gone.of("CustomResourceDefinition").next().unwrap();
    assert!(definition["metadata"].get("annotations").is_none());
}

#[test]
fn a_file_that_is_no_yaml_is_refused() {
    let copy = with_definition();
    fs::write(copy.path().join("files/crds/broken.yaml"), "a: [").unwrap();
    let output = crate::helm::helm([
        "template".as_ref(),
        copy.path().as_os_str(),
        "--generate-name".as_ref(),
        "--set".as_ref(),
        "postgres.enabled=true".as_ref(),
    ]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("files/crds/broken.yaml is no YAML"), "{said}");
}
