//! Opening the outbox, also where the file is damaged: the alerts must go on, and so must what is owed.

use std::collections::BTreeSet;
use std::path::Path;

use maibo_core::fact::{Body, Fact};
use maibo_core::id::EpisodeId;
use maibo_store::damage::put_aside;
use maibo_store::facts::FactsLog;
use maibo_store::outbox::{Outbox, OutboxError};
use tracing::error;

use crate::Chain;

/// Opens the outbox. A damaged file is put aside, and a new one begins at the first fact of an episode that is still
/// open: receivers hear again, under the same keys, what they may have heard already, and miss nothing that goes on.
///
/// # Errors
/// Where SQLite fails for another reason, or the file is of a newer format.
pub fn open(path: &Path, facts: &FactsLog, still_open: &BTreeSet<EpisodeId>) -> Result<Outbox, OutboxError> {
    match Outbox::open(path, facts.next_index()) {
        Err(error) if error.is_damaged() => {
            error!(error = %Chain(&error), path = %path.display(), "the outbox is damaged; it is put aside");
            put_aside(path);
            Outbox::open(path, first_of(facts, still_open))
        }
        opened => opened,
    }
}

/// The index of the first fact about any of these episodes; the next index where there is none, or where the log cannot
/// be read that far.
fn first_of(facts: &FactsLog, episodes: &BTreeSet<EpisodeId>) -> u64 {
    let about = |fact: &Fact| matches!(&fact.body, Body::Transition(t) if episodes.contains(&t.episode));
    let mut reader = facts.reader(0);
    while let (false, Ok(Some(fact))) = (episodes.is_empty(), reader.next()) {
        if about(&fact) {
            return fact.index;
        }
    }
    facts.next_index()
}
