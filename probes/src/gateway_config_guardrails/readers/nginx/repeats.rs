//! What one block sets more than once.
//!
//! nginx does not start where it takes one value and finds two; the others add up, or the last one
//! counts. All of it is measured on 1.22.1.

use std::collections::HashMap;

use model::evidence::{Guardrail, Reach};

use super::parse::Directive;
use crate::gateway_config_guardrails::guardrail::Review;

/// Directives that stop nginx where a block has two of them, with what hangs on them.
const ONCE: [(&str, &[Guardrail]); 43] = {
    use Guardrail as G;
    [
        ("auth_basic", &[]),
        ("auth_basic_user_file", &[]),
        ("autoindex", &[G::Admin]),
        ("client_body_timeout", &[]),
        ("client_header_timeout", &[]),
        ("client_max_body_size", &[G::Limits]),
        ("daemon", &[]),
        ("events", &[]),
        ("grpc_pass", &[G::Tls]),
        ("grpc_ssl_certificate_key", &[]),
        ("grpc_ssl_name", &[]),
        ("grpc_ssl_server_name", &[]),
        ("grpc_ssl_trusted_certificate", &[]),
        ("grpc_ssl_verify", &[G::PeerVerification]),
        ("http", &[]),
        ("keepalive_timeout", &[]),
        ("mail", &[]),
        ("proxy_pass", &[G::Tls]),
        ("proxy_protocol", &[]),
        ("proxy_ssl", &[G::Tls]),
        ("proxy_ssl_certificate_key", &[]),
        ("proxy_ssl_name", &[]),
        ("proxy_ssl_server_name", &[]),
        ("proxy_ssl_trusted_certificate", &[]),
        ("proxy_ssl_verify", &[G::PeerVerification]),
        ("real_ip_header", &[]),
        ("real_ip_recursive", &[]),
        ("root", &[]),
        ("server_tokens", &[]),
        ("ssl", &[G::Tls]),
        ("ssl_ciphers", &[]),
        ("ssl_client_certificate", &[]),
        ("ssl_crl", &[]),
        ("ssl_dhparam", &[]),
        ("ssl_early_data", &[]),
        ("ssl_prefer_server_ciphers", &[]),
        ("ssl_preread", &[G::Tls]),
        ("ssl_session_tickets", &[]),
        ("ssl_verify_client", &[G::IdentityMapping, G::PeerVerification]),
        ("ssl_verify_depth", &[]),
        ("starttls", &[G::Tls]),
        ("stream", &[]),
        ("user", &[]),
    ]
};

/// Notes what a block says twice, in every block.
pub fn review(review: &mut Review, tree: &[Directive]) {
    let mut open = vec![tree];
    while let Some(block) = open.pop() {
        let mut seen: HashMap<&str, &Directive> = HashMap::new();
        for one in block {
            open.push(one.inside());
            let before = seen.insert(&one.name, one);
            let Some(before) = before else { continue };
            if let Some((name, guardrails)) = ONCE.iter().find(|(name, _)| *name == one.name) {
                let what = "set more than once in its block: nginx refuses to start";
                review.repeated(one.place.observe(*name, what, Reach::Unstated));
                let reason = "nginx refuses to start with it, so what runs is not this file";
                review.undetermined(&one.place, *name, guardrails, reason);
            } else if one.name == "auth_http" {
                let seen = before.place.observe("auth_http", "set again later", Reach::Unstated);
                review.overridden(seen);
            } else if one.name == "return" {
                let seen = one.place.observe("return", "an earlier one answers", Reach::Unstated);
                review.overridden(seen);
            }
        }
    }
}
