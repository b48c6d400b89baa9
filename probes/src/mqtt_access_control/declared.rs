//! What a target declares of its identities, read: the first `mqtt` credential of the endpoint and the
//! second, each with a client certificate where one is declared.

use std::sync::Arc;

use model::document::{Credential, CredentialKind};
use rustls::sign::CertifiedKey;

use super::entrance::Identity;
use super::identities::Declared;
use crate::ingest_auth::{credential, trust};
use crate::mqtt::client_id;
use crate::source::Secret;
use crate::verified_tls::Verifier;

/// Why nobody was shown to the broker.
const NO_IDENTITY: &str =
    "the target declares no mqtt or clientCertificate credential for this endpoint";

impl Declared<'_> {
    /// Whom the broker must prove to be before anything is shown to it.
    pub(super) async fn verifier(&self) -> Result<Verifier, String> {
        if !self.endpoint.protocol.is_tls() {
            return Err("a credential is never sent over plaintext".to_owned());
        }
        let of_kind = |kind| self.identities(kind).next();
        if of_kind(CredentialKind::Mqtt).or(of_kind(CredentialKind::ClientCertificate)).is_none()
            && self.settings.defaults.is_empty()
        {
            return Err(NO_IDENTITY.to_owned());
        }
        trust::verifier(self.context, self.endpoint, self.trust).await
    }

    /// The credentials of one kind that are identities; those that must not be let in are none.
    pub(super) fn identities(&self, kind: CredentialKind) -> impl Iterator<Item = &Credential> {
        self.credentials
            .iter()
            .filter(move |c| c.kind == kind && !self.settings.defaults.contains(&c.name))
    }

    /// The first identity, and the second where there is one.
    pub(super) async fn read(&self) -> Result<(Identity, Option<Identity>), String> {
        let logins: Vec<_> = self.identities(CredentialKind::Mqtt).take(2).collect();
        let certificates: Vec<_> =
            self.identities(CredentialKind::ClientCertificate).take(2).collect();
        if logins.is_empty() && certificates.is_empty() {
            return Err(NO_IDENTITY.to_owned());
        }
        let has_second = logins.len() == 2 || logins.is_empty() && certificates.len() == 2;
        let one = self.identity(logins.first().copied(), 0).await?;
        let other = match has_second {
            true => Some(self.identity(logins.get(1).copied(), 1).await?),
            false => None,
        };
        Ok((one, other))
    }

    async fn identity(&self, login: Option<&Credential>, place: usize) -> Result<Identity, String> {
        let login = match login {
            None => None,
            Some(declared) => Some(self.login(declared).await?),
        };
        let certificate = self.certificate(place).await?;
        let client_id = self.settings.client_ids[place].clone().unwrap_or_else(client_id);
        Ok(Identity { login, certificate, client_id })
    }

    /// The secret of a declared login, with a colon in it.
    pub(super) async fn login(&self, declared: &Credential) -> Result<Secret, String> {
        let secret = credential::secret(self.context, declared).await?;
        if !secret.expose().contains(':') {
            return Err(format!(
                "the credential `{}` must be `user:password`, and holds no colon",
                declared.name
            ));
        }
        Ok(secret)
    }

    /// The certificate of the first or the second identity. Two users may share one certificate of
    /// their site.
    pub(super) async fn certificate(
        &self,
        place: usize,
    ) -> Result<Option<Arc<CertifiedKey>>, String> {
        let all: Vec<_> = self.identities(CredentialKind::ClientCertificate).take(2).collect();
        match all.get(place).or(all.first()) {
            None => Ok(None),
            Some(declared) => {
                Ok(Some(Arc::new(credential::certificate(self.context, declared).await?)))
            }
        }
    }
}
