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

/// An element of that tag, made of these parts (X.690 sections 8.1.3 and 10.1).
pub fn written(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let octets = content.len().to_be_bytes();
    let significant = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len());
    let length = match (content.len(), &octets[significant..]) {
        (0, _) => vec![0],
        (1..=0x7f, short) => short.to_vec(),
        (_, long) => {
            let count = u8::try_from(long.len()).unwrap_or(u8::MAX);
            [&[0x80 | count], long].concat()
        }
    };
    [&[tag], length.as_slice(), &content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for size in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; size];
            let octets = written(0x04, &[&content[..size / 2], &content[size / 2..]]);
            let mut reader = Reader::new(&octets);
            assert_eq!(reader.expect(0x04).map(|e| e.content.to_vec()), Some(content));
            assert!(reader.is_empty(), "{size}");
        }
        assert_eq!(written(0x04, &[&[7; 128]])[..3], [0x04, 0x81, 0x80]);
    }
}
