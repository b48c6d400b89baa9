//! What an error answer tells about the inside of a server: classes, never the text.

use std::collections::BTreeSet;

use model::evidence::Leak;

/// Words that stand in traces of calls and nowhere else: Python, Rust, Go, Java, PHP, Node.
const TRACES: &[&str] = &[
    "Traceback (most recent call last)",
    "panicked at ",
    "stack backtrace:",
    "goroutine 1 [",
    "Exception in thread ",
    "Stack trace:",
    "at Object.<anonymous>",
];

/// How a call names its place: Java, Kotlin, JavaScript, TypeScript and .NET.
const CALLS: &[&str] = &[".java:", ".kt:", ".js:", ".mjs:", ".ts:", ".cs:line "];

/// Complaints of databases.
const DATABASES: &[&str] = &[
    "SQLSTATE",
    "syntax error at or near",
    "You have an error in your SQL syntax",
    "ORA-0",
    "sqlite3.",
    "SQLITE_",
    "psycopg2.",
    "MongoServerError",
];

/// Folders that stand in no address of a web page.
const FOLDERS: &[&str] =
    &["/usr/", "/root/", "/etc/", "/var/lib/", "/var/www/", "/proc/", "/snap/"];

/// Folders that may, and then do not end in a program's source.
const APPLICATIONS: &[&str] = &["/app/", "/home/", "/opt/", "/srv/", "/var/", "/workspace/"];

/// Endings of sources and libraries, a line number may follow.
const SOURCES: &[&str] =
    &[".py", ".rb", ".php", ".java", ".go", ".rs", ".cs", ".js", ".ts", ".pl", ".lua", ".jar"];

/// The classes of what `content` tells.
pub fn of(content: &[u8]) -> BTreeSet<Leak> {
    let text = String::from_utf8_lossy(content);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let mut leaks = BTreeSet::new();
    if says(TRACES) || (text.contains("at ") && says(CALLS)) {
        leaks.insert(Leak::StackTrace);
    }
    if says(DATABASES) {
        leaks.insert(Leak::DatabaseError);
    }
    let mut before = 0;
    for word in text.split(|c: char| c.is_whitespace() || "\"'<>()[]{},;".contains(c)) {
        let linked = text[..before].ends_with("=\"") || text[..before].ends_with("='");
        before += word.len();
        before += text[before..].chars().next().map_or(0, char::len_utf8);
        if !linked && is_path(word) {
            leaks.insert(Leak::FilePath);
        }
        if is_version(word) {
            leaks.insert(Leak::SoftwareVersion);
        }
    }
    leaks
}

/// A path of the machine: `/usr/lib/python3/x`, `/app/main.py:12`, `C:\inetpub\x`.
fn is_path(word: &str) -> bool {
    let deep = |folder: &&&str| word.strip_prefix(**folder).is_some_and(|rest| !rest.is_empty());
    let source = || {
        let file = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':' || c == '.');
        SOURCES.iter().any(|ending| file.ends_with(ending))
    };
    let drive =
        matches!(word.as_bytes(), [drive, b':', b'\\', _, ..] if drive.is_ascii_alphabetic());
    drive
        || FOLDERS.iter().any(|folder| deep(&folder))
        || (APPLICATIONS.iter().any(|folder| deep(&folder)) && source())
}

/// A product with its version: `nginx/1.22.1`, `Werkzeug/2.3.7`. The protocol's own is none.
fn is_version(word: &str) -> bool {
    let Some((name, version)) = word.split_once('/') else { return false };
    let mut parts = version.split('.');
    let number = |part: Option<&str>| {
        part.is_some_and(|part| part.bytes().next().is_some_and(|b| b.is_ascii_digit()))
    };
    name.len() >= 3
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && !name.eq_ignore_ascii_case("http")
        && parts
            .next()
            .is_some_and(|major| !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit()))
        && number(parts.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_when_they_break_is_told_apart() {
        use Leak::{DatabaseError, FilePath, SoftwareVersion, StackTrace};
        for (content, leaks) in [
            ("<hr><center>nginx/1.22.1</center>", vec![SoftwareVersion]),
            ("<h3>Apache Tomcat/9.0.31 (Debian)</h3>", vec![SoftwareVersion]),
            (
                "Traceback (most recent call last):\n  File \"/app/main.py\", line 3",
                vec![StackTrace, FilePath],
            ),
            ("Error\n    at run (/srv/edge/index.js:12:9)", vec![StackTrace, FilePath]),
            ("{\"trace\":\"java.lang.X\\n\\tat a.B.c(B.java:7)\"}", vec![StackTrace]),
            ("thread 'main' panicked at src/main.rs:4:5", vec![StackTrace]),
            ("SQLSTATE[42601]: syntax error at or near \"}\"", vec![DatabaseError]),
            ("cannot open C:\\inetpub\\x.config", vec![FilePath]),
            ("open /etc/edge/tokens: permission denied", vec![FilePath]),
        ] {
            assert_eq!(of(content.as_bytes()).into_iter().collect::<Vec<_>>(), leaks, "{content}");
        }
    }

    #[test]
    fn an_answer_that_says_what_is_wrong_tells_nothing() {
        for content in [
            "",
            "{\"error\":\"EOF while parsing a list at line 1 column 60\"}",
            "{\"type\":\"https://tools.ietf.org/html/rfc9110#section-15.5.1\",\"title\":\"Bad\"}",
            "<a href=\"/home/login.php\">log in</a> <script src='/app/main.js'></script>",
            "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"> HTTP/1.1 400 text/html application/json",
            "use /api/1.0/ingest or v1/2.x, at your site",
        ] {
            assert!(of(content.as_bytes()).is_empty(), "{content}: {:?}", of(content.as_bytes()));
        }
        assert!(of(&[0xff; 4096]).is_empty());
        assert!(of("\u{e9}\"'<".repeat(2000).as_bytes()).is_empty());
    }
}
