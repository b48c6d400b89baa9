//! What an ingest edge must prove before it is given a credential: the target's own anchors.

use model::document::{Endpoint, Trust};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::verified_tls::Verifier;
use crate::{Context, source};

/// Holds an endpoint to the declared anchors, its name and the pinned keys. Every certificate of
/// the bundle is an anchor. A sentence if nothing can be held.
pub async fn verifier(
    context: &Context,
    endpoint: &Endpoint,
    trust: &Trust,
) -> Result<Verifier, String> {
    let bundle = trust
        .ca_bundle
        .as_ref()
        .ok_or("the target declares no trust anchors (`trust.caBundle`)")?;
    let pem = source::bytes(context, bundle).await.map_err(|error| error.to_string())?;
    let mut anchors = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let usable = certificate.ok().and_then(|certificate| anchors.add(certificate).ok());
        usable.ok_or("the trust bundle holds something that is no certificate")?;
    }
    if anchors.is_empty() {
        return Err("the trust bundle holds no certificate".to_owned());
    }
    Verifier::new(anchors, endpoint.reference_identity(), &trust.pinned_keys)
}
