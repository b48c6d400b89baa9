//! A set of certificates in memory: one small entry each, gathered by several threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Instant;

use model::evidence::{CertificateExample, Item, Unreadable, UsageGrant};

use super::files::Found;
use super::inventory::{DeviceNumber, Inventory};
use super::reading::{self, Piece};
use crate::source::Secret;
use crate::text::cut;
use crate::x509::facts::serial_text;
use crate::x509::key::{Key, KeyId};
use crate::x509::name::NameId;
use crate::x509::signature::Signature;
use crate::x509::{Facts, issuers};

/// Most certificates of one set.
pub const MAX_CERTIFICATES: u32 = 500_000;

/// What is kept of one certificate.
#[derive(Debug, Clone)]
pub struct Entry {
    /// SHA-256 over the DER.
    pub fingerprint: [u8; 32],
    /// Digest of the key.
    pub key_id: KeyId,
    /// Identity of the subject.
    pub subject_id: NameId,
    /// Identity of the issuer.
    pub issuer_id: NameId,
    /// Serial number.
    pub serial: Box<[u8]>,
    /// Where it was found.
    pub place: String,
    /// Subject, cut.
    pub subject: String,
    /// Issuer, cut; shared by all that name it.
    pub issuer: Arc<str>,
    /// End of validity.
    pub not_after: Option<jiff::Timestamp>,
    /// Seconds between the two dates of validity.
    pub lifetime_seconds: Option<i64>,
    /// The key, or why it is unknown.
    pub key: Result<Key, Box<str>>,
    /// The signature algorithm, or why it is unknown.
    pub signature: Result<Signature, Box<str>>,
    /// What it says about clientAuth.
    pub client_auth: UsageGrant,
    /// CA:TRUE.
    pub is_ca: bool,
    /// The subject carries a serialNumber attribute.
    pub has_device_serial: bool,
    /// The issuer is one of the declared; true where none is declared.
    pub issuer_expected: bool,
    /// Devices of the inventory that hold it.
    pub holders: Box<[DeviceNumber]>,
}

impl Entry {
    /// The entry as a sample shows it.
    pub fn example(&self) -> CertificateExample {
        CertificateExample {
            place: self.place.clone(),
            subject: self.subject.clone(),
            serial: serial_text(&self.serial),
        }
    }

    /// True if issuer and subject are the same name.
    pub fn is_self_signed(&self) -> bool {
        self.subject_id == self.issuer_id
    }
}

/// What was read of a set.
#[derive(Debug, Default)]
pub struct Set {
    /// Certificates, sorted by fingerprint and place; copies stand side by side.
    pub entries: Vec<Entry>,
    /// What gave none, sorted.
    pub unreadable: Vec<Unreadable>,
    /// Files read.
    pub files: u32,
    /// Bytes read.
    pub bytes: u64,
}

impl Set {
    /// The same set with more that gave no certificate.
    pub fn with_unreadable(mut self, more: Vec<Unreadable>) -> Self {
        self.unreadable.extend(more);
        self.unreadable.sort();
        self
    }

    fn merge(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.unreadable.extend(other.unreadable);
        self.files += other.files;
        self.bytes += other.bytes;
    }

    /// Puts everything into an order that does not depend on who read what first.
    fn sort(&mut self) {
        self.entries
            .sort_unstable_by(|a, b| (&a.fingerprint, &a.place).cmp(&(&b.fingerprint, &b.place)));
        self.unreadable.sort();
    }
}

/// What the readers share.
pub struct Job {
    /// Files to read.
    pub files: Vec<Found>,
    /// Certificates that are at hand already, with their places.
    pub loose: Vec<(String, Vec<u8>)>,
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
}

impl Job {
    /// A job with nothing to read yet.
    pub fn new(expected_issuers: Vec<String>, until: Instant) -> Self {
        Self {
            files: Vec::new(),
            loose: Vec::new(),
            password: None,
            inventory: Inventory::default(),
            expected_issuers,
            until,
            next: AtomicUsize::new(0),
            taken: AtomicU32::new(0),
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
        if self.taken.load(Ordering::Relaxed) > MAX_CERTIFICATES {
            return Item::truncated(format!(
                "the set has more than {MAX_CERTIFICATES} certificates"
            ));
        }
        if Instant::now() >= self.until {
            return Item::timeout("the deadline of the check passed before the set was read");
        }
        set.sort();
        Item::observed(set)
    }

    fn work(&self) -> Set {
        let mut reader = Reader { job: self, part: Set::default(), issuers: HashMap::new() };
        while self.may_go_on() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if let Some(found) = self.files.get(number) {
                reader.file(found);
            } else if let Some((place, der)) = self.loose.get(number - self.files.len()) {
                reader.certificate(place.clone(), der);
            } else {
                break;
            }
        }
        reader.part
    }

    fn may_go_on(&self) -> bool {
        self.taken.load(Ordering::Relaxed) <= MAX_CERTIFICATES && Instant::now() < self.until
    }
}

struct Reader<'a> {
    job: &'a Job,
    part: Set,
    issuers: HashMap<NameId, Arc<str>>,
}

impl Reader<'_> {
    fn file(&mut self, found: &Found) {
        let job = self.job;
        let bytes = reading::read(found, job.password.as_ref(), &mut |piece| {
            match piece {
                Piece::Certificate { place, der } => self.certificate(place, &der),
                Piece::Unreadable(unreadable) => self.part.unreadable.push(unreadable),
            }
            job.may_go_on()
        });
        self.part.files += 1;
        self.part.bytes += bytes;
    }

    fn certificate(&mut self, place: String, der: &[u8]) {
        if self.job.taken.fetch_add(1, Ordering::Relaxed) >= MAX_CERTIFICATES {
            return;
        }
        match Facts::read(der) {
            Ok(facts) => {
                let entry = self.entry(place, facts);
                self.part.entries.push(entry);
            }
            Err(error) => {
                self.part.unreadable.push(Unreadable { place, reason: error.to_string() });
            }
        }
    }

    fn entry(&mut self, place: String, facts: Facts) -> Entry {
        let expected = &self.job.expected_issuers;
        let issuer = self.issuers.entry(facts.issuer_id);
        let issuer = issuer.or_insert_with(|| cut(facts.issuer.as_bytes()).into());
        Entry {
            fingerprint: facts.fingerprint,
            key_id: facts.key_id,
            subject_id: facts.subject_id,
            issuer_id: facts.issuer_id,
            serial: facts.serial.as_slice().into(),
            place,
            subject: cut(facts.subject.as_bytes()),
            issuer: Arc::clone(issuer),
            not_after: facts.not_after,
            lifetime_seconds: facts.lifetime_seconds(),
            client_auth: facts.grants("clientAuth"),
            is_ca: facts.is_ca,
            has_device_serial: facts.has_device_serial,
            issuer_expected: expected.is_empty() || issuers::expected(&facts, expected),
            holders: self.job.inventory.holders(&facts).into(),
            key: facts.key.map_err(String::into_boxed_str),
            signature: facts.signature.map_err(String::into_boxed_str),
        }
    }
}
