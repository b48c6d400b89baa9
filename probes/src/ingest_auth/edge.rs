//! The edge as a probe reaches it: one connection per request, plaintext or TLS.

use model::evidence::{Item, TrustFault};
use tokio_rustls::client::TlsStream;

use super::question::{Presented, Question};
use crate::http::{Answer, Body, Failure, Handover, Request, exchange};
use crate::insecure_tls::{self, HandshakeError, Options};
use crate::net::{Connection, Dialer};
use crate::verified_tls::{ALPN, Refusal, Verifier};

/// `417 Expectation Failed` (RFC 9110, section 15.5.18).
const EXPECTATION_FAILED: u16 = 417;

/// How requests reach the edge.
pub enum Channel {
    /// In plaintext.
    Plain,
    /// Over TLS with an endpoint that proved who it is. The only channel for a credential.
    Verified(Verifier),
    /// Over TLS with whoever answers, by the name that is sent in SNI.
    Unverified(String),
}

/// A port of the edge, and what it has taught about itself.
pub struct Edge<'a> {
    dialer: &'a Dialer,
    channel: Channel,
    handover: Handover,
}

/// What TLS says of the endpoint.
pub struct TlsReading {
    /// Negotiated version.
    pub version: Item<String>,
    /// Whether the endpoint proved who it is.
    pub trusted: Item<bool>,
    /// Why not.
    pub fault: Item<Option<TrustFault>>,
}

impl<'a> Edge<'a> {
    /// An edge that is reached in plaintext.
    pub const fn plain(dialer: &'a Dialer) -> Self {
        Self { dialer, channel: Channel::Plain, handover: Handover::AskFirst }
    }

    /// An edge that is reached over TLS: verified where the endpoint proves who it is, and
    /// unverified everywhere else, so that what needs no secret can still be asked.
    pub async fn secured(
        dialer: &'a Dialer,
        name: &str,
        verifier: Result<Verifier, String>,
    ) -> (Self, TlsReading) {
        let (channel, reading) = match verifier {
            Err(reason) => (None, TlsReading::unjudged(Item::not_attempted(&reason))),
            Ok(verifier) => match handshake(dialer, &verifier).await {
                Ok(version) => {
                    let reading = TlsReading {
                        version: Item::observed(version),
                        trusted: Item::observed(true),
                        fault: Item::observed(None),
                    };
                    (Some(Channel::Verified(verifier)), reading)
                }
                Err(Refusal::Untrusted(fault)) => {
                    let reading = TlsReading {
                        fault: Item::observed(Some(fault)),
                        ..TlsReading::unjudged(Item::observed(false))
                    };
                    (None, reading)
                }
                Err(Refusal::Handshake(error)) => {
                    (None, TlsReading::unjudged(Failure::from(error).item()))
                }
            },
        };
        let mut reading = reading;
        let channel = match channel {
            Some(channel) => channel,
            None => {
                reading.version = unverified_version(dialer, name).await;
                Channel::Unverified(name.to_owned())
            }
        };
        (Self { dialer, channel, handover: Handover::AskFirst }, reading)
    }

    /// Asks once, over a connection of its own. Redirects are answers like any other.
    pub async fn ask(&mut self, request: &Request<'_>) -> Result<Answer, Failure> {
        let answer = self.exchange(request).await?;
        if answer.status == EXPECTATION_FAILED && self.handover == Handover::AskFirst {
            self.handover = Handover::Unasked;
            return self.exchange(request).await;
        }
        if answer.body == Body::Pushed {
            // It does not answer to `Expect`; asking again would only cost the pause.
            self.handover = Handover::Unasked;
        }
        Ok(answer)
    }

    /// Asks with the declared credential: only over a verified channel, else a sentence why not.
    pub async fn present(
        &mut self,
        question: &Question,
        credential: &Presented,
    ) -> Result<Result<Answer, Failure>, String> {
        match self.channel {
            Channel::Verified(_) => {
                Ok(self.ask(&question.request(Some(credential.expose()))).await)
            }
            Channel::Plain => Err("a credential is never sent over plaintext".to_owned()),
            Channel::Unverified(_) => {
                Err("a credential is never sent to an endpoint that has not proved who it is"
                    .to_owned())
            }
        }
    }

    async fn exchange(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let connection = self.dialer.connect().await?;
        match &self.channel {
            Channel::Plain => {
                let mut stream = connection;
                exchange(&mut stream, request, self.handover).await
            }
            Channel::Verified(verifier) => {
                let mut stream = verifier.connect(connection).await.map_err(Failure::from)?;
                exchange(&mut stream, request, self.handover).await
            }
            Channel::Unverified(name) => {
                let mut stream = unverified(connection, name).await?;
                exchange(&mut stream, request, self.handover).await
            }
        }
    }
}

impl TlsReading {
    fn unjudged(trusted: Item<bool>) -> Self {
        let fault = Item::not_attempted("there is no verdict on the certificate to explain");
        Self { version: Item::not_attempted("no session was made"), trusted, fault }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Handshake(error) => Self::Stream(error),
            // Only where the certificate changed since the first handshake of this check.
            Refusal::Untrusted(_) => Self::Stream(HandshakeError::Protocol(
                "the endpoint no longer proves who it is".to_owned(),
            )),
        }
    }
}

async fn handshake(dialer: &Dialer, verifier: &Verifier) -> Result<String, Refusal> {
    let network = |failure| Refusal::Handshake(HandshakeError::Network(failure));
    let connection = dialer.connect().await.map_err(network)?;
    let stream = verifier.connect(connection).await?;
    let version = stream.get_ref().1.protocol_version().map(u16::from);
    Ok(version_name(version.unwrap_or_default()))
}

async fn unverified(
    connection: Connection,
    name: &str,
) -> Result<TlsStream<Connection>, HandshakeError> {
    let options = Options { alpn: vec![ALPN.to_vec()], ..Options::default() };
    Ok(insecure_tls::connect(connection, name, options).await.outcome?.stream)
}

async fn unverified_version(dialer: &Dialer, name: &str) -> Item<String> {
    let connection = match dialer.connect().await {
        Ok(connection) => connection,
        Err(failure) => return failure.item(),
    };
    match unverified(connection, name).await {
        Ok(stream) => {
            let version = stream.get_ref().1.protocol_version().map(u16::from);
            Item::observed(version_name(version.unwrap_or_default()))
        }
        Err(error) => Failure::from(error).item(),
    }
}

/// `TLSv1.2` and `TLSv1.3`, the only two that rustls negotiates.
fn version_name(version: u16) -> String {
    let name = match version {
        0x0304 => "TLSv1.3",
        _ => "TLSv1.2",
    };
    name.to_owned()
}
