//! Many documents at once, again and again: what the operator's ingest does all day.

use model::RunId;
use sqlx::pool::PoolConnection;
use sqlx::{Acquire as _, Postgres};

use crate::error::StoreError;
use crate::evidence::Packed;
use crate::sql::{Pool, together};
use crate::{Store, conflict};

/// Adds documents, and keeps its connection between one transaction and the next.
#[derive(Debug)]
pub struct Appender {
    store: Store,
    connection: Option<PoolConnection<Postgres>>,
}

impl Store {
    /// An appender to this store. One of the store's connections is its own from its first
    /// documents on.
    pub fn appender(&self) -> Appender {
        Appender { store: self.clone(), connection: None }
    }
}

impl Appender {
    /// Adds documents of any runs in one transaction: all of them, or none. It takes less time than
    /// one after another, and says nothing of what is there already: who gets an error adds them
    /// one by one by [`Store::append_evidence`], and learns which it is. A connection that was lost
    /// since the last time is an error, too; the next call makes another.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a run is complete or holds a document for one of the same checks
    /// and subjects, the same or another; [`StoreError::Unreachable`] and the like also if there is
    /// no such run.
    pub async fn append(&mut self, documents: &[Packed]) -> Result<(), StoreError> {
        // In one order everywhere: two of these that have documents in common wait for each other
        // in turn, never both.
        let mut documents: Vec<&Packed> = documents.iter().collect();
        documents.sort_by(|a, b| a.digest().cmp(b.digest()));
        let Pool::Postgres(pool) = &self.store.pool else {
            return self.store.append_in_turn(&documents).await;
        };
        let fault = |error| StoreError::from_driver(&self.store.place, error);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => pool.acquire().await.map_err(fault)?,
        };
        append(&self.store, &mut connection, &documents).await?;
        // Only one that did its work is kept.
        self.connection = Some(connection);
        Ok(())
    }
}

async fn append(
    store: &Store,
    connection: &mut PoolConnection<Postgres>,
    documents: &[&Packed],
) -> Result<(), StoreError> {
    let mut bodies = documents.to_vec();
    bodies.dedup_by(|a, b| a.digest() == b.digest());
    let mut runs: Vec<&RunId> = documents.iter().map(|packed| packed.run()).collect();
    runs.sort();
    runs.dedup();
    let fault = |error| StoreError::from_driver(&store.place, error);
    let mut transaction = connection.begin().await.map_err(fault)?;
    let added = together::insert(
        together::Rows {
            head: "INSERT INTO evidence (digest, schema, target, subject, body)",
            rows: bodies.iter().map(|packed| packed.body_row()),
            tail: "ON CONFLICT (digest) DO NOTHING",
        },
        together::Rows {
            head: "INSERT INTO run_evidence (run, check_id, subject, digest, document, envelope)",
            rows: documents.iter().map(|packed| packed.link_row()),
            tail: "ON CONFLICT (run, check_id, subject) DO NOTHING",
        },
    )
    .fetch(&mut transaction)
    .await
    .map_err(fault)?;
    if added.second < documents.len() {
        return Err(conflict("some of this evidence is there already".to_owned()));
    }
    if added.first < bodies.len() {
        // What is stored under a digest is held to what it is the digest of.
        let digests = bodies.iter().map(|packed| packed.digest().as_str()).collect();
        let texts = bodies.iter().map(|packed| packed.body()).collect();
        if let Some(digest) =
            together::other_body(&mut transaction, digests, texts).await.map_err(fault)?
        {
            let reason = "another body is stored under this digest";
            return Err(store.corrupt("evidence", digest, reason));
        }
    }
    // Looked at last: the new rows wait for a `finish` of the same run, and see here that they came
    // too late. That is why it is a statement of its own.
    let runs = runs.iter().map(|run| run.0.as_str()).collect();
    if let Some(run) = together::complete(&mut transaction, runs).await.map_err(fault)? {
        return Err(conflict(format!("run {run} is complete; evidence cannot be added to it")));
    }
    transaction.commit().await.map_err(fault)
}
