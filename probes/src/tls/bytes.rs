//! Reading and writing of length-prefixed bytes, the one notation of every TLS message
//! (RFC 8446 section 3).

/// Reads forward over a message; `None` where it is shorter than it claims.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A vector with a one-byte length.
    pub(super) fn vec8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// A vector with a three-byte length.
    pub(super) fn vec24(&mut self) -> Option<&'a [u8]> {
        let length = self.take(3)?;
        self.take(
            usize::from(length[0]) << 16 | usize::from(length[1]) << 8 | usize::from(length[2]),
        )
    }

    /// A vector with a two-byte length.
    pub(super) fn vec16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }
}

/// Writes what `body` writes, with its length in front in `width` bytes.
pub(super) fn prefixed(out: &mut Vec<u8>, width: usize, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.resize(start + width, 0);
    body(out);
    let length = out.len() - start - width;
    let bytes = length.to_be_bytes();
    out[start..start + width].copy_from_slice(&bytes[bytes.len() - width..]);
}

/// Writes 16-bit values.
pub(super) fn u16s(out: &mut Vec<u8>, values: &[u16]) {
    out.extend(values.iter().flat_map(|value| value.to_be_bytes()));
}
