//! The edge as a probe reaches it: one connection per request, plaintext or TLS.

use std::sync::Arc;

use model::evidence::{Item, TrustFault};
use rustls::sign::CertifiedKey;

use super::credential::Presented;
use super::question::Question;
use super::reading::{Outcome, Reply};
use crate::http::{Body, Failure, Handover, Request, exchange};
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
                        version,
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

    /// Asks once, over a connection of its own and without a client certificate. Redirects are
    /// answers like any other.
    pub async fn ask(&mut self, request: &Request<'_>) -> Reply {
        self.ask_as(request, None).await
    }

    /// Asks with the declared credential: only over a verified channel, else a sentence why not.
    pub async fn present(
        &mut self,
        question: &Question,
        credential: &Presented,
    ) -> Result<Reply, String> {
        match self.channel {
            Channel::Verified(_) => {
                let request = question.request(credential.authorization());
                Ok(self.ask_as(&request, credential.certificate()).await)
            }
            Channel::Plain => Err("a credential is never sent over plaintext".to_owned()),
            Channel::Unverified(_) => {
                Err("a credential is never sent to an endpoint that has not proved who it is"
                    .to_owned())
            }
        }
    }

    async fn ask_as(&mut self, request: &Request<'_>, own: Option<Arc<CertifiedKey>>) -> Reply {
        let reply = self.exchange(request, own.clone()).await;
        let Ok(answer) = &reply.outcome else { return reply };
        if answer.status == EXPECTATION_FAILED && self.handover == Handover::AskFirst {
            self.handover = Handover::Unasked;
            return self.exchange(request, own).await;
        }
        if answer.body == Body::Pushed {
            // It does not answer to `Expect`; asking again would only cost the pause.
            self.handover = Handover::Unasked;
        }
        reply
    }

    async fn exchange(&self, request: &Request<'_>, own: Option<Arc<CertifiedKey>>) -> Reply {
        let mut certificate = OwnCertificate::NotRequested;
        let outcome = self.outcome(request, own, &mut certificate).await;
        Reply { outcome, certificate }
    }

    async fn outcome(
        &self,
        request: &Request<'_>,
        own: Option<Arc<CertifiedKey>>,
        certificate: &mut OwnCertificate,
    ) -> Outcome {
        let connection = self.dialer.connect().await?;
        match &self.channel {
            Channel::Plain => {
                let mut stream = connection;
                exchange(&mut stream, request, self.handover).await
            }
            Channel::Verified(verifier) => {
                let attempt = verifier.connect(connection, own).await;
                *certificate = attempt.certificate;
                exchange(&mut attempt.outcome?, request, self.handover).await
            }
            Channel::Unverified(name) => {
                let attempt = unverified(connection, name).await;
                if attempt.presented.client_certificate_requested {
                    *certificate = OwnCertificate::Withheld;
                }
                exchange(&mut attempt.outcome?.stream, request, self.handover).await
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

/// Lets the endpoint prove who it is; the version that was agreed on. An endpoint that has proved
/// it and then ends the handshake for want of a client certificate has still proved it.
async fn handshake(dialer: &Dialer, verifier: &Verifier) -> Result<Item<String>, Refusal> {
    let network = |failure| Refusal::Handshake(HandshakeError::Network(failure));
    let connection = dialer.connect().await.map_err(network)?;
    let attempt = verifier.connect(connection, None).await;
    let withheld = attempt.certificate == OwnCertificate::Withheld;
    match attempt.outcome {
        Ok(stream) => {
            let version = stream.get_ref().1.protocol_version().map(u16::from);
            Ok(Item::observed(version_name(version.unwrap_or_default())))
        }
        Err(Refusal::Handshake(error)) if attempt.proved && withheld => {
            Ok(Failure::from(error).item())
        }
        Err(refusal) => Err(refusal),
    }
}

async fn unverified(connection: Connection, name: &str) -> Handshake<Connection> {
    let options = Options { alpn: vec![ALPN.to_vec()], ..Options::default() };
    insecure_tls::connect(connection, name, options).await
}

async fn unverified_version(dialer: &Dialer, name: &str) -> Item<String> {
    let connection = match dialer.connect().await {
        Ok(connection) => connection,
        Err(failure) => return failure.item(),
    };
    match unverified(connection, name).await.outcome {
        Ok(session) => Item::observed(version_name(session.version)),
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
