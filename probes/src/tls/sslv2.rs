//! SSL 2.0 as far as its two hellos: a protocol of its own, which nothing may speak any more
//! (RFC 6176).

use tokio::io::AsyncWriteExt as _;

use super::bytes::{Reader, prefixed, u16s};
use super::names::SSL2;
use crate::net::{Dialer, Failure};

/// Kinds of cipher ("The SSL Protocol", 1995, section 5.1.1): code and name.
pub const KINDS: [(u32, &str); 7] = [
    (0x01_0080, "SSL_CK_RC4_128_WITH_MD5"),
    (0x02_0080, "SSL_CK_RC4_128_EXPORT40_WITH_MD5"),
    (0x03_0080, "SSL_CK_RC2_128_CBC_WITH_MD5"),
    (0x04_0080, "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5"),
    (0x05_0080, "SSL_CK_IDEA_128_CBC_WITH_MD5"),
    (0x06_0040, "SSL_CK_DES_64_CBC_WITH_MD5"),
    (0x07_00c0, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"),
];

/// What a server made of a CLIENT-HELLO of SSL 2.0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A SERVER-HELLO with at least one kind of cipher that was offered.
    Accepted {
        /// Their names, in the order of the specification.
        kinds: Vec<&'static str>,
        /// The certificate, DER unless the server sent something else; may be empty.
        certificate: Vec<u8>,
    },
    /// Something else: an error message, a SERVER-HELLO without kinds, a record of TLS, or other
    /// bytes.
    Declined,
    /// A SERVER-HELLO that is not whole, or does not hold what it says: neither yes nor no.
    Malformed,
    /// No connection, or none that said anything.
    Failed(Failure),
}

/// Sends a CLIENT-HELLO over a new connection and reads the answer.
pub async fn ask(dialer: &Dialer) -> Answer {
    let mut connection = match dialer.connect().await {
        Ok(connection) => connection,
        Err(failure) => return Answer::Failed(failure),
    };
    connection.write_all(&hello(rand::random())).await.ok();
    let mut answer = Vec::new();
    loop {
        match connection.receive(4096).await {
            Ok(bytes) => answer.extend(bytes),
            Err(failure) => return cut_off(&answer, failure),
        }
        if let Some(answer) = decode(&answer) {
            return answer;
        }
    }
}

/// What an answer says that ended before it was whole.
fn cut_off(answer: &[u8], failure: Failure) -> Answer {
    match answer.get(2) {
        // Time may have been short for the rest of it; an end is the server's own doing.
        Some(&SERVER_HELLO) if failure.is_end() => Answer::Malformed,
        _ => Answer::Failed(failure),
    }
}

fn hello(challenge: [u8; 16]) -> Vec<u8> {
    let mut body = vec![1];
    u16s(&mut body, &[SSL2, 3 * 7, 0, 16]);
    for (code, _) in KINDS {
        body.extend(&code.to_be_bytes()[1..]);
    }
    body.extend(challenge);
    let mut out = Vec::new();
    prefixed(&mut out, 2, |out| out.extend(body));
    // The high bit says that the header has two bytes and nothing is padded.
    out[0] |= 0x80;
    out
}

/// Type of a SERVER-HELLO.
const SERVER_HELLO: u8 = 4;

/// The answer, once enough of it is there: of a SERVER-HELLO the whole record, which has at most
/// 32,767 bytes.
fn decode(bytes: &[u8]) -> Option<Answer> {
    let [high, low, kind, ..] = *bytes else { return None };
    // A longer header is that of a padded record, and only what is encrypted is padded.
    if high & 0x80 == 0 || kind != SERVER_HELLO {
        return Some(Answer::Declined);
    }
    let length = usize::from(u16::from_be_bytes([high & 0x7f, low]));
    let record = bytes.get(2..2 + length)?;
    Some(server_hello(record).unwrap_or(Answer::Malformed))
}

fn server_hello(record: &[u8]) -> Option<Answer> {
    let mut reader = Reader::new(record);
    let (_type, _hit, _kind) = (reader.u8()?, reader.u8()?, reader.u8()?);
    let _version = reader.u16()?;
    let (certificate, ciphers, _id) = (reader.u16()?, reader.u16()?, reader.u16()?);
    let certificate = reader.take(certificate.into())?.to_vec();
    let listed = reader.take(ciphers.into())?;
    let kinds: Vec<&str> = KINDS
        .iter()
        .filter(|(code, _)| listed.chunks_exact(3).any(|c| *c == code.to_be_bytes()[1..]))
        .map(|(_, name)| *name)
        .collect();
    Some(if kinds.is_empty() { Answer::Declined } else { Answer::Accepted { kinds, certificate } })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn server_hello(ciphers: &[u8]) -> Vec<u8> {
        let length = u8::try_from(ciphers.len()).expect("short");
        let body = [&[4, 0, 1, 0, 2, 0, 2, 0, length, 0, 1][..], &[9, 9], ciphers, &[7]].concat();
        [&[0x80, u8::try_from(body.len()).expect("short")][..], &body].concat()
    }

    #[test]
    fn a_hello_has_the_header_and_the_lengths_of_the_specification() {
        let bytes = hello([5; 16]);
        assert_eq!(&bytes[..11], [0x80, 46, 1, 0, 2, 0, 21, 0, 0, 0, 16]);
        assert_eq!(bytes.len(), 48);
        assert_eq!(&bytes[11..14], [1, 0, 0x80]);
    }

    #[test]
    fn a_server_hello_names_its_ciphers_and_one_without_any_declines() {
        let answer = decode(&server_hello(&[7, 0, 0xc0, 1, 0, 0x80]));
        let kinds = vec!["SSL_CK_RC4_128_WITH_MD5", "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"];
        let certificate = vec![9, 9];
        assert_eq!(answer, Some(Answer::Accepted { kinds, certificate }));
        assert_eq!(decode(&server_hello(&[])), Some(Answer::Declined));
    }

    #[test]
    fn an_alert_of_tls_an_error_and_other_bytes_decline() {
        assert_eq!(decode(&[21, 3, 1, 0, 2, 2, 70]), Some(Answer::Declined));
        assert_eq!(decode(&[0x80, 3, 0, 0, 1]), Some(Answer::Declined));
        assert_eq!(decode(b"HTTP/1.1 400"), Some(Answer::Declined));
    }

    #[test]
    fn half_a_server_hello_is_no_refusal() {
        let whole = server_hello(&[1, 0, 0x80]);
        let half = &whole[..10];
        assert_eq!(decode(half), None);
        assert_eq!(cut_off(half, Failure::Closed), Answer::Malformed);
        let late = Failure::AnswerTimeout(std::time::Duration::from_secs(1));
        assert_eq!(cut_off(half, late.clone()), Answer::Failed(late));
        assert_eq!(cut_off(&[], Failure::Closed), Answer::Failed(Failure::Closed));
        // Its own length leaves out what its fields claim.
        let mut short = whole;
        short[1] -= 2;
        assert_eq!(decode(&short), Some(Answer::Malformed));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
            decode(&[&[0x80, 200, 4][..], &bytes].concat());
        }
    }
}
