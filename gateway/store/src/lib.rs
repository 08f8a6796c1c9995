//! Remembers. Logs, snapshots, and the projections built from them.
//!
//! All files go through [`disk::Disk`], so that a simulator can replace them; nothing here reads a clock.

pub mod contract;
pub mod damage;
pub mod database;
pub mod disk;
pub mod facts;
pub mod file_log;
pub mod history;
pub mod log;
pub mod nasty;
pub mod outbox;
pub mod seeded;
pub mod state;
