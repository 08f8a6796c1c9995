//! A walk over the records of one file, through a buffer, up to a limit that may grow.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::record::{self, Head, Parsed};
use crate::disk::DiskFile;

/// The walk. Its buffer holds one chunk, or one record where that is longer.
pub(super) struct Scan {
    file: Arc<dyn DiskFile>,
    /// File offset of the next record.
    offset: u64,
    buf: Vec<u8>,
    /// Where the next record begins in `buf`.
    at: usize,
    chunk: usize,
}

/// What the walk came to.
pub(super) enum Step {
    /// A record; the walk stands behind it. [`Scan::payload`] has the payload until the next step.
    Record(Head, Range<usize>),
    /// The limit, or a length of 0.
    End,
    /// Not a record; the walk stays in front of it.
    Bad,
}

impl Scan {
    /// Begins at `offset`, reading `chunk` bytes at a time.
    pub(super) fn new(file: Arc<dyn DiskFile>, offset: u64, chunk: usize) -> Self {
        Self { file, offset, buf: Vec::new(), at: 0, chunk }
    }

    /// File offset of the next record.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Steps over the next record, which must end at or before file offset `limit`.
    pub(super) fn next(&mut self, limit: u64) -> io::Result<Step> {
        if self.offset >= limit {
            return Ok(Step::End);
        }
        let left = usize::try_from(limit - self.offset).unwrap_or(usize::MAX);
        let mut needs = record::HEAD.min(left);
        loop {
            if !self.fill(needs, left)? {
                return Ok(Step::Bad);
            }
            match record::parse(&self.buf[self.at..]) {
                Parsed::End => return Ok(Step::End),
                Parsed::Needs(n) if n <= left && n > needs => needs = n,
                Parsed::Needs(_) | Parsed::Bad => return Ok(Step::Bad),
                Parsed::Whole(head) if head.size > left => return Ok(Step::Bad),
                Parsed::Whole(head) => {
                    let payload = self.at + record::HEAD..self.at + head.size;
                    self.at += head.size;
                    self.offset += head.size as u64;
                    return Ok(Step::Record(head, payload));
                }
            }
        }
    }

    /// Bytes of the buffer.
    pub(super) fn payload(&self, range: Range<usize>) -> &[u8] {
        &self.buf[range]
    }

    /// Makes at least `needs` bytes available behind `at`, of at most `left`. False where the file has fewer.
    fn fill(&mut self, needs: usize, left: usize) -> io::Result<bool> {
        let have = self.buf.len() - self.at;
        if have >= needs {
            return Ok(true);
        }
        self.buf.drain(..self.at);
        self.at = 0;
        self.buf.resize(needs.max(self.chunk).min(left).max(have), 0);
        let read = self.file.read_at(self.offset + have as u64, &mut self.buf[have..]);
        // Nothing but what was read may stay in the buffer, or zeros would pass for the end.
        self.buf.truncate(have + *read.as_ref().unwrap_or(&0));
        read?;
        Ok(self.buf.len() >= needs)
    }
}
