//! Decides. Readings, rules, alerts, as pure values and state machines.
//!
//! Nothing here reads a clock, opens a file, spawns a task or keeps a global: time is an argument, and the same inputs
//! give the same facts on every machine.

mod alert;
pub mod aqi;
pub mod backtest;
pub mod codec;
pub mod decode;
pub mod engine;
pub mod fact;
pub mod id;
pub mod input;
pub mod limit;
pub mod notify;
pub mod place;
pub mod reading;
pub mod registry;
pub mod rule;
pub mod time;
