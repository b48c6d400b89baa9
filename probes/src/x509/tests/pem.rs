use proptest::prelude::*;

use super::super::pem::{Block, all, blocks};

const TWO: &str = "note\n-----BEGIN CERTIFICATE-----\r\nAAEC\r\nAw==\r\n-----END CERTIFICATE-----\n\
    -----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n\
    -----BEGIN X509 CRL-----\nBAUG\n-----END X509 CRL-----";

#[test]
fn blocks_come_in_order_and_keys_are_passed_over() {
    let found = all(TWO.as_bytes());
    assert_eq!(
        found,
        [Block::Certificate(vec![0, 1, 2, 3]), Block::Other, Block::Crl(vec![4, 5, 6])]
    );
}

#[test]
fn a_block_that_does_not_hold_together_says_where_and_why() {
    let broken = |text: &str| all(text.as_bytes()).remove(0);
    let at = |line, reason| Block::Broken { line, reason };
    assert_eq!(
        broken("\n-----BEGIN CERTIFICATE-----\nAA*A\n-----END CERTIFICATE-----"),
        at(2, "its content is not base64")
    );
    assert_eq!(broken("-----BEGIN CERTIFICATE-----\nAAAA"), at(1, "it has no end"));
    assert_eq!(
        broken("-----BEGIN CERTIFICATE-----\nAAAA\n-----END X509 CRL-----"),
        at(1, "its end carries another label than its beginning")
    );
}

#[test]
fn a_block_that_never_ends_is_given_up_when_the_next_begins() {
    let text = format!("-----BEGIN CERTIFICATE-----\nAAAA\n{TWO}");
    let found = all(text.as_bytes());
    assert_eq!(found[0], Block::Broken { line: 1, reason: "it has no end" });
    assert_eq!(found.len(), 4);
}

#[test]
fn the_visitor_may_stop_the_stream() {
    let mut seen = 0;
    blocks(TWO.as_bytes(), |_| {
        seen += 1;
        false
    })
    .expect("memory");
    assert_eq!(seen, 1);
}

proptest! {
    #[test]
    fn any_text_gives_blocks_or_none(text in "(-----(BEGIN|END) [A-Z ]{0,12}-----\n|[A-Za-z0-9+/=]{0,70}\n){0,12}") {
        let _ = all(text.as_bytes());
    }

    #[test]
    fn any_bytes_give_blocks_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = all(&bytes);
    }
}
