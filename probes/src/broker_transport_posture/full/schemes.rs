//! Signature schemes of TLS 1.3, where the signature is encrypted: whole handshakes, each of which
//! offers what is not known yet.

use model::evidence::{Asked, Item};

use super::super::Missing;
use super::super::interview::Interview;
use super::lane::Port;
use crate::insecure_tls::{Handshake, HandshakeError, Options, Presented};
use crate::tls::names::{self, TLS13};

/// Schemes that TLS 1.3 may sign with, and two that it must not (RFC 8446 section 4.2.3).
const SCHEMES: [u16; 20] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x081a,
    0x081b, 0x081c, 0x0904, 0x0905, 0x0906, 0x0708, 0x0203, 0x0201,
];

/// Schemes that stand in certificates and never sign a handshake of TLS 1.3. They are always on
/// offer, for servers that look for the ones of their chain (RFC 8446 section 4.2.3).
const OF_CHAINS: [u16; 3] = [0x0401, 0x0501, 0x0601];

/// What handshakes of TLS 1.3 are signed with.
#[derive(Debug, Default)]
pub(super) struct Schemes {
    /// Schemes that were used, by code point.
    pub(super) found: Vec<u16>,
    /// What came with them: chains and staples.
    pub(super) presented: Vec<Presented>,
    /// Why asking stopped before everything was known.
    pub(super) gave_up: Option<Missing>,
    /// Every question and its answer.
    pub(super) asked: Vec<Asked>,
}

/// Asks for every scheme, beginning with the one that decision mode has seen.
pub(super) async fn observe(port: Port<'_>, interview: &Interview) -> Schemes {
    let mut schemes = Schemes::default();
    match &interview.session.negotiated {
        Ok(session) if session.version == TLS13 => {}
        _ => {
            schemes.gave_up = match interview.version(TLS13) {
                Item::Observed { value: false } => None,
                Item::Observed { value: true } => Some(Item::error(
                    "no whole handshake of TLS 1.3 can be made with the groups that this probe has",
                )),
                other => super::super::known(other).err(),
            };
            return schemes;
        }
    }
    let presented = &interview.session.presented;
    schemes.found.extend(presented.scheme);
    schemes.presented.push(presented.clone());
    loop {
        let open: Vec<u16> =
            SCHEMES.iter().copied().filter(|scheme| !schemes.found.contains(scheme)).collect();
        match schemes.ask(port, &open).await {
            Ok(Some(scheme)) if open.contains(&scheme) => schemes.found.push(scheme),
            Ok(_) => break,
            Err(missing) => {
                schemes.gave_up = Some(missing);
                break;
            }
        }
    }
    schemes.found.sort_unstable();
    schemes
}

impl Schemes {
    /// The scheme that the server signs with when these are on offer; none where it refuses.
    async fn ask(&mut self, port: Port<'_>, open: &[u16]) -> Result<Option<u16>, Missing> {
        let options = Options {
            versions: vec![&rustls::version::TLS13],
            schemes: [open, &OF_CHAINS].concat(),
            ..Options::default()
        };
        let Handshake { presented, outcome } = port.shake(port.name, options).await;
        let (answer, decided) = match (presented.scheme, outcome) {
            (Some(scheme), _) => (names::signature(scheme), Ok(Some(scheme))),
            (None, Err(HandshakeError::Alert(alert))) => {
                (format!("alert {}", names::alert(alert)), Ok(None))
            }
            (None, Err(HandshakeError::Network(failure))) => {
                (failure.to_string(), if failure.is_end() { Ok(None) } else { Err(failure.item()) })
            }
            (None, Err(error)) => (error.to_string(), Err(Item::error(error.to_string()))),
            (None, Ok(_)) => ("no signature".to_owned(), Ok(None)),
        };
        let question = format!("TLS 1.3, {} signatures not known yet", open.len());
        self.asked.push(Asked { question, answer });
        self.presented.push(presented);
        decided
    }
}
