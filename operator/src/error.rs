//! What goes wrong while reconciling, told apart by what helps: another try, or an edit.

use store::StoreError;

/// Something that another try may mend.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused or did not answer.
    #[error("the API server: {0}")]
    Kube(#[from] kube::Error),
    /// The store refused or did not answer.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// An object lacks what the API server gives every object.
    #[error("{0} has no {1}")]
    Incomplete(&'static str, &'static str),
}

/// What a reconciler gives.
pub type Result<T> = std::result::Result<T, Error>;
