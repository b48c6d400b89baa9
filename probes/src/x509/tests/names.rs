use std::net::IpAddr;

use model::evidence::NameOutcome::{self, DnsMatch, IpMatch, Mismatch, NoNames, WildcardMatch};
use testkit::pki::{Leaf, self_signed};

use super::read;

fn judge(dns: &[&str], ip: &[&str], identity: &str) -> NameOutcome {
    let leaf = Leaf {
        common_name: identity.to_owned(),
        dns: dns.iter().map(|name| (*name).to_owned()).collect(),
        ip: ip.iter().map(|ip| ip.parse::<IpAddr>().expect("address")).collect(),
        ..Leaf::default()
    };
    read(&self_signed(&leaf)).names.judge(identity)
}

#[test]
fn a_dns_name_matches_without_regard_to_case_and_final_dot() {
    assert_eq!(judge(&["Broker.Example"], &[], "broker.example."), DnsMatch);
    assert_eq!(judge(&["broker.example"], &[], "broker.example.org"), Mismatch);
}

#[test]
fn a_wildcard_stands_for_exactly_one_label() {
    assert_eq!(judge(&["*.example.org"], &[], "broker.example.org"), WildcardMatch);
    assert_eq!(judge(&["*.example.org"], &[], "a.broker.example.org"), Mismatch);
    assert_eq!(judge(&["*.example.org"], &[], "example.org"), Mismatch);
    assert_eq!(judge(&["*.example.org"], &[], ".example.org"), Mismatch);
}

#[test]
fn a_wildcard_that_is_not_the_whole_left_most_label_matches_nothing() {
    assert_eq!(judge(&["b*.example.org"], &[], "broker.example.org"), Mismatch);
    assert_eq!(judge(&["broker.*.org"], &[], "broker.example.org"), Mismatch);
    assert_eq!(judge(&["*.*.org"], &[], "broker.example.org"), Mismatch);
    assert_eq!(judge(&["*"], &[], "broker"), Mismatch);
}

#[test]
fn an_exact_name_wins_over_a_wildcard() {
    assert_eq!(judge(&["*.example.org", "b.example.org"], &[], "b.example.org"), DnsMatch);
}

#[test]
fn an_address_matches_only_an_ip_address_name() {
    assert_eq!(judge(&[], &["192.0.2.7"], "192.0.2.7"), IpMatch);
    assert_eq!(judge(&["192.0.2.7"], &[], "192.0.2.7"), Mismatch);
    assert_eq!(judge(&["*.0.2.7"], &[], "192.0.2.7"), Mismatch);
    assert_eq!(judge(&[], &["2001:db8::1"], "[2001:db8:0::1]"), IpMatch);
    assert_eq!(judge(&[], &["192.0.2.7"], "192.0.2.8"), Mismatch);
}

#[test]
fn the_common_name_is_never_looked_at() {
    assert_eq!(judge(&[], &[], "broker.example"), NoNames);
    assert_eq!(judge(&["other.example"], &[], "broker.example"), Mismatch);
}

#[test]
fn unseen_characters_in_a_dns_name_are_shown() {
    let leaf = Leaf { dns: vec!["a\u{1b}b".to_owned()], ..Leaf::default() };
    assert_eq!(read(&self_signed(&leaf)).names.dns, ["a\\1Bb"]);
}
