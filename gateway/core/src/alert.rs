//! Open alerts: their records, their facts, and operators' commands on them.
//!
//! Cells decide *that* something happened (see [`crate::engine`]); the book keeps what is known about each open episode
//! and writes the fact. A record lives from the first fact of an episode to its last and no longer.

mod book;
mod command;
mod flaps;
mod given;
mod sentence;
mod waiting;

pub(crate) use book::{Book, Change, Opening, Record, Spent};
pub(crate) use flaps::Flaps;
pub(crate) use given::Given;
pub use sentence::sentence;
pub(crate) use waiting::Waiting;
