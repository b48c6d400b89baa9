//! What an answer that is no success means, and how long to wait.

use super::*;

fn refused(status: u16, headers: &[(&'static str, &str)], body: &str, tries: u32) -> Refused {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().expect("a value of a header"));
    }
    let status = StatusCode::from_u16(status).expect("a status");
    let (fault, wait) =
        Answer { status, headers: map, body: body.to_owned().into() }.refused(tries);
    let kind = match fault {
        Fault::Denied(_) => "denied",
        Fault::Missing => "missing",
        Fault::Gone(_) => "gone",
        Fault::Invalid(_) => "invalid",
        Fault::Limited { .. } => "limited",
        Fault::Lost(_) => "lost",
        Fault::Odd(_) => "odd",
    };
    (kind, wait.map(|wait| wait.as_secs()))
}

/// The kind of fault, and seconds to wait; none if it would be refused again.
type Refused = (&'static str, Option<u64>);

const SECONDARY: &str = r#"{"message": "You have exceeded a secondary rate limit."}"#;
const DENIED: &str = r#"{"message": "Resource not accessible by integration"}"#;

#[test]
fn a_limit_is_told_from_a_refusal_and_its_time_is_taken_at_its_word() {
    // Both statuses, and the header before anything else.
    assert_eq!(refused(403, &[("retry-after", "7")], SECONDARY, 1), ("limited", Some(7)));
    assert_eq!(refused(429, &[("retry-after", "7")], "", 1), ("limited", Some(7)));
    let both = [("retry-after", "7"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")];
    assert_eq!(refused(403, &both, "", 1), ("limited", Some(7)));
    // Without any permission there is nothing to wait for, however much is left.
    assert_eq!(refused(403, &[], DENIED, 1), ("denied", None));
    assert_eq!(refused(403, &[("x-ratelimit-remaining", "4999")], DENIED, 1), ("denied", None));
    assert_eq!(refused(401, &[], "", 1), ("denied", None));
}

#[test]
fn a_limit_that_names_its_reset_is_waited_for_until_then() {
    let now = jiff::Timestamp::now().as_second();
    let at = |reset: i64| {
        let reset = reset.to_string();
        let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
        refused(403, &headers, "", 1)
    };
    let (kind, wait) = at(now + 100);
    assert_eq!(kind, "limited");
    assert!(wait.is_some_and(|wait| (99..=101).contains(&wait)), "{wait:?}");
    // A clock that is ahead, and numbers that are none of this world.
    assert_eq!(at(now - 100).1, Some(1));
    assert!(at(i64::MAX).1.is_some_and(|wait| wait > MAX_WAITING.as_secs()));
    assert_eq!(refused(403, &[("x-ratelimit-remaining", "0")], "", 1), ("limited", Some(60)));
}

#[test]
fn a_limit_that_names_nothing_is_waited_for_by_the_minute_and_longer_each_time() {
    for status in [403, 429] {
        let waits = [1, 2, 3].map(|tries| refused(status, &[], SECONDARY, tries));
        assert_eq!(waits, [60, 120, 240].map(|wait| ("limited", Some(wait))), "{status}");
    }
    // What is no number is none.
    let odd = [("retry-after", "soon")];
    assert_eq!(refused(403, &odd, SECONDARY, 1), ("limited", Some(60)));
}

#[test]
fn what_was_lost_may_come_and_what_was_refused_will_not() {
    for status in [500, 502, 503, 504] {
        assert_eq!(refused(status, &[], "<html>", 1), ("lost", Some(2)), "{status}");
    }
    assert_eq!(refused(502, &[], "", 3), ("lost", Some(8)));
    for (status, kind) in [
        (404, "missing"),
        (301, "missing"),
        (410, "gone"),
        (422, "invalid"),
        (400, "odd"),
        (418, "odd"),
    ] {
        assert_eq!(refused(status, &[], "", 1), (kind, None), "{status}");
    }
}

#[test]
fn an_answer_that_asks_to_wait_forever_is_a_refusal() {
    let waited = Duration::from_secs(2);
    assert!(worth_waiting(waited, MAX_WAITING - waited));
    for wait in [MAX_WAITING, Duration::from_secs(u64::MAX), Duration::MAX] {
        assert!(!worth_waiting(waited, wait), "{wait:?}");
    }
}

#[test]
fn the_next_page_is_asked_of_the_same_server_whatever_the_link_says() {
    let next = |link: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert("link", link.parse().expect("a value of a header"));
        Answer { status: StatusCode::OK, headers, body: Bytes::new() }.next_page()
    };
    let path = "/repositories/1/issues?page=2";
    let first = r#"<https://api.github.com/x?page=1>; rel="prev", "#;
    assert_eq!(
        next(&format!(r#"{first}<https://evil.example/api/v3{path}>; rel="next""#)).as_deref(),
        Some(path)
    );
    for none in ["", first, r#"<https://x/y>; rel="next""#, r#"https://x/repos/; rel="next""#] {
        assert_eq!(next(none), None, "{none}");
    }
}
