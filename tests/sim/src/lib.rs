//! The pipeline in a world made of nothing but a seed: virtual disks, a false clock, senders, an operator and a receiver.
//!
//! ```text
//!            senders ──▶ Ingest ──▶ Sequencer ──▶ inputs (virtual disk) ──▶ history, read for the ledger
//!  Case ──▶  operator ─────────────────┘  │
//!  (turns    false clock                  ▼
//!  one at a                            Decider ──▶ facts (virtual disk) ──▶ Feed ──▶ Sequencer
//!  time)                                                      └──▶ Outbox (SQLite) ──▶ receiver
//! ```
//!
//! What runs is the real code: decoding, sequencer, decider, machines, both logs, recovery, feed and outbox, turned one at a
//! time by [`Case`] in an order that the seed decides. The same seed gives the same case to the last byte.
//!
//! The troubles: power cut before any operation of a disk, with torn and reordered writes and lost names; kill -9 at such a
//! point; failed appends, syncs, directory syncs and truncations; full disks; starts that die; clock steps; deafness; lost
//! answers to messages and to deliveries.
//!
//! What must hold, checked by `ledger` when the case ends: what was acknowledged is in the inputs log, and nothing that was
//! never sent; what was told is in the facts log; the facts are what fresh machines decide on the inputs in the log,
//! one by one and in order, and what the reference model of the rules says to each device's; the city was told every
//! fact once; every version of every episode is delivered or superseded, in order, a repeat under the same
//! key; a log is closed, or a start fails, only after trouble; and when the trouble ends, the backlog does.
//!
//! Limits: threads are not simulated, the network of the real drivers neither (the end-to-end tests have both). SQLite
//! runs on the real file system: it loses nothing when the power of the virtual disks goes. Disks do not flip bits.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test: what does not hold ends it")]

mod case;
mod city;
mod clocks;
mod ledger;
mod life;
mod many;
#[path = "../../../gateway/core/tests/engine_world/model.rs"]
#[allow(dead_code, reason = "shared with the engine's tests")]
mod model;
mod outside;
mod trouble;

pub use case::{Case, Summary};
pub use many::{Total, many};

/// The true time at which every case begins.
pub(crate) const ZERO: i64 = 1_800_000_000_000;
