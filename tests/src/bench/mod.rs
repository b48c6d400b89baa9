//! Measurements. Each is one small module; `bench`, the program, runs each in a process of its
//! own, so that one's memory is not another's, and prints what they found.

mod connections;
mod delta;
mod fleet;
mod operator;
mod page;
mod peers;
mod resources;
mod rules;
mod run;
mod startup;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// What came out, with its unit.
    pub figure: String,
    /// What is aimed at; a dash where there is no goal.
    pub goal: &'static str,
}

impl Row {
    /// A figure with a goal.
    fn new(name: impl Into<String>, figure: impl Into<String>, goal: &'static str) -> Self {
        Self { name: name.into(), figure: figure.into(), goal }
    }

    /// A figure that explains another one.
    fn aside(name: impl Into<String>, figure: impl Into<String>) -> Self {
        Self::new(name, figure, "-")
    }
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub struct Measurement {
    /// The word that a filter selects by.
    pub name: &'static str,
    /// True if it needs a cluster: `cargo xtask bench` starts one.
    pub cluster: bool,
    /// Measures.
    pub measure: fn() -> anyhow::Result<Vec<Row>>,
}

/// Every measurement, in the order of the table.
pub const ALL: &[Measurement] = &[
    plain("rules", rules::measure),
    plain("delta", delta::measure),
    plain("startup", startup::measure),
    plain("run", run::measure),
    plain("page", page::measure),
    plain("fleet", fleet::measure),
    plain("connections", connections::measure),
    plain("peers", peers::measure),
    in_cluster("operator-idle", operator::idle::measure),
    in_cluster("operator-slots", operator::slots::measure),
    in_cluster("operator-ingest", operator::ingest::measure),
];

const fn plain(name: &'static str, measure: fn() -> anyhow::Result<Vec<Row>>) -> Measurement {
    Measurement { name, cluster: false, measure }
}

const fn in_cluster(name: &'static str, measure: fn() -> anyhow::Result<Vec<Row>>) -> Measurement {
    Measurement { name, cluster: true, measure }
}

pub use resources::machine;

/// The value in the middle; of an even number, the upper one of the two.
fn median<T: PartialOrd + Copy>(values: &[T]) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("a measured time is a number"));
    sorted[sorted.len() / 2]
}

/// A whole number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
