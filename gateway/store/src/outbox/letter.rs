//! What a row is made of.

use maibo_core::fact::Delivery;
use maibo_core::time::Timestamp;

/// Why a version is dead that never was tried.
const TOO_MANY: &str = "too many deliveries wait for this receiver";

/// One version as it is kept for all who are told of it.
pub(super) struct Letter {
    /// Engine time of its fact.
    pub(super) at: Timestamp,
    /// See [`Stamp::slot`](super::Stamp::slot).
    pub(super) slot: i64,
    pub(super) body: Vec<u8>,
}

impl Letter {
    /// Of one that was told by another file: nobody sends it again, and its slot was most likely that of its time.
    pub(super) fn known(at: Timestamp) -> Self {
        Self { at, slot: tenths(at), body: Vec::new() }
    }
}

/// Tenths of a second since 1970.
pub(super) const fn tenths(at: Timestamp) -> i64 {
    at.0.div_euclid(100)
}

/// How a version stands in a receiver's list at first.
pub(super) struct Row<'a> {
    pub(super) state: &'a str,
    /// Why it is held, if so.
    pub(super) held: Option<&'a str>,
    pub(super) words: Option<&'a str>,
    /// How many attempts were made, where the outcome is on record already.
    pub(super) known: Option<u32>,
}

impl<'a> Row<'a> {
    /// One for which there is no room.
    pub(super) const fn refused() -> Self {
        Self { state: "dead", held: None, words: Some(TOO_MANY), known: None }
    }

    /// One of which is known what became of it.
    pub(super) fn known(fate: &'a Delivery) -> Self {
        Self { state: &fate.outcome, held: None, words: fate.error.as_deref(), known: Some(fate.attempts) }
    }
}
