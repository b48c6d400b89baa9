//! Records that somebody edited.

#[path = "../../../tests/fuzzing/mutation.rs"]
mod mutation;

use model::run::RunBundle;

use super::*;
use mutation::Mutator;

fn record() -> Record {
    let seed = include_bytes!("../../../fuzz/seeds/bundle/one.json");
    let RunBundle { record, evidence, .. } = serde_json::from_slice(seed).unwrap();
    let (run, started_at) = (record.id, record.started_at);
    let standing =
        Standing { run, started_at, document: record.document, plan: record.plan, evidence };
    Record {
        observed_at: record.ended_at,
        targets: BTreeMap::from([(record.target, Seen::of(standing, None, 7))]),
        adopted: Some(BTreeSet::new()),
    }
}

fn body(json: &[u8]) -> String {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(json).unwrap();
    format!("Words\n\n{HEAD}{}{TAIL}", URL_SAFE_NO_PAD.encode(packer.finish().unwrap()))
}

#[test]
fn a_record_that_somebody_edited_is_read_or_is_none() {
    let seeds = [serde_json::to_vec(&record()).unwrap()];
    let mut edited = Mutator::new(1, &seeds);
    let mut read = 0;
    for _ in 0..3_000 {
        let Some(record) = Record::of(&body(&edited.next())) else { continue };
        read += 1;
        record.content();
        record.baselines();
        let Formed { text: line, left_out, .. } = record.clone().line();
        assert!(line.len() <= RECORD);
        if left_out.is_empty() {
            assert_eq!(Record::of(&line), Some(record));
        }
    }
    assert!(read > 50, "{read} are records: the others say nothing");
}

#[test]
fn a_body_that_somebody_edited_is_read_or_is_none() {
    let line = record().line().text;
    assert_eq!(Record::of(&line), Some(record()));
    let seeds = [format!("Words\n\n{line}\n").into_bytes()];
    let mut edited = Mutator::new(1, &seeds);
    let none = (0..3_000)
        .filter(|_| Record::of(&String::from_utf8_lossy(&edited.next())).is_none())
        .count();
    assert!(none > 1_000, "{none}");
}
