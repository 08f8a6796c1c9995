#![allow(clippy::unwrap_used, reason = "tests")]

mod beats;
mod damage;
mod delivery;
mod grouping;
mod liveness;
mod mails;
mod pace;
mod places;
mod publications;
mod robots;
mod silence;
mod substitute;
pub(super) mod support;
mod unrecorded;
mod ways;
mod withheld;
mod words;
