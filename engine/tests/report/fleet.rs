//! The report of a fleet: what many subjects share is written once, and nothing is lost.

use engine::report::{self, Format};
use model::Verdict;
use serde_json::Value;

use crate::fixture;
use crate::page::{attribute, shown, strip};

const GATEWAYS: usize = 60;

fn page(gateways: usize) -> String {
    shown(&report::audit(&fixture::fleet(gateways), Format::Html).unwrap())
}

/// What stands between two marks, the first of each after the other.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} after {from}")).0
}

/// Text of a row, its cells apart, without the places where a name may break.
fn cells(row: &str) -> String {
    strip(&row.replace("<wbr>", "").replace("</", " </"))
}

#[test]
fn every_item_of_every_document_is_common_or_stands_in_its_row() {
    let page = page(GATEWAYS);
    let evidence = between(&page, "id=\"evidence\"", "id=\"integrity\"");
    let common = cells(between(evidence, "What most of them hold", "</details>"));
    for body in &fixture::fleet(GATEWAYS).evidence {
        let digest = body.digest();
        let own = cells(between(evidence, &format!("id=\"e/{}\"", digest.id()), "</tr>"));
        assert!(own.contains(digest.as_str()) && own.contains(&body.subject.0), "{own}");
        for (pointer, item) in body.stable.iter().chain(&body.volatile) {
            let value = item.value().and_then(Value::as_str).or(item.reason()).unwrap();
            let line =
                |text: &str| text.lines().find(|line| line.contains(pointer)).map(str::to_owned);
            let said = line(&own).or_else(|| line(&common)).unwrap();
            assert!(said.contains(item.status()) && said.contains(value), "{pointer}: {said}");
        }
        let lacks = !body.stable.contains_key("/tls/version");
        assert_eq!(own.contains("not part of this document"), lacks, "{own}");
    }
    assert!(!common.contains("/endpoint/address"), "no two have the same");
}

#[test]
fn every_control_is_counted_in_exactly_one_row() {
    let page = page(GATEWAYS);
    let bundle = fixture::fleet(GATEWAYS);
    let controls = &bundle.record.assessment.as_ref().unwrap().controls;
    let coverage = between(&page, "id=\"coverage\"", "id=\"evidence\"");
    let rows: Vec<_> = coverage.split(" id=\"c/").skip(1).collect();
    let stands_for: usize = rows
        .iter()
        .map(|row| match row.split_once("href=\"#s/") {
            Some((before, link)) if !before.contains("</li>") && !before.contains("</tr>") => {
                strip(link.split_once('>').unwrap().1).split(' ').next().unwrap().parse().unwrap()
            }
            _ => 1,
        })
        .sum();
    let not_failing = controls.iter().filter(|control| control.verdict != Verdict::Fail).count();
    assert_eq!(stands_for, not_failing);
    assert!(rows.len() < 10, "{} rows for {not_failing} controls", rows.len());
}

#[test]
fn every_list_of_subjects_names_as_many_as_it_says() {
    let page = page(GATEWAYS);
    let lists = between(&page, "id=\"subjects\"", "</details>");
    let sizes: Vec<_> = lists
        .split("<h3 id=\"s/")
        .skip(1)
        .map(|list| {
            let said = strip(between(list, ">", " subjects"));
            assert_eq!(said, list.matches("<li>").count().to_string());
            said.parse::<usize>().unwrap()
        })
        .collect();
    assert_eq!(sizes, [GATEWAYS / 5, GATEWAYS, GATEWAYS - GATEWAYS / 5, GATEWAYS / 2]);
    for href in attribute(&page, "href").into_iter().filter(|href| href.starts_with("#s/")) {
        assert!(lists.contains(&format!("id=\"{}\"", &href[1..])), "{href}");
    }
}

#[test]
fn what_is_expected_of_each_subject_stands_with_its_finding() {
    let page = page(GATEWAYS);
    let findings = between(&page, "id=\"findings\"", "id=\"remediation\"");
    assert_eq!(findings.matches("<article").count(), 1, "an address does not make a card");
    for number in (0..GATEWAYS).step_by(2) {
        assert!(findings.contains(&format!("401 at {}", fixture::address(number))), "{number}");
    }
    assert!(findings.contains("<th scope=\"col\">Expected</th>"));
    assert!(!findings.contains("<th scope=\"col\">What</th>"), "it reads the same on each");
}

#[test]
fn what_holds_on_many_is_said_once() {
    let page = page(GATEWAYS);
    let solid = between(&page, "What is solid", "</ul>");
    let lines: Vec<_> = solid.split("<li>").skip(1).collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let random = "Ingest refuses a malformed credential. Ingest refuses a random token.";
    let said: Vec<_> = lines.iter().filter(|line| line.contains(random)).collect();
    assert_eq!(said.len(), 1, "{lines:#?}");
    assert!(said[0].contains("Seen on 48 subjects."), "{said:?}");
}

#[test]
fn a_subject_more_costs_a_few_lines() {
    let (few, many) = (page(100).len(), page(300).len());
    let each = (many - few) / 200;
    assert!(each < 1_000, "{each} bytes for a gateway more");
}
