//! How a store fails, whatever it stores.

/// A store could not do what it was asked for. Nothing of it is done, unless the call's own documentation says that it
/// may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is saturated, or gave no answer in a bounded time. Trying later may help.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What is stored is not what was once written: a defect, or a hand in the database. Trying again does not help.
    #[error("corrupt row: table {table}, column {column}, id {id}")]
    Corrupt {
        /// The table of the row.
        table: &'static str,
        /// The column that does not parse.
        column: &'static str,
        /// The row's id.
        id: String,
    },
    /// The store refused a statement that it should take: a defect of the adapter or a schema of another release.
    #[error("the store refused a statement: {0}")]
    Rejected(String),
}
