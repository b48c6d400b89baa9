//! What cargo built, and where.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

/// Runs a `cargo build` or `cargo test --no-run` with its progress shown, and gives the file of the
/// program or test `name`.
pub fn executable(command: &mut Command, name: &str) -> anyhow::Result<PathBuf> {
    command.args(["--message-format", "json-render-diagnostics"]);
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let shown = format!("cargo {}", words.join(" "));
    println!("\n$ {shown}");
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` failed: {}", output.status);
    }
    let messages = String::from_utf8(output.stdout).context("cargo printed no text")?;
    find(&messages, name).with_context(|| format!("`{shown}` built no `{name}`"))
}

fn find(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_of_the_named_target_is_found_among_other_messages() {
        let messages = r#"
            {"reason":"compiler-artifact","target":{"name":"plumb"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"other"},"executable":"target/other"}
            {"reason":"compiler-artifact","target":{"name":"plumb"},"executable":"target/plumb"}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(find(messages, "plumb"), Some(PathBuf::from("target/plumb")));
        assert_eq!(find(messages, "nothing"), None);
    }
}
