//! What a server answers in clear: its ServerHello, and in TLS 1.2 and below the rest of its first
//! flight with key exchange and certificate request.

use super::bytes::Reader;
use super::names::TLS12;
use super::record::{Event, Malformed};
use super::suites::{self, Exchange};

/// Random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest"
/// (RFC 8446 section 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// First bytes of the downgrade sentinel, "DOWNGRD" (RFC 8446 section 4.1.3).
const SENTINEL: &[u8; 7] = b"DOWNGRD";

/// Most certificates that are kept of one chain.
const MAX_CHAIN: usize = 16;

/// A ServerHello, with what is known of the flight behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFlight {
    /// Chosen version.
    pub version: u16,
    /// Chosen suite.
    pub suite: u16,
    /// Whether a compression other than none was chosen.
    pub compression: bool,
    /// Types of the extensions in the answer, sorted.
    pub extensions: Vec<u16>,
    /// Chosen group: from a key share or a HelloRetryRequest in TLS 1.3, from the key exchange
    /// below.
    pub group: Option<u16>,
    /// Whether the random ends in the mark that says "I could do better than this version".
    pub downgrade_sentinel: bool,
    /// Bits of the prime of a finite-field key exchange.
    pub dh_bits: Option<u32>,
    /// Scheme that the key exchange is signed with; TLS 1.2 only.
    pub signature: Option<u16>,
    /// The presented chain in DER, the leaf first; TLS 1.2 and below show it in clear.
    pub chain: Vec<Vec<u8>>,
    /// Whether a client certificate was asked for.
    pub certificate_requested: bool,
    /// Authorities that the request for one names.
    pub authorities: u32,
    /// Id of the session, empty where it got none; one of TLS 1.3 is the echo of the client's.
    pub session_id: Vec<u8>,
    /// Chosen application protocol, at most 255 bytes.
    pub alpn: Option<Vec<u8>>,
    /// Whether an OCSP response came with the certificate.
    pub stapled: bool,
    /// Whether everything that a server says in clear was seen. Before that, a fact that has not
    /// shown may still come.
    pub ended: bool,
}

impl ServerFlight {
    /// True if the answer carries the extension.
    pub fn has(&self, extension: u16) -> bool {
        self.extensions.binary_search(&extension).is_ok()
    }

    /// Whether `renegotiation_info` was answered (RFC 5746).
    pub fn secure_renegotiation(&self) -> bool {
        self.has(0xff01)
    }

    /// Whether `extended_master_secret` was answered (RFC 7627).
    pub fn extended_master_secret(&self) -> bool {
        self.has(23)
    }

    /// Whether `encrypt_then_mac` was answered (RFC 7366).
    pub fn encrypt_then_mac(&self) -> bool {
        self.has(22)
    }

    /// Reads a ServerHello; nothing behind it is known yet.
    fn hello(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let random = reader.take(32)?;
        let session_id = reader.vec8()?.to_vec();
        let suite = reader.u16()?;
        let compression = reader.u8()? != 0;
        let mut flight = Self { version, suite, compression, session_id, ..Self::default() };
        flight.downgrade_sentinel = random[24..31] == *SENTINEL;
        if !reader.is_empty() {
            let mut extensions = Reader::new(reader.vec16()?);
            while !extensions.is_empty() {
                let kind = extensions.u16()?;
                let mut content = Reader::new(extensions.vec16()?);
                match kind {
                    43 => flight.version = content.u16()?,
                    16 => flight.alpn = Some(Reader::new(content.vec16()?).vec8()?.to_vec()),
                    51 => flight.group = Some(content.u16()?),
                    _ => {}
                }
                flight.extensions.push(kind);
            }
        }
        flight.extensions.sort_unstable();
        flight.extensions.dedup();
        // TLS 1.3 encrypts the rest, and after a HelloRetryRequest it is our turn.
        flight.ended = flight.version > TLS12 || random == RETRY_RANDOM;
        Some(flight)
    }

    /// Takes the next message of the flight.
    fn message(&mut self, kind: u8, body: &[u8]) -> Option<()> {
        match kind {
            11 => self.chain = certificates(body)?,
            12 => self.key_exchange(Reader::new(body))?,
            13 => {
                self.certificate_requested = true;
                // A list that cannot be read counts as far as it can.
                self.authorities = authorities(body, self.version).unwrap_or(0);
            }
            22 => self.stapled = true,
            14 => self.ended = true,
            _ => {}
        }
        Some(())
    }

    fn key_exchange(&mut self, mut reader: Reader<'_>) -> Option<()> {
        let exchange = suites::suite(self.suite).map_or(Exchange::Other, |suite| suite.exchange());
        let signed = match exchange {
            Exchange::Other => return Some(()),
            Exchange::Ecdhe { signed } => {
                /// `named_curve`; explicit curves have no name to record (RFC 8422 section 5.4).
                const NAMED: u8 = 3;
                if reader.u8()? != NAMED {
                    return Some(());
                }
                self.group = Some(reader.u16()?);
                reader.vec8()?;
                signed
            }
            Exchange::Dhe { signed } => {
                self.dh_bits = Some(bits(reader.vec16()?));
                reader.vec16()?;
                reader.vec16()?;
                signed
            }
        };
        if signed && self.version == TLS12 {
            self.signature = Some(reader.u16()?);
        }
        Some(())
    }
}

/// The certificates of a Certificate message (RFC 5246 section 7.4.2), the leaf first.
fn certificates(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = Reader::new(Reader::new(body).vec24()?);
    let mut chain = Vec::new();
    while !list.is_empty() && chain.len() < MAX_CHAIN {
        chain.push(list.vec24()?.to_vec());
    }
    Some(chain)
}

/// How many names a CertificateRequest lists (RFC 5246 section 7.4.4).
fn authorities(body: &[u8], version: u16) -> Option<u32> {
    let mut reader = Reader::new(body);
    reader.vec8()?;
    if version == TLS12 {
        reader.vec16()?;
    }
    let mut names = Reader::new(reader.vec16()?);
    let mut count = 0;
    while !names.is_empty() && names.vec16().is_some() {
        count += 1;
    }
    Some(count)
}

/// Bits of an unsigned big-endian number.
fn bits(number: &[u8]) -> u32 {
    let significant = number.iter().position(|byte| *byte != 0).map_or(&[][..], |at| &number[at..]);
    let whole = u32::try_from(significant.len()).unwrap_or(u32::MAX).saturating_mul(8);
    whole - significant.first().map_or(0, |first| first.leading_zeros())
}

/// Takes one event after another until the answer to a hello is known.
#[derive(Debug, Default)]
pub struct FlightReader {
    flight: Option<ServerFlight>,
}

/// Where reading stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// More is to come.
    More,
    /// The flight is over.
    Done(ServerFlight),
    /// A fatal alert came before any ServerHello.
    Refused(u8),
}

impl FlightReader {
    /// Takes an event.
    pub fn take(&mut self, event: Event) -> Result<Progress, Malformed> {
        match (event, &mut self.flight) {
            // Warnings may come before a ServerHello; close_notify ends it all the same.
            (Event::Alert { level: 1, description }, None) if description != 0 => {
                return Ok(Progress::More);
            }
            (Event::Alert { description, .. }, None) => return Ok(Progress::Refused(description)),
            (Event::Alert { .. }, Some(flight)) => return Ok(Progress::Done(flight.clone())),
            (Event::Message { kind: 2, body }, slot @ None) => {
                *slot = Some(ServerFlight::hello(&body).ok_or(Malformed::Message(2))?);
            }
            (Event::Message { kind, .. }, None) => return Err(Malformed::Message(kind)),
            (Event::Message { kind, body }, Some(flight)) => {
                flight.message(kind, &body).ok_or(Malformed::Message(kind))?;
            }
        }
        Ok(match &self.flight {
            Some(flight) if flight.ended => Progress::Done(flight.clone()),
            _ => Progress::More,
        })
    }

    /// What was seen when nothing more came.
    pub fn finish(self) -> Option<ServerFlight> {
        self.flight
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A ServerHello of TLS 1.2 with these extensions, each without content.
    fn hello(version: u16, suite: u16, random: [u8; 32], extensions: &[(u16, &[u8])]) -> Event {
        let mut body = version.to_be_bytes().to_vec();
        body.extend(random);
        body.push(0);
        body.extend(suite.to_be_bytes());
        body.push(0);
        let mut list = Vec::new();
        for (kind, content) in extensions {
            list.extend(kind.to_be_bytes());
            list.extend(u16::try_from(content.len()).expect("short").to_be_bytes());
            list.extend(*content);
        }
        body.extend(u16::try_from(list.len()).expect("short").to_be_bytes());
        body.extend(list);
        Event::Message { kind: 2, body }
    }

    fn done(events: Vec<Event>) -> ServerFlight {
        let mut reader = FlightReader::default();
        for event in events {
            if let Progress::Done(flight) = reader.take(event).expect("valid") {
                return flight;
            }
        }
        panic!("the flight did not end");
    }

    #[test]
    fn a_flight_of_tls12_shows_group_signature_and_certificate_request() {
        let exchange = [&[3, 0, 0x1d, 2, 9, 9][..], &[0x04, 0x03, 0, 1, 7]].concat();
        let flight = done(vec![
            hello(0x0303, 0xc02b, [0; 32], &[(23, &[]), (0xff01, &[0])]),
            Event::Message { kind: 11, body: vec![0, 0, 0] },
            Event::Message { kind: 12, body: exchange },
            Event::Message { kind: 13, body: vec![1, 64] },
            Event::Message { kind: 14, body: vec![] },
        ]);
        assert_eq!((flight.group, flight.signature), (Some(0x001d), Some(0x0403)));
        assert!(flight.certificate_requested && flight.ended);
        assert!(flight.secure_renegotiation() && flight.extended_master_secret());
        assert!(!flight.encrypt_then_mac() && !flight.downgrade_sentinel);
    }

    #[test]
    fn the_prime_of_a_dhe_exchange_is_measured_in_bits() {
        let prime = [&[0, 0x7f][..], &[0xff; 127]].concat();
        let length = u8::try_from(prime.len()).expect("short");
        let exchange = [&[0, length][..], &prime, &[0, 1, 2, 0, 1, 5, 4, 1]].concat();
        let flight = done(vec![
            hello(0x0303, 0x0033, [0; 32], &[]),
            Event::Message { kind: 12, body: exchange },
            Event::Message { kind: 14, body: vec![] },
        ]);
        assert_eq!((flight.dh_bits, flight.signature), (Some(1023), Some(0x0401)));
        assert_eq!(bits(&[]), 0);
        assert_eq!(bits(&[0, 0]), 0);
    }

    #[test]
    fn a_hello_retry_request_names_version_and_group_and_ends_the_flight() {
        let flight =
            done(vec![hello(0x0303, 0x1301, RETRY_RANDOM, &[(43, &[3, 4]), (51, &[0x11, 0xec])])]);
        assert_eq!((flight.version, flight.group), (0x0304, Some(0x11ec)));
    }

    #[test]
    fn the_downgrade_sentinel_is_seen_for_both_marks() {
        for mark in [0, 1] {
            let mut random = [9; 32];
            random[24..31].copy_from_slice(SENTINEL);
            random[31] = mark;
            let event = hello(0x0303, 0xc02b, random, &[]);
            let Event::Message { body, .. } = event else { unreachable!() };
            assert!(ServerFlight::hello(&body).expect("valid").downgrade_sentinel);
        }
    }

    #[test]
    fn a_warning_is_waited_out_and_a_fatal_alert_refuses() {
        let mut reader = FlightReader::default();
        let warning = Event::Alert { level: 1, description: 112 };
        assert_eq!(reader.take(warning), Ok(Progress::More));
        let fatal = Event::Alert { level: 2, description: 70 };
        assert_eq!(reader.take(fatal), Ok(Progress::Refused(70)));
    }

    #[test]
    fn a_flight_that_breaks_off_keeps_its_hello_and_is_not_ended() {
        let mut reader = FlightReader::default();
        let first = hello(0x0303, 0xc02b, [0; 32], &[]);
        assert_eq!(reader.take(first), Ok(Progress::More));
        let flight = reader.finish().expect("a hello was seen");
        assert!(flight.version == 0x0303 && !flight.ended);
    }

    #[test]
    fn a_hello_without_extensions_is_whole() {
        let body = [&[3, 0][..], &[1; 32], &[0, 0, 5, 0]].concat();
        let flight = ServerFlight::hello(&body).expect("SSL 3.0");
        assert_eq!((flight.version, flight.suite), (0x0300, 0x0005));
    }

    proptest! {
        #[test]
        fn random_messages_never_panic(
            messages in prop::collection::vec(
                (any::<u8>(), prop::collection::vec(any::<u8>(), 0..80)), 0..6,
            ),
        ) {
            let mut reader = FlightReader::default();
            for (kind, body) in messages {
                reader.take(Event::Message { kind, body }).ok();
            }
        }

        #[test]
        fn random_key_exchanges_never_panic(
            suite in prop::sample::select(vec![0xc02b_u16, 0x0033, 0x0034, 0xc018, 0x002f]),
            body in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut reader = FlightReader::default();
            reader.take(hello(0x0303, suite, [0; 32], &[])).expect("valid");
            reader.take(Event::Message { kind: 12, body }).ok();
        }
    }
}
