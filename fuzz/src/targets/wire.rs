//! What comes over a connection, and the formats inside of it.

use probes::http::{self, Handover};
use probes::http2;
use probes::mqtt::codes::Version;
use probes::mqtt::{self, incoming, websocket};
use probes::tls::record::{Event, Malformed, Reassembler};
use probes::tls::server_flight::{FlightReader, Progress, ServerFlight};
use probes::tls::tickets;
use probes::x509::{Bundle, Crl, Facts, ocsp, path, pem};

use super::peer::{block_on, parts};

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

/// Tickets that a server gives inside a session, where only a peer with keys can put them.
pub(super) fn tls_ticket(bytes: &[u8]) {
    let read = [tickets::of_tls12(bytes).flatten(), tickets::of_tls13(bytes)];
    tickets::words(&read.into_iter().flatten().collect::<Vec<_>>());
}

/// What an answer to a request is made of, over HTTP/1.1 and over HTTP/2.
const REQUEST: http::Request<'static> = http::Request {
    method: "POST",
    path: "/v1/ingest",
    host: "ingest.example",
    authorization: None,
    body: Some("{}"),
    headers: &[],
};

/// The head of an answer, and its content up to a limit.
pub(super) fn http_answer(bytes: &[u8]) {
    block_on(async {
        let stream = || tokio::io::join(bytes, tokio::io::sink());
        for handover in [Handover::AskFirst, Handover::Unasked] {
            if let Ok(answer) = http::exchange(&mut stream(), &REQUEST, handover).await {
                assert!((200..600).contains(&answer.status) || answer.status == 101);
            }
        }
        if let Ok((_, content)) = http::download(&mut stream(), &REQUEST, MOST).await {
            assert!(u64::try_from(content.len()).is_ok_and(|length| length <= MOST));
        }
        if let Ok((_, excerpt)) = http::excerpt(&mut stream(), &REQUEST, Handover::Unasked).await {
            assert!(excerpt.bytes.len() <= http::EXCERPT_BYTES);
        }
        http::offer(&mut stream(), &REQUEST, 1 << 40).await.ok();
    });
}

/// The frames that a server answers in, and the packed fields of the first answer.
pub(super) fn http2_answer(bytes: &[u8]) {
    block_on(async {
        let mut stream = tokio::io::join(bytes, tokio::io::sink());
        if let Ok(status) = http2::status(&mut stream, &REQUEST).await {
            assert!((200..1_000).contains(&status), "{status}");
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

/// What a broker says, packet by packet, in every version. No packet is longer than what it is read
/// from, and a packet that misses its end is none yet, whatever it is.
pub(super) fn mqtt_packets(bytes: &[u8]) {
    for version in [Version::V31, Version::V311, Version::V5] {
        let mut rest = bytes;
        while let Ok(Some((packet, used))) = incoming::decode(rest, version) {
            assert!(used >= 2 && used <= rest.len());
            if let incoming::Packet::Publish(message) = &packet {
                assert!(message.topic.len() + message.payload_bytes <= used);
            }
            let less = incoming::decode(&rest[..used - 1], version);
            assert_eq!(less, Ok(None), "the end of {packet:?} says nothing");
            rest = &rest[used..];
        }
    }
}

/// The frames of a WebSocket, and the packets in them.
pub(super) fn websocket_frames(bytes: &[u8]) {
    let mut rest = bytes;
    let mut carried = Vec::new();
    while let Ok(Some((frame, used))) = websocket::decode(rest) {
        assert!(used >= 2 && used <= rest.len());
        assert_eq!(websocket::decode(&rest[..used - 1]), Ok(None), "{frame:?}");
        rest = &rest[used..];
        match frame {
            websocket::Frame::Data(bytes) => carried.extend(bytes),
            websocket::Frame::Ping(content) => {
                websocket::pong(&content);
            }
            websocket::Frame::Pong | websocket::Frame::Close(_) => {}
        }
    }
    mqtt_packets(&carried);
}

/// A stapled OCSP response, with the certificate that it speaks about and those above it.
pub(super) fn staple(bytes: &[u8]) {
    let parts = parts(bytes);
    let certificate = |at: usize| *parts.get(at).unwrap_or(&&[][..]);
    let issuers = [certificate(2).into(), certificate(1).into()];
    ocsp::read(parts[0], certificate(1), &issuers).ok();
}
