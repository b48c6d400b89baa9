//! Documents that arrive at the same time are stored in one transaction: a disk that takes its time
//! for one commit takes no longer for many. Each is answered once it is stored. One transaction
//! after the other: what arrives while one commits fills the next, and fewer take less.

use model::RunId;
use model::evidence::Evidence;
use store::{Appender, Packed, Store, StoreError};
use tokio::sync::{mpsc, oneshot};

/// Documents in one transaction.
const MOST: usize = 64;
/// Documents that wait to be taken up; whoever brings one more waits with it.
const WAITING: usize = 64;

struct Order {
    packed: Packed,
    answer: oneshot::Sender<bool>,
}

/// The way into the store.
pub(super) struct Writer {
    store: Store,
    orders: mpsc::Sender<Order>,
}

impl Writer {
    /// Writes into a store; what it starts ends with it.
    pub(super) fn new(store: &Store) -> Self {
        let (orders, taken) = mpsc::channel(WAITING);
        tokio::spawn(write(store.appender(), taken));
        Self { store: store.clone(), orders }
    }

    /// Stores a document of a run.
    ///
    /// # Errors
    /// As [`Store::append_evidence`].
    pub(super) async fn append(
        &self,
        run: &RunId,
        evidence: &Evidence,
    ) -> Result<Packed, StoreError> {
        let packed = Packed::of(run, evidence)?;
        let (answer, stored) = oneshot::channel();
        let order = Order { packed: packed.clone(), answer };
        let together = self.orders.send(order).await.is_ok() && stored.await.unwrap_or(false);
        if !together {
            // One of them cannot be stored, or is there already. Each finds out for itself.
            self.store.append_evidence(run, evidence).await?;
        }
        Ok(packed)
    }
}

/// Stores what there is, again and again, until nothing more will come.
async fn write(mut store: Appender, mut orders: mpsc::Receiver<Order>) {
    let mut batch = Vec::new();
    while orders.recv_many(&mut batch, MOST).await > 0 {
        let (documents, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|order| (order.packed, order.answer)).unzip();
        let outcome = store.append(&documents).await;
        if let Err(error) = &outcome {
            tracing::debug!(%error, documents = documents.len(), "stored one by one instead");
        }
        for answer in answers {
            // Who has gone does not want to know.
            answer.send(outcome.is_ok()).ok();
        }
    }
}
