//! Traps found in recorded data and in other people's code, each through the real decoders to the machine: what alert comes
//! of it, and what does not.
//!
//! A test's comment names the trap's number and the decoder tests that hold the details. Traps of formats that are not
//! decoded (10, 12, 13, 14), and those that end in the decoder (5, 6, 7, 15), have none here.

#![allow(clippy::print_stdout, reason = "says what it skips")]

mod engine_world;
#[path = "traps/numbers.rs"]
mod numbers;
#[path = "traps/repeats.rs"]
mod repeats;
#[path = "traps/times.rs"]
mod times;
mod wire;

use engine_world::{World, ladder};
use maibo_core::id::PartitionId;

/// A rule on one quantity of kind `k`.
pub(crate) fn limit(id: &str, quantity: &str, more: &str) -> String {
    ladder(id, &format!("when = {{ quantity = \"{quantity}\", kind = \"k\" }}\n{more}\n"))
}

/// A world with one device of that name that reports every 10 s.
pub(crate) fn world(device: &str, rules: &str) -> World {
    let mut w = World::with(PartitionId(0), rules, &engine_world::catalogue(&[(device, "10s")]));
    device.clone_into(&mut w.device);
    w
}
