//! An exercise (演练) that a person opens: an alert that everybody handles like a real one, and that nobody takes for one.

use minicbor::{Decode, Encode};

use super::Found;
use crate::id::{Actor, DrillId, PlaceCode};
use crate::place::{Domain, Level};
use crate::time::Millis;

/// What is asked for. While a drill of the same name is open, that one goes on: at this level, and for so long from now.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Drill {
    /// Its name.
    #[n(0)]
    pub name: DrillId,
    /// What it plays, in words.
    #[n(1)]
    pub title: Found,
    /// Whose domain it is.
    #[n(2)]
    pub domain: Domain,
    /// Where it plays; `None`: in the whole city.
    #[n(3)]
    pub place: Option<PlaceCode>,
    /// How bad it plays to be.
    #[n(4)]
    pub level: Level,
    /// When it ends by itself, from the batch's `now` on: [`crate::limit::MIN_DRILL`] to [`crate::limit::MAX_DRILL`]. A
    /// length and not a time: it is as long where the clock is the stream's, or where the request waited.
    #[n(5)]
    pub lasts: Millis,
    /// Who.
    #[n(6)]
    pub by: Actor,
}
