//! Reads facts in the order of their numbers, and checks that none is missing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use maibo_core::codec::CodecError;
use maibo_core::fact::Fact;
use maibo_core::id::Position;

use super::{FORMAT, FactsError, SILENT_MAX};
use crate::log::{LogReader, Record};

/// Follows the facts log from a number on. It can be sent to another thread.
pub struct FactsReader {
    log: Box<dyn LogReader>,
    ready: VecDeque<Fact>,
    /// Number of the first fact in the next record.
    expected: u64,
    /// Facts before this one are read over.
    from: u64,
    /// Number of the fact the writer writes next.
    next: Arc<AtomicU64>,
}

impl FactsReader {
    pub(super) fn new(log: Box<dyn LogReader>, expected: u64, from: u64, next: Arc<AtomicU64>) -> Self {
        Self { log, ready: VecDeque::new(), expected, from, next }
    }

    /// The next fact, or `None` when all facts durable by now have been read.
    ///
    /// # Errors
    /// Where the log is damaged, or its facts do not follow each other. The reader does not get past that place.
    #[allow(clippy::should_implement_trait, reason = "a reader goes on after None")]
    pub fn next(&mut self) -> Result<Option<Fact>, FactsError> {
        let mut silent = 0;
        loop {
            if let Some(fact) = self.ready.pop_front() {
                return Ok(Some(fact));
            }
            if self.expected >= self.next.load(Ordering::Acquire) {
                return Ok(None);
            }
            let Some(record) = self.log.next()? else {
                wait(&mut silent)?;
                continue;
            };
            let facts = unpack(&record)?;
            check(&facts, self.expected, record.position)?;
            self.expected += facts.len() as u64;
            self.ready.extend(facts.into_iter().filter(|f| f.index >= self.from));
        }
    }
}

/// Gives a silent log another moment; its silence is not the end.
pub(super) fn wait(silent: &mut u32) -> Result<(), FactsError> {
    *silent += 1;
    if *silent > SILENT_MAX {
        return Err(FactsError::Silent);
    }
    std::thread::yield_now();
    Ok(())
}

/// The facts of a record.
///
/// # Errors
/// [`FactsError::Format`] where it holds something else.
pub fn unpack(record: &Record) -> Result<Vec<Fact>, FactsError> {
    let mut decoder = minicbor::Decoder::new(&record.payload);
    let mut facts = Vec::new();
    let mut read = || {
        if decoder.u8()? != FORMAT {
            return Err(minicbor::decode::Error::message("another format"));
        }
        while decoder.position() < record.payload.len() {
            facts.push(decoder.decode()?);
        }
        Ok(())
    };
    read().map_err(|e| FactsError::Format { at: record.position, source: CodecError::from(e) })?;
    Ok(facts)
}

/// Whether the facts of the record at `at` begin with number `expected` and follow each other.
pub(super) fn check(facts: &[Fact], expected: u64, at: Position) -> Result<(), FactsError> {
    match facts.iter().zip(expected..).find(|(fact, expected)| fact.index != *expected) {
        None => Ok(()),
        Some((fact, expected)) => Err(FactsError::Broken { expected, found: fact.index, at }),
    }
}
