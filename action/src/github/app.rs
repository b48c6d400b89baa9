//! A GitHub App: its key signs for a token that may write issues of one repository for an hour.

use http::Method;
use octocrab::models::AppId;
use serde::Deserialize;
use serde_json::json;

use super::{Fault, GitHub, Repeat};
use crate::event::Repository;
use crate::failure::Failure;

/// A token of an App, and the login that it writes as.
pub struct Installed {
    /// The token.
    pub token: String,
    /// `<slug>[bot]`.
    pub author: String,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
    app_slug: String,
}

#[derive(Deserialize)]
struct Minted {
    token: String,
}

/// Asks for a token of an App's installation on a repository. `key` is its private key, PEM.
pub async fn installed(
    api: &str,
    repository: &Repository,
    app: u64,
    key: &[u8],
) -> Result<Installed, Failure> {
    let mut github = GitHub::with(api, repository, std::time::Duration::ZERO, |builder| {
        builder
            .app_from_rsa_pem(AppId(app), key)
            // Its own words could quote the key.
            .map_err(|_| Failure::new("the App's key file holds no RSA private key in PEM"))
    })?;
    let failed = |what: &str, fault: &Fault| {
        Failure::new(format!("GitHub App {app}: {what}: {fault}; is it installed there?"))
    };
    let route = github.route("/installation");
    let installation: Installation =
        github.get(&route).await.map_err(|fault| failed("its installation", &fault))?;
    let route = format!("/app/installations/{}/access_tokens", installation.id);
    let wanted = json!({
        "repositories": [repository.name],
        "permissions": { "issues": "write", "pull_requests": "read" },
    });
    let minted: Minted = github
        .send(Method::POST, &route, &wanted, Repeat::Harmless)
        .await
        .map_err(|fault| failed("a token", &fault))?;
    let author = format!("{}[bot]", installation.app_slug);
    Ok(Installed { token: minted.token, author })
}
