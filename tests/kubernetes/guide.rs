//! docs/operator/first-schedule.md: every command of it runs, in its order, and says what the page
//! shows. With it goes the chart with its own Postgres.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tests::plumb::{Bench, Ended, program};

use crate::cluster::Kubectl;
use crate::operator::{Installation, alone};

/// A command of a page, and the lines that the page shows below it.
struct Step {
    command: String,
    shown: Vec<String>,
}

/// The `$ ` lines of every `console` block with what follows each of them.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (line, line.strip_prefix("$ ")) {
            ("```console", _) => inside = true,
            ("```", _) => inside = false,
            (_, Some(command)) if inside => {
                steps.push(Step { command: command.to_owned(), shown: Vec::new() });
            }
            _ if inside => steps.last_mut().expect("a command").shown.push(line.to_owned()),
            _ => {}
        }
    }
    steps
}

/// Brings up what the rest of the page runs in: the tier does the same before any test.
fn is_for_the_machine(command: &str) -> bool {
    ["git ", "cargo ", "export PATH=", "exit"].iter().any(|start| command.starts_with(start))
}

/// A line without what differs from run to run: spaces, and words with a digit that are no number,
/// such as names, times, ages and digests.
fn masked(line: &str) -> String {
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let has_digit = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
    let words = line.split_whitespace();
    let words = words.map(|word| if has_digit(word) && !is_number(word) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// The first shown line that is not in the output, after the lines shown before it. `...` stands
/// for any lines.
fn missing<'a>(shown: &'a [String], output: &str) -> Option<&'a str> {
    let mut lines = output.lines().map(masked);
    let mut shown = shown.iter().filter(|line| line.trim() != "...");
    shown.find(|line| !lines.any(|said| said == masked(line))).map(String::as_str)
}

/// A shell as the page's reader has it, in a folder like the clone.
struct Shell {
    bench: Bench,
    exports: String,
    transcript: String,
}

impl Shell {
    fn new() -> Self {
        let bench = Bench::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for folder in ["charts", "docs"] {
            symlink(root.join(folder), bench.path(folder)).unwrap();
        }
        // Cargo made it there.
        std::fs::create_dir(bench.path("target")).unwrap();
        Self { bench, exports: String::new(), transcript: String::new() }
    }

    fn run(&mut self, command: &str) -> Ended {
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", program().parent().unwrap().display());
        let script = format!("set -euo pipefail\n{}{command}", self.exports);
        let ended = Command::new("bash")
            .args(["-c", &script])
            .current_dir(self.bench.dir())
            .env("HOME", self.bench.dir())
            .env("PATH", path)
            .env("KUBECONFIG", std::env::var_os("PLUMBLINE_TEST_KUBECONFIG").unwrap())
            .output()
            .unwrap();
        if command.starts_with("export ") {
            writeln!(self.exports, "{command}").unwrap();
        }
        let ended = Ended::from(ended);
        writeln!(self.transcript, "$ {command}\n{}{}", ended.stdout, ended.stderr).unwrap();
        ended
    }
}

#[test]
fn every_command_of_the_guide_works_and_says_what_is_shown() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operator/first-schedule.md");
    let steps = steps(&std::fs::read_to_string(page).unwrap());
    let installation = Installation::get();
    let _alone = alone();
    let aside = installation.set_aside();
    // What an earlier program of tests left when it failed.
    Kubectl::new().run(&["delete", "namespace", "plant-7", "--ignore-not-found"]);
    let mut shell = Shell::new();
    let (mut tables, mut proofs) = (Vec::new(), 0);
    for step in steps.iter().filter(|step| !is_for_the_machine(&step.command)) {
        let (command, code) = step.command.split_once("  # exits ").unwrap_or((&step.command, "0"));
        let ended = shell.run(command);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        let missing = missing(&step.shown, &said);
        if ended.code.unwrap().to_string() != code.trim() || missing.is_some() {
            let all = Kubectl::new().try_run(&["get", "pods,events", "--all-namespaces"]).stdout;
            panic!(
                "{}\n{all}\nended with {:?}; not said: {missing:?}",
                shell.transcript, ended.code
            );
        }
        if command.contains(" get auditruns,audittargets") {
            tables.push(ended.stdout);
        } else if command.starts_with("plumb verify") {
            assert!(said.contains(" checks hold"), "{said}");
            proofs += 1;
        }
    }
    // Status, posture, risk, findings, improved, regressed.
    let has_row = |table: &str, row: &[&str]| {
        let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines.any(|words| words.windows(row.len()).any(|part| part == row))
    };
    assert!(has_row(&tables[0], &["FAIL", "red", "69", "4"]), "{}", tables[0]);
    assert!(has_row(&tables[1], &["PASS", "green", "0", "0", "4", "0"]), "{}", tables[1]);
    assert!(proofs > 0, "the page proves nothing");
    // It took away what it brought.
    let left =
        Kubectl::new().run(&["get", "namespaces,customresourcedefinitions", "--output=name"]);
    for gone in ["namespace/plant-7", "namespace/plumbline-system", "plumbline.dev"] {
        assert!(!left.contains(gone), "{left}");
    }
    drop(aside);
}

#[test]
fn what_is_shown_is_held_against_what_is_said() {
    let page = "text\n```console\n$ get\nNAME   AGE  N\na-1f   42s  4\n...\n$ other\n```\n$ no\n";
    let steps = steps(page);
    assert_eq!(steps.len(), 2);
    let shown = &steps[0].shown;
    assert_eq!(missing(shown, "NAME AGE N\nelse\nb-2a 7s 4\n"), None);
    assert_eq!(missing(shown, "NAME AGE N\nb-2a 7s 5\n"), Some("a-1f   42s  4"));
    assert_eq!(missing(shown, "b-2a 7s 4\nNAME AGE N\n"), Some("a-1f   42s  4"));
}

#[test]
fn the_start_in_the_readme_is_that_of_the_guide() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |page: &str| std::fs::read_to_string(root.join(page)).unwrap();
    let guide = steps(&read("docs/operator/first-schedule.md"));
    let readme = read("README.md");
    let section = readme.split("\n## ").find(|part| part.starts_with("The operator")).unwrap();
    let start = steps(section);
    assert!(start.len() >= 5, "{} commands", start.len());
    for step in start {
        let found = guide.iter().any(|known| known.command == step.command);
        assert!(found, "{} is not in the guide", step.command);
    }
}
