mod certificates;
mod edges;
mod gateway;
mod peers;
mod secrets;
mod surface;
mod tokens;

use std::collections::BTreeMap;
use std::path::Path;

use model::document::{Credential, CredentialKind, Endpoint, Protocol, Source, Trust};
use model::evidence::{Document, Evidence, IngestAuthStable, IngestAuthVolatile};
use model::request::{CheckRequest, Inputs, ProbePolicy};
use model::{CheckId, RunId, Subject, TargetKey};
use serde_json::Value;

use super::collect;
use crate::Context;

/// Evidence as the probe's own types.
type Seen = Document<IngestAuthStable, IngestAuthVolatile>;

/// What a test asks, with a folder for its files.
struct Asked {
    context: Context,
    request: CheckRequest,
}

impl Asked {
    /// An endpoint on loopback whose files lie in `dir`: `ca.pem` and `token`.
    fn new(dir: &Path, protocol: Protocol, port: u16) -> Self {
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
            check: CheckId::IngestAuth,
            target: TargetKey("reference-gateway".to_owned()),
            subject: Subject::endpoint("ingest"),
            inputs: Inputs::Endpoint { endpoint, trust, credentials: vec![credential] },
            policy: ProbePolicy { connect_timeout_seconds: 3, ..ProbePolicy::default() },
            params: BTreeMap::new(),
        };
        let context = Context::new(RunId("20261121-090000-00000001".to_owned()), dir.to_owned());
        Self { context, request }
    }

    fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.request.params.insert(name.to_owned(), value.into());
        self
    }

    fn trust(&mut self) -> &mut Trust {
        let Inputs::Endpoint { trust, .. } = &mut self.request.inputs else { unreachable!() };
        trust
    }

    fn credentials(&mut self) -> &mut Vec<Credential> {
        let Inputs::Endpoint { credentials, .. } = &mut self.request.inputs else { unreachable!() };
        credentials
    }

    async fn evidence(&self) -> Evidence {
        collect(&self.context, &self.request).await
    }

    async fn seen(&self) -> Seen {
        typed(self.evidence().await)
    }
}

fn typed(evidence: Evidence) -> Seen {
    serde_json::from_value(serde_json::to_value(evidence).expect("JSON")).expect("ingest_auth.v1")
}
