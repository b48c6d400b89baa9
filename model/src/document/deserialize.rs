//! From a located tree to a typed document, with every mistake reported at its place.
//!
//! serde stops at the first mistake. Here the mistaken node is then marked as broken and reading
//! starts again without it, until nothing new is found: one pass over the file reports them all.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Visitor};

use super::location::{Field, Position};
use super::mistake::{Kind, Mistake};
use super::problem::{Problem, quote};
use super::scalar::{self, Plain};
use super::suggest;
use super::tree::{Content, Entry, MAX_PROBLEMS, Node};

/// Reads a document from its tree. None if anything is wrong; `problems` then says what.
///
/// Mistaken nodes of the tree are left broken.
pub(super) fn typed<T: de::DeserializeOwned>(
    file: &str,
    root: &mut Node,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let mut intact = true;
    loop {
        let mistake = match T::deserialize(Reader(root)) {
            Ok(value) => return intact.then_some(value),
            Err(mistake) => mistake,
        };
        intact = false;
        let place = Place::of(&mistake, root);
        if let Some(problem) = place.problem(file, &mistake) {
            problems.push(problem);
        }
        if mistake.trail.is_empty() || problems.len() >= MAX_PROBLEMS {
            return None;
        }
        let broken = mistake.trail.iter().rev().try_fold(&mut *root, |n, i| n.child_mut(*i));
        broken?.content = Content::Broken;
    }
}

/// Where a mistake was made.
struct Place<'t> {
    field: Field,
    at: Position,
    node: &'t Node,
}

impl<'t> Place<'t> {
    fn of(mistake: &Mistake, root: &'t Node) -> Self {
        let mut place = Self { field: Field::default(), at: root.at, node: root };
        for index in mistake.trail.iter().rev() {
            match &place.node.content {
                Content::List(items) => {
                    let node = &items[*index];
                    place = Self { field: place.field.index(*index), at: node.at, node };
                }
                Content::Map(entries) => {
                    let Entry { at, key, value } = &entries[*index];
                    let at = if mistake.in_key { *at } else { value.at };
                    place = Self { field: place.field.key(key), at, node: value };
                }
                _ => break,
            }
        }
        place
    }

    /// None where the mistake follows from one that has been reported.
    fn problem(self, file: &str, mistake: &Mistake) -> Option<Problem> {
        match &mistake.kind {
            Kind::Said(message) => Some(Problem::new(file, self.at, &self.field, message)),
            Kind::Missing(name) if self.node.entry(name).is_some() => None,
            Kind::Missing(name) => {
                let message = "this field is required and missing; add it";
                Some(Problem::new(file, self.at, &self.field.key(name), message))
            }
        }
    }
}

/// Reads one node.
#[derive(Clone, Copy)]
struct Reader<'t>(&'t Node);

impl<'t> Reader<'t> {
    /// "expected X, found Y", and how to write it if the author's intent can be told.
    fn expected(self, what: &str) -> Mistake {
        let found = match &self.0.content {
            Content::Quoted(text) => format!("the text {}", quote(text)),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a mapping".to_owned(),
            Content::Broken => "nothing readable".to_owned(),
            Content::Plain(text) => match scalar::read(text) {
                Plain::Null => "nothing".to_owned(),
                Plain::Bool(value) => format!("the boolean `{value}`"),
                Plain::Int(_) | Plain::Float(_) => format!("the number {}", quote(text)),
                Plain::Text => quote(text),
                Plain::Trap(why) => format!("{}, which {why}", quote(text)),
            },
        };
        Mistake::said(format!("expected {what}, found {found}"))
    }

    fn text(self, what: &str) -> Result<&'t str, Mistake> {
        match &self.0.content {
            Content::Quoted(text) => Ok(text),
            Content::Plain(text) => match scalar::read(text) {
                Plain::Text => Ok(text),
                _ => Err(self.expected(what)),
            },
            _ => Err(self.expected(what)),
        }
    }

    /// A whole number that the type holds. A visitor of ours says what range it takes; those of
    /// serde say the name of the type, which is no word for an author.
    fn whole(self, min: i128, max: i128, visitor: &dyn Expected) -> Result<i128, Mistake> {
        let said = visitor.to_string();
        let range =
            if said.contains(' ') { said } else { format!("a whole number from {min} to {max}") };
        let expected = || self.expected(&range);
        match &self.0.content {
            Content::Plain(text) => match scalar::read(text) {
                Plain::Int(value) if (min..=max).contains(&value) => Ok(value),
                Plain::Trap(_) => Err(expected().advise("write it in plain decimal digits")),
                _ => Err(expected()),
            },
            Content::Quoted(text) if matches!(scalar::read(text), Plain::Int(_)) => {
                Err(expected().advise("remove the quotes"))
            }
            _ => Err(expected()),
        }
    }

    fn items(self) -> Result<&'t [Node], Mistake> {
        match &self.0.content {
            Content::List(items) => Ok(items),
            _ => Err(self.expected("a list")),
        }
    }

    fn entries(self) -> Result<&'t [Entry], Mistake> {
        match &self.0.content {
            Content::Map(entries) => Ok(entries),
            _ => Err(self.expected("a mapping")),
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty)*) => {$(
        fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
            let value = self.whole(<$number>::MIN.into(), <$number>::MAX.into(), &visitor)?;
            visitor.$visit(<$number>::try_from(value).expect("whole() keeps to the range"))
        }
    )*};
}

impl<'t> Deserializer<'t> for Reader<'t> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.0.content {
            Content::Quoted(text) => visitor.visit_str(text),
            Content::List(_) => self.deserialize_seq(visitor),
            Content::Map(_) => self.deserialize_map(visitor),
            Content::Broken => visitor.visit_unit(),
            Content::Plain(text) => match scalar::read(text) {
                Plain::Null => visitor.visit_unit(),
                Plain::Bool(value) => visitor.visit_bool(value),
                Plain::Float(value) => visitor.visit_f64(value),
                Plain::Text => visitor.visit_str(text),
                Plain::Int(value) => match (u64::try_from(value), i64::try_from(value)) {
                    (Ok(value), _) => visitor.visit_u64(value),
                    (_, Ok(value)) => visitor.visit_i64(value),
                    _ => Err(self.expected("a number of 64 bits")),
                },
                Plain::Trap(_) => Err(self
                    .expected("a value that every YAML reader reads alike")
                    .advise("write true, false or decimal digits, or put it in quotes")),
            },
        }
    }

    whole_numbers! {
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
    }

    fn deserialize_f64<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.0.content {
            Content::Plain(text)
                if matches!(scalar::read(text), Plain::Int(_) | Plain::Float(_)) =>
            {
                visitor.visit_f64(text.parse().map_err(|_| self.expected("a number"))?)
            }
            _ => Err(self.expected("a number")),
        }
    }

    fn deserialize_f32<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_bool<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.0.content {
            Content::Plain(text) => match scalar::read(text) {
                Plain::Bool(value) => visitor.visit_bool(value),
                Plain::Trap(_) => {
                    Err(self.expected("true or false").advise("write one of these words"))
                }
                _ => Err(self.expected("true or false")),
            },
            Content::Quoted(text) if matches!(scalar::read(text), Plain::Bool(_)) => {
                Err(self.expected("true or false").advise("remove the quotes"))
            }
            _ => Err(self.expected("true or false")),
        }
    }

    fn deserialize_str<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let text = self.text("text").map_err(|mistake| match &self.0.content {
            Content::Plain(text) if scalar::read(text) != Plain::Null => {
                mistake.advise("put it in quotes")
            }
            _ => mistake,
        })?;
        visitor.visit_str(text)
    }

    fn deserialize_string<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.0.content {
            Content::Plain(text) if scalar::read(text) == Plain::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_seq(Items { items: self.items()?, next: 0 })
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_map(Entries { entries: self.entries()?, next: 0 })
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let word = self.text(&suggest::list(words, "or"))?;
        let word: StrDeserializer<'_, Mistake> = word.into_deserializer();
        visitor.visit_enum(word)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'t>>
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any i128 u128
    }
}

struct Items<'t> {
    items: &'t [Node],
    next: usize,
}

impl<'t> de::SeqAccess<'t> for Items<'t> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'t>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mistake> {
        while let Some(item) = self.items.get(self.next) {
            let index = self.next;
            self.next += 1;
            if item.content != Content::Broken {
                return seed.deserialize(Reader(item)).map(Some).map_err(|m| m.inside(index));
            }
        }
        Ok(None)
    }
}

struct Entries<'t> {
    entries: &'t [Entry],
    next: usize,
}

impl<'t> de::MapAccess<'t> for Entries<'t> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'t>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mistake> {
        while let Some(entry) = self.entries.get(self.next) {
            if entry.value.content != Content::Broken {
                let key: StrDeserializer<'_, Mistake> = entry.key.as_str().into_deserializer();
                return seed.deserialize(key).map(Some).map_err(|mut mistake| {
                    mistake.in_key = true;
                    mistake.inside(self.next)
                });
            }
            self.next += 1;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let index = self.next;
        self.next += 1;
        match self.entries.get(index) {
            Some(entry) => seed.deserialize(Reader(&entry.value)).map_err(|m| m.inside(index)),
            None => Err(Mistake::said("a value was asked for before its key")),
        }
    }
}
