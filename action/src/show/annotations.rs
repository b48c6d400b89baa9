//! Remarks on lines that the change touches, and on no others.

use serde_json::Value;

use crate::audit::Audit;
use crate::checkout::Changed;
use crate::github::Annotation;

/// Remarks of one step that GitHub shows by workflow commands, of each level (GitHub, "Workflow
/// commands").
const SHOWN: usize = 10;
/// Characters of a title and of a message (GitHub, "Create a check run": 255 and 64 KiB).
const TITLE: usize = 255;
const MESSAGE: usize = 4_000;

/// What the change brings, where its place is a line that it touches.
pub fn annotations(audit: &Audit, sarif: &[Value], changed: &Changed) -> Vec<Annotation> {
    let introduced = |id: &str| {
        let mut ids = audit.targets.iter().flat_map(|judged| &judged.introduced);
        ids.any(|introduced| introduced.to_string() == id)
    };
    let results = sarif.iter().flat_map(|run| run["results"].as_array()).flatten();
    results
        .filter(|result| result["properties"]["findingId"].as_str().is_some_and(introduced))
        .filter_map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            let path = place["artifactLocation"]["uri"].as_str()?;
            let line = place["region"]["startLine"].as_u64()?;
            changed.has(path, line).then(|| Annotation {
                path: path.to_owned(),
                start_line: line,
                end_line: line,
                annotation_level: match result["properties"]["severity"].as_str() {
                    Some("critical" | "high") => "failure",
                    Some("medium") => "warning",
                    _ => "notice",
                },
                title: cut(result["ruleId"].as_str().unwrap_or_default(), TITLE),
                message: cut(result["message"]["text"].as_str().unwrap_or_default(), MESSAGE),
            })
        })
        .collect()
}

/// The same as workflow commands, for a token that may make no check run.
pub fn commands(annotations: &[Annotation]) -> Vec<String> {
    let mut lines = Vec::new();
    for (level, command) in [("failure", "error"), ("warning", "warning"), ("notice", "notice")] {
        let of_level = annotations.iter().filter(|a| a.annotation_level == level).take(SHOWN);
        lines.extend(of_level.map(|annotation| {
            format!(
                "::{command} file={},line={},title={}::{}",
                property(&annotation.path),
                annotation.start_line,
                property(&annotation.title),
                data(&annotation.message)
            )
        }));
    }
    lines
}

fn cut(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

/// What follows `::` (GitHub, "Workflow commands": `%`, CR and LF are escaped).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value in front of it, where `:` and `,` are escaped as well.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(message: &str) -> Annotation {
        Annotation {
            path: "a,b:c.conf".to_owned(),
            start_line: 3,
            end_line: 3,
            annotation_level: "failure",
            title: "t::x".to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn hostile_text_begins_no_command_of_its_own() {
        let lines = commands(&[remark("100%\r\n::set-output name=x::y")]);
        assert_eq!(
            lines,
            [
                "::error file=a%2Cb%3Ac.conf,line=3,title=t%3A%3Ax::100%25%0D%0A::set-output name=x::y"
            ]
        );
    }

    #[test]
    fn no_more_commands_are_written_than_are_shown() {
        assert_eq!(commands(&vec![remark("x"); 40]).len(), SHOWN);
    }
}
