//! Up to where the inputs log is settled, in a small file that is replaced as a whole.
//!
//! ```text
//! maibo-sink 1                      magic and version of the format
//! until 1760000000000               engine time of the last settled record, ms
//! 17 48211 0123456789abcdef         partition, position, catalogue in force there
//! sha256 …                          of all above
//! ```
//!
//! Written to a file beside it, synced, renamed, and the directory synced: a crash leaves the old one or the new one. It
//! is written some seconds late; what lies between is sent again, which changes nothing at the server.
//! A file that is damaged is put aside, and everything in the log is sent again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use maibo_core::id::{PartitionId, Position, Version};
use maibo_core::time::Timestamp;
use sha2::{Digest, Sha256};

/// What every version begins with; the version follows.
const NAME: &str = "maibo-sink ";
/// The version of the format that this binary writes, and the latest it reads.
pub const FORMAT: i64 = 1;
/// Most bytes looked at for the version.
const HEAD: u64 = 64;

/// The version that a cursor's file claims; `None` where there is no file, or its first line is no cursor's.
///
/// # Errors
/// Where it cannot be read.
pub fn format(path: &Path) -> io::Result<Option<i64>> {
    let mut head = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(HEAD).read_to_end(&mut head)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let head = String::from_utf8_lossy(&head);
    let line = head.split_once('\n').map(|(line, _)| line);
    Ok(line.and_then(|line| line.strip_prefix(NAME)?.parse().ok()))
}

/// How far one partition is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The last settled record.
    pub(super) position: Position,
    /// The catalogue in force after it: tags of what is sent again must be those of the first time.
    pub(super) catalogue: Version,
}

/// How far all are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Engine time of the last settled record; `None` before the first.
    pub(super) until: Option<Timestamp>,
    /// Partitions of which something was settled.
    pub(super) marks: BTreeMap<PartitionId, Mark>,
}

impl Cursor {
    /// Reads the file; a cursor of nothing where there is none.
    ///
    /// # Errors
    /// Where it cannot be read; `InvalidData` where it is damaged or of another version.
    pub(super) fn load(path: &Path) -> io::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => parse(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a whole cursor")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// Where the operating system fails; the old file is still there.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    fn text(&self) -> String {
        let mut text = format!("{NAME}{FORMAT}\n");
        if let Some(until) = self.until {
            let _ = writeln!(text, "until {}", until.0);
        }
        for (partition, mark) in &self.marks {
            let _ = writeln!(text, "{} {} {}", partition.0, mark.position.0, mark.catalogue);
        }
        let sum = sum(&text);
        let _ = writeln!(text, "sha256 {sum}");
        text
    }
}

fn sum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn parse(text: &str) -> Option<Cursor> {
    let at = text.rfind("sha256 ")?;
    let (body, last) = text.split_at(at);
    if last.strip_prefix("sha256 ")?.strip_suffix('\n')? != sum(body) {
        return None;
    }
    let mut lines = body.lines();
    if lines.next()?.strip_prefix(NAME)?.parse() != Ok(FORMAT) {
        return None;
    }
    let mut cursor = Cursor::default();
    for line in lines {
        if let Some(until) = line.strip_prefix("until ") {
            cursor.until = Some(Timestamp(until.parse().ok()?));
            continue;
        }
        let mut words = line.split(' ');
        let (partition, position) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let mark = Mark { position: Position(position), catalogue: Version::parse(words.next()?)? };
        cursor.marks.insert(PartitionId(partition), mark);
    }
    Some(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        let mark = |n: u64| Mark { position: Position(n), catalogue: Version(n * 3) };
        let marks = PartitionId::all().map(|p| (p, mark(u64::from(p.0) + 7))).collect();
        Cursor { until: Some(Timestamp(-5)), marks }
    }

    // What was saved is what is loaded; nothing is there before.
    #[test]
    fn it_comes_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("influx.cursor");
        assert_eq!(Cursor::load(&path).expect("loads"), Cursor::default());
        for cursor in [Cursor::default(), cursor()] {
            cursor.save(&path).expect("saves");
            assert_eq!(Cursor::load(&path).expect("loads"), cursor);
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 1, "no other file is left");
    }

    // The version is read from any version's file, and from nothing else.
    #[test]
    fn what_version_it_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("influx.cursor");
        assert_eq!(format(&path).expect("there is none"), None);
        cursor().save(&path).expect("saves");
        assert_eq!(format(&path).expect("reads"), Some(FORMAT));
        for (text, found) in
            [("maibo-sink 2\nall else", Some(2)), ("maibo-sink 2", None), ("maibo 2\n", None), ("", None)]
        {
            std::fs::write(&path, text).expect("writes");
            assert_eq!(format(&path).expect("reads"), found, "{text:?}");
        }
    }

    // A cursor that is ahead of the truth loses readings: a single changed byte, or a missing end, is noticed.
    #[test]
    fn damage_is_noticed() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("influx.cursor");
        let mut cursor = cursor();
        cursor.marks.retain(|p, _| p.0 % 100 == 56);
        let text = cursor.text();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            for damaged in [&bytes[..], &text.as_bytes()[..at]] {
                std::fs::write(&path, damaged).expect("writes");
                assert_eq!(Cursor::load(&path).expect_err("damaged").kind(), io::ErrorKind::InvalidData, "byte {at}");
            }
        }
    }
}
