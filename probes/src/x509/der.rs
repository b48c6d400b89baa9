//! One element of DER after the other (X.690), for what no library here reads.
//!
//! Lengths are definite, tags are one octet, and nothing recurses: how deep somebody nests is theirs.

/// An element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The tag with its class and form.
    pub tag: u8,
    /// What is inside.
    pub content: &'a [u8],
    /// The element as it stands.
    pub whole: &'a [u8],
}

/// What is left of a sequence of elements.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads elements out of these octets.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    /// The next element; none at the end and where no element can be read.
    pub fn element(&mut self) -> Option<Element<'a>> {
        let [tag, first, after @ ..] = self.rest else { return None };
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, after) = match first {
            0..=0x7f => (usize::from(*first), after),
            0x81..=0x84 => {
                let (octets, after) = after.split_at_checked(usize::from(first & 0x0f))?;
                let length =
                    octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
                (length, after)
            }
            _ => return None,
        };
        let (content, rest) = after.split_at_checked(length)?;
        let whole = &self.rest[..self.rest.len() - rest.len()];
        self.rest = rest;
        Some(Element { tag: *tag, content, whole })
    }

    /// The next element if it has that tag.
    pub fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.element().filter(|element| element.tag == tag)
    }

    /// The next element if it has that tag; without one, nothing is taken.
    pub fn optional(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.rest.first() == Some(&tag) { self.element() } else { None }
    }

    /// True if nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Element<'a> {
    /// The elements inside.
    pub const fn inside(&self) -> Reader<'a> {
        Reader::new(self.content)
    }
}
