//! Everything that is read before the certificates themselves: trust, inventory, password, and
//! the list of files.

use std::sync::Arc;
use std::time::Instant;

use model::document::{DeviceCertificates, DeviceTable, Source, Trust, without_secrets};
use model::evidence::{Item, Unreadable};

use super::counted::Counted;
use super::files::{self, MAX_FILES};
use super::inventory::Inventory;
use super::reading;
use super::set::{Csv, Job};
use super::table::{self, Table};
use crate::table::TableError;
use crate::x509::Declared;
use crate::x509::declared::count;
use crate::x509::pem::{self, Block};
use crate::{Context, source};

/// What a check is about to read.
pub struct Prepared {
    /// The declared trust.
    pub declared: Declared,
    /// Declared issuers.
    pub issuers: u32,
    /// Declared revocation lists.
    pub crls: u32,
    /// Whether there is an inventory; an error where it is declared and cannot be read.
    pub inventory: Item<bool>,
    /// Files that were passed over already; without a value the set cannot be read at all.
    pub skipped: Item<Counted<Unreadable>>,
    /// The reading to come; it holds the inventory.
    pub job: Arc<Job>,
}

impl Prepared {
    /// Nothing to read, for that reason.
    pub fn nothing(reason: &str) -> Self {
        Self {
            declared: Declared {
                bundle: Item::not_attempted(reason),
                crls: Item::not_attempted(reason),
            },
            issuers: 0,
            crls: 0,
            inventory: Item::not_attempted(reason),
            skipped: Item::not_attempted(reason),
            job: Arc::new(Job::new(String::new(), Vec::new(), Instant::now())),
        }
    }

    /// Reads the sources of a set, apart from its certificates.
    pub async fn read(
        context: &Context,
        certificates: &DeviceCertificates,
        trust: &Trust,
        until: Instant,
    ) -> Self {
        let own = certificates.source();
        let mut job = Job::new(table::place(certificates), trust.expected_issuers.clone(), until);
        let mut skipped = Counted::default();
        if let Some(password) = &certificates.password {
            match source::secret(context, password).await {
                Ok(password) => job.password = Some(password),
                Err(error) => skipped.add(Unreadable {
                    place: "password of PKCS#12 files".to_owned(),
                    reason: error.to_string(),
                }),
            }
        }
        let mut inventory = Item::observed(false);
        if let Some(source) = &certificates.inventory {
            let read = read_inventory(context, source).await.map(|(inventory, _)| inventory);
            inventory = take_inventory(read, &mut job);
        }
        let named = own.path.clone().or_else(|| own.url.as_deref().map(without_secrets));
        let listed = match (&certificates.table, &own.path) {
            (Some(declared), _) => match open_table(context, certificates, declared, until).await {
                Err(error) => Err(error.item()),
                Ok((rows, table)) => {
                    job.table = Some(table);
                    Ok(take_rows(rows, certificates, &mut inventory, &mut job))
                }
            },
            (None, _) if named.is_some_and(|named| files::is_csv(named.as_ref())) => {
                match read_inventory(context, &own).await {
                    Err(reason) => Err(Item::error(reason)),
                    Ok((rows, csv)) => {
                        job.csv = Some(csv);
                        Ok(take_rows(rows, certificates, &mut inventory, &mut job))
                    }
                }
            }
            (None, Some(path)) => list_files(context, path, &mut job),
            (None, None) => blocks(context, &own, &mut job).await,
        };
        let skipped = match listed {
            Ok(more) => {
                skipped.merge(more);
                Item::observed(skipped)
            }
            Err(item) => item,
        };
        Self {
            declared: Declared::read(context, trust).await,
            issuers: count(trust.expected_issuers.len()),
            crls: count(trust.crls.len()),
            inventory,
            skipped,
            job: Arc::new(job),
        }
    }
}

/// A table, and what its rows say.
async fn open_table(
    context: &Context,
    certificates: &DeviceCertificates,
    declared: &DeviceTable,
    until: Instant,
) -> Result<(Inventory, Table), TableError> {
    let table = Table::open(context, certificates, declared, until).await?;
    let place = table::place(certificates);
    // The rows are waited for by blocking, as the readers do who come after.
    let read = tokio::task::spawn_blocking(move || {
        table.inventory(&place).map(|inventory| (inventory, table))
    });
    read.await.unwrap_or_else(|_| {
        Err(TableError::Failed("reading the table stopped unexpectedly".to_owned()))
    })
}

/// Takes the rows of a set for its inventory where none is declared. Where one is, it binds; rows
/// that are broken here are still told.
fn take_rows(
    rows: Inventory,
    certificates: &DeviceCertificates,
    inventory: &mut Item<bool>,
    job: &mut Job,
) -> Counted<Unreadable> {
    if certificates.inventory.is_some() {
        return rows.bad_rows;
    }
    *inventory = take_inventory(Ok(rows), job);
    Counted::default()
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

/// An inventory, and where its rows can be read again.
async fn read_inventory(context: &Context, source: &Source) -> Result<(Inventory, Csv), String> {
    let place = source::place(source);
    if let Some(path) = &source.path {
        let path = source::resolve(context, path);
        let reader =
            reading::open(&path).map_err(|reason| format!("cannot read `{place}`: {reason}"))?;
        return Ok((Inventory::read(reader, &place)?, Csv::File(path)));
    }
    let bytes = source::bytes(context, source).await.map_err(|error| error.to_string())?;
    Ok((Inventory::read(bytes.as_slice(), &place)?, Csv::Bytes(bytes)))
}

fn list_files(
    context: &Context,
    path: &str,
    job: &mut Job,
) -> Result<Counted<Unreadable>, Item<Counted<Unreadable>>> {
    let mut files = files::list(&source::resolve(context, path), path).map_err(Item::error)?;
    if files.too_many {
        let reason = format!("`{path}` has more than the {MAX_FILES} files that are read");
        return Err(Item::truncated(reason));
    }
    let skipped = std::mem::take(&mut files.skipped).into_iter().collect();
    job.files = files;
    Ok(skipped)
}

/// Certificates that stand in no file of ours: PEM, or one in DER.
async fn blocks(
    context: &Context,
    own: &Source,
    job: &mut Job,
) -> Result<Counted<Unreadable>, Item<Counted<Unreadable>>> {
    let bytes =
        source::bytes(context, own).await.map_err(|error| Item::error(error.to_string()))?;
    let place = source::place(own);
    if bytes.first() == Some(&0x30) {
        job.loose.push((0, bytes));
        return Ok(Counted::default());
    }
    let mut broken = Counted::default();
    let mut found = 0_u32;
    for block in pem::all(&bytes) {
        found += 1;
        match block {
            Block::Certificate(der) => job.loose.push((found, der)),
            Block::Broken { line, reason } => broken
                .add(Unreadable { place: format!("{place}:{line}"), reason: reason.to_owned() }),
            Block::Crl(_) | Block::Other => {}
        }
    }
    if found == 0 {
        broken.add(Unreadable { place, reason: "it is neither PEM nor DER".to_owned() });
    }
    Ok(broken)
}
