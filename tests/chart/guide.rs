//! The guide's commands are ones that the chart takes.

use std::process::Command;

use crate::helm::{helm, root};

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs/operator").join(name)).unwrap()
}

/// The `$ PROGRAM ...` lines of a page's `console` blocks, as words.
fn commands(page: &str, program: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ => {}
        }
        if inside && line.starts_with(&format!("$ {program} ")) {
            // The shell takes the quotes off, as the reader's would.
            let script = format!("printf '%s\\n' {}", line.trim_start_matches("$ "));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            let words = String::from_utf8(output.stdout).unwrap();
            commands.push(words.lines().skip(1).map(str::to_owned).collect());
        }
    }
    commands
}

#[test]
fn every_helm_command_of_the_guide_renders() {
    let mut rendered = 0;
    let pages = ["install.md", "issues.md"];
    for words in pages.iter().flat_map(|name| commands(&page(name), "helm")) {
        let [verb, release, rest @ ..] = words.as_slice() else { panic!("{words:?}") };
        assert_eq!(release, crate::helm::RELEASE);
        let mut arguments = vec!["template".to_owned(), release.clone()];
        match verb.as_str() {
            "install" => {
                assert_eq!(rest[0], "charts/plumbline");
                arguments.push(crate::helm::chart().display().to_string());
                let flags = rest[1..].iter().filter(|word| *word != "--create-namespace");
                arguments.extend(flags.cloned());
            }
            // They need a release; their flags are Helm's own.
            "upgrade" | "uninstall" => continue,
            other => panic!("helm {other} is not known here"),
        }
        let output = helm(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {}: {stderr}", words.join(" "));
        rendered += 1;
    }
    assert!(rendered >= 4, "only {rendered} commands were found");
}

#[test]
fn what_the_guide_calls_by_name_is_what_the_default_release_is_made_of() {
    let guide = page("install.md");
    let rendering = crate::helm::render("default");
    rendering.object("Deployment", "plumbline");
    rendering.object("Service", "plumbline-metrics");
    rendering.object("Service", "plumbline-ingest");
    for name in [
        "deployment/plumbline",
        "Service `plumbline-metrics`",
        "`plumbline-ingest.plumbline-system.svc`",
        "Secret\n`plumbline-ingest`",
    ] {
        assert!(guide.contains(name), "the guide does not say {name}");
    }
}

#[test]
fn the_yaml_of_the_guide_is_taken_by_the_chart() {
    let guide = page("install.md") + &page("issues.md");
    let folder = tempfile::tempdir().unwrap();
    let mut taken = 0;
    for block in guide.split("```yaml\n").skip(1) {
        let file = folder.path().join("values.yaml");
        std::fs::write(&file, block.split("```").next().unwrap()).unwrap();
        let output = helm([
            "template".as_ref(),
            crate::helm::RELEASE.as_ref(),
            crate::helm::chart().as_os_str(),
            "--set".as_ref(),
            "postgres.enabled=true".as_ref(),
            "--values".as_ref(),
            file.as_os_str(),
        ]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        taken += 1;
    }
    assert!(taken >= 4, "only {taken} blocks were found");
}
