//! Values for placeholders, in the shape that each database takes.

use std::borrow::Cow;

use jiff::Timestamp;

/// A value for a placeholder.
#[derive(Debug, Clone)]
pub(crate) enum Arg<'a> {
    Text(Option<Cow<'a, str>>),
    Int(Option<i64>),
    Time(Option<Timestamp>),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(plain(text)))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Arg<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(Cow::Owned(plain(&text).into_owned())))
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text.map(plain))
    }
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<Option<i64>> for Arg<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Timestamp> for Arg<'_> {
    fn from(at: Timestamp) -> Self {
        Self::Time(Some(at))
    }
}

impl From<Option<Timestamp>> for Arg<'_> {
    fn from(at: Option<Timestamp>) -> Self {
        Self::Time(at)
    }
}

/// Postgres has no NUL in text, and names from targets are hostile. JSON escapes it, so only
/// columns that are looked things up by ever lose one.
fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Nine fractional digits: text order is time order.
pub(super) fn fixed_width(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// Postgres keeps microseconds and would round; a time must never move forward.
pub(super) fn whole_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
mod tests {
    use super::*;

    #[test]
    fn text_order_is_time_order() {
        let times = [
            "1969-12-31T23:59:59.999999999Z",
            "2026-11-20T10:00:00Z",
            "2026-11-20T10:00:00.000000001Z",
            "2026-11-20T10:00:00.5Z",
            "2026-11-20T10:00:01Z",
        ];
        let texts = times.map(|text| fixed_width(text.parse().unwrap()));
        assert!(texts.is_sorted(), "{texts:?}");
        for (text, time) in texts.iter().zip(times) {
            let at: Timestamp = time.parse().unwrap();
            assert_eq!(text.parse::<Timestamp>().unwrap(), at);
        }
    }

    #[test]
    fn a_time_is_cut_and_never_rounded_up() {
        let at: Timestamp = "2026-11-20T10:00:00.123456999Z".parse().unwrap();
        assert_eq!(whole_microseconds(at).to_string(), "2026-11-20T10:00:00.123456Z");
    }
}
