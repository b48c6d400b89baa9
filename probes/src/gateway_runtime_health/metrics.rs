//! Metrics as text: the format of Prometheus 0.0.4, and `OpenMetrics` 1.0. Names are kept for as
//! long as this check lasts, labels and values are not looked at.

use std::collections::BTreeSet;

use model::evidence::{Item, MetricsFormat};

/// Names of series that are told apart.
const MAX_SERIES: usize = 20_000;

/// When the process began, in seconds since 1970, as client libraries call it.
const START: &str = "process_start_time_seconds";

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// How it is written.
    pub format: MetricsFormat,
    /// Value of `process_start_time_seconds`, cut to whole seconds.
    pub started_at: Option<i64>,
    names: BTreeSet<String>,
}

impl Metrics {
    /// Reads a whole answer.
    pub fn read(content: &[u8]) -> Item<Self> {
        let Ok(text) = std::str::from_utf8(content) else {
            return Item::error("the metrics are not UTF-8");
        };
        let mut metrics =
            Self { format: MetricsFormat::Prometheus, started_at: None, names: BTreeSet::new() };
        for line in text.lines().map(str::trim) {
            if line == "# EOF" {
                metrics.format = MetricsFormat::OpenMetrics;
                break;
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let end = line.find(|c: char| c == '{' || c.is_ascii_whitespace());
            let (name, rest) = line.split_at(end.unwrap_or(line.len()));
            if !is_name(name) || rest.is_empty() {
                return Item::error("a line is no sample of a series");
            }
            if name == START && !rest.starts_with('{') {
                metrics.started_at = seconds(rest);
            }
            if !metrics.names.contains(name) {
                if metrics.names.len() >= MAX_SERIES {
                    return Item::truncated(format!("there are more than {MAX_SERIES} series"));
                }
                metrics.names.insert(name.to_owned());
            }
        }
        if metrics.names.is_empty() {
            return Item::error("the answer holds no sample");
        }
        Item::observed(metrics)
    }

    /// Those of `required` that are not there. A histogram or summary is there by its `_count`,
    /// and a counter of `OpenMetrics` by its `_total`.
    pub fn missing(&self, required: &[String]) -> Vec<String> {
        let is_there = |name: &str| {
            let ending = |ending| self.names.contains(&format!("{name}{ending}"));
            self.names.contains(name) || ending("_count") || ending("_total")
        };
        required.iter().filter(|name| !is_there(name)).cloned().collect()
    }

    /// Names that were seen.
    pub fn series(&self) -> u32 {
        u32::try_from(self.names.len()).unwrap_or(u32::MAX)
    }
}

/// True if this may be the name of a series: `[a-zA-Z_:][a-zA-Z0-9_:]*`, at most 200 bytes.
pub fn is_name(name: &str) -> bool {
    let begins = |b: u8| b.is_ascii_alphabetic() || b == b'_' || b == b':';
    name.len() <= 200
        && name.bytes().next().is_some_and(begins)
        && name.bytes().all(|b| begins(b) || b.is_ascii_digit())
}

/// The whole seconds of a sample's value; none for what is no time of this era.
fn seconds(rest: &str) -> Option<i64> {
    let value: f64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked before")]
    (0.0..1e11).contains(&value).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Metrics {
        Metrics::read(text.as_bytes()).value().cloned().expect("metrics")
    }

    #[test]
    fn both_formats_are_read() {
        let prometheus = read(
            "# HELP readings_received_total Readings.\n# TYPE readings_received_total counter\n\
             readings_received_total{device=\"a b\"} 1\nqueue_depth 3 1395066363000\n\
             process_start_time_seconds 1.7e+09\nlatency_seconds_count 2\n",
        );
        assert_eq!(prometheus.format, MetricsFormat::Prometheus);
        assert_eq!(prometheus.started_at, Some(1_700_000_000));
        assert_eq!(prometheus.series(), 4);
        let required = ["latency_seconds", "queue_depth", "readings_dropped_total"];
        let required: Vec<_> = required.map(ToOwned::to_owned).into();
        assert_eq!(prometheus.missing(&required), ["readings_dropped_total"]);

        let open = read("# TYPE readings counter\nreadings_total 1\r\n# EOF\nnot read");
        assert_eq!(open.format, MetricsFormat::OpenMetrics);
        assert!(open.missing(&["readings".to_owned()]).is_empty());
    }

    #[test]
    fn what_are_no_metrics_is_said() {
        for content in [&b""[..], b"# only words\n", b"<html>\n", b"ok", b"{\"a\":1}", b"\xff 1\n"]
        {
            assert_eq!(Metrics::read(content).status(), "error");
        }
        let lines: String = (0..=MAX_SERIES).map(|n| format!("s{n} 1\n")).collect();
        assert_eq!(Metrics::read(lines.as_bytes()).status(), "truncated");
        for value in ["NaN", "-1", "1e300", "+Inf", "x", ""] {
            assert_eq!(seconds(value), None, "{value}");
        }
    }
}
