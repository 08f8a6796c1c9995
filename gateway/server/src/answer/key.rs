//! The key of links: 32 random bytes in the data directory, made when a receiver may answer for the first time.
//!
//! A file of its own, and not derived from a receiver's secret: secrets are rotated and known to the receiver, while links
//! that are out must go on working, and a receiver must not be able to make one. It is in backups like everything else in
//! the directory.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Its name in the data directory.
const NAME: &str = "answer.key";
/// The first line: what it is, and in which format.
const MAGIC: &str = "maibo-answer-key 1";
const LENGTH: usize = 32;
/// Bytes of the file that are read.
const FILE_MAX: u64 = 1_024;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The operating system failed.
    #[error("{what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it has to be.
    #[error(
        "{path} is damaged or of a newer Maibo: restore it from a backup; without it (remove it) a new one is made, and \
         links that are out take no answers any more"
    )]
    Damaged {
        /// Which.
        path: PathBuf,
    },
}

impl KeyError {
    /// `sysexits`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io { .. } => 74,
            Self::Damaged { .. } => 65,
        }
    }
}

/// The key. It has no `Debug`, so that nothing can print it.
pub(super) struct Key([u8; LENGTH]);

impl Key {
    /// Reads the key of a data directory, or makes it.
    pub(super) fn open(data: &Path) -> Result<Self, KeyError> {
        let path = data.join(NAME);
        let io = |what| {
            let path = path.clone();
            move |source| KeyError::Io { what, path, source }
        };
        let mut text = String::new();
        match File::open(&path) {
            Ok(file) => {
                // A file that came from elsewhere may be readable by others.
                file.set_permissions(PermissionsExt::from_mode(0o600)).map_err(io("restrict"))?;
                let read = file.take(FILE_MAX).read_to_string(&mut text);
                match read {
                    Err(e) if e.kind() != std::io::ErrorKind::InvalidData => Err(io("read")(e)),
                    _ => Self::parse(&text).ok_or(KeyError::Damaged { path: path.clone() }),
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let key = Self::random().map_err(io("draw random bytes for"))?;
                key.write(data, &path).map_err(io("write"))?;
                Ok(key)
            }
            Err(e) => Err(io("open")(e)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let (MAGIC, digits, None) = (lines.next()?, lines.next()?, lines.next()) else { return None };
        let fine = digits.len() == 2 * LENGTH && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let mut key = [0; LENGTH];
        for (n, byte) in key.iter_mut().enumerate().filter(|_| fine) {
            *byte = u8::from_str_radix(digits.get(2 * n..2 * n + 2)?, 16).ok()?;
        }
        fine.then_some(Self(key))
    }

    fn random() -> std::io::Result<Self> {
        let mut key = [0; LENGTH];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        Ok(Self(key))
    }

    /// Whole or not at all, and only for its owner.
    fn write(&self, data: &Path, path: &Path) -> std::io::Result<()> {
        let mut digits = String::new();
        for byte in self.0 {
            let _ = write!(digits, "{byte:02x}");
        }
        let place = data.join(format!("{NAME}.new"));
        // Of a start that ended in the middle.
        drop(std::fs::remove_file(&place));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place)?;
        file.write_all(format!("{MAGIC}\n{digits}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&place, path)?;
        File::open(data)?.sync_all()
    }

    /// An HMAC-SHA256 with this key, nothing in it yet.
    pub(super) fn mac(&self) -> Hmac<Sha256> {
        // Derived from a key of just this length, which HMAC takes as any other; the type cannot say so.
        Hmac::new_from_slice(&self.0).unwrap_or_else(|_| unreachable!("HMAC takes keys of every length"))
    }

    #[cfg(test)]
    pub(super) const fn zeros() -> Self {
        Self([0; LENGTH])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: made once, read ever after, and nobody else's to read.
    #[test]
    fn a_key_is_made_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Key::open(dir.path()).expect("makes one");
        let path = dir.path().join(NAME);
        let mode = || std::fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("sets");
        assert!(Key::open(dir.path()).expect("reads it").0 == first.0);
        assert_eq!(mode(), 0o600, "also where a restore left it open");
        let other = tempfile::tempdir().expect("a directory");
        assert!(Key::open(other.path()).expect("makes one").0 != first.0);
    }

    // P: what cannot be read is said and left alone: a new key would make all links worthless unasked.
    #[test]
    fn a_damaged_key_is_not_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(NAME);
        let digits = "ab".repeat(LENGTH);
        for bad in [
            String::new(),
            MAGIC.to_owned(),
            format!("{MAGIC}\n{}\n", &digits[2..]),
            format!("{MAGIC}\n{}zz\n", &digits[2..]),
            format!("maibo-answer-key 2\n{digits}\n"),
            format!("{MAGIC}\n{digits}\nmore\n"),
        ] {
            std::fs::write(&path, &bad).expect("writes");
            assert!(matches!(Key::open(dir.path()), Err(KeyError::Damaged { .. })), "{bad}");
            assert_eq!(std::fs::read_to_string(&path).expect("reads"), bad);
        }
        std::fs::write(&path, format!("{MAGIC}\n{digits}\n")).expect("writes");
        assert!(Key::open(dir.path()).is_ok());
    }
}
