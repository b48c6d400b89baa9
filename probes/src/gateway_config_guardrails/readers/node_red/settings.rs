//! The object that settings.js exports, read without running it.
//!
//! A closed part of the language is taken: objects, lists, texts, numbers, `true` and its kin,
//! `process.env.NAME` with or without a literal behind `||` or `??`, `require(...)`, functions.
//! Every other expression is a value that nobody can tell from the file.

use super::tokens::{Broken, Kind, Token};
use crate::gateway_config_guardrails::tree::MAX_DEPTH;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Js {
    /// A text.
    Text(String),
    /// A number, `true`, `false`, `null` or `undefined`, as it is written.
    Word(String),
    /// An object.
    Object(Vec<Member>),
    /// A list.
    List(Vec<(Js, usize)>),
    /// A function: it is there, and what it does is not judged.
    Function,
    /// A variable of the environment, with the literal that stands in for it.
    Variable(Option<Box<Js>>),
    /// Something that only running the file would tell.
    Unknown,
}

/// One member of an object; none of a name where another object is spread into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub key: Option<String>,
    /// The byte at which it stands.
    pub at: usize,
    /// Its value.
    pub value: Js,
}

/// What the file exports. None if that is no object that can be read.
pub fn exported(tokens: &[Token]) -> Result<Option<Js>, Broken> {
    let mut export = None;
    let mut depth = 0_usize;
    let mut index = 0;
    while index < tokens.len() {
        match &tokens[index].kind {
            Kind::Sign("{" | "(" | "[") => depth += 1,
            Kind::Sign("}" | ")" | "]") => depth = depth.saturating_sub(1),
            Kind::Name(name)
                if name == "module" && name_at(tokens, index + 2) == Some("exports") =>
            {
                if let Some((path, value)) = assignment(tokens, index).filter(|_| depth == 0) {
                    let mut reader = Reader { tokens, at: value };
                    let mut read = reader.value(0)?;
                    if let (Js::Unknown, Some(name)) = (&read, name_at(tokens, value)) {
                        read = bound(tokens, name, value)?;
                    }
                    if path.is_empty() {
                        export = Some(read);
                    } else if let Some(export) = &mut export {
                        set(export, &path, tokens[index].at, read);
                    }
                    index = reader.at.max(index + 1);
                    continue;
                }
                // Anything else that is done to the export may change any of it.
                if let Some(Js::Object(members)) = &mut export {
                    members.push(Member { key: None, at: tokens[index].at, value: Js::Unknown });
                }
            }
            _ => {}
        }
        index += 1;
    }
    Ok(export.filter(|export| matches!(export, Js::Object(_))))
}

/// The path below `module.exports` that is assigned at a token, and where the value begins.
fn assignment(tokens: &[Token], at: usize) -> Option<(Vec<String>, usize)> {
    let sign = |at: usize, sign: &str| {
        matches!(&tokens.get(at)?.kind, Kind::Sign(s) if *s == sign).then_some(())
    };
    sign(at + 1, ".")?;
    (name_at(tokens, at + 2)? == "exports").then_some(())?;
    let mut path = Vec::new();
    let mut at = at + 3;
    while sign(at, ".").is_some() {
        path.push(name_at(tokens, at + 1)?.to_owned());
        at += 2;
    }
    sign(at, "=")?;
    Some((path, at + 1))
}

fn name_at(tokens: &[Token], at: usize) -> Option<&str> {
    match &tokens.get(at)?.kind {
        Kind::Name(name) => Some(name),
        _ => None,
    }
}

/// The object that a name is bound to, if the name stands there and where it is exported, and
/// nowhere else: whatever else is done with it may change it.
fn bound(tokens: &[Token], name: &str, export: usize) -> Result<Js, Broken> {
    let ends = match tokens.get(export + 1).map(|token| &token.kind) {
        None | Some(Kind::Sign(";") | Kind::Name(_)) => true,
        Some(_) => false,
    };
    let others: Vec<usize> = (1..tokens.len())
        .filter(|at| *at != export && name_at(tokens, *at) == Some(name))
        .take(2)
        .collect();
    match others.as_slice() {
        [at] if ends
            && matches!(name_at(tokens, at - 1), Some("const" | "let" | "var"))
            && matches!(tokens.get(at + 1).map(|token| &token.kind), Some(Kind::Sign("="))) =>
        {
            Reader { tokens, at: at + 2 }.value(0)
        }
        _ => Ok(Js::Unknown),
    }
}

fn set(into: &mut Js, path: &[String], at: usize, value: Js) {
    let (Js::Object(members), Some((first, rest))) = (into, path.split_first()) else { return };
    if rest.is_empty() {
        return members.push(Member { key: Some(first.clone()), at, value });
    }
    match members.iter_mut().rev().find(|member| member.key.as_ref() == Some(first)) {
        Some(member) => set(&mut member.value, rest, at, value),
        None => members.push(Member { key: None, at, value: Js::Unknown }),
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn kind(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.kind(), Some(Kind::Sign(own)) if *own == sign)
    }

    fn here(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |token| token.at)
    }

    /// A value up to the comma or bracket behind it.
    fn value(&mut self, depth: usize) -> Result<Js, Broken> {
        if depth > MAX_DEPTH {
            return Err(Broken::Limit);
        }
        let value = self.simple(depth)?;
        // Outside brackets a statement may end without a semicolon: a name begins the next one.
        let next = depth == 0 && matches!(self.kind(), Some(Kind::Name(_)));
        if self.ends() || next {
            return Ok(value);
        }
        // `process.env.X || literal`: the literal is what holds where nobody sets it.
        if (self.is("||") || self.is("??")) && matches!(value, Js::Variable(_)) {
            self.at += 1;
            let fallback = self.simple(depth + 1)?;
            if self.ends() && matches!(fallback, Js::Text(_) | Js::Word(_)) {
                return Ok(Js::Variable(Some(Box::new(fallback))));
            }
            self.skip()?;
            return Ok(Js::Variable(None));
        }
        let function = self.is("=>");
        self.skip()?;
        Ok(if function { Js::Function } else { Js::Unknown })
    }

    fn ends(&self) -> bool {
        self.kind().is_none() || [",", "}", "]", ")", ";"].iter().any(|sign| self.is(sign))
    }

    fn simple(&mut self, depth: usize) -> Result<Js, Broken> {
        let Some(kind) = self.kind().cloned() else { return Ok(Js::Unknown) };
        let next = |reader: &mut Self, value| {
            reader.at += 1;
            Ok(value)
        };
        match kind {
            Kind::Text(text) => next(self, Js::Text(text)),
            Kind::Number(number) => next(self, Js::Word(number)),
            Kind::Sign("{") => self.object(depth),
            Kind::Sign("[") => self.list(depth),
            Kind::Name(name) => match name.as_str() {
                "true" | "false" | "null" | "undefined" => next(self, Js::Word(name)),
                "function" | "async" => {
                    self.skip()?;
                    Ok(Js::Function)
                }
                "process" => Ok(self.variable()),
                _ => {
                    self.at += 1;
                    Ok(Js::Unknown)
                }
            },
            _ => Ok(Js::Unknown),
        }
    }

    /// `process.env.NAME` or `process.env["NAME"]`.
    fn variable(&mut self) -> Js {
        let dot = |at: usize| matches!(self.tokens.get(at).map(|t| &t.kind), Some(Kind::Sign(".")));
        let at = self.at;
        if dot(at + 1) && name_at(self.tokens, at + 2) == Some("env") {
            if dot(at + 3) && name_at(self.tokens, at + 4).is_some() {
                self.at = at + 5;
                return Js::Variable(None);
            }
            let text = matches!(self.tokens.get(at + 4).map(|t| &t.kind), Some(Kind::Text(_)));
            let open = matches!(self.tokens.get(at + 3).map(|t| &t.kind), Some(Kind::Sign("[")));
            let close = matches!(self.tokens.get(at + 5).map(|t| &t.kind), Some(Kind::Sign("]")));
            if text && open && close {
                self.at = at + 6;
                return Js::Variable(None);
            }
        }
        self.at += 1;
        Js::Unknown
    }

    fn object(&mut self, depth: usize) -> Result<Js, Broken> {
        let start = self.here();
        self.at += 1;
        let mut members = Vec::new();
        loop {
            if self.is("}") {
                self.at += 1;
                return Ok(Js::Object(members));
            }
            let at = self.here();
            let key = match self.kind() {
                None => return Err(Broken::At(start)),
                Some(Kind::Name(name) | Kind::Text(name) | Kind::Number(name)) => {
                    Some(name.clone())
                }
                _ => None,
            };
            self.at += usize::from(key.is_some());
            let value = if key.is_some() && self.is(":") {
                self.at += 1;
                self.value(depth + 1)?
            } else if key.is_some() && self.is("(") {
                self.skip()?;
                Js::Function
            } else {
                // A spread, a computed name, a short form: it may set anything.
                self.skip()?;
                members.push(Member { key: None, at, value: Js::Unknown });
                self.comma("}", start)?;
                continue;
            };
            members.push(Member { key, at, value });
            self.comma("}", start)?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Js, Broken> {
        let start = self.here();
        self.at += 1;
        let mut items = Vec::new();
        loop {
            if self.is("]") {
                self.at += 1;
                return Ok(Js::List(items));
            }
            if self.kind().is_none() {
                return Err(Broken::At(start));
            }
            let at = self.here();
            items.push((self.value(depth + 1)?, at));
            self.comma("]", start)?;
        }
    }

    fn comma(&mut self, close: &str, start: usize) -> Result<(), Broken> {
        if self.is(",") {
            self.at += 1;
            return Ok(());
        }
        if self.is(close) { Ok(()) } else { Err(Broken::At(start)) }
    }

    /// Skips to what ends the expression, brackets inside it counted.
    fn skip(&mut self) -> Result<(), Broken> {
        let start = self.here();
        let mut open = 0_usize;
        while let Some(kind) = self.kind() {
            match kind {
                Kind::Sign("{" | "[" | "(") => open += 1,
                Kind::Sign("}" | "]" | ")") if open == 0 => return Ok(()),
                Kind::Sign("}" | "]" | ")") => open -= 1,
                Kind::Sign("," | ";") if open == 0 => return Ok(()),
                _ => {}
            }
            self.at += 1;
        }
        if open == 0 { Ok(()) } else { Err(Broken::At(start)) }
    }
}
