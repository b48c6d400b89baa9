//! The help texts, frozen: what people read first changes only on purpose.

use std::process::Command;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(arguments)
        .env_clear()
        .env("COLUMNS", "100")
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("help is text")
}

#[test]
fn the_main_help_lists_every_command_with_examples_and_exit_codes() {
    insta::assert_snapshot!(help(&["--help"]));
}

#[test]
fn every_command_explains_itself() {
    let commands = [
        "run",
        "probe",
        "assess",
        "diff",
        "report",
        "alerts",
        "runs",
        "rules",
        "schema",
        "targets",
        "demo",
        "verify",
        "completions",
    ];
    for command in commands {
        let text = help(&[command, "--help"]);
        assert!(text.contains("Usage: plumb"), "{command}: {text}");
        let main = help(&["--help"]);
        assert!(main.contains(&format!("\n  {command} ")), "{command} is not in the main help");
    }
}

#[test]
fn the_help_of_run_names_its_gates_and_formats() {
    insta::assert_snapshot!(help(&["run", "--help"]));
}
