//! Whether a server without TLS does nothing but send clients to the encrypted address.

use super::parse::Directive;

/// Where authorities of ACME look for the answer to a challenge, which they ask for without TLS (RFC
/// 8555 section 8.3).
const CHALLENGE: &str = "/.well-known/acme-challenge";

/// Whether whoever asks is sent to the encrypted address or turned away, whatever is asked for.
pub fn only(server: &[Directive]) -> bool {
    // What stands in the server itself is done before a location is looked for.
    if sends_all(server) {
        return true;
    }
    let asked = |one: &&Directive| one.name == "if";
    if server.iter().any(|one| asked(&one) && is_plain(one) && sends_all(one.inside())) {
        return true;
    }
    if server.iter().any(turns_away) {
        let mut asked = server.iter().filter(asked).peekable();
        return asked.peek().is_some() && asked.all(|one| sends_all(one.inside()));
    }
    let mut locations = server.iter().filter(|one| one.name == "location" && !is_challenge(one));
    let mut whole = false;
    let all = locations.all(|one| {
        whole |= is_whole(one);
        sends_all(one.inside())
    });
    all && whole
}

/// Sends every client that comes into a block to the encrypted address: the first that answers does
/// so for all [1.22.1].
fn sends_all(block: &[Directive]) -> bool {
    block.iter().find(|one| one.name == "return" || sends(one)).is_some_and(sends)
}

/// Sends every client that comes to it to the encrypted address.
fn sends(one: &Directive) -> bool {
    match one.name.as_str() {
        "return" => {
            let target = one.args.last().map_or("", String::as_str);
            matches!(one.arg(0), "301" | "302" | "303" | "307" | "308")
                && target.starts_with("https://")
        }
        "rewrite" => takes_everything(one.arg(0)) && one.arg(1).starts_with("https://"),
        _ => false,
    }
}

/// Answers every client that comes to it with an error, or not at all.
fn turns_away(one: &Directive) -> bool {
    let is_error = |code: &str| code.len() == 3 && code.starts_with(['4', '5']);
    one.name == "return" && one.args.len() == 1 && is_error(one.arg(0))
}

/// A condition that holds for every client without TLS.
fn is_plain(one: &Directive) -> bool {
    let words: String = one.args.concat();
    let words = words.trim_start_matches('(').trim_end_matches(')').replace(['"', '\''], "");
    matches!(words.as_str(), "$scheme=http" | "$scheme!=https" | "$https=" | "$https!=on")
}

/// A location for everything that no other one takes.
fn is_whole(one: &Directive) -> bool {
    match one.arg(0) {
        "~" | "~*" => takes_everything(one.arg(1)),
        "^~" => one.arg(1) == "/",
        path => path == "/",
    }
}

fn is_challenge(one: &Directive) -> bool {
    one.args.last().is_some_and(|path| path.starts_with(CHALLENGE))
}

/// Whether a regular expression is one of those that match every path.
fn takes_everything(pattern: &str) -> bool {
    let bare = pattern.replace(['(', ')'], "");
    let body = bare.strip_prefix('^').unwrap_or(&bare);
    matches!(body, "" | "/" | ".*" | "/.*" | "/?.*" | ".*$" | "/.*$" | "/?.*$")
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;
    use crate::gateway_config_guardrails::includes::Text;

    fn redirects(content: &str) -> bool {
        let text = Text { name: "n".to_owned(), content: content.to_owned(), marked: false };
        only(&parse(&text).unwrap())
    }

    #[test]
    fn a_server_that_sends_everybody_away_is_told_from_one_that_serves_something() {
        for sends in [
            "return 301 https://$host$request_uri;",
            "return 308 https://$host$request_uri; location / { proxy_pass http://u; }",
            "rewrite ^ https://$host$request_uri permanent;",
            "rewrite ^/(.*)$ https://h/$1 permanent;",
            "location / { return 302 https://h; }",
            "location ~ .* { return 301 https://h; }",
            "location / { return 301 https://h; }
             location /.well-known/acme-challenge/ { root /var/www; }",
            // As certbot writes it.
            "if ($host = a.example) { return 301 https://$host$request_uri; } return 404;",
            "if ($scheme != \"https\") { return 301 https://h; } location / { proxy_pass http://u; }",
            "if ($https = '') { return 301 https://h; } root /var/www;",
        ] {
            assert!(redirects(sends), "{sends}");
        }
        for serves in [
            "",
            "return 200 https://h;",
            "return 301 http://h;",
            "return 404;",
            "return 200 x; return 301 https://h;",
            "rewrite ^/old$ https://h/new; location / { proxy_pass http://u; }",
            "rewrite ^/$ https://h/ permanent;",
            "location /a { return 301 https://h; }",
            "location / { return 301 https://h; } location /ingest { proxy_pass http://u; }",
            "location / { rewrite ^/old https://h; proxy_pass http://u; }",
            "location /.well-known/acme-challenge/ { root /var/www; }",
            "if ($host = a.example) { return 301 https://h; } location / { proxy_pass http://u; }",
            "if ($host = a.example) { return 301 https://h; } if ($x) { return 200 y; } return 404;",
            "if ($scheme = https) { return 301 https://h; } location / { proxy_pass http://u; }",
        ] {
            assert!(!redirects(serves), "{serves}");
        }
    }
}
