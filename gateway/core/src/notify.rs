//! Who is told what, in which order, when again, and when no more.
//!
//! Place in the data path: behind the facts log. The outbox asks which receivers want a transition ([`Receiver::wants`]);
//! the driver hands in what came of an attempt ([`Answer`]) and gets back what follows from it ([`Answer::judge`]); the
//! outbox then asks what becomes of the delivery ([`after_failure`]).
//!
//! Invariants: every version of an episode that a receiver is told of is delivered, superseded, withheld ([`Why`]) or dead,
//! with the reason in words; of one episode only the earliest unsettled version is under way at a receiver; repeats carry the same
//! [`message_id`]. A receiver that has heard of an episode hears its end.
//!
//! Limits: a wait is at most [`RETRY_AFTER_MAX`]; an episode that closed [`DEAD_AFTER`] ago is given up.

use sha2::{Digest, Sha256};

use crate::id::EpisodeId;
use crate::time::{Millis, Timestamp};

mod answer;
mod backoff;
mod grouping;
mod plan;
mod receiver;
mod withheld;

pub use answer::{Answer, Disposition, Ladder, Refusal, TOO_MANY_PAUSE, Transport, Verdict};
pub use backoff::{RETRY_AFTER_MAX, delay};
pub use grouping::{
    GROUP_BYTES, GROUP_EVERY, GROUP_EVERY_MAX, GROUP_MAX, RED_ALONE, RED_MINUTE, goes_alone, group_id, group_of,
};
pub use plan::{
    Answered, CALLED_MAX, DRILLED, PLANS_MAX, Plan, PlanSet, RUNGS_MAX, Rung, TASKS_MAX, Task, WITHIN, ground_of,
};
pub use receiver::{Matcher, Mode, Receiver, matches};
pub use withheld::{BACKLOG_SETTLES, DECISION_LATE, Manners, Why};

/// How long after its end an episode that cannot be delivered is given up.
pub const DEAD_AFTER: Millis = Millis::from_secs(86_400);

/// The receiver's key for one version of one episode: the same for every repeat, in every process.
///
/// `msg_` and 32 hexadecimal digits: the first 128 bits of SHA-256 over (`maibo-message-1`, receiver, episode, version).
/// Texts are preceded by their length so that no two inputs share an encoding.
pub fn message_id(receiver: &str, episode: EpisodeId, version: u32) -> String {
    let mut hash = Sha256::new();
    for text in ["maibo-message-1", receiver, &episode.to_string()] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(version.to_be_bytes());
    let mut head = [0; 16];
    head.copy_from_slice(&hash.finalize()[..16]);
    format!("msg_{:032x}", u128::from_be_bytes(head))
}

/// What becomes of a delivery whose attempt failed but is worth another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try again at this time.
    Wait(Timestamp),
    /// The version given here goes instead.
    Superseded(u32),
    /// Given up, with the reason.
    Dead(&'static str),
}

/// Decides that: `retry_at` is when the schedule would try again, `closed_at` when the episode ended (`None`: it is
/// open), `newer` the highest version of the episode that waits behind this one.
pub fn after_failure(
    mode: Mode,
    now: Timestamp,
    retry_at: Timestamp,
    closed_at: Option<Timestamp>,
    newer: Option<u32>,
) -> Next {
    match newer {
        // The version that matters now has had no attempt yet; it is told at once, not after this one's wait.
        Some(version) if mode == Mode::Latest => Next::Superseded(version),
        _ if is_dead(now, closed_at) => Next::Dead(CLOSED_LONG_AGO),
        _ => Next::Wait(retry_at),
    }
}

/// Whether an episode ended too long ago to go on trying.
pub fn is_dead(now: Timestamp, closed_at: Option<Timestamp>) -> bool {
    closed_at.is_some_and(|closed| now.since(closed) >= DEAD_AFTER)
}

/// Why a delivery is dead whose episode ended [`DEAD_AFTER`] ago.
pub const CLOSED_LONG_AGO: &str = "the episode ended 24 h ago";

#[cfg(test)]
mod tests;
