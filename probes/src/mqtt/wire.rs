//! The primitive types of MQTT: integers, strings and lengths (MQTT 5 section 1.5).

/// Largest value of a Variable Byte Integer (MQTT 5 section 1.5.5).
pub const MAX_VARIABLE: usize = 268_435_455;

/// What came breaks the protocol; says how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the packet is malformed: {0}")]
pub struct Malformed(pub &'static str);

/// Reads primitive types off the front of a packet; never past its end.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    /// A reader over a whole packet, without its fixed header.
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes that are left.
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'b [u8], Malformed> {
        if count > self.rest.len() {
            return Err(Malformed("it ends inside a field"));
        }
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        Ok(taken)
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.bytes(1)?[0])
    }

    /// A Two Byte Integer.
    pub fn two(&mut self) -> Result<u16, Malformed> {
        let bytes = self.bytes(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A Four Byte Integer.
    pub fn four(&mut self) -> Result<u32, Malformed> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Binary data, or the bytes of a string, behind their length.
    pub fn data(&mut self) -> Result<&'b [u8], Malformed> {
        let length = self.two()?;
        self.bytes(length.into())
    }

    /// A Variable Byte Integer.
    pub fn variable(&mut self) -> Result<usize, Malformed> {
        match variable(self.rest)? {
            Some((value, used)) => {
                self.bytes(used)?;
                Ok(value)
            }
            None => Err(Malformed("it ends inside a length")),
        }
    }
}

/// A Variable Byte Integer at the front and the bytes that it takes; none while its end is still to
/// come.
pub fn variable(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() >= 4 {
        return Err(Malformed("a length takes more than four bytes"));
    }
    Ok(None)
}

/// Writes a Variable Byte Integer.
pub fn put_variable(into: &mut Vec<u8>, mut value: usize) {
    debug_assert!(value <= MAX_VARIABLE);
    loop {
        let byte = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        if value == 0 {
            into.push(byte);
            return;
        }
        into.push(byte | 0x80);
    }
}

/// Writes bytes behind their length. What is longer than the length can say is cut; nothing of
/// ours is.
pub fn put_data(into: &mut Vec<u8>, data: &[u8]) {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    into.extend(length.to_be_bytes());
    into.extend(&data[..length.into()]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_variable_integer_reads_back_as_it_was_written(value in 0..=MAX_VARIABLE) {
            let mut bytes = Vec::new();
            put_variable(&mut bytes, value);
            prop_assert_eq!(variable(&bytes), Ok(Some((value, bytes.len()))));
            prop_assert_eq!(variable(&bytes[..bytes.len() - 1]), Ok(None));
        }
    }

    #[test]
    fn a_length_of_five_bytes_is_malformed() {
        assert!(variable(&[0x80; 4]).is_err());
        assert_eq!(variable(&[0x80; 3]), Ok(None));
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        assert!(Reader::new(&[0]).two().is_err());
        assert!(Reader::new(&[0, 3, b'a', b'b']).data().is_err());
        assert!(Reader::new(&[]).byte().is_err());
        assert!(Reader::new(&[0x80]).variable().is_err());
    }
}
