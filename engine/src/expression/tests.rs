//! What expressions read, what they come to, and what they are kept from.

use model::evidence::Item;
use serde_json::json;

use super::*;

fn items() -> Items {
    Items::from([
        ("/anonymous/access".to_owned(), Item::observed(json!("accepted"))),
        ("/anonymous/response/status".to_owned(), Item::observed(json!(202))),
        ("/leaf/not_after".to_owned(), Item::observed(json!("2026-01-08T00:00:00Z"))),
        ("/names".to_owned(), Item::observed(json!(["a", "b"]))),
        ("/plain/outcome".to_owned(), Item::timeout("no answer in 5 s")),
    ])
}

fn check(source: &str) -> Result<bool, EvaluationError> {
    let params = Params::new(&BTreeMap::from([("days".to_owned(), json!(7))]));
    let items = items();
    let scope = Scope::new(&items, "2026-01-01T00:00:00Z".parse().unwrap());
    Expression::compile(source).unwrap().is_true(&scope, &params)
}

#[test]
fn expressions_read_evidence_parameters_and_time() {
    assert_eq!(check(r#"evidence.anonymous.access == "accepted""#), Ok(true));
    assert_eq!(check("evidence.anonymous.response.status + 1 == 203"), Ok(true));
    assert_eq!(check("unix(evidence.leaf.not_after) - now <= params.days * 86400"), Ok(true));
    assert_eq!(check(r#"evidence.names.exists(n, n == "b")"#), Ok(true));
}

#[test]
fn an_item_that_was_not_observed_is_an_error_and_never_false() {
    assert!(check(r#"evidence.plain.outcome == "accepted""#).is_err());
    assert!(check(r#"evidence.plain.outcome != "accepted""#).is_err());
}

#[test]
fn every_kind_of_json_is_what_cel_makes_of_it() {
    let items = Items::from([(
        "/x".to_owned(),
        Item::observed(json!({
            "whole": -3, "half": 0.5, "huge": u64::MAX, "no": null, "yes": true,
            "list": [{ "k": 1 }], "text": "t",
        })),
    )]);
    let params = Params::new(&BTreeMap::from([("p".to_owned(), json!({ "k": ["v"] }))]));
    let scope = Scope::new(&items, Timestamp::UNIX_EPOCH);
    for source in [
        "evidence.x.whole + 1 == -2",
        "evidence.x.half * 2.0 == 1.0",
        "evidence.x.huge > 1.8e19",
        "evidence.x.no == null",
        "evidence.x.yes",
        "evidence.x.list[0].k == 1 && size(evidence.x.list) == 1",
        r#"evidence.x.text + "u" == "tu""#,
        r#"params.p.k[0] == "v" && "v" in params.p.k"#,
        r#"evidence.x.list.map(e, e.k) == [1] && has(evidence.x.text)"#,
        "now == 0",
    ] {
        let answer = Expression::compile(source).unwrap().is_true(&scope, &params);
        assert_eq!(answer, Ok(true), "{source}");
    }
}

#[test]
fn a_parameter_that_is_not_there_is_an_error() {
    let expression = Expression::compile("params.x > 1").unwrap();
    let items = items();
    let scope = Scope::new(&items, Timestamp::UNIX_EPOCH);
    assert!(expression.is_true(&scope, &Params::new(&BTreeMap::new())).is_err());
}

#[test]
fn an_answer_of_another_type_is_an_error() {
    assert!(matches!(check("evidence.names"), Err(EvaluationError::Type { .. })));
}

#[test]
fn what_an_expression_reads_is_known_beforehand() {
    let expression = Expression::compile(
        "evidence.a.b == params.x && evidence.list.exists(e, e.end < now && evidence.c.d)",
    )
    .unwrap();
    let pointers: Vec<_> = expression.pointers().iter().map(String::as_str).collect();
    assert_eq!(pointers, ["/a/b", "/c/d", "/list"]);
    assert!(expression.params().contains("x"));
}

#[test]
fn limits_hold_before_the_parser_sees_the_text() {
    let compile = |source: &str| Expression::compile(source).map(|_| ()).unwrap_err();
    assert_eq!(compile(&"a".repeat(1_001)), ExpressionError::TooLong(1_001));
    let deep = format!("{}true{}", "(".repeat(200), ")".repeat(200));
    assert_eq!(compile(&deep), ExpressionError::TooDeep(200));
    assert!(matches!(compile("evidence.a =="), ExpressionError::Syntax(_)));
    assert_eq!(compile("target.a"), ExpressionError::UnknownName("target".to_owned()));
    assert!(matches!(compile("size(evidence) > 0"), ExpressionError::UnknownName(_)));
    let loops = "evidence.l.all(a, evidence.l.all(b, evidence.l.all(c, a == b)))";
    assert_eq!(compile(loops), ExpressionError::TooManyLoops(3));
}

#[test]
fn nested_loops_over_long_lists_are_refused_by_count_and_not_by_clock() {
    let list: Vec<_> = (0..2_000).collect();
    let items = Items::from([("/l".to_owned(), Item::observed(json!(list)))]);
    let scope = Scope::new(&items, Timestamp::UNIX_EPOCH);
    let params = Params::new(&BTreeMap::new());
    let once = Expression::compile("evidence.l.all(a, a < 2000)").unwrap();
    assert_eq!(once.is_true(&scope, &params), Ok(true));
    let twice = Expression::compile("evidence.l.all(a, evidence.l.all(b, a < 2000))").unwrap();
    let refused = twice.is_true(&scope, &params);
    assert_eq!(refused, Err(EvaluationError::TooCostly { longest: 2_000 }));
}
