//! Code scanning.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::{Fault, GitHub, Repeat};

impl GitHub {
    /// Uploads a SARIF report of a commit.
    pub async fn upload_sarif(
        &mut self,
        commit: &str,
        git_ref: &str,
        sarif: &str,
    ) -> Result<(), Fault> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let packed = packer
            .write_all(sarif.as_bytes())
            .and_then(|()| packer.finish())
            .map_err(|error| Fault::Odd(error.to_string()))?;
        let wanted = json!({
            "commit_sha": commit,
            "ref": git_ref,
            "sarif": STANDARD.encode(packed),
            "tool_name": "Plumbline",
        });
        let route = self.route("/code-scanning/sarifs");
        // The last upload of a commit and a category counts.
        self.send::<Value>(Method::POST, &route, &wanted, Repeat::Harmless).await?;
        Ok(())
    }
}
