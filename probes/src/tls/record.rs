//! Records into handshake messages and alerts: reassembled, and bounded.

use std::collections::VecDeque;

/// Longest record (RFC 5246 section 6.2.3: 2^14 bytes and 2048 more).
const MAX_RECORD: usize = (1 << 14) + 2048;

/// Longest handshake message that is read. Chains of certificates stay far below it.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// Something a server said before encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A handshake message.
    Message {
        /// Its type.
        kind: u8,
        /// Its body.
        body: Vec<u8>,
    },
    /// An alert.
    Alert {
        /// 1 is a warning, 2 is fatal.
        level: u8,
        /// Its number.
        description: u8,
    },
}

/// Why bytes cannot be read as TLS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The first bytes are no record of SSL 3.0 or TLS.
    #[error("the answer is not TLS")]
    NotTls,
    /// A later record has a type that is none.
    #[error("a record has the unknown type {0}")]
    RecordType(u8),
    /// A record is longer than allowed.
    #[error("a record claims {0} bytes, more than the protocol allows")]
    RecordLength(usize),
    /// A handshake message is longer than is read.
    #[error("a handshake message claims {0} bytes, more than the {MAX_MESSAGE} that are read")]
    MessageLength(usize),
    /// An alert is not two bytes long.
    #[error("an alert is malformed")]
    Alert,
    /// A message does not hold what its type demands.
    #[error("a message of type {0} is malformed")]
    Message(u8),
}

/// One record: its type, its content, and the bytes behind it.
pub type Record<'a> = (u8, &'a [u8], &'a [u8]);

/// The first record of `bytes`, encrypted or not; `None` where it is not there whole.
pub fn first(bytes: &[u8]) -> Result<Option<Record<'_>>, Malformed> {
    let [kind, major, _, high, low, ref rest @ ..] = *bytes else { return Ok(None) };
    if !(20..=23).contains(&kind) || major != 3 {
        return Err(Malformed::RecordType(kind));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_RECORD {
        return Err(Malformed::RecordLength(length));
    }
    Ok(rest.split_at_checked(length).map(|(body, rest)| (kind, body, rest)))
}

/// Turns bytes into events. Holds at most one record and one message.
#[derive(Debug, Default)]
pub struct Reassembler {
    bytes: Vec<u8>,
    handshake: Vec<u8>,
    events: VecDeque<Event>,
    records: u32,
    encrypted: bool,
}

impl Reassembler {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        if self.encrypted {
            return Ok(());
        }
        self.bytes.extend_from_slice(bytes);
        let mut read = 0;
        while !self.encrypted
            && let Some(length) = self.record_at(read)?
        {
            let body = read + 5;
            let Some(record) = self.bytes.get(body..body + length) else { break };
            let (kind, record) = (self.bytes[read], record.to_vec());
            self.record(kind, &record)?;
            self.records += 1;
            read = body + length;
        }
        self.bytes.drain(..read);
        Ok(())
    }

    /// The next event that is whole.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether what follows is encrypted.
    pub const fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Length of the record that starts at `at`, once its header is there.
    fn record_at(&self, at: usize) -> Result<Option<usize>, Malformed> {
        let header = &self.bytes[at..];
        let [kind, major, ..] = *header else { return Ok(None) };
        if !(20..=23).contains(&kind) || major != 3 {
            return Err(if self.records == 0 {
                Malformed::NotTls
            } else {
                Malformed::RecordType(kind)
            });
        }
        let [_, _, _, high, low, ..] = *header else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > MAX_RECORD {
            return Err(Malformed::RecordLength(length));
        }
        Ok(Some(length))
    }

    fn record(&mut self, kind: u8, body: &[u8]) -> Result<(), Malformed> {
        match kind {
            21 => {
                let [level, description] = *body else { return Err(Malformed::Alert) };
                self.events.push_back(Event::Alert { level, description });
            }
            22 => {
                self.handshake.extend_from_slice(body);
                self.messages()?;
            }
            // ChangeCipherSpec or application data: what follows is encrypted, not for us.
            _ => self.encrypted = true,
        }
        Ok(())
    }

    fn messages(&mut self) -> Result<(), Malformed> {
        while let [kind, a, b, c, ..] = *self.handshake {
            let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            if length > MAX_MESSAGE {
                return Err(Malformed::MessageLength(length));
            }
            let Some(body) = self.handshake.get(4..4 + length) else { break };
            self.events.push_back(Event::Message { kind, body: body.to_vec() });
            self.handshake.drain(..4 + length);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).expect("short").to_be_bytes();
        [&[kind, 3, 3, length[0], length[1]], body].concat()
    }

    fn events(chunks: &[&[u8]]) -> Result<Vec<Event>, Malformed> {
        let mut reassembler = Reassembler::default();
        for chunk in chunks {
            reassembler.push(chunk)?;
        }
        Ok(std::iter::from_fn(|| reassembler.next_event()).collect())
    }

    #[test]
    fn a_message_over_two_records_and_two_in_one_come_out_whole() {
        let first = record(22, &[2, 0, 0, 3, 1]);
        let second = record(22, &[2, 3, 14, 0, 0, 0]);
        let got = events(&[&first, &second]).expect("valid");
        assert_eq!(
            got,
            [
                Event::Message { kind: 2, body: vec![1, 2, 3] },
                Event::Message { kind: 14, body: vec![] },
            ]
        );
    }

    #[test]
    fn an_alert_has_its_level_and_number() {
        let got = events(&[&record(21, &[2, 40])]).expect("valid");
        assert_eq!(got, [Event::Alert { level: 2, description: 40 }]);
        assert_eq!(events(&[&record(21, &[2])]), Err(Malformed::Alert));
    }

    #[test]
    fn text_is_not_tls() {
        assert_eq!(events(&[b"HTTP/1.1 400 Bad Request"]), Err(Malformed::NotTls));
        assert_eq!(events(&[&[0x20, 2, 0, 5]]), Err(Malformed::NotTls));
    }

    #[test]
    fn records_and_messages_that_claim_too_much_are_turned_away_at_their_header() {
        assert_eq!(events(&[&[22, 3, 3, 0xff, 0xff]]), Err(Malformed::RecordLength(0xffff)));
        let giant = record(22, &[11, 0x01, 0, 1]);
        assert_eq!(events(&[&giant]), Err(Malformed::MessageLength(0x01_0001)));
    }

    #[test]
    fn the_first_record_comes_off_whole_and_leaves_the_rest() {
        let two = [record(23, &[1, 2, 3]), record(21, &[9])].concat();
        let (kind, body, rest) = first(&two).expect("records").expect("one");
        assert_eq!((kind, body, rest), (23, &[1, 2, 3][..], &record(21, &[9])[..]));
        assert_eq!(first(&two[..7]), Ok(None));
        assert_eq!(first(&[]), Ok(None));
        assert_eq!(first(b"HTTP/1.1 400"), Err(Malformed::RecordType(b'H')));
        assert_eq!(first(&[23, 3, 3, 0xff, 0xff]), Err(Malformed::RecordLength(0xffff)));
    }

    #[test]
    fn what_follows_a_change_of_cipher_is_left_alone() {
        let got = events(&[&record(20, &[1]), b"anything at all"]).expect("ignored");
        assert_eq!(got, []);
        let at_once = [&record(20, &[1])[..], b"anything at all"].concat();
        assert_eq!(events(&[&at_once]), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn the_same_bytes_in_any_pieces_give_the_same_events(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            cut in 1_usize..50,
        ) {
            let bytes: Vec<u8> = bodies
                .iter()
                .flat_map(|body| {
                    let length = u8::try_from(body.len()).expect("short");
                    record(22, &[&[11, 0, 0, length], &body[..]].concat())
                })
                .collect();
            let whole = events(&[&bytes]).expect("valid");
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            prop_assert_eq!(whole.len(), bodies.len());
            prop_assert_eq!(events(&pieces).expect("valid"), whole);
        }

        #[test]
        fn random_bytes_never_panic(chunks in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..64), 0..16,
        )) {
            let pieces: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            first(&chunks.concat()).ok();
            events(&pieces).ok();
        }

        #[test]
        fn random_handshake_records_never_panic(bodies in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..64), 0..16,
        )) {
            let bytes: Vec<u8> = bodies.iter().flat_map(|body| record(22, body)).collect();
            events(&[&bytes]).ok();
        }
    }
}
