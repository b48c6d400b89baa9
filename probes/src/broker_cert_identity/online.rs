//! Whether the leaf was revoked, asked of whom it names itself: only where the target allows it.
//!
//! A certificate is somebody else's text, and so is the address in it. Nobody is asked before the
//! path of the certificate is trusted, so that an address is one that a declared authority has
//! signed. Then a host that `trust.revocationHosts` names is asked wherever it is; where that list
//! is empty, every host is asked at port 80 and at public addresses only. One connection an address,
//! over plain HTTP as the RFCs have it, without a credential, and without following a redirect.
//!
//! An answer counts if it is verified, as a staple or a declared list is, and current; an answer
//! that says nothing of its end, for a day. Whatever else comes leaves the question open.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::document::{Address, Allowance, Trust, without_secrets};
use model::evidence::{CrlSignature, Freshness, Item, PathOutcome, StapleOutcome};
use model::request::ProbePolicy;
use rustls::pki_types::CertificateDer;

use super::evidence::Presented;
use super::revocation::{freshness, issuers};
use crate::http::{self, Answer, Request, authority};
use crate::net::{Dialer, Limits};
use crate::source::MAX_BYTES;
use crate::text::cut;
use crate::x509::bundle::Member;
use crate::x509::revocation_places::Places;
use crate::x509::{Bundle, Crl, Declared, Facts, ocsp, path};

/// Most bytes of an OCSP response that are fetched, as [`ocsp::read`] reads them.
const MAX_RESPONSE: u64 = 64 * 1024;

/// Bytes of a connection beside the content: heads, and what chunks add.
const MAX_AROUND: u64 = 64 * 1024;

/// The one port where a host is asked that nobody has named.
const HTTP_PORT: u16 = 80;

/// For how long an answer counts that does not say when newer information is due.
const UNDATED: SignedDuration = SignedDuration::from_hours(24);

/// How far the clock of a responder may be ahead.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What was found out.
pub struct Online {
    /// Whether anybody may be asked.
    pub allowed: bool,
    /// What is said, or why that is not known.
    pub said: Item<Said>,
}

/// What a source says about the leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Good, revoked or unknown.
    pub outcome: StapleOutcome,
    /// `OCSP` or `CRL` and the address, without its query, cut.
    pub source: String,
    /// When it was known to be so.
    pub this_update: Timestamp,
    /// When newer information is due.
    pub due: Option<Timestamp>,
}

impl Online {
    /// Asks whom the presented leaf names, where the policy allows it.
    pub async fn ask(
        policy: &ProbePolicy,
        trust: &Trust,
        presented: &Item<Presented>,
        declared: &Declared,
    ) -> Self {
        let allowed = policy.allow.contains(&Allowance::OnlineRevocation);
        let chain = presented.as_ref().map(|presented| presented.chain.as_slice());
        let said = match (allowed, chain) {
            (false, _) => {
                Item::not_attempted("`probePolicy.allow` does not name `onlineRevocation`")
            }
            (true, Item::Observed { value: chain }) => match Inquiry::about(chain, declared) {
                Ok(inquiry) => inquiry.ask(policy, &trust.revocation_hosts).await,
                Err(item) => item,
            },
            (true, other) => other.and_then(|_| Item::error("no certificate was presented")),
        };
        Self { allowed, said }
    }
}

/// A question about a leaf whose path is trusted.
struct Inquiry<'a> {
    leaf: &'a CertificateDer<'static>,
    facts: Facts,
    issuer: CertificateDer<'static>,
}

impl<'a> Inquiry<'a> {
    /// The question, or why it is not asked.
    fn about(
        chain: &'a [CertificateDer<'static>],
        declared: &Declared,
    ) -> Result<Self, Item<Said>> {
        let bundle = match &declared.bundle {
            Item::Observed { value } => value,
            other => return Err(other.as_ref().and_then(|_| Item::error("there is no bundle"))),
        };
        let path = path::judge(chain, bundle).map_err(Item::error)?;
        if !matches!(path.outcome, PathOutcome::Trusted | PathOutcome::Incomplete) {
            return Err(Item::not_attempted(
                "nobody is asked whom a certificate names that does not lead to a declared anchor",
            ));
        }
        let (leaf, sent) =
            chain.split_first().ok_or_else(|| Item::error("no certificate was presented"))?;
        let facts = Facts::read(leaf)
            .map_err(|error| Item::error(format!("the leaf cannot be read: {error}")))?;
        let issuer = ocsp::issuer(leaf, &issuers(sent, declared)).cloned().ok_or_else(|| {
            Item::error("the certificate that issued the leaf is not at hand to verify an answer")
        })?;
        Ok(Self { leaf, facts, issuer })
    }

    /// Asks one after the other until one answer counts.
    async fn ask(&self, policy: &ProbePolicy, hosts: &[String]) -> Item<Said> {
        let places = Places::read(self.leaf);
        let responders = places.ocsp.iter().map(|url| ("OCSP", url));
        let mut refusals = Vec::new();
        for (kind, url) in responders.chain(places.crls.iter().map(|url| ("CRL", url))) {
            let source = format!("{kind} {}", cut(without_secrets(url).as_bytes()));
            let said = match (kind, Contact::new(url, policy, hosts)) {
                (_, Err(reason)) => Err(reason),
                ("OCSP", Ok(contact)) => self.responder(&contact).await,
                (_, Ok(contact)) => self.list(&contact).await,
            };
            match said.and_then(|(outcome, this_update, due)| {
                counts(this_update, due, Timestamp::now())?;
                Ok(Said { outcome, source: source.clone(), this_update, due })
            }) {
                Ok(said) => return Item::observed(said),
                Err(reason) => refusals.push(format!("{source}: {reason}")),
            }
        }
        if refusals.is_empty() {
            return Item::error(
                "the certificate names neither a responder nor a distribution point",
            );
        }
        Item::error(refusals.join("; "))
    }

    async fn responder(&self, contact: &Contact<'_>) -> Result<Answered, String> {
        let body = ocsp::request(self.leaf, &self.issuer)
            .ok_or("no request can be made about this certificate")?;
        let response = contact.ask(Some(&body), MAX_RESPONSE).await?;
        let answer = ocsp::read(&response, self.leaf, std::slice::from_ref(&self.issuer))?;
        Ok((answer.outcome, answer.this_update, answer.next_update))
    }

    async fn list(&self, contact: &Contact<'_>) -> Result<Answered, String> {
        let list = contact.ask(None, MAX_BYTES).await?;
        let facts = Facts::read(&self.issuer).map_err(|error| error.to_string())?;
        let issuer = Member { der: self.issuer.clone(), facts };
        let bundle = Bundle { anchors: vec![issuer], ..Bundle::default() };
        let lists = Crl::read(&list, &bundle)?;
        let own = lists
            .iter()
            .find(|list| list.issuer_id == self.facts.issuer_id)
            .ok_or("it is the list of another issuer")?;
        if own.signature != CrlSignature::Verified {
            return Err("the signature of the list could not be verified".to_owned());
        }
        let outcome = match own.names(&self.facts.serial) {
            true => StapleOutcome::Revoked,
            false => StapleOutcome::Good,
        };
        Ok((outcome, own.this_update, own.next_update))
    }
}

/// What is said, since when, and until when.
type Answered = (StapleOutcome, Timestamp, Option<Timestamp>);

/// Whether an answer counts by its dates. The reasons hold none: they would change every day.
fn counts(this_update: Timestamp, due: Option<Timestamp>, now: Timestamp) -> Result<(), String> {
    if this_update > now + SKEW {
        return Err("the answer is of a later time than now".to_owned());
    }
    match freshness(due, now) {
        Freshness::Overdue => Err("the answer is out of date".to_owned()),
        Freshness::Undated if now.duration_since(this_update) > UNDATED => {
            Err("the answer is older than a day and does not say for how long it counts".to_owned())
        }
        Freshness::Current | Freshness::Undated => Ok(()),
    }
}

/// A host that may be asked, and how.
struct Contact<'a> {
    address: Address<'a>,
    dialer: Dialer,
}

impl<'a> Contact<'a> {
    /// The host behind an address; a sentence if it is not asked.
    fn new(url: &'a str, policy: &ProbePolicy, hosts: &[String]) -> Result<Self, String> {
        let address = Address::parse(url)?;
        if !address.scheme.eq_ignore_ascii_case("http") {
            return Err("only http is asked, which the answer's own signature makes up for".into());
        }
        let port = address.port.unwrap_or(HTTP_PORT);
        let limits = Limits {
            answer: patience(policy),
            bytes: MAX_BYTES + MAX_AROUND,
            ..Limits::new(policy, 1)
        };
        let dialer = Dialer::to(address.host, port, limits);
        if hosts.is_empty() {
            if port != HTTP_PORT {
                return Err(format!(
                    "port {port} is asked only of a host that `trust.revocationHosts` names"
                ));
            }
            return Ok(Self { address, dialer: dialer.public_only() });
        }
        if !hosts.iter().any(|host| names(host, &address, port)) {
            return Err("`trust.revocationHosts` does not name this host".to_owned());
        }
        Ok(Self { address, dialer })
    }

    /// The content of the answer to a request with this body, or to one without.
    async fn ask(&self, body: Option<&[u8]>, most: u64) -> Result<Vec<u8>, String> {
        let port = self.address.port.unwrap_or(HTTP_PORT);
        let host = authority(self.address.host, port, HTTP_PORT);
        let path = self.address.request_path();
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = Request {
            method,
            path: &path,
            host: &host,
            authorization: None,
            body: None,
            headers: &[],
        };
        let told = async {
            let mut connection =
                self.dialer.connect().await.map_err(|failure| failure.to_string())?;
            let told = match body {
                Some(body) => {
                    let kind = "application/ocsp-request";
                    http::submit(&mut connection, &request, kind, body, most).await
                }
                None => http::download(&mut connection, &request, most).await,
            };
            told.map_err(|failure| failure.to_string())
        };
        let (answer, content): (Answer, Vec<u8>) = told.await?;
        match answer.status {
            200 => Ok(content),
            status @ 300..=399 => Err(format!("it answers {status}, and no redirect is followed")),
            status => Err(format!("it answers {status}, expected 200")),
        }
    }
}

/// Whether an entry of `trust.revocationHosts` names the host, at that port or at any.
fn names(entry: &str, address: &Address<'_>, port: u16) -> bool {
    let text = format!("http://{entry}");
    Address::parse(&text).is_ok_and(|named| {
        named.host.eq_ignore_ascii_case(address.host) && named.port.is_none_or(|own| own == port)
    })
}

/// A list may be long: its answer may take twice as long as a connection.
fn patience(policy: &ProbePolicy) -> Duration {
    2 * Duration::from_secs(policy.connect_timeout_seconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(url: &str, hosts: &[&str]) -> Result<(), String> {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        Contact::new(url, &ProbePolicy::default(), &hosts).map(|_| ())
    }

    #[test]
    fn only_named_hosts_are_asked_where_some_are_named() {
        let hosts = ["ca.example", "10.0.0.7:8080", "[::1]:80"];
        for named in [
            "http://ca.example/ocsp",
            "http://CA.example:8888/x",
            "http://10.0.0.7:8080",
            "http://[::1]/",
        ] {
            assert_eq!(contact(named, &hosts), Ok(()), "{named}");
        }
        for other in ["http://ca.example.evil/", "http://10.0.0.7/", "http://[::1]:81/"] {
            assert!(contact(other, &hosts).is_err(), "{other}");
        }
    }

    #[test]
    fn without_named_hosts_only_plain_http_at_its_own_port_is_asked() {
        assert_eq!(contact("http://ca.example/ocsp?x", &[]), Ok(()));
        for other in [
            "http://ca.example:6379/",
            "https://ca.example/",
            "file:///etc/passwd",
            "ldap://ca.example/cn=x",
            "http://u:p@ca.example/",
            "http://ca.example/a b",
            "",
        ] {
            assert!(contact(other, &[]).is_err(), "{other}");
        }
    }

    #[tokio::test]
    async fn a_host_that_nobody_named_is_not_asked_at_an_address_of_ones_own_network() {
        for url in ["http://127.0.0.1/", "http://localhost/", "http://169.254.169.254/latest"] {
            let contact = Contact::new(url, &ProbePolicy::default(), &[]).expect("a contact");
            let told = contact.ask(None, 10).await.expect_err("no answer");
            assert!(told.ends_with("has no public address"), "{told}");
            assert_eq!(contact.dialer.opened(), 0);
        }
    }

    #[test]
    fn an_answer_counts_while_it_is_current_and_a_day_where_it_does_not_say() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().expect("time");
        let hours = |hours| SignedDuration::from_hours(hours);
        for (since, due, good) in [
            (1, Some(1), true),
            (1_000, Some(1), true),
            (2, Some(-1), false),
            (2, Some(0), false),
            (23, None, true),
            (25, None, false),
            (-1, Some(2), false),
        ] {
            let due = due.map(|due| now + hours(due));
            assert_eq!(counts(now - hours(since), due, now).is_ok(), good, "{since} {due:?}");
        }
    }
}
