//! CEL behind a fence: bounded source, bounded nesting, bounded work, and no way to reach anything
//! but the evidence, the parameters, the profile that the evidence names, and the time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString,
};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, Program, Value};
use jiff::Timestamp;
use model::evidence::Items;

use crate::profile::{Named, Part, Profiles};

/// Longest source of one expression, in bytes.
pub const MAX_SOURCE: usize = 1_000;
/// Deepest nesting of brackets in one expression. Well below where the parser itself gives up.
pub const MAX_NESTING: usize = 12;
/// Deepest nesting of `exists`, `all`, `map` and `filter`.
pub const MAX_LOOPS: usize = 2;
/// Most steps that nested loops may take over one evidence document.
pub const MAX_STEPS: u64 = 1_000_000;

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Why an expression is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Longer than [`MAX_SOURCE`].
    #[error("the expression has {0} bytes; at most {MAX_SOURCE} are allowed")]
    TooLong(usize),
    /// Nested deeper than [`MAX_NESTING`].
    #[error("the expression nests {0} brackets deep; at most {MAX_NESTING} are allowed")]
    TooDeep(usize),
    /// More loops in one another than [`MAX_LOOPS`].
    #[error("{0} loops stand in one another; at most {MAX_LOOPS} are allowed")]
    TooManyLoops(usize),
    /// Not CEL.
    #[error("not a CEL expression: {0}")]
    Syntax(String),
    /// A name that is none of `evidence`, `params`, `profile` and `now`.
    #[error(
        "`{0}` is not known here; an expression sees `evidence`, `params`, `profile` and `now`"
    )]
    UnknownName(String),
    /// `standing` without the part of a profile as its first word.
    #[error("`standing` asks for a part: \"suites\", \"groups\" or \"signatures\", as a literal")]
    UnknownPart,
}

/// An answer as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A text, a number or a truth value.
    One(String),
    /// The elements of a list.
    List(Vec<String>),
}

/// Why an accepted expression gave no answer on a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The expression engine gave up.
    #[error("{0}")]
    Failed(String),
    /// The answer has another type than the place asks for.
    #[error("expected {expected}, the expression gives {found}")]
    Type {
        /// What the place asks for.
        expected: &'static str,
        /// What came out.
        found: String,
    },
    /// Nested loops over long lists.
    #[error("loops over lists of {longest} elements would take more than {MAX_STEPS} steps")]
    TooCostly {
        /// Length of the longest list in the evidence.
        longest: u64,
    },
}

/// A compiled expression with what is known of it beforehand.
#[derive(Debug)]
pub struct Expression {
    source: String,
    program: Program,
    loops: u32,
    pointers: BTreeSet<String>,
    params: BTreeSet<String>,
    profile: BTreeSet<String>,
}

impl Expression {
    /// Compiles a source text within the limits of this module.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        if source.len() > MAX_SOURCE {
            return Err(ExpressionError::TooLong(source.len()));
        }
        let depth = nesting(source);
        if depth > MAX_NESTING {
            return Err(ExpressionError::TooDeep(depth));
        }
        let program = ENVIRONMENT
            .compile(source)
            .map_err(|errors| ExpressionError::Syntax(one_line(&errors.to_string())))?;
        let mut survey = Survey::default();
        survey.visit(program.expression(), 0);
        if survey.loops > MAX_LOOPS {
            return Err(ExpressionError::TooManyLoops(survey.loops));
        }
        if let Some(name) = survey.unknown.into_iter().next() {
            return Err(ExpressionError::UnknownName(name));
        }
        if survey.unknown_part {
            return Err(ExpressionError::UnknownPart);
        }
        Ok(Self {
            source: source.to_owned(),
            program,
            loops: u32::try_from(survey.loops).unwrap_or(u32::MAX),
            pointers: survey.pointers,
            params: survey.params,
            profile: survey.profile,
        })
    }

    /// The source text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The longest evidence paths that the expression selects, as pointers. A path may reach into
    /// the value behind a pointer.
    pub const fn pointers(&self) -> &BTreeSet<String> {
        &self.pointers
    }

    /// The parameters that the expression reads.
    pub const fn params(&self) -> &BTreeSet<String> {
        &self.params
    }

    /// The fields and parts of the named profile that the expression reads.
    pub const fn profile(&self) -> &BTreeSet<String> {
        &self.profile
    }

    /// Evaluates to a truth value.
    pub fn is_true(&self, scope: &Scope<'_>, params: &Params) -> Result<bool, EvaluationError> {
        match self.evaluate(scope, params)? {
            Value::Bool(answer) => Ok(answer),
            other => Err(EvaluationError::Type {
                expected: "true or false",
                found: other.type_of().to_string(),
            }),
        }
    }

    /// Evaluates to what a sentence can show.
    pub fn answer(&self, scope: &Scope<'_>, params: &Params) -> Result<Answer, EvaluationError> {
        match self.evaluate(scope, params)? {
            Value::List(list) => Ok(Answer::List(list.iter().map(plain).collect())),
            one @ (Value::String(_) | Value::Int(_) | Value::UInt(_) | Value::Bool(_)) => {
                Ok(Answer::One(plain(&one)))
            }
            other => Err(EvaluationError::Type {
                expected: "a text, a number or a list",
                found: other.type_of().to_string(),
            }),
        }
    }

    fn evaluate(&self, scope: &Scope<'_>, params: &Params) -> Result<Value, EvaluationError> {
        if self.loops > 1 && scope.longest.saturating_pow(self.loops) > MAX_STEPS {
            return Err(EvaluationError::TooCostly { longest: scope.longest });
        }
        let outcome = if self.params.is_empty() {
            self.program.execute(&scope.context)
        } else {
            let mut inner = scope.context.new_inner_scope();
            inner.set_variable_resolver(params);
            self.program.execute(&inner)
        };
        outcome.map_err(|error| EvaluationError::Failed(one_line(&error.to_string())))
    }
}

/// Parameters of one rule on one target, ready for expressions.
#[derive(Debug, Clone)]
pub struct Params(CelMap<'static>);

impl Params {
    /// The parameters as CEL sees them.
    pub fn new(params: &BTreeMap<String, serde_json::Value>) -> Self {
        Self(map(params, |text| CelString::from(text.to_owned())))
    }
}

impl VariableResolver for Params {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        (variable == "params").then_some(CowVal::Borrowed(&self.0))
    }
}

/// One evidence document as expressions see it: the observed values of its stable half, nested by
/// pointer, the profile that it names, and the time. Built once per document, used by every rule;
/// its texts stay where they are.
pub struct Scope<'a> {
    context: Context<'a, 'a>,
    longest: u64,
    named: Named<'a>,
}

impl<'a> Scope<'a> {
    /// The scope of one document at one time, where no profile is at hand.
    pub fn new(items: &'a Items, now: Timestamp) -> Self {
        Self::under(items, Profiles::none(), now)
    }

    /// The scope of one document at one time, with the profiles that it may name.
    pub fn under(items: &'a Items, profiles: &'a Profiles, now: Timestamp) -> Self {
        let mut root = Node::default();
        let mut longest = 0;
        for (pointer, item) in items {
            if let Some(json) = item.value() {
                longest = longest.max(longest_list(json));
                root.place(pointer.split('/').skip(1), json);
            }
        }
        let mut context = Context::with_env(ENVIRONMENT.clone());
        context.add_variable_as_val("evidence", root.into_value());
        context.add_variable_as_val("now", Box::new(CelInt::from(now.as_second())));
        context
            .add_function("unix", |text: Arc<String>| seconds(&text))
            .expect("the standard library has no `unix`");
        let named = profiles.named_by(items);
        if let Named::Held(profile) = named {
            context.add_variable_as_val("profile", value(profile.view(), CelString::from));
            let held = Arc::clone(profile);
            context
                .add_function(
                    "standing",
                    move |part: Arc<String>, version: Arc<String>, name: Arc<String>| {
                        let part = Part::of(&part).filter(|part| part.is_list());
                        part.and_then(|part| held.standing(part, &version, &name))
                            .map(|standing| Arc::new(standing.as_str().to_owned()))
                            .ok_or_else(|| {
                                let unsaid = "the profile says nothing about this part";
                                cel::ExecutionError::function_error("standing", unsaid)
                            })
                    },
                )
                .expect("the standard library has no `standing`");
        }
        Self { context, longest, named }
    }

    /// The profile that the evidence names.
    pub const fn named(&self) -> Named<'a> {
        self.named
    }
}

/// Unix seconds of an RFC 3339 timestamp.
fn seconds(text: &str) -> Result<i64, cel::ExecutionError> {
    text.parse::<Timestamp>()
        .map(Timestamp::as_second)
        .map_err(|_| cel::ExecutionError::function_error("unix", "expected an RFC 3339 timestamp"))
}

/// A branch of the nested evidence, or a value at its end.
#[derive(Default)]
struct Node<'a> {
    value: Option<&'a serde_json::Value>,
    children: BTreeMap<&'a str, Node<'a>>,
}

impl<'a> Node<'a> {
    fn place(&mut self, mut segments: impl Iterator<Item = &'a str>, value: &'a serde_json::Value) {
        match segments.next() {
            Some(segment) => self.children.entry(segment).or_default().place(segments, value),
            None => self.value = Some(value),
        }
    }

    fn into_value(self) -> Box<dyn Val + 'a> {
        match self.value {
            Some(json) => value(json, CelString::from),
            None => {
                let children = self.children.into_iter();
                let fields = children.map(|(name, node)| (name.into(), node.into_value()));
                Box::new(CelMap::from(fields.collect::<HashMap<_, _>>()))
            }
        }
    }
}

/// How a text becomes a text of CEL: borrowed or owned.
type Text<'j, 'v> = fn(&'j str) -> CelString<'v>;

fn map<'j, 'v>(
    fields: impl IntoIterator<Item = (&'j String, &'j serde_json::Value)>,
    text: Text<'j, 'v>,
) -> CelMap<'v> {
    let fields = fields.into_iter();
    let fields = fields.map(|(name, json)| (CelMapKey::String(text(name)), value(json, text)));
    CelMap::from(fields.collect::<HashMap<_, _>>())
}

/// JSON as a CEL value. Whole numbers become `int`, because the crate's own conversion makes them
/// `uint`, which then does not mix with literals.
fn value<'j, 'v>(json: &'j serde_json::Value, text: Text<'j, 'v>) -> Box<dyn Val + 'v> {
    match json {
        serde_json::Value::Null => Box::new(CelNull),
        serde_json::Value::Bool(flag) => Box::new(CelBool::from(*flag)),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Box::new(CelInt::from(whole)),
            (None, Some(number)) => Box::new(CelDouble::from(number)),
            (None, None) => Box::new(CelNull),
        },
        serde_json::Value::String(inner) => Box::new(text(inner)),
        serde_json::Value::Array(list) => {
            let list = list.iter().map(|json| value(json, text));
            Box::new(CelList::from(list.collect::<Vec<_>>()))
        }
        serde_json::Value::Object(object) => Box::new(map(object, text)),
    }
}

fn longest_list(json: &serde_json::Value) -> u64 {
    match json {
        serde_json::Value::Array(list) => {
            let own = u64::try_from(list.len()).unwrap_or(u64::MAX);
            list.iter().map(longest_list).max().unwrap_or(0).max(own)
        }
        serde_json::Value::Object(object) => object.values().map(longest_list).max().unwrap_or(0),
        _ => 0,
    }
}

/// A list element as plain text, for messages.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        other => format!("{other:?}"),
    }
}

/// How deep brackets stand in one another, strings left out.
fn nesting(source: &str) -> usize {
    let (mut depth, mut deepest, mut quote, mut escaped) = (0_usize, 0, None, false);
    for character in source.chars() {
        match quote {
            Some(open) => {
                if escaped {
                    escaped = false;
                } else if character == '\\' {
                    escaped = true;
                } else if character == open {
                    quote = None;
                }
            }
            None => match character {
                '"' | '\'' => quote = Some(character),
                '(' | '[' | '{' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                // A chain of these nests in the syntax tree as brackets do.
                '!' | '?' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                    depth -= 1;
                }
                _ => {}
            },
        }
    }
    deepest
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(300).collect()
}

/// What an expression reads, found by walking its syntax tree.
#[derive(Default)]
struct Survey {
    pointers: BTreeSet<String>,
    params: BTreeSet<String>,
    profile: BTreeSet<String>,
    unknown: BTreeSet<String>,
    unknown_part: bool,
    bound: Vec<String>,
    loops: usize,
}

impl Survey {
    fn visit(&mut self, node: &IdedExpr, loops: usize) {
        self.loops = self.loops.max(loops);
        match &node.expr {
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => match path(node) {
                Some(("evidence", segments)) => {
                    self.pointers.insert(segments.iter().map(|s| format!("/{s}")).collect());
                }
                Some(("params", segments)) => {
                    self.params.extend(segments.first().map(|name| (*name).to_owned()));
                }
                Some(("profile", segments)) => {
                    self.profile.extend(segments.first().map(|name| (*name).to_owned()));
                }
                _ => self.visit(&select.operand, loops),
            },
            Expr::Call(call) => {
                if call.func_name == "standing" {
                    self.standing(call.args.first());
                }
                for argument in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                    self.visit(argument, loops);
                }
            }
            Expr::List(list) => list.elements.iter().for_each(|e| self.visit(e, loops)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.visit(&entry.key, loops);
                        self.visit(&entry.value, loops);
                    }
                }
            }
            Expr::Comprehension(inner) => {
                self.visit(&inner.iter_range, loops);
                let before = self.bound.len();
                self.bound.push(inner.iter_var.clone());
                self.bound.extend(inner.iter_var2.clone());
                self.bound.push(inner.accu_var.clone());
                for part in [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result] {
                    self.visit(part, loops + 1);
                }
                self.bound.truncate(before);
            }
            Expr::Struct(message) => {
                self.unknown.insert(message.type_name.clone());
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    /// The part that a call of `standing` asks about, which must be known beforehand.
    fn standing(&mut self, part: Option<&IdedExpr>) {
        match part.map(|part| &part.expr) {
            Some(Expr::Literal(LiteralValue::String(word)))
                if Part::of(word.inner()).is_some_and(Part::is_list) =>
            {
                self.profile.insert(word.inner().to_owned());
            }
            _ => self.unknown_part = true,
        }
    }

    fn name(&mut self, name: &str) {
        match name {
            "now" => {}
            // The whole map: no rule needs it, and nothing could be said of what it reads.
            "evidence" | "params" | "profile" => {
                self.unknown.insert(format!("{name} as a whole"));
            }
            _ if self.bound.iter().any(|bound| bound == name) => {}
            _ => {
                self.unknown.insert(name.to_owned());
            }
        }
    }
}

/// The root name and the fields of a chain of selections, `a.b.c`.
fn path(node: &IdedExpr) -> Option<(&str, Vec<&str>)> {
    match &node.expr {
        Expr::Ident(name) => Some((name, Vec::new())),
        Expr::Select(select) => {
            let (root, mut segments) = path(&select.operand)?;
            segments.push(&select.field);
            Some((root, segments))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
