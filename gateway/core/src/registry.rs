//! What is known about the city before anything is heard: its devices and its places.
//!
//! A [`Catalogue`] is compiled from a table of text and never changes; its version is the hash of that text. Machines
//! judge only devices that stand in the catalogue in force.

mod catalogue;
mod own_limits;
pub mod place;

pub use catalogue::{Catalogue, Device};
pub use own_limits::misfits;
