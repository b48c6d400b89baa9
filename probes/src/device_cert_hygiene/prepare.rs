//! Everything that is read before the certificates themselves: trust, inventory, password, and
//! the list of files.

use std::sync::Arc;
use std::time::Instant;

use model::document::{DeviceCertificates, Source, Trust, without_secrets};
use model::evidence::{Item, Unreadable};

use super::files::{self, MAX_FILES};
use super::inventory::Inventory;
use super::reading;
use super::set::Job;
use crate::x509::Declared;
use crate::x509::declared::count;
use crate::x509::pem::{self, Block};
use crate::{Context, source};

/// What a check is about to read.
pub struct Prepared {
    /// The set as declared.
    pub place: String,
    /// The declared trust.
    pub declared: Declared,
    /// Declared issuers.
    pub issuers: u32,
    /// Declared revocation lists.
    pub crls: u32,
    /// Whether there is an inventory; an error where it is declared and cannot be read.
    pub inventory: Item<bool>,
    /// Files that were passed over already; without a value the set cannot be read at all.
    pub skipped: Item<Vec<Unreadable>>,
    /// The reading to come; it holds the inventory.
    pub job: Arc<Job>,
}

impl Prepared {
    /// Nothing to read, for that reason.
    pub fn nothing(reason: &str) -> Self {
        Self {
            place: String::new(),
            declared: Declared {
                bundle: Item::not_attempted(reason),
                crls: Item::not_attempted(reason),
            },
            issuers: 0,
            crls: 0,
            inventory: Item::not_attempted(reason),
            skipped: Item::not_attempted(reason),
            job: Arc::new(Job::new(Vec::new(), Instant::now())),
        }
    }

    /// Reads the sources of a set, apart from its certificates.
    pub async fn read(
        context: &Context,
        certificates: &DeviceCertificates,
        trust: &Trust,
        until: Instant,
    ) -> Self {
        let mut job = Job::new(trust.expected_issuers.clone(), until);
        let mut skipped = Vec::new();
        if let Some(password) = &certificates.password {
            match source::secret(context, password).await {
                Ok(password) => job.password = Some(password),
                Err(error) => skipped.push(Unreadable {
                    place: "password of PKCS#12 files".to_owned(),
                    reason: error.to_string(),
                }),
            }
        }
        let mut inventory = Item::observed(false);
        if let Some(source) = &certificates.inventory {
            let read = read_inventory(context, source, &mut |_, _| {}).await;
            inventory = take_inventory(read, &mut job);
        }
        let own = certificates.source();
        let named = own.path.clone().or_else(|| own.url.as_deref().map(without_secrets));
        let listed = match &own.path {
            _ if named.is_some_and(|named| files::is_csv(named.as_ref())) => {
                let mut loose = Vec::new();
                let read =
                    read_inventory(context, &own, &mut |place, der| loose.push((place, der))).await;
                job.loose = loose;
                match (read, &certificates.inventory) {
                    (Err(reason), _) => Err(Item::error(reason)),
                    (read, None) => {
                        inventory = take_inventory(read, &mut job);
                        Ok(Vec::new())
                    }
                    // The declared inventory binds; rows that are broken here are still told.
                    (Ok(rows), Some(_)) => Ok(rows.bad_rows),
                }
            }
            Some(path) => list_files(context, path, &mut job),
            None => blocks(context, &own, &mut job).await,
        };
        let skipped = match listed {
            Ok(more) => Item::observed([skipped, more].concat()),
            Err(item) => item,
        };
        Self {
            place: source::place(&own),
            declared: Declared::read(context, trust).await,
            issuers: count(trust.expected_issuers.len()),
            crls: count(trust.crls.len()),
            inventory,
            skipped,
            job: Arc::new(job),
        }
    }
}

fn take_inventory(read: Result<Inventory, String>, job: &mut Job) -> Item<bool> {
    match read {
        Ok(inventory) => {
            job.inventory = inventory;
            Item::observed(true)
        }
        Err(reason) => Item::error(reason),
    }
}

async fn read_inventory(
    context: &Context,
    source: &Source,
    certificate: &mut (dyn FnMut(String, Vec<u8>) + Send),
) -> Result<Inventory, String> {
    let place = source::place(source);
    if let Some(path) = &source.path {
        let reader = reading::open(&source::resolve(context, path))
            .map_err(|reason| format!("cannot read `{place}`: {reason}"))?;
        return Inventory::read(reader, &place, certificate);
    }
    let bytes = source::bytes(context, source).await.map_err(|error| error.to_string())?;
    Inventory::read(bytes.as_slice(), &place, certificate)
}

fn list_files(
    context: &Context,
    path: &str,
    job: &mut Job,
) -> Result<Vec<Unreadable>, Item<Vec<Unreadable>>> {
    let files = files::list(&source::resolve(context, path), path).map_err(Item::error)?;
    if files.too_many {
        let reason = format!("`{path}` has more than the {MAX_FILES} files that are read");
        return Err(Item::truncated(reason));
    }
    job.files = files.found;
    Ok(files.skipped)
}

/// Certificates that stand in no file of ours: PEM, or one in DER.
async fn blocks(
    context: &Context,
    own: &Source,
    job: &mut Job,
) -> Result<Vec<Unreadable>, Item<Vec<Unreadable>>> {
    let bytes =
        source::bytes(context, own).await.map_err(|error| Item::error(error.to_string()))?;
    let place = source::place(own);
    if bytes.first() == Some(&0x30) {
        job.loose.push((place, bytes));
        return Ok(Vec::new());
    }
    let mut broken = Vec::new();
    let mut found = 0_u32;
    for block in pem::all(&bytes) {
        found += 1;
        match block {
            Block::Certificate(der) => job.loose.push((format!("{place}#{found}"), der)),
            Block::Broken { line, reason } => broken
                .push(Unreadable { place: format!("{place}:{line}"), reason: reason.to_owned() }),
            Block::Crl(_) | Block::Other => {}
        }
    }
    if found == 0 {
        broken.push(Unreadable { place, reason: "it is neither PEM nor DER".to_owned() });
    }
    Ok(broken)
}
