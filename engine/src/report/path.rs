//! The path from device to ingest, hop by hop, with a posture for each.

use std::fmt::Write as _;

use model::assessment::{ControlResult, Coverage, Finding};
use model::delta::DeltaClass;
use model::document::{AuditTarget, Endpoint, PathKind, Protocol};
use model::evidence::Evidence;
use model::{Posture, Subject};

use super::view::View;
use super::words::number;
use crate::score;

/// From this many places of one kind on, they share one hop.
const MERGE_FROM: usize = 5;

/// What stands at a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Device,
    Gateway,
    Broker,
    Ingest,
}

impl Kind {
    const fn title(self) -> &'static str {
        match self {
            Self::Device => "Device",
            Self::Gateway => "Gateway",
            Self::Broker => "Broker",
            Self::Ingest => "Ingest",
        }
    }

    /// The place in a sentence.
    const fn spoken(self) -> &'static str {
        match self {
            Self::Device => "the device side",
            Self::Gateway => "the gateway",
            Self::Broker => "the broker",
            Self::Ingest => "the ingest edge",
        }
    }

    const fn missing(self) -> &'static str {
        match self {
            Self::Device => "no certificates declared",
            Self::Gateway => "no configuration declared",
            Self::Broker => "no MQTT endpoint declared",
            Self::Ingest => "no HTTP endpoint declared",
        }
    }
}

/// One hop of the path.
#[derive(Debug, Clone)]
pub struct Hop<'a> {
    /// "Broker", or "Broker edge" where there are several.
    pub name: String,
    /// "the broker", or "the broker edge" where there are several.
    pub spoken: String,
    /// Its address or declared name.
    pub at: String,
    /// Posture from the controls of its subjects.
    pub posture: Posture,
    /// Posture in the earlier run.
    pub before: Option<Posture>,
    /// Controls with a conclusive verdict.
    pub evaluated: usize,
    /// Controls that apply.
    pub selected: usize,
    /// Open findings here.
    pub findings: Vec<&'a Finding>,
    /// Findings here that an exception covers.
    pub accepted: usize,
    /// Controls that moved here, per class, the most urgent first; unchanged ones are left out.
    pub moved: Vec<(DeltaClass, usize)>,
    /// How the hop before reaches this one.
    pub link: Link,
}

/// How one hop reaches the next.
#[derive(Debug, Clone)]
pub struct Link {
    /// "mqtts 8883", "not observed".
    pub label: String,
    /// "TLS 1.3", "plaintext".
    pub note: String,
    /// Whether TLS is declared; none where no endpoint is.
    pub tls: Option<bool>,
    /// Whether the declared protocol was observed.
    pub observed: bool,
}

/// The hops of a run's target.
pub fn hops<'a>(view: &View<'a>) -> Vec<Hop<'a>> {
    let document = &view.record.document;
    let earlier = view.baseline();
    places(document)
        .into_iter()
        .map(|place| {
            let (posture, coverage) = gate(view, &place.subjects);
            let here = |subject: &Subject| place.subjects.contains(subject);
            let findings = view.open().into_iter().filter(|f| here(&f.subject)).collect();
            let accepted = view.waived().iter().filter(|f| here(&f.subject)).count();
            let deltas = view.record.delta.iter().flat_map(|delta| &delta.controls);
            let classes: Vec<_> = deltas.filter(|c| here(&c.subject)).map(|c| c.class).collect();
            let moved = DeltaClass::ALL
                .into_iter()
                .filter(|class| *class != DeltaClass::Unchanged)
                .map(|class| (class, classes.iter().filter(|c| **c == class).count()))
                .filter(|(_, n)| *n > 0)
                .collect();
            Hop {
                before: earlier.as_ref().map(|earlier| gate(earlier, &place.subjects).0),
                link: link(view, &place),
                name: place.name,
                spoken: place.spoken,
                at: place.at,
                posture,
                evaluated: coverage.evaluated as usize,
                selected: coverage.selected as usize,
                findings,
                accepted,
                moved,
            }
        })
        .collect()
}

/// A place of the document before it is judged.
struct Place<'a> {
    name: String,
    spoken: String,
    at: String,
    subjects: Vec<Subject>,
    endpoints: Vec<&'a Endpoint>,
}

fn places(document: &AuditTarget) -> Vec<Place<'_>> {
    let spec = &document.spec;
    let devices = spec.device_certificates.iter().map(|set| {
        (
            set.name.clone(),
            format!("certificates {}", set.name),
            Subject::certificates(&set.name),
            None,
        )
    });
    let gateways = spec.gateway_config.iter().map(|config| {
        (
            config.name.clone(),
            format!("config {}", config.name),
            Subject::config(&config.name),
            None,
        )
    });
    let endpoint = |endpoint: &'_ Endpoint| {
        (endpoint.name.clone(), endpoint.address(), Subject::endpoint(&endpoint.name))
    };
    let brokers = spec.endpoints.iter().filter(|e| !e.protocol.is_http()).map(|e| {
        let (name, at, subject) = endpoint(e);
        (name, at, subject, Some(e))
    });
    let ingests = spec.endpoints.iter().filter(|e| e.protocol.is_http()).map(|e| {
        let (name, at, subject) = endpoint(e);
        (name, at, subject, Some(e))
    });
    let whole = spec.path == PathKind::Gateway;
    let mut out = Vec::new();
    out.extend(of_kind(Kind::Device, devices.collect(), whole));
    out.extend(of_kind(Kind::Gateway, gateways.collect(), whole));
    out.extend(of_kind(Kind::Broker, brokers.collect(), whole));
    out.extend(of_kind(Kind::Ingest, ingests.collect(), whole));
    out
}

type Declared<'a> = (String, String, Subject, Option<&'a Endpoint>);

fn of_kind(kind: Kind, declared: Vec<Declared<'_>>, expected: bool) -> Vec<Place<'_>> {
    if declared.is_empty() && !expected {
        return Vec::new();
    }
    let title = kind.title();
    if declared.is_empty() || declared.len() >= MERGE_FROM {
        let at = match declared.len() {
            0 => kind.missing().to_owned(),
            many => format!("{} places", number(many)),
        };
        return vec![Place {
            name: title.to_owned(),
            spoken: kind.spoken().to_owned(),
            at,
            endpoints: declared.iter().filter_map(|(_, _, _, endpoint)| *endpoint).collect(),
            subjects: declared.into_iter().map(|(_, _, subject, _)| subject).collect(),
        }];
    }
    let several = declared.len() > 1;
    declared
        .into_iter()
        .map(|(name, at, subject, endpoint)| Place {
            spoken: if several {
                format!("{} {name}", kind.spoken())
            } else {
                kind.spoken().to_owned()
            },
            name: if several { format!("{title} {name}") } else { title.to_owned() },
            at,
            subjects: vec![subject],
            endpoints: endpoint.into_iter().collect(),
        })
        .collect()
}

/// Posture of some subjects by the gate of the whole run, and what of them was observed.
fn gate(view: &View<'_>, subjects: &[Subject]) -> (Posture, Coverage) {
    let here = |control: &&ControlResult| subjects.contains(&control.subject);
    let controls = view.assessment.controls.iter().filter(here);
    (score::posture(controls.clone()), score::coverage(controls))
}

fn link(view: &View<'_>, place: &Place<'_>) -> Link {
    let Some(first) = place.endpoints.first() else {
        return Link {
            label: "not observed".to_owned(),
            note: "no endpoint declared".to_owned(),
            tls: None,
            observed: false,
        };
    };
    let tls = place.endpoints.iter().all(|endpoint| endpoint.protocol.is_tls());
    let mut label = first.protocol.as_str().to_owned();
    if place.endpoints.len() == 1 {
        write!(label, " {}", first.port).expect("writing to a string cannot fail");
    }
    let documents = view.bundle.evidence.iter();
    let here = documents.filter(|body| place.subjects.contains(&body.subject));
    let seen = here.filter_map(tls_version).max();
    let note = match seen {
        Some(version) if tls => version,
        _ if tls => "TLS declared",
        _ => plaintext(first.protocol),
    };
    Link { label, note: note.to_owned(), tls: Some(tls), observed: seen.is_some() }
}

const fn plaintext(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "plaintext HTTP",
        Protocol::Ws => "plaintext WebSocket",
        _ => "plaintext",
    }
}

/// The best TLS version that a document has observed.
fn tls_version(body: &Evidence) -> Option<&'static str> {
    let value = |pointer: &str| body.item(pointer).and_then(|item| item.value());
    let negotiated = value("/tls/version").and_then(|version| version.as_str());
    let accepted = |pointer| value(pointer).and_then(serde_json::Value::as_bool) == Some(true);
    if negotiated == Some("TLSv1.3") || accepted("/tls/tls13/accepted") {
        Some("TLS 1.3")
    } else if negotiated == Some("TLSv1.2") || accepted("/tls/tls12/accepted") {
        Some("TLS 1.2")
    } else {
        None
    }
}
