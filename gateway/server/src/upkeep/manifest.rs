//! `manifest.json` of a backup: what is in it, how long each file is, and its SHA-256. A directory without one is no
//! backup.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::UpkeepError;

/// Its name in the backup.
pub const NAME: &str = "manifest.json";
/// Where configuration files are kept in a backup.
pub const CONFIG: &str = "config";
/// The format written and read.
const FORMAT: u32 = 1;
/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this file.
    pub format: u32,
    /// Which Maibo made it.
    pub maibo: String,
    /// When it began: what was acknowledged before is in it (RFC 3339).
    pub began_at: String,
    /// When it was complete.
    pub made_at: String,
    /// Engine time of the last input in it.
    pub last_input_at: Option<String>,
    /// The directory it was made of.
    pub data: String,
    /// Facts in it: numbers 0 to one below this.
    pub facts: u64,
    /// The position the next input gets.
    pub inputs: u64,
    /// Configuration files as they were named, and where they are kept.
    pub config: Vec<Named>,
    /// Every file.
    pub files: Vec<Entry>,
}

/// A configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// As it was named.
    pub name: String,
    /// Its path in the backup.
    pub kept: String,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Path in the backup, with `/`.
    pub path: String,
    /// Length, bytes.
    pub bytes: u64,
    /// Of its content, 64 hex digits.
    pub sha256: String,
}

impl Manifest {
    /// Lists and hashes what is in `dir`.
    ///
    /// # Errors
    /// Where something cannot be read.
    pub fn list(dir: &Path) -> Result<Vec<Entry>, UpkeepError> {
        let mut files = Vec::new();
        let mut left = vec![PathBuf::new()];
        while let Some(below) = left.pop() {
            let here = dir.join(&below);
            for entry in std::fs::read_dir(&here).map_err(UpkeepError::io("read", &here))? {
                let entry = entry.map_err(UpkeepError::io("read", &here))?;
                let path = below.join(entry.file_name());
                if entry.file_type().map_err(UpkeepError::io("read", &here))?.is_dir() {
                    left.push(path);
                } else {
                    let mut nowhere = std::io::sink();
                    let (bytes, sha256) = pour(&dir.join(&path), &mut nowhere)?;
                    files.push(Entry { path: path.to_string_lossy().into_owned(), bytes, sha256 });
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// A manifest of this format and version, without content yet.
    pub fn begun(began_at: String, data: &Path) -> Self {
        Self {
            format: FORMAT,
            maibo: env!("CARGO_PKG_VERSION").to_owned(),
            began_at,
            made_at: String::new(),
            last_input_at: None,
            data: data.display().to_string(),
            facts: 0,
            inputs: 0,
            config: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Writes it, synced.
    ///
    /// # Errors
    /// Where the operating system fails.
    pub fn write(&self, dir: &Path) -> Result<(), UpkeepError> {
        let path = dir.join(NAME);
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let write = || {
            let mut file = File::create_new(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(UpkeepError::io("write", &path))
    }

    /// Reads the manifest of a backup.
    ///
    /// # Errors
    /// Where there is none, or none that this version reads.
    pub fn read(dir: &Path) -> Result<Self, UpkeepError> {
        let path = dir.join(NAME);
        let refused = |why: String| UpkeepError::Refused(format!("{}: {why}", path.display()));
        let text = match std::fs::read_to_string(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let why = "is missing: this is no backup, or one that was never finished";
                return Err(refused(why.to_owned()));
            }
            text => text.map_err(UpkeepError::io("read", &path))?,
        };
        let any: serde_json::Value = serde_json::from_str(&text).map_err(|e| refused(format!("damaged: {e}")))?;
        let format = any.get("format").and_then(serde_json::Value::as_u64).unwrap_or_default();
        if format != u64::from(FORMAT) {
            return Err(refused(format!("has format {format}; this program reads format {FORMAT}")));
        }
        let manifest: Self = serde_json::from_value(any).map_err(|e| refused(format!("damaged: {e}")))?;
        let outside = |p: &str| Path::new(p).components().any(|c| !matches!(c, std::path::Component::Normal(_)));
        match manifest.files.iter().find(|f| f.path.is_empty() || outside(&f.path)) {
            Some(entry) => Err(refused(format!("names {:?}, which is not below it", entry.path))),
            None => Ok(manifest),
        }
    }
}

/// Reads a file into `out`; answers how long it is and its SHA-256.
///
/// # Errors
/// Where reading or writing fails.
pub(super) fn pour(path: &Path, out: &mut dyn Write) -> Result<(u64, String), UpkeepError> {
    let mut work = || {
        let mut file = File::open(path)?;
        let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; CHUNK]);
        loop {
            let read = file.read(&mut buffer)?;
            let Some(part) = buffer.get(..read).filter(|p| !p.is_empty()) else { break };
            hash.update(part);
            out.write_all(part)?;
            bytes += read as u64;
        }
        Ok((bytes, hash.finalize()))
    };
    let (bytes, hash) = work().map_err(UpkeepError::io("copy", path))?;
    Ok((bytes, format!("{hash:x}")))
}
