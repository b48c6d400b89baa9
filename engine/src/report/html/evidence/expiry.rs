//! When the certificates of a fleet end: the picture of a set, and its largest cohorts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};
use model::Posture;
use model::evidence::{Cohort, Evidence, ExpiryMonth, KeyAlgorithm};

use super::list;
use crate::report::html::components::shown;
use crate::report::text;
use crate::report::words::{count, number};

/// Months that are drawn one by one, from that of the run on.
const MONTHS: usize = 36;

/// Cohorts that are listed.
const COHORTS: usize = 8;

/// Certificates that end before the months that are drawn, in each of them, and after them.
struct Ends {
    /// Year and month of the first, counted in months.
    first: i32,
    before: u64,
    months: [u64; MONTHS],
    after: u64,
}

impl Ends {
    fn of(months: &[ExpiryMonth], now: Timestamp) -> Self {
        let now = now.strftime("%Y-%m").to_string();
        let first = ordinal(&now).unwrap_or_default();
        let mut ends = Self { first, before: 0, months: [0; MONTHS], after: 0 };
        for (at, count) in months.iter().filter_map(|m| Some((ordinal(&m.month)?, m.count))) {
            let place = match usize::try_from(at - first) {
                Err(_) => &mut ends.before,
                Ok(place) => ends.months.get_mut(place).unwrap_or(&mut ends.after),
            };
            *place += u64::from(count);
        }
        ends
    }

    /// Certificates that end in the first so many months.
    fn within(&self, months: usize) -> u64 {
        self.months.iter().take(months).sum()
    }
}

/// `2027-03` as a number of months.
fn ordinal(month: &str) -> Option<i32> {
    let (year, month) = month.split_once('-')?;
    let (year, month) = (year.parse::<i16>().ok()?, month.parse::<i32>().ok()?);
    (1..=12).contains(&month).then(|| i32::from(year) * 12 + month - 1)
}

/// Picture and cohorts; nothing for a document without them.
pub fn section(body: &Evidence) -> Option<Markup> {
    let months: Vec<ExpiryMonth> = list(body, "/expiry/months")?;
    if months.is_empty() {
        return None;
    }
    let ends = Ends::of(&months, body.started_at);
    let cohorts: Vec<Cohort> = list(body, "/cohorts").unwrap_or_default();
    let mut issuers: BTreeMap<&str, u64> = BTreeMap::new();
    for cohort in &cohorts {
        *issuers.entry(cohort.issuer.as_str()).or_default() += u64::from(cohort.count);
    }
    Some(html! {
        figure.expiry {
            figcaption {
                "Certificates by the month in which they end: "
                b { (many(ends.before)) } " before the month of the run, "
                b { (many(ends.within(3))) } " in it and the two after it, "
                b { (many(ends.within(12))) } " within twelve."
            }
            (drawing(&ends))
        }
        @if !cohorts.is_empty() {
            details {
                summary {
                    b { (count(cohorts.len(), "cohort", "cohorts")) }
                    span.muted { "by issuer, month of expiry and key, of " (count(issuers.len(), "issuer", "issuers")) ", the largest first" }
                }
                div { (table(&cohorts)) }
            }
        }
    })
}

fn many(certificates: u64) -> String {
    number(usize::try_from(certificates).unwrap_or(usize::MAX))
}

fn table(cohorts: &[Cohort]) -> Markup {
    html! {
        table.cohorts.stack {
            caption.vh { "Cohorts" }
            thead {
                tr {
                    th scope="col" { "Issuer" }
                    th scope="col" { "End in" }
                    th scope="col" { "Key" }
                    th.num scope="col" { "Certificates" }
                }
            }
            tbody {
                @for cohort in cohorts.iter().take(COHORTS) {
                    tr {
                        th scope="row" { code { (shown(&text::hostile(&cohort.issuer))) } }
                        td data-l="End in" {
                            @match &cohort.month {
                                Some(month) => (shown(&text::hostile(month))),
                                None => "no end",
                            }
                        }
                        td data-l="Key" { (key(cohort)) }
                        td.num data-l="Certificates" { (many(u64::from(cohort.count))) }
                    }
                }
            }
        }
        @if cohorts.len() > COHORTS {
            p.note { "The first " (number(COHORTS)) " of " (number(cohorts.len())) "; the item has all." }
        }
    }
}

fn key(cohort: &Cohort) -> String {
    match cohort.algorithm {
        Some(KeyAlgorithm::Rsa) => format!("RSA {}", cohort.bits),
        Some(KeyAlgorithm::Ec) => format!("EC {}", cohort.bits),
        Some(KeyAlgorithm::Dsa) => format!("DSA {}", cohort.bits),
        Some(KeyAlgorithm::MlDsa) => format!("ML-DSA-{}", cohort.bits),
        Some(KeyAlgorithm::Ed25519) => "Ed25519".to_owned(),
        Some(KeyAlgorithm::Ed448) => "Ed448".to_owned(),
        None => "unknown".to_owned(),
    }
}

/// Measures of the drawing.
const WIDTH: u32 = 720;
const HEIGHT: u32 = 110;
/// Where the months begin and end; what ends before and after them stands outside.
const FROM: f64 = 44.0;
const TO: f64 = 676.0;

/// One bar a month, the past on the left, what is later on the right. Numbers only.
fn drawing(ends: &Ends) -> Markup {
    let most =
        ends.months.iter().copied().chain([ends.before, ends.after]).max().unwrap_or(1).max(1);
    let step = (TO - FROM) / MONTHS as f64;
    let mut out = String::new();
    let mut bar = |x: f64, width: f64, certificates: u64, colour: Posture| {
        if certificates > 0 {
            // A single certificate among a million is still to be seen.
            let height = (certificates as f64 / most as f64 * 84.0).max(2.0);
            let _ = write!(
                out,
                r#"<path class="{colour}" fill="currentColor" stroke="none" d="M{x:.1} {:.1}h{width:.1}v{height:.1}h-{width:.1}z"/>"#,
                90.0 - height
            );
        }
    };
    bar(4.0, 24.0, ends.before, Posture::Red);
    for (place, certificates) in ends.months.iter().enumerate() {
        let colour = if place < 3 { Posture::Amber } else { Posture::Green };
        bar(FROM + place as f64 * step + 1.5, step - 3.0, *certificates, colour);
    }
    bar(TO + 16.0, 24.0, ends.after, Posture::Unknown);
    let mut axis = format!(
        r#"<path d="M0 90.5h{WIDTH}" class="axis"/><path d="M{FROM:.1} 2v93" class="axis now"/>"#
    );
    for place in 0..MONTHS {
        let month = ends.first + i32::try_from(place).unwrap_or_default();
        if month.rem_euclid(12) == 0 {
            let x = FROM + place as f64 * step;
            let _ = write!(
                axis,
                r#"<path d="M{x:.1} 90v5" class="axis"/><text x="{x:.1}" y="107">{}</text>"#,
                month.div_euclid(12)
            );
        }
    }
    PreEscaped(format!(
        r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{out}{axis}<text x="2" y="107">ended</text><text x="{WIDTH}" y="107" class="end">later</text></svg>"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(month: &str, count: u32) -> ExpiryMonth {
        ExpiryMonth { month: month.to_owned(), count }
    }

    fn ends() -> Ends {
        let now = "2026-11-28T00:00:00Z".parse().unwrap();
        let months = [
            month("2019-01", 4),
            month("2026-10", 1),
            month("2026-11", 2),
            month("2027-01", 3),
            month("2027-02", 50),
            month("2029-10", 7),
            month("2029-11", 8),
            month("9999-12", 9),
            month("never", 100),
            month("2027-13", 100),
        ];
        Ends::of(&months, now)
    }

    #[test]
    fn certificates_stand_in_the_month_in_which_they_end() {
        let ends = ends();
        assert_eq!((ends.before, ends.after), (5, 17));
        assert_eq!(
            (ends.months[0], ends.months[2], ends.months[3], ends.months[35]),
            (2, 3, 50, 7)
        );
        assert_eq!((ends.within(3), ends.within(12)), (5, 55));
    }

    #[test]
    fn the_largest_month_is_the_highest_and_a_small_one_is_still_seen() {
        let drawing = drawing(&ends()).into_string();
        assert_eq!(drawing.matches("fill=\"currentColor\"").count(), 6, "{drawing}");
        assert!(drawing.contains("v84.0h"), "{drawing}");
        assert!(drawing.contains("v3.4h"), "{drawing}");
        assert!(drawing.contains(">2027</text>") && drawing.contains(">2029</text>"), "{drawing}");
        let one = Ends { first: 0, before: 1_000_000, months: [0; MONTHS], after: 1 };
        assert!(super::drawing(&one).into_string().contains("v2.0h"));
    }
}
