//! The record protection of a session that the library has made, in our hands.
//!
//! Keys and ciphers are the library's: it gives its traffic secrets away on demand, and its crypto
//! provider turns them into objects that seal and open records. Nothing here computes on its own.

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, MessageDecrypter, MessageEncrypter, OutboundChunks,
    OutboundPlainMessage,
};
use rustls::{
    ConnectionTrafficSecrets, ContentType, ExtractedSecrets, ProtocolVersion, SupportedCipherSuite,
};

/// Bytes of a nonce of AES-GCM that come from the handshake (RFC 5288 section 3); the others stand
/// in every record.
const GCM_SALT: usize = 4;

/// Seals and opens records of one session, each direction with its own count.
pub struct Keys {
    encrypter: Box<dyn MessageEncrypter>,
    sent: u64,
    decrypter: Box<dyn MessageDecrypter>,
    opened: u64,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("sent", &self.sent)
            .field("opened", &self.opened)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Goes on writing where the library has stopped, and reads from the first record of these keys
    /// on. `None` for an algorithm that the library does not give away.
    pub fn new(suite: SupportedCipherSuite, secrets: ExtractedSecrets) -> Option<Self> {
        let (sent, ours) = secrets.tx;
        let (ours, theirs) = (parts(ours)?, parts(secrets.rx.1)?);
        let (encrypter, decrypter) = match suite {
            SupportedCipherSuite::Tls12(suite) => {
                let shape = suite.aead_alg.key_block_shape();
                let salt = match shape.explicit_nonce_len {
                    0 => shape.fixed_iv_len,
                    _ => GCM_SALT,
                };
                let (fixed, explicit) = ours.1.as_ref().split_at_checked(salt)?;
                let encrypter = suite.aead_alg.encrypter(ours.0, fixed, explicit);
                let fixed = theirs.1.as_ref().get(..salt)?;
                (encrypter, suite.aead_alg.decrypter(theirs.0, fixed))
            }
            SupportedCipherSuite::Tls13(suite) => (
                suite.aead_alg.encrypter(ours.0, ours.1),
                suite.aead_alg.decrypter(theirs.0, theirs.1),
            ),
        };
        Some(Self { encrypter, sent, decrypter, opened: 0 })
    }

    /// The next record with this message in it; `None` where it does not fit into one.
    pub fn seal(&mut self, kind: u8, message: &[u8]) -> Option<Vec<u8>> {
        let record = OutboundPlainMessage {
            typ: ContentType::from(kind),
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(message),
        };
        let sealed = self.encrypter.encrypt(record, self.sent).ok()?.encode();
        self.sent += 1;
        Some(sealed)
    }

    /// Type and content of the next record; `None` where it is none of these keys, and then the
    /// count stays.
    pub fn open(&mut self, kind: u8, mut body: Vec<u8>) -> Option<(u8, Vec<u8>)> {
        let record =
            InboundOpaqueMessage::new(ContentType::from(kind), ProtocolVersion::TLSv1_2, &mut body);
        let opened = self.decrypter.decrypt(record, self.opened).ok()?;
        self.opened += 1;
        Some((u8::from(opened.typ), opened.payload.to_vec()))
    }

    /// Whether any record was opened.
    pub const fn has_opened(&self) -> bool {
        self.opened > 0
    }
}

fn parts(secrets: ConnectionTrafficSecrets) -> Option<(AeadKey, Iv)> {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => Some((key, iv)),
        _ => None,
    }
}
