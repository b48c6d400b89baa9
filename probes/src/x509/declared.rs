//! What a target declares about trust, read from its sources.

use jiff::Timestamp;
use model::digest::hex;
use model::document::{Source, Trust};
use model::evidence::{CrlListed, CrlOverdue, CrlSeen, Item};

use super::{Bundle, Crl};
use crate::source;
use crate::{Context, text};

/// A revocation list and where it was read.
#[derive(Debug, Clone)]
pub struct PlacedCrl {
    /// Source as declared.
    pub place: String,
    /// The list.
    pub crl: Crl,
}

impl PlacedCrl {
    /// The list by what a renewal leaves as it is.
    pub fn listed(&self) -> CrlListed {
        CrlListed {
            place: self.place.clone(),
            issuer: text::cut(self.crl.issuer.as_bytes()),
            key: self.crl.key_id.as_ref().map(|key| text::cut(hex(key).as_bytes())),
            signature: self.crl.signature,
        }
    }

    /// The list, if it was out of date at that time.
    pub fn overdue(&self, now: Timestamp) -> Option<CrlOverdue> {
        let current = self.crl.next_update.is_some_and(|due| due > now);
        (!current).then(|| CrlOverdue {
            place: self.place.clone(),
            issuer: text::cut(self.crl.issuer.as_bytes()),
            since: self.crl.next_update,
        })
    }

    /// The list with its dates.
    pub fn seen(&self) -> CrlSeen {
        CrlSeen {
            place: self.place.clone(),
            issuer: text::cut(self.crl.issuer.as_bytes()),
            this_update: self.crl.this_update,
            next_update: self.crl.next_update,
            entries: count(self.crl.serials.len()),
            signature: self.crl.signature,
        }
    }
}

/// The declared trust of a target. Each part is observed only if all of it could be read.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The CA bundle.
    pub bundle: Item<Bundle>,
    /// The revocation lists.
    pub crls: Item<Vec<PlacedCrl>>,
}

impl Declared {
    /// Reads what the target declares.
    pub async fn read(context: &Context, trust: &Trust) -> Self {
        let bundle = match &trust.ca_bundle {
            None => Item::not_attempted("no CA bundle is declared for this target"),
            Some(source) => bundle(context, source).await.map_or_else(Item::error, Item::observed),
        };
        let nothing = Bundle::default();
        let crls = crls(context, &trust.crls, bundle.value().unwrap_or(&nothing)).await;
        Self { bundle, crls }
    }
}

/// A number of things in memory, as evidence counts them.
pub fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

async fn bundle(context: &Context, source: &Source) -> Result<Bundle, String> {
    let bytes = source::bytes(context, source).await.map_err(|error| error.to_string())?;
    let bundle = Bundle::read(&bytes);
    if bundle.anchors.is_empty() {
        return Err(format!("`{}` holds no certificate that can be read", source::place(source)));
    }
    Ok(bundle)
}

async fn crls(context: &Context, sources: &[Source], bundle: &Bundle) -> Item<Vec<PlacedCrl>> {
    if sources.is_empty() {
        return Item::not_attempted("no revocation list is declared for this target");
    }
    let mut lists = Vec::new();
    for source in sources {
        let place = source::place(source);
        let bytes = source::bytes(context, source).await.map_err(|error| error.to_string());
        let read = bytes.and_then(|bytes| {
            Crl::read(&bytes, bundle).map_err(|reason| format!("`{place}`: {reason}"))
        });
        match read {
            Ok(found) => {
                lists.extend(found.into_iter().map(|crl| PlacedCrl { place: place.clone(), crl }))
            }
            Err(reason) => return Item::error(reason),
        }
    }
    Item::observed(lists)
}
