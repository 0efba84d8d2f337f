//! What goes wrong with a database, told apart once for both.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use ports::StoreError;

/// Why a statement or a transaction failed. Messages are for the log and hold no personal data: PostgreSQL puts the
/// values of a row into `DETAIL`, so only the primary message is kept.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    /// The connection is gone, or not the right one any more; nothing was stored. Another connection may do it.
    #[error("{0}")]
    Lost(String),
    /// The connection was lost while the answer to a commit was awaited: it may be stored or not.
    #[error("lost while committing: {0}")]
    InDoubt(String),
    /// The database lives but could not do it now.
    #[error("{0}")]
    Unavailable(String),
    /// Somebody else has held for too long what this one needed.
    #[error("{0}")]
    Blocked(String),
    /// A serialization failure or a deadlock: the whole transaction may be tried again.
    #[error("{0}")]
    Contended(String),
    /// A unique value is there already.
    #[error("a unique value is taken: {0:?}")]
    Taken(Unique),
    /// Somebody else who holds what is to be stored did not end in time.
    #[error("what is to be stored is held by another transaction")]
    Held,
    /// The row that this one belongs to is gone.
    #[error("the row that it belongs to is gone")]
    Orphan,
    /// The row is not stored at the version that was to be replaced.
    #[error("the row is stored at another version")]
    Stale,
    /// A row that does not parse.
    #[error("corrupt row: table {table}, column {column}, id {id}")]
    Corrupt {
        /// Its table.
        table: &'static str,
        /// The column that does not parse.
        column: &'static str,
        /// The row's key.
        id: String,
    },
    /// The statement was refused: a defect.
    #[error("{0}")]
    Rejected(String),
}

/// The unique values whose violation means something to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unique {
    /// A customer's id.
    CustomerId,
    /// A number that somebody holds.
    PhoneNumber,
    /// A record of what came of a request.
    IdempotencyRecord,
}

/// PostgreSQL names the constraint, SQLite only the column.
const UNIQUE: [(&str, &str, Unique); 3] = [
    ("customers_pkey", "customers.id", Unique::CustomerId),
    ("phone_number_claims_pkey", "phone_number_claims.phone_number", Unique::PhoneNumber),
    ("idempotency_records_pkey", "idempotency_records.id", Unique::IdempotencyRecord),
];

const SQLITE_UNIQUE: &str = "UNIQUE constraint failed: ";

type Kind = fn(String) -> Failure;

/// What diesel has no kind for is known by its message. Some of PostgreSQL's codes behind them: 40P01, 57014, 57P01,
/// 57P03, 55P03, 53100, 53300, 0A000.
const MESSAGES: [(&str, Kind); 24] = [
    ("deadlock detected", Failure::Contended),
    ("could not serialize access", Failure::Contended),
    ("conflict with recovery", Failure::Contended),
    ("terminating connection", Failure::Lost),
    ("the database system is", Failure::Lost),
    ("server closed the connection", Failure::Lost),
    ("canceling statement due to lock timeout", Failure::Blocked),
    // A migration changed a table under a prepared statement: a new connection prepares it anew.
    ("cached plan must not change result type", Failure::Lost),
    ("canceling statement due to", Failure::Unavailable),
    ("too many clients already", Failure::Unavailable),
    ("remaining connection slots", Failure::Unavailable),
    ("No space left on device", Failure::Unavailable),
    // The schema is older than this release: it is not migrated yet.
    ("does not exist", Failure::Unavailable),
    ("no such table", Failure::Unavailable),
    ("no such column", Failure::Unavailable),
    ("could not extend file", Failure::Unavailable),
    ("out of memory", Failure::Unavailable),
    ("out of shared memory", Failure::Unavailable),
    // SQLite.
    ("database is locked", Failure::Unavailable),
    ("table is locked", Failure::Unavailable),
    ("database or disk is full", Failure::Unavailable),
    ("unable to open database file", Failure::Unavailable),
    ("attempt to write a readonly database", Failure::Unavailable),
    ("disk I/O error", Failure::Lost),
];

impl Failure {
    /// Whether SQLite's file was locked by another process.
    pub(crate) fn is_of_a_lock(&self) -> bool {
        matches!(self, Self::Unavailable(message) if message.contains("locked"))
    }

    /// Whether what failed for several at once may be the fault of one of them, so that the others are worth doing alone.
    pub(crate) fn may_be_of_one(&self) -> bool {
        match self {
            Self::Lost(_) | Self::InDoubt(_) | Self::Unavailable(_) => false,
            Self::Blocked(_)
            | Self::Contended(_)
            | Self::Taken(_)
            | Self::Held
            | Self::Orphan
            | Self::Stale
            | Self::Corrupt { .. }
            | Self::Rejected(_) => true,
        }
    }

    /// Tells a failure by its message alone.
    pub(crate) fn from_message(message: &str) -> Self {
        let kind = MESSAGES.iter().find(|(part, _)| message.contains(part)).map(|(_, kind)| *kind);
        kind.unwrap_or(Self::Rejected)(message.to_owned())
    }

    fn from_database(kind: DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> Self {
        let message = information.message();
        match kind {
            DatabaseErrorKind::UniqueViolation => Self::from_unique(information),
            DatabaseErrorKind::ForeignKeyViolation => Self::Orphan,
            DatabaseErrorKind::SerializationFailure => Self::Contended(message.to_owned()),
            // A primary that became a standby: of several hosts, a new connection finds the new primary.
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => Self::Lost(message.to_owned()),
            _ => Self::from_message(message),
        }
    }

    fn from_unique(information: &dyn DatabaseErrorInformation) -> Self {
        let constraint = information.constraint_name();
        let column = information.message().strip_prefix(SQLITE_UNIQUE);
        UNIQUE
            .iter()
            .find(|(name, place, _)| constraint == Some(*name) || column == Some(*place))
            .map_or_else(|| Self::Rejected(information.message().to_owned()), |(.., unique)| Self::Taken(*unique))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(kind, information) => Self::from_database(kind, &*information),
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            Error::BrokenTransactionManager => Self::Lost("the connection's transaction is broken".to_owned()),
            // Their own messages may quote values.
            Error::DeserializationError(_) => Self::Rejected("a column cannot be read".to_owned()),
            Error::SerializationError(_) => Self::Rejected("a value cannot be written".to_owned()),
            other => Self::Rejected(other.to_string()),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Corrupt { table, column, id } => Self::Corrupt { table, column, id },
            Failure::Lost(_)
            | Failure::InDoubt(_)
            | Failure::Unavailable(_)
            | Failure::Blocked(_)
            | Failure::Contended(_)
            | Failure::Held => Self::Unavailable(failure.to_string()),
            Failure::Taken(_) | Failure::Orphan | Failure::Stale | Failure::Rejected(_) => {
                Self::Rejected(failure.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_either_database_are_told_apart() {
        for (message, expected) in [
            ("deadlock detected", "Contended"),
            ("terminating connection due to administrator command", "Lost"),
            ("canceling statement due to lock timeout", "Blocked"),
            ("canceling statement due to statement timeout", "Unavailable"),
            ("canceling statement due to conflict with recovery", "Contended"),
            ("FATAL:  sorry, too many clients already", "Unavailable"),
            ("database is locked", "Unavailable"),
            ("database or disk is full", "Unavailable"),
            ("no such table: customers", "Unavailable"),
            (r#"relation "customers" does not exist"#, "Unavailable"),
            ("CHECK constraint failed: customers_confirmed_check", "Rejected"),
        ] {
            let failure = format!("{:?}", Failure::from_message(message));
            assert!(failure.starts_with(expected), "{failure}");
        }
    }
}
