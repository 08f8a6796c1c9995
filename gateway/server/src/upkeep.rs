//! What is done to a data directory from outside the Maibo that owns it.
//!
//! ```text
//! verify    reads both logs, snapshots and kept rule sets whole, and changes nothing
//! backup    copies it, in use or not, to a directory that Maibo can start from
//! restore   makes a data directory from a backup
//! rebuild   makes the databases anew from the logs
//! ```
//!
//! Place in the data path: none. Nothing here is called by a running Maibo, and nothing here decides.

use std::path::{Path, PathBuf};

use maibo_store::disk::lock::LockError;

pub mod backup;
pub mod manifest;
pub mod rebuild;
pub mod restore;
pub mod verify;

/// Why something cannot be done to a data directory.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// Somebody else is at work there.
    #[error("lock {path}")]
    Lock {
        /// The directory.
        path: PathBuf,
        /// Who.
        #[source]
        source: LockError,
    },
    /// What is there is not what it has to be.
    #[error("{0}")]
    Refused(String),
    /// The operating system failed.
    #[error("{what}")]
    Io {
        /// What was tried, with the path.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

impl UpkeepError {
    /// `sysexits`: 65 bad data, 69 in use, 74 input/output.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lock { source: LockError::Io(_), .. } | Self::Io { .. } => 74,
            Self::Lock { .. } => 69,
            Self::Refused(_) => 65,
        }
    }

    /// Names what was tried and with what.
    pub(crate) fn io(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let what = format!("{what} {}", path.display());
        move |source| Self::Io { what, source }
    }
}

/// A number with separators, for people.
pub(crate) fn figure(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
