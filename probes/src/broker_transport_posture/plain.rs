//! The questions in plaintext: an MQTT CONNECT, or a WebSocket upgrade.

use model::document::{Endpoint, Protocol};
use model::evidence::{Asked, Item, PlainMqtt, PlainWebSocket};

use super::websocket;
use crate::net::{Dialer, Failure};
use crate::{mqtt, text};

/// What the plaintext questions showed.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) outcome: Item<PlainMqtt>,
    pub(super) connack_code: Item<u8>,
    pub(super) websocket: Item<PlainWebSocket>,
    pub(super) websocket_status: Item<u16>,
    pub(super) asked: Asked,
}

/// Asks in plaintext what fits the endpoint: an upgrade where WebSocket is declared, a CONNECT
/// everywhere else, also on a port that is declared as TLS, because some brokers speak both.
pub(super) async fn observe(dialer: &Dialer, endpoint: &Endpoint) -> Plain {
    match endpoint.protocol {
        Protocol::Ws | Protocol::Wss => upgrade(dialer, endpoint).await,
        _ => connect(dialer).await,
    }
}

async fn connect(dialer: &Dialer) -> Plain {
    let reply = async {
        let mut connection = dialer.connect().await?;
        mqtt::connect(&mut connection, &mqtt::client_id()).await.map_err(Failure::from)
    };
    let reply = reply.await;
    let outcome = match &reply {
        Ok(mqtt::Reply::Connack(_)) => Item::observed(PlainMqtt::Connack),
        Ok(mqtt::Reply::Other(bytes)) if is_tls(bytes) || is_http(bytes) => {
            Item::observed(PlainMqtt::NotSpoken)
        }
        Ok(mqtt::Reply::Other(_)) => Item::error("the answer to CONNECT is neither MQTT nor known"),
        Err(failure) => silence(failure, PlainMqtt::NotSpoken),
    };
    let code = match &reply {
        Ok(mqtt::Reply::Connack(code)) => Some(*code),
        _ => None,
    };
    let connack_code = super::detail(outcome.clone(), code, "no CONNACK came");
    let answer = match &reply {
        Ok(mqtt::Reply::Connack(code)) => format!("CONNACK {code}"),
        Ok(mqtt::Reply::Other(bytes)) => text::cut(bytes),
        Err(failure) => failure.to_string(),
    };
    Plain {
        outcome,
        connack_code,
        websocket: Item::not_attempted("the endpoint is not declared as WebSocket"),
        websocket_status: Item::not_attempted("the endpoint is not declared as WebSocket"),
        asked: Asked { question: "plaintext MQTT CONNECT".to_owned(), answer },
    }
}

async fn upgrade(dialer: &Dialer, endpoint: &Endpoint) -> Plain {
    use websocket::Reply;
    let reply = async {
        let mut connection = dialer.connect().await?;
        websocket::upgrade(&mut connection, endpoint).await.map_err(Failure::from)
    };
    let reply = reply.await;
    let outcome = match &reply {
        Ok(Reply::Http { status: 101, mqtt: true }) => Item::observed(PlainWebSocket::Upgraded),
        // A server that is busy or broken may upgrade the next client.
        Ok(Reply::Http { status: status @ (429 | 500..), .. }) => {
            Item::error(format!("status {status} does not decide whether MQTT is spoken"))
        }
        Ok(Reply::Http { .. }) => Item::observed(PlainWebSocket::Declined),
        Ok(Reply::Other(bytes)) if is_tls(bytes) => Item::observed(PlainWebSocket::NotSpoken),
        Ok(Reply::Other(_)) => Item::error("the answer to the upgrade is neither HTTP nor known"),
        Err(failure) => silence(failure, PlainWebSocket::NotSpoken),
    };
    let status = match &reply {
        Ok(Reply::Http { status, .. }) => Some(*status),
        _ => None,
    };
    let websocket_status = super::detail(outcome.clone(), status, "no HTTP answer came");
    let answer = match &reply {
        Ok(Reply::Http { status, mqtt }) => format!("status {status}, subprotocol mqtt: {mqtt}"),
        Ok(Reply::Other(bytes)) => text::cut(bytes),
        Err(failure) => failure.to_string(),
    };
    Plain {
        outcome: Item::not_attempted("the endpoint is declared as WebSocket"),
        connack_code: Item::not_attempted("the endpoint is declared as WebSocket"),
        websocket: outcome,
        websocket_status,
        asked: Asked { question: "plaintext WebSocket upgrade".to_owned(), answer },
    }
}

/// A port that refuses, or an end without a byte, says that this is not spoken here; silence and
/// faults say nothing.
fn silence<T>(failure: &Failure, not_spoken: T) -> Item<T> {
    if *failure == Failure::Refused || failure.is_end() {
        Item::observed(not_spoken)
    } else {
        failure.item()
    }
}

/// A TLS record: servers of TLS answer plaintext with an alert.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=23, 3, ..])
}

fn is_http(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/")
}
