//! Inputs out of seeds, by a generator that gives the same ones on every machine.

/// Words that mean something to some parser.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x30\x80",
    b"\x16\x03\x03\xff\xff",
    b"\x15\x03\x03\0\x02\x02\x28",
    b"\r\n\r\n",
    b"\n",
    b"\"",
    b"'",
    b"${",
    b"}",
    b"[",
    b"{",
    b"<<: *a",
    b"&a ",
    b"---\n",
    b"\xef\xbb\xbf",
    b"\xc3\x28",
    "\u{202e}".as_bytes(),
    b"-----BEGIN CERTIFICATE-----\n",
    b"-----END CERTIFICATE-----\n",
    b"99999999999999999999",
    b"-1",
    b"1e999",
    b"9999-12-31T23:59:59Z",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 18446744073709551615\r\n",
    b"\xffNEXT\xff",
];

/// Most bytes of an input.
const MOST: usize = 64 * 1024;

/// Makes inputs.
pub struct Mutator<'a> {
    state: u64,
    seeds: &'a [Vec<u8>],
}

impl<'a> Mutator<'a> {
    /// A mutator whose inputs depend on nothing but these.
    pub fn new(start: u64, seeds: &'a [Vec<u8>]) -> Self {
        Self { state: start, seeds }
    }

    /// The next input.
    pub fn next(&mut self) -> Vec<u8> {
        let mut input = self.seed().to_vec();
        for _ in 0..=self.below(6) {
            self.mutate(&mut input);
        }
        input.truncate(MOST);
        input
    }

    fn seed(&mut self) -> &'a [u8] {
        let at = self.below(self.seeds.len());
        &self.seeds[at]
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(9) {
            0 => change(input, at, |byte| *byte ^= 1 << (at % 8)),
            1 => {
                let new = u8::try_from(self.below(256)).unwrap_or_default();
                change(input, at, |byte| *byte = new);
            }
            2 => change(input, at, |byte| *byte = byte.wrapping_add(1)),
            3 => change(input, at, |byte| *byte = byte.wrapping_sub(1)),
            4 => input.truncate(at),
            5 => {
                let end = self.end(at, input.len());
                input.drain(at..end);
            }
            6 => {
                let end = self.end(at, input.len());
                let copy = input[at..end].to_vec();
                // Now and then much more of the same: depth and length are limits too.
                let times = if self.below(16) == 0 { 256 } else { 1 };
                let to = self.below(input.len() + 1);
                let room = MOST.saturating_sub(input.len()) / copy.len().max(1);
                input.splice(to..to, copy.repeat(times.min(room)));
            }
            7 => {
                let word = WORDS[self.below(WORDS.len())];
                let end = if self.below(2) == 0 { at } else { (at + word.len()).min(input.len()) };
                input.splice(at..end, word.iter().copied());
            }
            _ => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                let to = self.end(from, other.len());
                let end = if self.below(2) == 0 { at } else { self.end(at, input.len()) };
                input.splice(at..end, other[from..to].iter().copied());
            }
        }
    }

    /// A place behind `at`, most often a near one.
    fn end(&mut self, at: usize, length: usize) -> usize {
        let most = if self.below(4) == 0 { length } else { 16 };
        (at + self.below(most.max(1) + 1)).min(length)
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        usize::try_from(bits % limit).unwrap_or_default()
    }
}

fn change(input: &mut [u8], at: usize, change: impl FnOnce(&mut u8)) {
    if let Some(byte) = input.get_mut(at) {
        change(byte);
    }
}
