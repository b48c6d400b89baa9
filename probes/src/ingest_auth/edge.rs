//! The edge as a probe reaches it: one connection per request, plaintext or TLS.

use std::sync::Arc;

use model::evidence::{Item, TrustFault};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};

use super::credential::Presented;
use super::reading::Reply;
use super::traces::Traces;
use crate::http::{self, Answer, Body, Excerpt, Failure, Handover, Request};
use crate::http2;
use crate::insecure_tls::{self, Handshake, HandshakeError, Options};
use crate::net::{Connection, Dialer};
use crate::verified_tls::{ALPN, OwnCertificate, Refusal, Verifier};

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

/// How one request goes out, and how much of its answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Whole; the head of the answer.
    Head,
    /// Whole; the head of the answer and the beginning of its content.
    Excerpt,
    /// The head alone, with this `Content-Length` and nothing behind it.
    Offer(u64),
    /// Over HTTP/2; the status of the answer.
    Http2,
}

/// Where a credential stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// In `Authorization`.
    Header,
    /// In the query, as the value of this parameter.
    Query(&'a str),
}

/// A port of the edge, and what it has taught about itself.
pub struct Edge<'a> {
    dialer: &'a Dialer,
    channel: Channel,
    handover: Handover,
    /// What its answers say beside their status.
    pub traces: Traces,
}

/// What TLS says of the endpoint.
pub struct TlsReading {
    /// Negotiated version.
    pub version: Item<String>,
    /// Whether the endpoint proved who it is.
    pub trusted: Item<bool>,
    /// Why not.
    pub fault: Item<Option<TrustFault>>,
    /// Whether it chose HTTP/2 over HTTP/1.1.
    pub http2: Item<bool>,
}

impl<'a> Edge<'a> {
    /// An edge that is reached in plaintext.
    pub fn plain(dialer: &'a Dialer) -> Self {
        Self::over(dialer, Channel::Plain)
    }

    fn over(dialer: &'a Dialer, channel: Channel) -> Self {
        Self { dialer, channel, handover: Handover::AskFirst, traces: Traces::default() }
    }

    /// An edge that is reached over TLS: verified where the endpoint proves who it is, and
    /// unverified everywhere else, so that what needs no secret can still be asked.
    pub async fn secured(
        dialer: &'a Dialer,
        name: &str,
        verifier: Result<Verifier, String>,
    ) -> (Self, TlsReading) {
        let (channel, mut reading) = match verifier {
            Err(reason) => (None, TlsReading::unjudged(Item::not_attempted(&reason))),
            Ok(verifier) => match handshake(dialer, &verifier).await {
                Ok((version, http2)) => {
                    let reading = TlsReading {
                        version,
                        trusted: Item::observed(true),
                        fault: Item::observed(None),
                        http2,
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
        let channel = match channel {
            Some(channel) => channel,
            None => {
                (reading.version, reading.http2) = unverified_session(dialer, name).await;
                Channel::Unverified(name.to_owned())
            }
        };
        (Self::over(dialer, channel), reading)
    }

    /// Asks once, over a connection of its own and without a client certificate. Redirects are
    /// answers like any other.
    pub async fn ask(&mut self, request: &Request<'_>) -> Reply {
        self.ask_as(request, None, Way::Head).await
    }

    /// The same in another way.
    pub async fn ask_in(&mut self, request: &Request<'_>, way: Way) -> Reply {
        self.ask_as(request, None, way).await
    }

    /// Asks with a declared credential: only over a verified channel, else a sentence why not.
    pub async fn present(
        &mut self,
        request: &Request<'_>,
        credential: &Presented,
        place: Place<'_>,
        way: Way,
    ) -> Result<Reply, String> {
        match self.channel {
            Channel::Verified(_) => {}
            Channel::Plain => return Err("a credential is never sent over plaintext".to_owned()),
            Channel::Unverified(_) => {
                return Err(
                    "a credential is never sent to an endpoint that has not proved who it is"
                        .to_owned(),
                );
            }
        }
        let path;
        let request = match place {
            Place::Header => Request { authorization: credential.authorization(), ..*request },
            Place::Query(name) => {
                path = credential.in_query(request.path, name)?;
                Request { authorization: None, path: &path, ..*request }
            }
        };
        Ok(self.ask_as(&request, credential.certificate(), way).await)
    }

    async fn ask_as(
        &mut self,
        request: &Request<'_>,
        own: Option<Arc<CertifiedKey>>,
        way: Way,
    ) -> Reply {
        let mut reply = self.exchange(request, own.clone(), way).await;
        let status = reply.outcome.as_ref().map_or(0, |answer| answer.status);
        let asked_first = self.handover == Handover::AskFirst && !matches!(way, Way::Offer(_));
        if status == EXPECTATION_FAILED && asked_first {
            self.handover = Handover::Unasked;
            reply = self.exchange(request, own, way).await;
        }
        if let Ok(answer) = &reply.outcome {
            if answer.body == Body::Pushed && way != Way::Http2 {
                // It does not answer to `Expect`; asking again would only cost the pause.
                self.handover = Handover::Unasked;
            }
            self.traces.note(request, answer, reply.excerpt.as_ref());
        }
        reply
    }

    async fn exchange(
        &self,
        request: &Request<'_>,
        own: Option<Arc<CertifiedKey>>,
        way: Way,
    ) -> Reply {
        let mut certificate = OwnCertificate::NotRequested;
        let outcome = self.outcome(request, own, way, &mut certificate).await;
        let (outcome, excerpt) = match outcome {
            Ok((answer, excerpt)) => (Ok(answer), excerpt),
            Err(failure) => (Err(failure), None),
        };
        Reply { outcome, certificate, excerpt }
    }

    async fn outcome(
        &self,
        request: &Request<'_>,
        own: Option<Arc<CertifiedKey>>,
        way: Way,
        certificate: &mut OwnCertificate,
    ) -> Result<(Answer, Option<Excerpt>), Failure> {
        let connection = self.dialer.connect().await?;
        let protocol = if way == Way::Http2 { http2::ALPN } else { ALPN };
        match &self.channel {
            Channel::Plain => {
                let mut stream = connection;
                self.talk(&mut stream, request, way).await
            }
            Channel::Verified(verifier) => {
                let attempt = verifier.offer(connection, own, &[protocol]).await;
                *certificate = attempt.certificate;
                self.talk(&mut attempt.outcome?, request, way).await
            }
            Channel::Unverified(name) => {
                let attempt = unverified(connection, name, &[protocol]).await;
                if attempt.presented.client_certificate_requested {
                    *certificate = OwnCertificate::Withheld;
                }
                self.talk(&mut attempt.outcome?.stream, request, way).await
            }
        }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        request: &Request<'_>,
        way: Way,
    ) -> Result<(Answer, Option<Excerpt>), Failure> {
        match way {
            Way::Head => Ok((http::exchange(stream, request, self.handover).await?, None)),
            Way::Excerpt => {
                let (answer, excerpt) = http::excerpt(stream, request, self.handover).await?;
                Ok((answer, Some(excerpt)))
            }
            Way::Offer(length) => Ok((http::offer(stream, request, length).await?, None)),
            Way::Http2 => Ok((Answer::of_status(http2::status(stream, request).await?), None)),
        }
    }
}

impl TlsReading {
    fn unjudged(trusted: Item<bool>) -> Self {
        let fault = Item::not_attempted("there is no verdict on the certificate to explain");
        let none = "no session was made";
        Self {
            version: Item::not_attempted(none),
            trusted,
            fault,
            http2: Item::not_attempted(none),
        }
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

/// What the first handshake offers: it carries no request, so the endpoint is free to choose.
const BOTH: [&[u8]; 2] = [http2::ALPN, ALPN];

/// Lets the endpoint prove who it is; the version that was agreed on, and whether HTTP/2 was. An
/// endpoint that has proved it and then ends the handshake for want of a client certificate has
/// still proved it.
async fn handshake(
    dialer: &Dialer,
    verifier: &Verifier,
) -> Result<(Item<String>, Item<bool>), Refusal> {
    let network = |failure| Refusal::Handshake(HandshakeError::Network(failure));
    let connection = dialer.connect().await.map_err(network)?;
    let attempt = verifier.offer(connection, None, &BOTH).await;
    let withheld = attempt.certificate == OwnCertificate::Withheld;
    match attempt.outcome {
        Ok(stream) => {
            let session = stream.get_ref().1;
            let version = session.protocol_version().map(u16::from).unwrap_or_default();
            let http2 = session.alpn_protocol() == Some(http2::ALPN);
            Ok((Item::observed(version_name(version)), Item::observed(http2)))
        }
        Err(Refusal::Handshake(error)) if attempt.proved && withheld => {
            let failure = Failure::from(error);
            Ok((failure.item(), failure.item()))
        }
        Err(refusal) => Err(refusal),
    }
}

async fn unverified(
    connection: Connection,
    name: &str,
    protocols: &[&[u8]],
) -> Handshake<Connection> {
    let alpn = protocols.iter().map(|name| name.to_vec()).collect();
    insecure_tls::connect(connection, name, Options { alpn, ..Options::default() }).await
}

async fn unverified_session(dialer: &Dialer, name: &str) -> (Item<String>, Item<bool>) {
    let connection = match dialer.connect().await {
        Ok(connection) => connection,
        Err(failure) => return (failure.item(), failure.item()),
    };
    match unverified(connection, name, &BOTH).await.outcome {
        Ok(session) => {
            let http2 = session.alpn.as_deref() == Some(http2::ALPN);
            (Item::observed(version_name(session.version)), Item::observed(http2))
        }
        Err(error) => {
            let failure = Failure::from(error);
            (failure.item(), failure.item())
        }
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
