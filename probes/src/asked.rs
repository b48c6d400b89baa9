//! What a test asks of an HTTP endpoint on loopback, for the checks that look at one.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::Path;

use model::document::{Credential, CredentialKind, Endpoint, Protocol, Source, Trust};
use model::evidence::{Contract, Document, Evidence};
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{RunId, Subject, TargetKey};
use serde_json::Value;

use crate::Context;

/// A question of the check of contract `C`, with a folder for its files.
pub struct Asked<C> {
    /// Where it is asked.
    pub context: Context,
    /// What is asked.
    pub request: CheckRequest,
    contract: PhantomData<C>,
}

/// Evidence as the probe's own types.
pub type Seen<C> = Document<<C as Contract>::Stable, <C as Contract>::Volatile>;

impl<C: Contract> Asked<C> {
    /// An endpoint on loopback whose files lie in `dir`: `ca.pem` and `token`.
    pub fn new(dir: &Path, protocol: Protocol, port: u16) -> Self {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let endpoint = Endpoint {
            path: Some("/v1/ingest".to_owned()),
            health_path: Some("/healthz".to_owned()),
            ..Endpoint::new("ingest", protocol, "127.0.0.1", port)
        };
        let credential = Credential {
            name: "ingest".to_owned(),
            kind: CredentialKind::Bearer,
            path: Some("token".to_owned()),
            env: None,
            config_map_ref: None,
            secret_ref: None,
            url: None,
        };
        let trust = Trust { ca_bundle: Some(Source::path("ca.pem")), ..Trust::default() };
        let request = CheckRequest {
            check: C::CHECK,
            target: TargetKey("reference-gateway".to_owned()),
            subject: Subject::endpoint("ingest"),
            inputs: Inputs::Endpoint { endpoint, trust, credentials: vec![credential] },
            policy: ProbePolicy { connect_timeout_seconds: 3, ..ProbePolicy::default() },
            params: BTreeMap::new(),
        };
        let context = Context::new(RunId("20261121-090000-00000001".to_owned()), dir.to_owned());
        Self { context, request, contract: PhantomData }
    }

    /// The same with a parameter.
    pub fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.request.params.insert(name.to_owned(), value.into());
        self
    }

    /// Whom the target trusts.
    pub fn trust(&mut self) -> &mut Trust {
        let Inputs::Endpoint { trust, .. } = &mut self.request.inputs else { unreachable!() };
        trust
    }

    /// What may be presented.
    pub fn credentials(&mut self) -> &mut Vec<Credential> {
        let Inputs::Endpoint { credentials, .. } = &mut self.request.inputs else { unreachable!() };
        credentials
    }

    /// The evidence.
    pub async fn evidence(&self) -> Evidence {
        crate::collect(&self.context, &self.request).await
    }

    /// The evidence as types.
    pub async fn seen(&self) -> Seen<C> {
        typed::<C>(self.evidence().await)
    }
}

/// Evidence as types.
pub fn typed<C: Contract>(evidence: Evidence) -> Seen<C> {
    serde_json::from_value(serde_json::to_value(evidence).expect("JSON")).expect("the contract")
}
