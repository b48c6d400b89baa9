//! The pages under test: those of `plumb demo`, and those of fixtures.

use std::sync::LazyLock;

use engine::report::{self, Format};
use model::run::RunBundle;
use tests::plumb::Bench;

use crate::fixture;

/// Findings of the large page.
pub const MANY: usize = 2_000;

/// A page and its name.
pub struct Sheet {
    pub name: String,
    pub html: String,
}

/// Every page. All of them are rendered once per process, and the demo is run once.
pub fn all() -> &'static [Sheet] {
    static ALL: LazyLock<Vec<Sheet>> = LazyLock::new(|| {
        let mut sheets = demo();
        for (name, bundle) in fixture::named() {
            sheets.extend(of(name, &bundle));
        }
        sheets.push(alerts("none", &[]));
        sheets.push(audit("fleet", &fixture::fleet(60)));
        sheets.push(audit("many", &fixture::many(MANY, false)));
        sheets
    });
    &ALL
}

/// The page with this name.
pub fn named(name: &str) -> &'static Sheet {
    all().iter().find(|sheet| sheet.name == name).unwrap()
}

/// The large page on which no finding can be folded into another.
pub fn distinct() -> Sheet {
    audit("distinct", &fixture::many(MANY, true))
}

fn demo() -> Vec<Sheet> {
    let bench = Bench::new();
    bench.plumb(&["demo"]).expect(0);
    ["audit", "delta", "alerts"]
        .map(|page| Sheet {
            name: format!("demo-{page}"),
            html: bench.read(&format!("plumbline-demo/{page}.html")),
        })
        .into()
}

fn of(name: &str, bundle: &RunBundle) -> Vec<Sheet> {
    let mut sheets = vec![audit(name, bundle), alerts(name, std::slice::from_ref(bundle))];
    if bundle.record.delta.is_some() {
        let html = report::delta(bundle, Format::Html).unwrap();
        sheets.push(Sheet { name: format!("{name}-delta"), html });
    }
    sheets
}

fn audit(name: &str, bundle: &RunBundle) -> Sheet {
    let html = report::audit(bundle, Format::Html).unwrap();
    Sheet { name: format!("{name}-audit"), html }
}

fn alerts(name: &str, bundles: &[RunBundle]) -> Sheet {
    let html = report::alerts(bundles, Format::Html).unwrap();
    Sheet { name: format!("{name}-alerts"), html }
}
