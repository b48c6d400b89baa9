use tokio::io::{DuplexStream, duplex};

use super::*;

const REQUEST: Request<'static> = Request {
    method: "POST",
    path: "/v1/ingest",
    host: "edge.example:8443",
    authorization: Some("Bearer abc"),
    body: Some("{}"),
    headers: &[],
};

/// Plays the other side: reads up to `until`, then says `answer`, and so on; then closes.
fn scripted(turns: &'static [(&'static str, &'static [u8])]) -> DuplexStream {
    let (ours, mut theirs) = duplex(256 * 1024);
    tokio::spawn(async move {
        for (until, answer) in turns {
            let mut seen = Vec::new();
            while !seen.ends_with(until.as_bytes()) {
                match theirs.read_u8().await {
                    Ok(byte) => seen.push(byte),
                    Err(_) => return,
                }
            }
            theirs.write_all(answer).await.ok();
        }
    });
    ours
}

async fn ask(turns: &'static [(&'static str, &'static [u8])]) -> Result<Answer, Failure> {
    exchange(&mut scripted(turns), &REQUEST, Handover::AskFirst).await
}

const HEAD: &str = "Expect: 100-continue\r\n\r\n";

#[tokio::test]
async fn the_head_says_what_was_asked_for_and_nothing_more() {
    assert_eq!(
        head(&REQUEST, Some(2), true),
        "POST /v1/ingest HTTP/1.1\r\nHost: edge.example:8443\r\nUser-Agent: plumbline\r\n\
         Accept: */*\r\nConnection: close\r\nAuthorization: Bearer abc\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    );
}

#[tokio::test]
async fn an_answer_before_the_body_leaves_the_body_here() {
    let answer = ask(&[(HEAD, b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n\r\n")])
        .await
        .expect("answer");
    assert_eq!((answer.status, answer.body), (401, Body::Kept));
    assert_eq!(answer.header("www-authenticate"), Some(&b"Bearer"[..]));
}

#[tokio::test]
async fn a_body_that_is_asked_for_is_handed_over() {
    let answer =
        ask(&[(HEAD, b"HTTP/1.1 100 Continue\r\n\r\n"), ("{}", b"HTTP/1.1 202 Accepted\r\n\r\n")])
            .await
            .expect("answer");
    assert_eq!((answer.status, answer.body), (202, Body::AskedFor));
}

#[tokio::test]
async fn a_server_that_never_asks_gets_the_body_after_a_while() {
    let answer = ask(&[("{}", b"HTTP/1.0 200 OK\r\n\r\n")]).await.expect("answer");
    assert_eq!((answer.status, answer.body), (200, Body::Pushed));
}

#[tokio::test]
async fn an_unasked_body_goes_with_the_head() {
    let mut stream = scripted(&[("\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n\r\n")]);
    let answer = exchange(&mut stream, &REQUEST, Handover::Unasked).await.expect("answer");
    assert_eq!((answer.status, answer.body), (200, Body::Pushed));
}

#[tokio::test]
async fn other_interim_answers_are_passed_over() {
    let answer =
        ask(&[(HEAD, b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 401 No\r\n\r\n")])
            .await
            .expect("answer");
    assert_eq!((answer.status, answer.body), (401, Body::Kept));
    assert_eq!(answer.header("link"), None);
}

#[tokio::test]
async fn interim_answers_without_end_are_given_up() {
    let (mut ours, mut theirs) = duplex(64 * 1024);
    theirs.write_all(&b"HTTP/1.1 102 Wait\r\n\r\n".repeat(1_000)).await.expect("write");
    let failure = exchange(&mut ours, &REQUEST, Handover::AskFirst).await;
    assert_eq!(failure, Err(Failure::NotHttp("interim answers do not end")));
}

#[tokio::test]
async fn what_is_no_http_is_told_apart() {
    for (bytes, failure) in [
        (&b"\x15\x03\x03\x00\x02\x02\x46"[..], "no HTTP/1 version"),
        (b"MQTT what?\r\n\r\n", "no HTTP/1 version"),
        (b"HTTP/1.1 abc\r\n\r\n", "no status line"),
        (b"HTTP/1.1 099 Odd\r\n\r\n", "the status is not within 100-599"),
        (b"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n", "a header line is broken"),
        (b"HTTP/1.1 200 OK\r\nServ", "it ends inside its head"),
    ] {
        let (mut ours, mut theirs) = duplex(64 * 1024);
        theirs.write_all(bytes).await.expect("write");
        theirs.shutdown().await.expect("shutdown");
        // The request must still fit somewhere.
        let kept = tokio::spawn(async move { theirs.read_to_end(&mut Vec::new()).await.ok() });
        let answer = exchange(&mut ours, &REQUEST, Handover::AskFirst).await;
        assert_eq!(answer, Err(Failure::NotHttp(failure)));
        kept.abort();
    }
}

#[tokio::test]
async fn endless_header_lines_meet_the_limit() {
    for filler in [&b"x-more: 1\r\n"[..], &b"x"[..]] {
        let (mut ours, mut theirs) = duplex(64 * 1024);
        let mut bytes = b"HTTP/1.1 200 OK\r\nx-long: ".to_vec();
        bytes.extend(filler.repeat(40 * 1024 / filler.len()));
        theirs.write_all(&bytes).await.expect("write");
        let answer = exchange(&mut ours, &REQUEST, Handover::AskFirst).await;
        assert_eq!(answer, Err(Failure::HeadTooLong));
    }
}

#[tokio::test]
async fn an_end_without_a_byte_is_a_close() {
    let (mut ours, mut theirs) = duplex(64 * 1024);
    theirs.shutdown().await.expect("shutdown");
    let answer = exchange(&mut ours, &REQUEST, Handover::AskFirst).await;
    assert_eq!(answer, Err(net::Failure::Closed.into()));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(0_u8.., 0..2_000)) {
        if let Ok(Some((length, head))) = parse(&bytes) {
            proptest::prop_assert!(length <= bytes.len() && (100..600).contains(&head.status));
        }
    }

    #[test]
    fn a_head_that_is_cut_off_is_never_taken_for_a_whole_one(end in 0_usize..54) {
        let whole = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n\r\n";
        proptest::prop_assert!(matches!(parse(&whole[..end]), Ok(None)));
    }
}

#[test]
fn text_that_could_start_a_line_of_its_own_is_not_plain() {
    assert!(is_plain("/v1/ingest?a=b", false));
    assert!(is_plain("Bearer abc", true));
    for text in ["", "a b", "a\r\nX: y", "a\0", "ä"] {
        assert!(!is_plain(text, false), "{text:?}");
    }
}
