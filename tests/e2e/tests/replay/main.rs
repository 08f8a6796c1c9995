//! P7 and P3 on recorded data: what the gateway keeps and tells of years long past is what a plain reading of the same
//! files gives, and a second run gives the same again.
//!
//! The truth is computed here, without the parsers of the simulator and without the engine. Needs the folder named by
//! `MAIBO_FIXTURES`; without it each test says that it is skipped.

mod air;
mod count;
mod flood;
mod run;
