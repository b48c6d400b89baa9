//! One GET per connection, with everything that is read of its answer.

use jiff::Timestamp;
use model::document::{Credential, Endpoint, Protocol, Trust};
use model::evidence::Item;

use super::question::Question;
use crate::Context;
use crate::http::{self, Answer, Failure, Request};
use crate::ingest_auth::{Presented, verifier};
use crate::insecure_tls::{self, HandshakeError, Options};
use crate::net::Dialer;
use crate::verified_tls::{ALPN, Refusal};

/// Bytes of content that are read; with its head it stays within what one connection may give.
pub const MAX_CONTENT: u64 = 768 * 1024;

/// What came of one request.
pub struct Told {
    outcome: Result<(Answer, Result<Vec<u8>, Failure>), Failure>,
    /// When the request went out.
    pub asked: Timestamp,
    /// When its answer had come.
    pub answered: Timestamp,
}

impl Told {
    /// Status of the answer.
    pub fn status(&self) -> Item<u16> {
        match &self.outcome {
            Ok((answer, _)) => Item::observed(answer.status),
            Err(failure) => failure.item(),
        }
    }

    /// The first value of a header, in lower case; none where there was no answer either.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.outcome.as_ref().ok().and_then(|(answer, _)| answer.header(name))
    }

    /// The whole content. Nothing is unpacked, since nobody asked for it to be packed.
    pub fn content(&self) -> Item<Vec<u8>> {
        match &self.outcome {
            Err(failure) => failure.item(),
            Ok((_, Err(failure))) => failure.item(),
            Ok((answer, Ok(content))) => match answer.header("content-encoding") {
                Some(coding) if !coding.eq_ignore_ascii_case(b"identity") => {
                    Item::error("the answer is packed, and nobody asked for that")
                }
                _ => Item::observed(content.clone()),
            },
        }
    }
}

/// Asks one endpoint.
pub struct Asker<'a> {
    endpoint: &'a Endpoint,
    dialer: &'a Dialer,
    question: &'a Question,
}

impl<'a> Asker<'a> {
    /// Asks an endpoint through a dialer.
    pub const fn new(endpoint: &'a Endpoint, dialer: &'a Dialer, question: &'a Question) -> Self {
        Self { endpoint, dialer, question }
    }

    /// Asks without a credential; over TLS whoever answers, because nothing is at stake.
    pub async fn ask(&self, path: &str) -> Told {
        let request = self.request(path, None);
        self.timed(async {
            let mut connection = self.dialer.connect().await?;
            if self.endpoint.protocol != Protocol::Https {
                return http::fetch(&mut connection, &request, MAX_CONTENT).await;
            }
            let options = Options { alpn: vec![ALPN.to_vec()], ..Options::default() };
            let name = self.endpoint.reference_identity();
            let session = insecure_tls::connect(connection, name, options).await.outcome?;
            let mut stream = session.stream;
            http::fetch(&mut stream, &request, MAX_CONTENT).await
        })
        .await
    }

    /// Asks with the declared credential, over TLS with an endpoint that proves who it is; a
    /// sentence if there is none, or no way to hold the endpoint to.
    pub async fn ask_with_credential(
        &self,
        context: &Context,
        path: &str,
        trust: &Trust,
        credentials: &[Credential],
    ) -> Result<Told, String> {
        if self.endpoint.protocol != Protocol::Https {
            return Err("a credential is never sent over plaintext".to_owned());
        }
        let credential = Presented::read(context, credentials).await?;
        let verifier = verifier(context, self.endpoint, trust).await?;
        let request = self.request(path, credential.authorization());
        Ok(self
            .timed(async {
                let connection = self.dialer.connect().await?;
                let attempt = verifier.connect(connection, credential.certificate()).await;
                let mut stream = attempt.outcome.map_err(|refusal| match refusal {
                    Refusal::Handshake(error) => error,
                    Refusal::Untrusted(_) => HandshakeError::Protocol(
                        "the endpoint does not prove who it is, so it was shown no credential"
                            .to_owned(),
                    ),
                })?;
                http::fetch(&mut stream, &request, MAX_CONTENT).await
            })
            .await)
    }

    fn request<'b>(&'b self, path: &'b str, authorization: Option<&'b str>) -> Request<'b> {
        let host = &self.question.host;
        Request { method: "GET", path, host, authorization, body: None, headers: &[] }
    }

    async fn timed(
        &self,
        ask: impl Future<Output = Result<(Answer, Result<Vec<u8>, Failure>), Failure>>,
    ) -> Told {
        let asked = Timestamp::now();
        let outcome = ask.await;
        Told { outcome, asked, answered: Timestamp::now() }
    }
}
