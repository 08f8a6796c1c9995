#![allow(clippy::unwrap_used, reason = "tests")]

mod damage;
mod delivery;
mod places;
mod support;
mod unrecorded;
mod words;
