//! Lines that the server will not take, kept for a person: `influx-rejected.lp`.
//!
//! Each is preceded by a comment with the time and the reason, so that the file is line protocol itself and can be sent
//! again when the cause is gone. What cannot be written as a line stands in a comment.
//!
//! **Limit:** 8 MiB; a full file becomes `influx-rejected.lp.1` and takes the place of the one before.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use maibo_core::time::Timestamp;

use super::status::words;

/// Bytes of one file.
const CAP: u64 = 8 << 20;

/// One line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    /// Why.
    pub(super) reason: String,
    /// The line without its break; empty where none could be made.
    pub(super) line: Vec<u8>,
}

/// The file.
#[derive(Clone)]
pub(super) struct Rejected {
    path: PathBuf,
    cap: u64,
}

impl Rejected {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, cap: CAP }
    }

    /// Appends lines, durably.
    ///
    /// # Errors
    /// Where the operating system fails.
    pub(super) fn append(&self, rejections: &[Rejection], now: Timestamp) -> io::Result<()> {
        let at = crate::live::words::time(now);
        let mut text = Vec::new();
        for Rejection { reason, line } in rejections {
            text.extend_from_slice(format!("# {at} {}\n", words(reason)).as_bytes());
            if !line.is_empty() {
                text.extend_from_slice(line);
                text.push(b'\n');
            }
        }
        let length = std::fs::metadata(&self.path).map_or(0, |m| m.len());
        if length > 0 && length + text.len() as u64 > self.cap {
            let mut old = self.path.as_os_str().to_owned();
            old.push(".1");
            std::fs::rename(&self.path, PathBuf::from(old))?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(&text)?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P8: whatever is rejected, two files of the cap; and a server's words forge no line.
    #[test]
    fn it_is_capped_and_stays_line_protocol() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("influx-rejected.lp");
        let rejected = Rejected { path: path.clone(), cap: 1_000 };
        for n in 0..100 {
            let line = format!("m,d=x value={n}.0 1").into_bytes();
            let reason = "400: bad\nm,device=forged value=1 1".to_owned();
            let unfit = Rejection { reason: "no line".to_owned(), line: Vec::new() };
            rejected.append(&[Rejection { reason, line }, unfit], Timestamp(0)).expect("appends");
        }
        let mut newest = Vec::new();
        for name in ["influx-rejected.lp.1", "influx-rejected.lp"] {
            let text = std::fs::read_to_string(dir.path().join(name)).expect("is there");
            assert!(text.len() <= 1_000, "{name}: {}", text.len());
            assert!(text.lines().all(|l| l.starts_with("# ") || l.starts_with("m,d=x value=")), "{text}");
            newest.extend(text.lines().filter(|l| l.starts_with('m')).map(str::to_owned));
        }
        assert_eq!(newest.last().map(String::as_str), Some("m,d=x value=99.0 1"));
        assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 2);
    }
}
