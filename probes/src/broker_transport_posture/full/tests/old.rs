//! Servers that stumble over extensions.

use super::*;

/// Whether a hello that stands alone in its record has extensions.
fn has_extensions(hello: &[u8]) -> bool {
    let suites = 44 + usize::from(hello[43]);
    let compressions =
        suites + 2 + usize::from(u16::from_be_bytes([hello[suites], hello[suites + 1]]));
    hello.len() > compressions + 1 + usize::from(hello[compressions])
}

/// A server of TLS 1.0 with two suites that says this to every hello with extensions.
async fn stumbling(says: &[u8]) -> Peer {
    let says = says.to_vec();
    Peer::start(Script::respond(move |hello: &[u8]| {
        if hello.len() < 46 || hello[0] != 22 || has_extensions(hello) {
            return says.clone();
        }
        let suites = offered(hello);
        let chosen = suites.into_iter().find(|suite| [0x002f, 0x000a].contains(suite));
        answer(hello[10].min(1), chosen.ok_or(40))
    }))
    .await
}

#[tokio::test]
async fn a_server_that_stumbles_over_extensions_is_asked_without() {
    for says in [&[21, 3, 1, 0, 2, 2, 40][..], &[]] {
        let peer = stumbling(says).await;
        let seen = enumerate(Protocol::Tls, peer.port()).await;
        assert_eq!(value(&seen, "/tls/features/extension_tolerant"), json!(false));
        assert_eq!(value(&seen, "/tls/tls12/accepted"), json!(false), "{says:?}");
        assert_eq!(value(&seen, "/tls/tls10/accepted"), json!(true), "{says:?}");
        assert_eq!(value(&seen, "/tls/suites/block64/accepted"), json!(true));
        assert_eq!(value(&seen, "/tls/suites/cbc/accepted"), json!(true));
        assert_eq!(value(&seen, "/tls/full/versions"), json!(["SSLv3", "TLSv1.0"]));
        let suites = value(&seen, "/tls/full/suites");
        assert_eq!(suites.as_array().map(Vec::len), Some(4), "{suites}");
        // Nothing was heard about these, and nothing is claimed.
        for pointer in [
            "/tls/full/groups",
            "/tls/full/signatures",
            "/tls/features/without_name",
            "/tls/features/alpn",
            "/tls/features/resumption",
        ] {
            assert_eq!(status(&seen, pointer), "not_attempted", "{pointer}");
        }
        assert_eq!(value(&seen, "/connections"), json!(peer.accepted()));
    }
}

#[tokio::test]
async fn a_server_that_refuses_everybody_is_asked_without_extensions_once() {
    let peer = Peer::start(Script::Reply(vec![21, 3, 1, 0, 2, 2, 40])).await;
    let seen = enumerate(Protocol::Tls, peer.port()).await;
    assert_eq!(status(&seen, "/tls/features/extension_tolerant"), "refused");
    let asked = serde_json::to_value(&seen.volatile).expect("JSON").to_string();
    assert_eq!(asked.matches("TLS 1.2 without extensions").count(), 1, "{asked}");
    assert!(peer.accepted() <= 14, "{} connections", peer.accepted());
}
