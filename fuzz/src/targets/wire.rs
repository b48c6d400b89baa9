//! What comes over a connection, and the formats inside of it.

use probes::http::{self, Handover};
use probes::mqtt;
use probes::tls::record::{Event, Malformed, Reassembler};
use probes::tls::server_flight::{FlightReader, Progress, ServerFlight};
use probes::x509::{Bundle, Crl, Facts, path, pem};

use super::peer::block_on;

/// Most bytes of content that the client of HTTP is told to take.
const MOST: u64 = 4_096;

/// The records of a server and the flight in them. The first byte says how they are cut, which
/// must make no difference.
pub(super) fn tls_answer(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let whole = flight(bytes.chunks(bytes.len().max(1)));
    let pieces = flight(bytes.chunks(usize::from(*cut).max(1)));
    assert_eq!(whole, pieces, "the pieces that bytes come in mean something");
}

fn flight<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Option<ServerFlight>, Malformed> {
    let mut reassembler = Reassembler::default();
    let mut reader = FlightReader::default();
    for piece in pieces {
        let pushed = reassembler.push(piece);
        while let Some(event) = reassembler.next_event() {
            if let Event::Message { body, .. } = &event {
                assert!(body.len() <= probes::tls::record::MAX_MESSAGE);
            }
            match reader.take(event)? {
                Progress::More => {}
                Progress::Done(flight) => return Ok(Some(flight)),
                Progress::Refused(_) => return Ok(None),
            }
        }
        if let Err(malformed) = pushed {
            return reader.finish().map_or(Err(malformed), |flight| Ok(Some(flight)));
        }
    }
    Ok(reader.finish())
}

/// The head of an answer, and its content up to a limit.
pub(super) fn http_answer(bytes: &[u8]) {
    let request = http::Request {
        method: "POST",
        path: "/v1/ingest",
        host: "ingest.example",
        authorization: None,
        body: Some("{}"),
        headers: &[],
    };
    block_on(async {
        let stream = || tokio::io::join(bytes, tokio::io::sink());
        for handover in [Handover::AskFirst, Handover::Unasked] {
            if let Ok(answer) = http::exchange(&mut stream(), &request, handover).await {
                assert!((200..600).contains(&answer.status) || answer.status == 101);
            }
        }
        if let Ok((_, content)) = http::download(&mut stream(), &request, MOST).await {
            assert!(u64::try_from(content.len()).is_ok_and(|length| length <= MOST));
        }
    });
}

/// What answers a CONNECT.
pub(super) fn mqtt_answer(bytes: &[u8]) {
    block_on(async {
        let mut stream = tokio::io::join(bytes, tokio::io::sink());
        mqtt::connect(&mut stream, "plumb-0123456789abcdef").await.ok();
    });
}

/// A chain in PEM or DER, judged against the authorities among it.
pub(super) fn certificate(bytes: &[u8]) {
    if let Ok(facts) = Facts::read(bytes) {
        facts.serial_text();
        facts.lifetime_seconds();
        facts.grants("serverAuth");
        facts.names.judge("broker.example");
    }
    let bundle = Bundle::read(bytes);
    let chain: Vec<_> = pem::all(bytes)
        .into_iter()
        .filter_map(|block| match block {
            pem::Block::Certificate(der) => Some(der.into()),
            _ => None,
        })
        .chain((bytes.first() == Some(&0x30)).then(|| bytes.to_vec().into()))
        .collect();
    path::judge(&chain, &bundle).ok();
}

/// A revocation list in PEM or DER, with certificates that may have signed it beside it.
pub(super) fn revocation(bytes: &[u8]) {
    let bundle = Bundle::read(bytes);
    for list in Crl::read(bytes, &bundle).into_iter().flatten() {
        list.names(&[0, 1]);
    }
}
