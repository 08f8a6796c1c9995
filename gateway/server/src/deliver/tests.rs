#![allow(clippy::unwrap_used, reason = "tests")]

mod damage;
mod delivery;
mod grouping;
mod liveness;
mod places;
mod silence;
mod substitute;
pub(super) mod support;
mod unrecorded;
mod withheld;
mod words;
