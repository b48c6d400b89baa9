//! A set of certificates in memory: one small entry each, gathered by several threads.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use model::evidence::{CertificateExample, Item, Unreadable};

use super::counted::Counted;
use super::entry::{Entry, Issuer};
use super::files::Files;
use super::inventory::Inventory;
use super::queue::{Producer, Queue};
use super::reading::{self, Piece, Spot};
use super::rows;
use super::short;
use super::table::Table;
use crate::source::Secret;
use crate::table::TableError;
use crate::text::cut;
use crate::x509::facts::serial_text;
use crate::x509::name::NameId;
use crate::x509::{Facts, issuers};

/// Most certificates of one set: a million, and authorities beside them.
pub const MAX_CERTIFICATES: u32 = 1 << 20;

/// Most bytes of text that are kept of a set: serial numbers, subjects, names in archives. A million
/// sound certificates need about 64 MiB.
const MAX_KEPT_BYTES: u64 = 192 * 1024 * 1024;

/// Most issuers that one reader tells apart, certificates that name themselves left out.
const MAX_ISSUERS: usize = 1 << 16;

/// Certificates that go from one thread to another at once.
const BATCH: usize = 256;

/// What was read of a set.
#[derive(Debug, Default)]
pub struct Set {
    /// Certificates, sorted by fingerprint and place; copies stand side by side.
    pub entries: Vec<Entry>,
    /// What gave none.
    pub unreadable: Counted<Unreadable>,
    /// Files read.
    pub files: u32,
    /// Bytes read.
    pub bytes: u64,
}

impl Set {
    /// The same set with more that gave no certificate.
    pub fn with_unreadable(mut self, more: Counted<Unreadable>) -> Self {
        self.unreadable.merge(more);
        self
    }

    fn merge(&mut self, mut other: Self) {
        if self.entries.len() < other.entries.len() {
            std::mem::swap(&mut self.entries, &mut other.entries);
        }
        self.entries.extend(other.entries);
        self.unreadable.merge(other.unreadable);
        self.files += other.files;
        self.bytes += other.bytes;
    }

    /// Puts the entries into an order that does not depend on who read what first.
    fn sort(&mut self) {
        let place = |entry: &Entry| (entry.source, entry.number);
        self.entries.sort_unstable_by(|a, b| {
            a.fingerprint
                .cmp(&b.fingerprint)
                .then_with(|| (a.source, a.member()).cmp(&(b.source, b.member())))
                .then_with(|| place(a).cmp(&place(b)))
        });
    }
}

/// Certificates in a CSV, which is read once more when the inventory in it is known.
pub enum Csv {
    /// A file.
    File(std::path::PathBuf),
    /// What came from elsewhere, bounded as every source is.
    Bytes(Vec<u8>),
}

type Batch = Vec<(u32, Spot, Vec<u8>)>;

/// What the readers share.
pub struct Job {
    /// The set as declared; certificates that stand in no file of ours go by it.
    pub place: String,
    /// Files to read.
    pub files: Files,
    /// Certificates that are at hand already, with their numbers; 0 for one that stands alone.
    pub loose: Vec<(u32, Vec<u8>)>,
    /// A CSV whose rows hold certificates.
    pub csv: Option<Csv>,
    /// A table whose rows hold certificates.
    pub table: Option<Table>,
    /// Password of PKCS#12 files.
    pub password: Option<Secret>,
    /// The inventory.
    pub inventory: Inventory,
    /// Declared issuers.
    pub expected_issuers: Vec<String>,
    /// When to stop.
    pub until: Instant,
    next: AtomicUsize,
    taken: AtomicU32,
    kept: AtomicU64,
    limit: Mutex<Option<String>>,
    broken: Mutex<Option<TableError>>,
    queue: Queue<Batch>,
}

impl Job {
    /// A job with nothing to read yet.
    pub fn new(place: String, expected_issuers: Vec<String>, until: Instant) -> Self {
        Self {
            place,
            files: Files::default(),
            loose: Vec::new(),
            csv: None,
            table: None,
            password: None,
            inventory: Inventory::default(),
            expected_issuers,
            until,
            next: AtomicUsize::new(0),
            taken: AtomicU32::new(0),
            kept: AtomicU64::new(0),
            limit: Mutex::new(None),
            broken: Mutex::new(None),
            queue: Queue::new(),
        }
    }

    /// Reads the whole set with a few threads. A limit that is reached leaves no set: a part of a
    /// fleet says nothing about the fleet.
    pub async fn run(self: &Arc<Self>) -> Item<Set> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
        let readers: Vec<_> = (0..threads)
            .map(|_| {
                let job = Arc::clone(self);
                tokio::task::spawn_blocking(move || job.work())
            })
            .collect();
        let mut set = Set::default();
        for reader in readers {
            match reader.await {
                Ok(part) => set.merge(part),
                Err(_) => return Item::error("a reader of the set stopped unexpectedly"),
            }
        }
        if let Some(error) = self.broken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return error.item();
        }
        if self.taken.load(Ordering::Relaxed) > MAX_CERTIFICATES {
            return Item::truncated(format!(
                "the set has more than {MAX_CERTIFICATES} certificates"
            ));
        }
        if let Some(reason) = self.limit.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Item::truncated(reason);
        }
        if Instant::now() >= self.until {
            return Item::timeout("the deadline of the check passed before the set was read");
        }
        set.sort();
        Item::observed(set)
    }

    /// An entry as a sample shows it.
    pub fn example(&self, entry: &Entry) -> CertificateExample {
        CertificateExample {
            place: self.place_of(entry),
            subject: entry.subject(),
            serial: serial_text(entry.serial()),
        }
    }

    /// Where an entry was found.
    pub fn place_of(&self, entry: &Entry) -> String {
        self.written(entry.source, entry.member(), entry.number)
    }

    fn written(&self, source: u32, member: &str, number: u32) -> String {
        let source = usize::try_from(source).unwrap_or(usize::MAX);
        match source.checked_sub(self.files.len()) {
            None => Spot::written(&self.files.place(source), member, number),
            // A row goes by its device: rows of a table have no order.
            Some(1) if self.table.is_some() => Spot::written(&self.place, member, number),
            Some(0) if number == 0 => self.place.clone(),
            Some(0) => format!("{}#{number}", self.place),
            Some(_) => format!("{}:{number}", self.place),
        }
    }

    fn work(&self) -> Set {
        let mut reader = Reader { job: self, part: Set::default(), issuers: HashMap::new() };
        let producer = self.queue.producer();
        while self.may_go_on() && reader.source(&producer) {}
        drop(producer);
        while let Some(batch) = self.queue.take() {
            reader.batch(batch);
        }
        reader.part
    }

    fn may_go_on(&self) -> bool {
        self.taken.load(Ordering::Relaxed) <= MAX_CERTIFICATES
            && Instant::now() < self.until
            && self.limit.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Says that a limit was reached. Of several the one that sorts first is told, whoever met it.
    fn reached(&self, reason: String) {
        let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        if limit.as_ref().is_none_or(|told| reason < *told) {
            *limit = Some(reason);
        }
    }
}

struct Reader<'a> {
    job: &'a Job,
    part: Set,
    issuers: HashMap<NameId, Arc<Issuer>>,
}

impl Reader<'_> {
    /// Reads the next source; false if there is none.
    fn source(&mut self, producer: &Producer<'_, Batch>) -> bool {
        let job = self.job;
        let number = job.next.fetch_add(1, Ordering::Relaxed);
        let files = job.files.len();
        if number < files {
            self.file(number, producer);
            return true;
        }
        let source = |after: usize| u32::try_from(files + after).unwrap_or(u32::MAX);
        if let Some((number, der)) = job.loose.get(number - files) {
            let spot = Spot { number: *number, ..Spot::default() };
            self.certificate(source(0), &spot, der);
            return true;
        }
        if number != files + job.loose.len() {
            return false;
        }
        match (&job.csv, &job.table) {
            (Some(csv), _) => self.csv(csv, source(1), producer),
            (None, Some(table)) => self.table(table, source(1), producer),
            (None, None) => return false,
        }
        true
    }

    fn table(&mut self, table: &Table, source: u32, producer: &Producer<'_, Batch>) {
        let job = self.job;
        let mut batch = Batch::new();
        let mut bytes = 0;
        // What is wrong with the rows was told when the inventory was read.
        let read = table.certificates(&mut |device, der| {
            bytes += u64::try_from(der.len()).unwrap_or(u64::MAX);
            let spot = Spot { member: cut(device.as_bytes()).into(), number: 0 };
            self.share(&mut batch, (source, spot, der), producer);
            job.may_go_on()
        });
        self.batch(batch);
        self.part.bytes += bytes;
        if let Err(error) = read {
            *job.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    fn file(&mut self, number: usize, producer: &Producer<'_, Batch>) {
        let job = self.job;
        let Some(path) = job.files.path(number) else { return };
        let place = job.files.place(number);
        let source = u32::try_from(number).unwrap_or(u32::MAX);
        let mut batch = Batch::new();
        let bytes = reading::read(&path, &place, job.password.as_ref(), &mut |piece| {
            match piece {
                Piece::Certificate(spot, der) => {
                    self.share(&mut batch, (source, spot, der), producer);
                }
                Piece::Unreadable(unreadable) => self.part.unreadable.add(unreadable),
                Piece::Limit(reason) => job.reached(reason),
            }
            job.may_go_on()
        });
        self.batch(batch);
        self.part.files += 1;
        self.part.bytes += bytes;
    }

    fn csv(&mut self, csv: &Csv, source: u32, producer: &Producer<'_, Batch>) {
        let mut batch = Batch::new();
        match csv {
            // It was read before; if it changed meanwhile, it was not one thing to judge.
            Csv::File(path) => match reading::open(path) {
                Ok(reader) => self.rows(reader, source, &mut batch, producer),
                Err(reason) => {
                    let place = self.job.place.clone();
                    self.part.unreadable.add(Unreadable { place, reason });
                }
            },
            Csv::Bytes(bytes) => self.rows(bytes.as_slice(), source, &mut batch, producer),
        }
        self.batch(batch);
    }

    fn rows(
        &mut self,
        reader: impl BufRead,
        source: u32,
        batch: &mut Batch,
        producer: &Producer<'_, Batch>,
    ) {
        let job = self.job;
        // What is wrong with the rows was told when the inventory was read.
        rows::certificates(reader, |line, der| {
            let number = u32::try_from(line).unwrap_or(u32::MAX);
            let spot = Spot { number, ..Spot::default() };
            self.share(batch, (source, spot, der), producer);
            job.may_go_on()
        });
    }

    /// Puts a certificate to the others of its batch, and gives a full batch away.
    fn share(
        &mut self,
        batch: &mut Batch,
        certificate: (u32, Spot, Vec<u8>),
        producer: &Producer<'_, Batch>,
    ) {
        batch.push(certificate);
        if batch.len() >= BATCH
            && let Some(own) = producer.offer(std::mem::take(batch))
        {
            self.batch(own);
        }
    }

    fn batch(&mut self, batch: Batch) {
        for (source, spot, der) in batch {
            self.certificate(source, &spot, &der);
        }
    }

    fn certificate(&mut self, source: u32, spot: &Spot, der: &[u8]) {
        if self.job.taken.fetch_add(1, Ordering::Relaxed) >= MAX_CERTIFICATES {
            return;
        }
        match Facts::read(der) {
            Ok(facts) => self.keep(source, spot, facts),
            Err(error) => {
                let place = self.job.written(source, &spot.member, spot.number);
                self.part.unreadable.add(Unreadable { place, reason: error.to_string() });
            }
        }
    }

    fn keep(&mut self, source: u32, spot: &Spot, facts: Facts) {
        let job = self.job;
        let expected = &job.expected_issuers;
        let expected = expected.is_empty() || issuers::expected(&facts, expected);
        let issuer = (!facts.is_self_signed()).then(|| {
            let issuer = self.issuers.entry(facts.issuer_id).or_insert_with(|| {
                let text = cut(facts.issuer.as_bytes()).into();
                Arc::new(Issuer { id: short::cut(&facts.issuer_id), text })
            });
            Arc::clone(issuer)
        });
        if self.issuers.len() > MAX_ISSUERS {
            job.reached(format!("more than {MAX_ISSUERS} issuers signed the set"));
        }
        let holders = job.inventory.holders(&facts).into();
        let entry = Entry::new(facts, source, spot, issuer, expected, holders);
        let kept = job.kept.fetch_add(entry.kept_bytes(), Ordering::Relaxed);
        if kept > MAX_KEPT_BYTES {
            job.reached(format!(
                "the names in the set have more than the {MAX_KEPT_BYTES} bytes that are kept"
            ));
            return;
        }
        self.part.entries.push(entry);
    }
}
