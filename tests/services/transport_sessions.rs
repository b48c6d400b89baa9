//! What only a whole session shows, against OpenSSL's `s_server`, whose flags are the truth to compare
//! with: renegotiation by the client, tickets and early data.

use model::document::Protocol;
use model::evidence::Evidence;
use serde_json::{Value, json};
use testkit::evidence::{expect, status, value};
use testkit::mosquitto::{Broker, Setup};
use testkit::pki::Identity;

use super::posture::{ec_identity, enumerate, rsa_identity, s_server};

const RENEGOTIATION: &str = "/tls/features/client_renegotiation";
const RESUMPTION: &str = "/tls/features/resumption";
const PSK_RESUMPTION: &str = "/tls/features/psk_resumption";
const LIFETIME: &str = "/tls/features/ticket_lifetime";
const EARLY_DATA: &str = "/tls/features/early_data_max";

async fn seen(identity: &Identity, flags: &[&str]) -> Evidence {
    let server = s_server(identity, flags);
    // `s_server -www` answers HTTP inside, as a broker behind WebSocket does.
    enumerate(Protocol::Wss, server.port()).await
}

#[tokio::test]
async fn renegotiation_is_allowed_exactly_where_the_flag_allows_it_with_every_kind_of_suite() {
    let (ec, rsa) = (ec_identity(), rsa_identity());
    for (identity, suite) in [
        (&ec, "ECDHE-ECDSA-AES128-GCM-SHA256"),
        (&ec, "ECDHE-ECDSA-CHACHA20-POLY1305"),
        (&rsa, "ECDHE-RSA-AES256-GCM-SHA384"),
    ] {
        // With a ticket and without, and with a request for a certificate between the messages.
        for more in [&["-tls1_2"][..], &["-no_ticket"], &["-tls1_2", "-verify", "2"]] {
            for allowed in [true, false] {
                let mut flags = [&["-cipher", suite][..], more].concat();
                flags.extend(allowed.then_some("-client_renegotiation"));
                let seen = seen(identity, &flags).await;
                assert_eq!(value(&seen, RENEGOTIATION), json!(allowed), "{flags:?}: {seen:#?}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_the_probe_cannot_make_a_session_with_is_not_asked() {
    let identity = rsa_identity();
    for suite in ["AES128-SHA", "DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0"] {
        let flags = ["-tls1_2", "-cipher", suite, "-client_renegotiation"];
        let seen = seen(&identity, &flags).await;
        for pointer in [RENEGOTIATION, LIFETIME, EARLY_DATA] {
            assert_eq!(status(&seen, pointer), "not_attempted", "{suite}, {pointer}");
        }
    }
}

#[tokio::test]
async fn early_data_is_what_the_flag_gives_to_a_ticket() {
    let identity = ec_identity();
    for (flags, early_data) in [
        (vec![], 0),
        (vec!["-max_early_data", "0"], 0),
        (vec!["-max_early_data", "1"], 1),
        (vec!["-max_early_data", "16384"], 16384),
        (vec!["-max_early_data", "2147483647"], 2_147_483_647),
        (vec!["-max_early_data", "16384", "-num_tickets", "0"], 0),
        // Tickets with a state on the server: they are tickets all the same.
        (vec!["-max_early_data", "16384", "-no_ticket"], 16384),
    ] {
        let seen = seen(&identity, &flags).await;
        assert_eq!(value(&seen, EARLY_DATA), json!(early_data), "{flags:?}");
    }
}

#[tokio::test]
async fn a_session_goes_on_by_what_the_flags_leave_of_it() {
    let identity = ec_identity();
    let cases: [(&[&str], &str); 3] =
        [(&[], "ticket"), (&["-no_ticket"], "session_id"), (&["-no_ticket", "-no_cache"], "none")];
    for versions in [&["-tls1_2"][..], &[]] {
        for (flags, by) in cases {
            let flags = [versions, flags].concat();
            let seen = seen(&identity, &flags).await;
            assert_eq!(value(&seen, RESUMPTION), by, "{flags:?}");
        }
    }
}

#[tokio::test]
async fn a_session_of_tls13_goes_on_where_its_ticket_is_taken() {
    let identity = ec_identity();
    for versions in [&["-tls1_3"][..], &[]] {
        for (flags, goes_on) in [
            (&[][..], true),
            (&["-num_tickets", "1"], true),
            (&["-num_tickets", "0"], false),
            // Its tickets name a state that the server keeps, or does not keep.
            (&["-no_ticket"], true),
            (&["-no_ticket", "-no_cache"], false),
        ] {
            let flags = [versions, flags].concat();
            let seen = seen(&identity, &flags).await;
            assert_eq!(value(&seen, PSK_RESUMPTION), json!(goes_on), "{flags:?}: {seen:#?}");
        }
    }
    let old = seen(&identity, &["-tls1_2"]).await;
    assert_eq!(status(&old, PSK_RESUMPTION), "not_attempted");
}

#[tokio::test]
async fn tickets_are_those_that_come() {
    let identity = ec_identity();
    // Two hours is what OpenSSL gives to every ticket.
    let hours = json!(7200);
    for (flags, lifetime) in [
        (vec![], hours.clone()),
        (vec!["-tls1_2"], hours.clone()),
        (vec!["-tls1_3", "-no_ticket"], hours.clone()),
        (vec!["-tls1_2", "-no_ticket"], Value::Null),
        (vec!["-tls1_3", "-num_tickets", "0"], Value::Null),
        (vec!["-no_ticket", "-num_tickets", "0"], Value::Null),
        // One version alone issues some.
        (vec!["-num_tickets", "0"], hours.clone()),
    ] {
        let seen = seen(&identity, &flags).await;
        assert_eq!(value(&seen, LIFETIME), lifetime, "{flags:?}: {seen:#?}");
    }
}

#[tokio::test]
async fn mosquitto_answers_all_three() {
    let identity = ec_identity();
    let setup = Setup { identity: Some(&identity), ..Setup::default() };
    let broker = Broker::start(&setup).expect("mosquitto");
    let seen = enumerate(Protocol::Mqtts, broker.port()).await;
    expect(&seen, &[(RENEGOTIATION, json!(false)), (EARLY_DATA, json!(0))]);
    assert_eq!(status(&seen, LIFETIME), "observed");
}
