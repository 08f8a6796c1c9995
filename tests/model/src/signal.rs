//! §5: what a term says of its series.

use crate::Level;
use crate::pack::{Ladder, Signal, Term};

/// What a term says, from one accepted reading to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) value: Option<f64>,
    /// Whether it may reach a limit.
    pub(crate) reaches: bool,
    /// Whether it may be back.
    pub(crate) backs: bool,
}

impl Said {
    pub(crate) fn reached(&self, ladder: &Ladder, term: &Term, level: Level) -> bool {
        self.reaches && self.value.is_some_and(|v| term.reached(level, ladder.rounded(v)))
    }

    pub(crate) fn back(&self, ladder: &Ladder, term: &Term, level: Level) -> bool {
        self.backs && self.value.is_some_and(|v| term.back(level, ladder.rounded(v)))
    }
}

/// What a term says while `value` is held.
pub(crate) fn said(term: &Term, value: Option<f64>) -> Said {
    match term.signal {
        Signal::Last => Said { value, reaches: true, backs: true },
        _ => Said::default(),
    }
}
