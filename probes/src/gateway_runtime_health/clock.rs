//! The clock of a gateway, by the `Date` of its answer.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use model::evidence::{ClockState, Item};

use super::ask::Told;

/// Difference of clocks that matters, in milliseconds.
const LIMIT_MS: i64 = 1_000;

/// `Date` has whole seconds, cut off (RFC 9110, section 5.6.7).
const RESOLUTION_MS: i64 = 1_000;

/// Difference that nobody can mean, in milliseconds: a thousand years.
const ABSURD_MS: i64 = 1_000 * 366 * 86_400 * 1_000;

/// The state, the middle of the span in which the offset lies, and half its width, both in
/// milliseconds.
pub fn read(told: &Told) -> (Item<ClockState>, Item<i64>, Item<i64>) {
    if let Some(missing) = told.status().value().is_none().then(|| told.status()) {
        let missing = missing.map(i64::from);
        let state = missing.clone().and_then(|_| Item::error("no answer"));
        return (state, missing.clone(), missing);
    }
    let Some(date) = told.header("date") else {
        let reason = "the answer has no Date";
        return (
            Item::not_attempted(reason),
            Item::not_attempted(reason),
            Item::not_attempted(reason),
        );
    };
    match std::str::from_utf8(date).ok().and_then(|date| span(date, told.asked, told.answered)) {
        Some((least, most)) => {
            let off = least > LIMIT_MS || most < -LIMIT_MS;
            let state = if off { ClockState::Off } else { ClockState::Plausible };
            let middle = i64::midpoint(least, most);
            (Item::observed(state), Item::observed(middle), Item::observed((most - least) / 2))
        }
        None => {
            let reason = "the Date of the answer is none";
            (Item::error(reason), Item::error(reason), Item::error(reason))
        }
    }
}

/// The time that an answer says it was made at.
pub fn said(told: &Told) -> Option<Timestamp> {
    let date = std::str::from_utf8(told.header("date")?).ok()?;
    DateTimeParser::new().parse_timestamp(date).ok()
}

/// The least and the most that a clock may be ahead which said `date` between two moments here.
fn span(date: &str, asked: Timestamp, answered: Timestamp) -> Option<(i64, i64)> {
    let date = DateTimeParser::new().parse_timestamp(date).ok()?.as_millisecond();
    let least = date - answered.as_millisecond();
    let most = date + RESOLUTION_MS - asked.as_millisecond();
    (least.abs() < ABSURD_MS && least <= most).then_some((least, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_span_holds_the_cut_second_and_the_way() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (asked, answered) = (at("2026-11-21T09:00:00.300Z"), at("2026-11-21T09:00:00.500Z"));
        let span = |date| span(date, asked, answered);
        assert_eq!(span("Sat, 21 Nov 2026 09:00:00 GMT"), Some((-500, 700)));
        assert_eq!(span("Sat, 21 Nov 2026 09:00:05 GMT"), Some((4_500, 5_700)));
        for date in ["", "soon", "Sat, 21 Nov 99999 09:00:00 GMT", "\u{e9}"] {
            assert_eq!(span(date), None, "{date}");
        }
    }
}
