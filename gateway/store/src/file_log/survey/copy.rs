//! Copies a log in whole records, as far as the caller wants it.

use std::io;
use std::ops::ControlFlow;

use super::{CHUNK, Found, Held, Problem, Survey};
use crate::disk::{Disk, DiskFile};

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// What the copy holds.
    pub survey: Survey,
    /// Names of the files written.
    pub files: Vec<String>,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The log itself is damaged.
    #[error("the log is damaged: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Damaged(Vec<Problem>),
    /// The operating system failed.
    #[error("copy a log")]
    Io(#[from] io::Error),
}

impl Held {
    /// Copies the records up to the first that `keep` refuses to `to`, which must hold nothing of a log, and syncs them.
    ///
    /// # Errors
    /// [`CopyError`]; then what is in `to` is no use.
    pub fn copy(&self, to: &dyn Disk, keep: &mut dyn FnMut(&Found<'_>) -> bool) -> Result<Copied, CopyError> {
        // Where each segment's last record ends, by name; a segment without one keeps its header.
        let mut good: Vec<(String, u64)> = Vec::new();
        let mut visit = |found: Found<'_>| {
            if !keep(&found) {
                return ControlFlow::Break(());
            }
            let end = found.offset + super::record::size(&found.record);
            match good.last_mut().filter(|(name, _)| name == found.file) {
                Some((_, to)) => *to = end,
                None => good.push((found.file.to_owned(), end)),
            }
            ControlFlow::Continue(())
        };
        let (survey, cut) = self.walk(&mut visit)?;
        if !survey.is_sound() {
            return Err(CopyError::Damaged(survey.problems));
        }
        let mut copied = Copied { survey, files: Vec::new() };
        let last = cut.map_or(self.segments.len(), |(i, _)| i + 1);
        for segment in self.segments.iter().take(last) {
            let header = || super::segment::read_header(&*segment.file, &segment.name, &self.kind).map(|h| h.size);
            let end = match good.iter().find(|(name, _)| *name == segment.name) {
                Some((_, end)) => *end,
                None => header().map_err(io::Error::other)?,
            };
            copy_file(&*segment.file, end, to, &segment.name)?;
            copied.files.push(segment.name.clone());
        }
        copied.survey.segments = copied.files.len();
        to.sync_dir()?;
        Ok(copied)
    }
}

/// Writes the first `len` bytes of a file to a new one, and syncs it.
pub(super) fn copy_file(from: &dyn DiskFile, len: u64, to: &dyn Disk, name: &str) -> io::Result<()> {
    let file = to.create(name)?;
    let mut buffer = vec![0; CHUNK];
    let mut done = 0;
    while done < len {
        let want = (len - done).min(CHUNK as u64) as usize;
        let part = buffer.get_mut(..want).unwrap_or_default();
        let read = from.read_at(done, part)?;
        if read < want {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{name} became shorter while it was copied"),
            ));
        }
        file.append(part)?;
        done += want as u64;
    }
    file.sync()
}
