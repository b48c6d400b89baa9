//! The words of nginx.conf: directives with arguments, ended by `;` or by a block in braces.

use crate::gateway_config_guardrails::guardrail::Place;
use crate::gateway_config_guardrails::includes::Text;
use crate::gateway_config_guardrails::readers::Places;
use crate::gateway_config_guardrails::tree::{MAX_DEPTH, MAX_NODES, Unreadable};

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its name.
    pub name: String,
    /// Its arguments, quotes and escapes undone.
    pub args: Vec<String>,
    /// Where its name stands.
    pub place: Place,
    /// What stands in its braces.
    pub block: Option<Vec<Directive>>,
}

impl Directive {
    /// An argument; empty where there are fewer.
    pub fn arg(&self, index: usize) -> &str {
        self.args.get(index).map_or("", String::as_str)
    }

    /// What stands in its braces; nothing where it has none.
    pub fn inside(&self) -> &[Self] {
        self.block.as_deref().unwrap_or(&[])
    }
}

/// Reads a file. Blocks of another language (`content_by_lua_block` and its kin) are skipped.
pub fn parse(text: &Text) -> Result<Vec<Directive>, Unreadable> {
    let mut reader = Reader { text: &text.content, at: 0, places: Places::of(&text.content) };
    // The innermost open block is the last.
    let mut open: Vec<Vec<Directive>> = vec![Vec::new()];
    let mut heads: Vec<Directive> = Vec::new();
    let mut words: Vec<(String, usize)> = Vec::new();
    let mut count = 0;
    loop {
        let start = reader.blank();
        let token = reader.token()?;
        count += 1;
        if count > MAX_NODES {
            return Err(Unreadable::Limit("100,000 values"));
        }
        match token {
            Token::Word(word) => words.push((word, start)),
            Token::End => {
                if words.is_empty() && heads.is_empty() {
                    return Ok(open.pop().unwrap_or_default());
                }
                return Err(reader.broken(start));
            }
            Token::Semicolon => {
                let directive = reader.directive(text, &mut words, start)?;
                if let Some(block) = open.last_mut() {
                    block.push(directive);
                }
            }
            Token::Open => {
                let directive = reader.directive(text, &mut words, start)?;
                if directive.name.ends_with("_by_lua_block") {
                    reader.skip_block(start)?;
                    if let Some(block) = open.last_mut() {
                        block.push(directive);
                    }
                    continue;
                }
                if open.len() >= MAX_DEPTH {
                    return Err(Unreadable::Limit("64 levels"));
                }
                heads.push(directive);
                open.push(Vec::new());
            }
            Token::Close => {
                let head = heads.pop().filter(|_| words.is_empty());
                let (Some(mut head), Some(block)) = (head, open.pop()) else {
                    return Err(reader.broken(start));
                };
                head.block = Some(block);
                if let Some(outer) = open.last_mut() {
                    outer.push(head);
                }
            }
        }
    }
}

enum Token {
    Word(String),
    Semicolon,
    Open,
    Close,
    End,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    places: Places<'a>,
}

impl Reader<'_> {
    fn broken(&self, at: usize) -> Unreadable {
        let (line, column) = self.places.at(at);
        Unreadable::Syntax { format: "nginx configuration", line, column }
    }

    fn directive(
        &self,
        text: &Text,
        words: &mut Vec<(String, usize)>,
        at: usize,
    ) -> Result<Directive, Unreadable> {
        let mut words = std::mem::take(words).into_iter();
        let (name, start) = words.next().ok_or_else(|| self.broken(at))?;
        let (line, column) = self.places.at(start);
        let place = Place { file: text.name.clone(), line, column };
        Ok(Directive { name, args: words.map(|(word, _)| word).collect(), place, block: None })
    }

    /// Skips space and comments; where the next token begins.
    fn blank(&mut self) -> usize {
        loop {
            let rest = &self.text[self.at..];
            let start = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            self.at += rest.len() - start.len();
            if !start.starts_with('#') {
                return self.at;
            }
            self.at += start.find('\n').unwrap_or(start.len());
        }
    }

    fn token(&mut self) -> Result<Token, Unreadable> {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        let single = match first {
            ';' => Some(Token::Semicolon),
            '{' => Some(Token::Open),
            '}' => Some(Token::Close),
            _ => None,
        };
        if let Some(single) = single {
            self.at += 1;
            return Ok(single);
        }
        let quote = matches!(first, '"' | '\'').then_some(first);
        let start = self.at;
        let mut word = String::new();
        let mut chars = rest.char_indices().skip(usize::from(quote.is_some())).peekable();
        let mut variable = false;
        while let Some((at, c)) = chars.next() {
            match (c, quote) {
                ('\\', _) => match chars.next() {
                    // Only these lose their backslash; a regular expression keeps its own.
                    Some((_, c @ ('"' | '\'' | '\\' | ';' | '{' | '}' | '#' | ' '))) => {
                        word.push(c)
                    }
                    Some((_, c)) => word.extend(['\\', c]),
                    None => return Err(self.broken(start)),
                },
                (c, Some(quote)) if c == quote => {
                    self.at = start + at + 1;
                    return Ok(Token::Word(word));
                }
                ('{', None) if word.ends_with('$') => {
                    variable = true;
                    word.push('{');
                }
                ('}', None) if variable => {
                    variable = false;
                    word.push('}');
                }
                (' ' | '\t' | '\r' | '\n' | ';' | '{', None) => {
                    self.at = start + at;
                    return Ok(Token::Word(word));
                }
                (c, _) => word.push(c),
            }
        }
        if quote.is_some() {
            return Err(self.broken(start));
        }
        self.at = self.text.len();
        Ok(Token::Word(word))
    }

    /// Skips to the brace that closes a block of another language, braces inside counted.
    fn skip_block(&mut self, start: usize) -> Result<(), Unreadable> {
        let mut depth = 1_usize;
        for (at, byte) in self.text[self.at..].bytes().enumerate() {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += at + 1;
                return Ok(());
            }
        }
        Err(self.broken(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Vec<Directive>, Unreadable> {
        parse(&Text { name: "n".to_owned(), content: content.to_owned(), marked: false })
    }

    #[test]
    fn words_quotes_comments_and_blocks_are_read_with_their_places() {
        let text = "a 'b c' \"d\\\"e\"; # x }\nserver {\n  set $v ${w}x;\n  content_by_lua_block { f({1}) }\n  location ~ \\.php$ { }\n}\n";
        let tree = read(text).unwrap();
        assert_eq!(tree[0].args, ["b c", "d\"e"]);
        let server = &tree[1];
        assert_eq!((server.place.line, server.place.column), (2, 1));
        let inside = server.inside();
        assert_eq!((inside[0].arg(1), inside[0].place.line), ("${w}x", 3));
        assert_eq!(inside[1].name, "content_by_lua_block");
        assert_eq!(inside[2].args, ["~", "\\.php$"]);
        assert_eq!(inside.len(), 3);
    }

    #[test]
    fn what_is_broken_is_refused_with_its_place_and_without_its_text() {
        for text in ["hunter2", "a {", "}", "a 'hunter2", "; ", "{ }", "x_by_lua_block { {", "a \\"]
        {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("line 1") && !error.contains("hunter2"), "{text}: {error}");
        }
        assert_eq!(read(&"a {".repeat(1_000)), Err(Unreadable::Limit("64 levels")));
        assert_eq!(read(&"a;".repeat(MAX_NODES)), Err(Unreadable::Limit("100,000 values")));
    }
}
