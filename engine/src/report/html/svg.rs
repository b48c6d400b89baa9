//! Marks and drawings: symbols, the plumb, and the timeline of a certificate.
//!
//! Everything here is built from constants and numbers, never from text of a record.

use maud::{Markup, PreEscaped, html};
use model::{Posture, Severity};

/// A mark of 16 by 16 units, drawn once per page and used by reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Pass,
    Fail,
    Warn,
    Unknown,
    Lock,
    Open,
    Bell,
    Up,
    Down,
    Same,
    Drift,
    New,
    Lost,
    Rule,
}

impl Icon {
    const fn id(self) -> &'static str {
        match self {
            Self::Pass => "i-pass",
            Self::Fail => "i-fail",
            Self::Warn => "i-warn",
            Self::Unknown => "i-unk",
            Self::Lock => "i-lock",
            Self::Open => "i-open",
            Self::Bell => "i-bell",
            Self::Up => "i-up",
            Self::Down => "i-down",
            Self::Same => "i-same",
            Self::Drift => "i-drift",
            Self::New => "i-new",
            Self::Lost => "i-lost",
            Self::Rule => "i-rule",
        }
    }

    /// The mark of a posture: the second of its three signs, after the word.
    pub const fn of(posture: Posture) -> Self {
        match posture {
            Posture::Red => Self::Fail,
            Posture::Amber => Self::Warn,
            Posture::Green => Self::Pass,
            Posture::Unknown => Self::Unknown,
        }
    }
}

/// A mark in running text.
pub fn icon(icon: Icon) -> Markup {
    by_id(icon.id())
}

fn by_id(id: &str) -> Markup {
    PreEscaped(format!(r##"<svg class="i" aria-hidden="true"><use href="#{id}"/></svg>"##))
}

/// The bars of a severity: none filled for info, four for critical.
pub fn bars(severity: Severity) -> Markup {
    by_id(&format!("i-s-{severity}"))
}

/// The weight alone.
pub fn bob() -> Markup {
    PreEscaped(r##"<svg aria-hidden="true"><use href="#i-bob"/></svg>"##.to_owned())
}

const SYMBOLS: &str = r##"<symbol id="i-pass" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.5"/><path d="m5 8.3 2.1 2.1L11.2 6"/></symbol>
<symbol id="i-fail" viewBox="0 0 16 16"><path d="M8 .9 15.1 8 8 15.1.9 8z" fill="currentColor" stroke="none"/><path class="knock" d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/></symbol>
<symbol id="i-warn" viewBox="0 0 16 16"><path d="M8 1.8 15 14H1z"/><path d="M8 6v3.6m0 2v.1"/></symbol>
<symbol id="i-unk" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.5" stroke-dasharray="2.6 2.5" stroke-linecap="butt"/><path d="M6.3 6.4a1.75 1.75 0 1 1 2.5 1.6c-.6.3-.8.6-.8 1.2m0 1.9v.1"/></symbol>
<symbol id="i-lock" viewBox="0 0 16 16"><rect x="3" y="7" width="10" height="7" rx="1"/><path d="M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2"/></symbol>
<symbol id="i-open" viewBox="0 0 16 16"><rect x="3" y="7" width="10" height="7" rx="1"/><path d="M5.2 7V4.6A2.8 2.8 0 0 1 10.6 3.6"/></symbol>
<symbol id="i-bell" viewBox="0 0 16 16"><path d="M3.5 11.5c1-1 1-2 1-4.5a3.5 3.5 0 0 1 7 0c0 2.5 0 3.5 1 4.5zM6.7 14h2.6"/></symbol>
<symbol id="i-up" viewBox="0 0 16 16"><path d="M8 13.5v-11M3.5 7 8 2.5 12.5 7"/></symbol>
<symbol id="i-down" viewBox="0 0 16 16"><path d="M8 2.5v11M3.5 9 8 13.5 12.5 9"/></symbol>
<symbol id="i-same" viewBox="0 0 16 16"><path d="M3 6h10M3 10h10"/></symbol>
<symbol id="i-drift" viewBox="0 0 16 16"><path d="M1.5 8c2.2-5 4.3-5 6.5 0s4.3 5 6.5 0"/></symbol>
<symbol id="i-new" viewBox="0 0 16 16"><path d="M8 2.5v11M2.5 8h11"/></symbol>
<symbol id="i-lost" viewBox="0 0 16 16"><path d="M2.5 8h3m2 0h1m2 0h3" stroke-linecap="butt"/></symbol>
<symbol id="i-rule" viewBox="0 0 16 16"><path d="M3 2h10v12H3zM6 5.5h4M6 8.5h4"/></symbol>
<symbol id="i-bob" viewBox="0 0 16 20"><path fill="currentColor" stroke="none" d="M6.5 0h3v3L13 5.5v4L8 20 3 9.5v-4L6.5 3z"/></symbol>
"##;

/// The definitions that every page carries once.
pub fn definitions() -> Markup {
    let mut bars = String::new();
    for severity in Severity::WORST_FIRST {
        bars.push_str(&bar_symbol(severity));
    }
    PreEscaped(format!(
        r#"<svg width="0" height="0" aria-hidden="true" focusable="false" class="vh"><defs>
{SYMBOLS}{bars}<path id="w" fill="currentColor" stroke="none" d="M-2-1h4v3.2l4 2.8v4.5L0 20-6 9.5V5l4-2.8z"/></defs></svg>"#
    ))
}

fn bar_symbol(severity: Severity) -> String {
    let filled = severity as usize;
    let rects: String = [
        ("1.0", "10.5", "4"),
        ("4.8", "7.5", "7"),
        ("8.6", "4.5", "10"),
        ("12.4", "1.5", "13"),
    ]
    .into_iter()
    .enumerate()
    .map(|(index, (x, y, height))| {
        let fill = if index < filled { r#" fill="currentColor""# } else { "" };
        format!(r#"<rect x="{x}" y="{y}" width="2.6" height="{height}" stroke-width="1"{fill}/>"#)
    })
    .collect();
    format!("<symbol id=\"i-s-{severity}\" viewBox=\"0 0 16 16\">{rects}</symbol>\n")
}

/// How far the line hangs from the vertical, in degrees. Decided by the gate, never by the score.
const fn angle(posture: Posture) -> u32 {
    match posture {
        Posture::Green | Posture::Unknown => 0,
        Posture::Amber => 8,
        Posture::Red => 17,
    }
}

/// Measures of one drawing of the plumb.
struct Measures {
    size: (u32, u32),
    /// Where the line is tied.
    x: u32,
    bar: &'static str,
    /// Length of the vertical to compare with, of the line, and of an earlier line.
    truth: u32,
    line: u32,
    old: u32,
    /// The tick under a weight that hangs straight.
    tick: &'static str,
    /// Radius of the empty ring, and its dashes.
    ring: (u32, &'static str),
}

const CALL: Measures = Measures {
    size: (88, 136),
    x: 44,
    bar: "M30 1h28",
    truth: 114,
    line: 92,
    old: 104,
    tick: "M35 119h18",
    ring: (9, "3.4 3.7"),
};

const HOP: Measures = Measures {
    size: (72, 92),
    x: 36,
    bar: "M22 1h28",
    truth: 70,
    line: 48,
    old: 60,
    tick: "M27 75h18",
    ring: (7, "3 3.3"),
};

/// The plumb beside the posture call.
pub fn call(posture: Posture, before: Option<Posture>) -> Markup {
    plumb(&CALL, posture, before, true)
}

/// The plumb at a hop of the path.
pub fn hop(posture: Posture, before: Option<Posture>) -> Markup {
    plumb(&HOP, posture, before, true)
}

/// The plumb of the instrument itself: always true.
pub fn truth() -> Markup {
    plumb(&CALL, Posture::Green, None, false)
}

fn plumb(m: &Measures, posture: Posture, before: Option<Posture>, coloured: bool) -> Markup {
    let (width, height) = m.size;
    let class = if coloured { format!(r#" class="{posture}""#) } else { String::new() };
    let (x, bar, line) = (m.x, m.bar, m.line);
    let mut body = format!(r#"<path class="bar" d="{bar}"/>"#);
    let earlier = before.filter(|before| *before != posture && *before != Posture::Unknown);
    if let Some(before) = earlier {
        body.push_str(&format!(
            r#"<path d="M{x} 1v{}" transform="rotate(-{} {x} 1)" class="tru old"/>"#,
            m.old,
            angle(before)
        ));
    }
    match (posture, angle(posture)) {
        (Posture::Unknown, _) => {
            let (radius, dashes) = m.ring;
            let end = line + 1;
            let centre = end + 1 + radius;
            body.push_str(&format!(
                r#"<path d="M{x} 1v{line}" stroke-dasharray="2 5"/><circle cx="{x}" cy="{centre}" r="{radius}" stroke-dasharray="{dashes}" stroke-linecap="butt"/>"#
            ));
        }
        (_, 0) => body.push_str(&format!(
            r##"<g transform="translate({x} 1)"><path d="M0 0v{line}"/><use href="#w" y="{line}"/></g><path d="{}"/>"##,
            m.tick
        )),
        (_, degrees) => {
            if earlier.is_none() {
                body.push_str(&format!(r#"<path class="tru" d="M{x} 1v{}"/>"#, m.truth));
            }
            body.push_str(&format!(
                r##"<g transform="translate({x} 1) rotate(-{degrees})"><path d="M0 0v{line}"/><use href="#w" y="{line}"/></g>"##
            ));
        }
    }
    PreEscaped(format!(
        r#"<svg{class} viewBox="0 0 {width} {height}" aria-hidden="true">{body}</svg>"#
    ))
}

/// Seconds that the timeline shows before and after now.
const WINDOW: (i64, i64) = (-7 * 86_400, 45 * 86_400);

/// The end of a certificate and the next run on a line from a week ago to 45 days ahead. Offsets
/// are seconds from now; the upright stroke is now, the diamond the end, the triangle the run.
pub fn timeline(class: &str, end: i64, next_run: Option<i64>) -> Markup {
    let at = |offset: i64| {
        let share = (offset.clamp(WINDOW.0, WINDOW.1) - WINDOW.0) as f64;
        6.0 + share / (WINDOW.1 - WINDOW.0) as f64 * 158.0
    };
    let (now, end_x) = (at(0), at(end));
    let (from, to) = if end < 0 { (end_x, now) } else { (now, end_x) };
    html! {
        svg viewBox="0 0 176 28" aria-hidden="true" {
            path d="M6 18h164" stroke="var(--line)" {}
            path d=(format!("M{now:.1} 10v16")) stroke="var(--rule)" {}
            path class=(class) d=(format!("M{from:.1} 18H{to:.1}")) stroke-width="2" {}
            @if let Some(run) = next_run {
                path d=(format!("M{:.1} 12v12", at(run))) stroke="var(--ink)" stroke-dasharray="2 2" {}
                path d=(format!("M{:.1} 4.5h7l-3.5 5.5z", at(run) - 3.5)) fill="var(--paper)" stroke="var(--ink)" {}
            }
            @if end > WINDOW.1 {
                path class=(class) d="m166 14 4 4-4 4" {}
            } @else {
                path class=(class) d=(format!("M{end_x:.1} 13l5 5-5 5-5-5z")) fill="currentColor" stroke="none" {}
            }
        }
    }
}
