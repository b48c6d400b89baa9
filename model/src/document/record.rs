//! What a record keeps of a document: everything but what may be a secret.
//!
//! A document names where secrets are and holds none, with one exception: the query of an address
//! may be a signature that opens it.

use super::{
    AuditTarget, Credential, DeviceCertificates, GatewayConfig, Source, Trust, without_secrets,
};

/// Something that names sources.
pub(crate) trait Redact {
    /// Takes from every address in it what may be a secret.
    fn redact(&mut self);
}

impl<T: Redact> Redact for Option<T> {
    fn redact(&mut self) {
        self.iter_mut().for_each(T::redact);
    }
}

impl<T: Redact> Redact for Vec<T> {
    fn redact(&mut self) {
        self.iter_mut().for_each(T::redact);
    }
}

impl Redact for Source {
    fn redact(&mut self) {
        address(&mut self.url);
    }
}

impl Redact for Trust {
    fn redact(&mut self) {
        self.ca_bundle.redact();
        self.crls.redact();
    }
}

impl Redact for Credential {
    fn redact(&mut self) {
        address(&mut self.url);
    }
}

impl Redact for GatewayConfig {
    fn redact(&mut self) {
        address(&mut self.url);
        self.mapping.redact();
        self.environment.redact();
    }
}

impl Redact for DeviceCertificates {
    fn redact(&mut self) {
        address(&mut self.url);
        self.password.redact();
        self.inventory.redact();
    }
}

impl AuditTarget {
    /// The target as a record keeps it: addresses without what may be a secret.
    #[must_use]
    pub fn for_record(mut self) -> Self {
        let spec = &mut self.spec;
        spec.trust.redact();
        spec.credentials.redact();
        spec.gateway_config.redact();
        spec.device_certificates.redact();
        self
    }
}

fn address(url: &mut Option<String>) {
    if let Some(url) = url {
        *url = without_secrets(url);
    }
}
