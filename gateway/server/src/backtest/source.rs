//! Files of recorded data: what kind each is, and how it is opened.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use maibo_core::time::Timestamp;

use super::mapping::Mapping;
use super::{LoadError, Tape, journal, lines, table};

/// Longest line of a text, in bytes. A longer one is no text of readings.
pub const LINE_MAX: usize = 1 << 20;

/// What a file holds, by its name.
enum Kind {
    /// The data directory of a Maibo.
    Directory,
    /// A table.
    Csv,
    /// JSON, one object a line.
    Lines,
}

/// Reads all files into the tape, in the order given, and sorts it.
///
/// # Errors
/// [`LoadError`]; bad lines are no error.
pub fn load(paths: &[PathBuf], mapping: Option<&Mapping>, tape: &mut Tape) -> Result<(), LoadError> {
    for path in paths {
        match kind(path)? {
            Kind::Directory => journal::read(path, tape)?,
            Kind::Csv => {
                let mapping = mapping
                    .ok_or_else(|| LoadError::data(format_args!("{}: a table needs --mapping FILE", path.display())))?;
                table::read(&path.display().to_string(), open(path)?, mapping, tape)?;
            }
            Kind::Lines => lines::read(&path.display().to_string(), &mut BufReader::new(open(path)?), tape)?,
        }
    }
    tape.sort();
    Ok(())
}

fn kind(path: &Path) -> Result<Kind, LoadError> {
    if path.is_dir() {
        return Ok(Kind::Directory);
    }
    let name = path.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("csv") => Ok(Kind::Csv),
        Some("jsonl" | "ndjson") => Ok(Kind::Lines),
        _ => Err(LoadError::data(format_args!(
            "{}: is neither a data directory nor .csv, .jsonl or .ndjson (each also .gz)",
            path.display()
        ))),
    }
}

/// Opens a text, packed or not: what it is shows in its first bytes.
fn open(path: &Path) -> Result<Box<dyn Read>, LoadError> {
    let io = |source| LoadError::Io { path: path.display().to_string(), source };
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(io)?);
    let is_packed = file.fill_buf().map_err(io)?.starts_with(&[0x1f, 0x8b]);
    let text: Box<dyn Read> = if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(Box::new(Bounded { text, line: 0 }))
}

/// First time that is taken for one, 2000-01-01T00:00:00Z, and the first that is not any more, 2100-01-01T00:00:00Z.
const TIMES: std::ops::Range<i64> = Timestamp::EARLIEST.0..4_102_444_800_000;

/// Refuses a time that is none: one line in other units would stretch the data over millennia, and every rate with it.
///
/// # Errors
/// Says so, with what may be the matter.
pub fn plausible(at: Timestamp) -> Result<Timestamp, String> {
    match at.0 {
        ms if TIMES.contains(&ms) => Ok(at),
        ms => Err(format!("the time {ms} ms since 1970 is not between 2000 and 2100; is it in milliseconds?")),
    }
}

/// A read error of `path`: of the disk, or of what is in the file.
pub(super) fn fault(path: &str, source: Error) -> LoadError {
    match source.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
            LoadError::data(format_args!("{path}: {source}"))
        }
        _ => LoadError::Io { path: path.to_owned(), source },
    }
}

/// A text whose lines are not longer than [`LINE_MAX`].
struct Bounded {
    text: Box<dyn Read>,
    /// Bytes since the last end of a line.
    line: usize,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.text.read(buffer)?;
        let new = buffer.get(..n).unwrap_or_default();
        self.line = match new.iter().rposition(|b| *b == b'\n') {
            Some(at) => n - at - 1,
            None => self.line + n,
        };
        if self.line > LINE_MAX {
            return Err(Error::new(ErrorKind::InvalidData, format!("has a line of more than {LINE_MAX} bytes")));
        }
        Ok(n)
    }
}
