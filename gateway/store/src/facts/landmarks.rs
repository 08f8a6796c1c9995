//! Where in the log some facts are, so that nobody has to read from the beginning. Lost ones cost time, nothing else.

use maibo_core::codec;
use maibo_core::id::{PartitionId, Position};

use crate::log::Log;

/// Facts between two landmarks.
const EVERY: u64 = 4_096;
/// Landmarks between two savings.
const SAVE_EVERY: usize = 16;

/// A record: the position before it and the number of its first fact.
type Landmark = (Option<Position>, u64);

/// Landmarks in the order of their numbers; the first one is the beginning.
#[derive(Debug)]
pub(super) struct Landmarks {
    marks: Vec<Landmark>,
    saved: usize,
    saved_at: Option<Position>,
}

impl Landmarks {
    /// The saved ones, as far as the log agrees.
    pub(super) fn load(log: &dyn Log, partition: PartitionId) -> Self {
        let mut landmarks = Self { marks: vec![(None, 0)], saved: 0, saved_at: None };
        let Ok(Some((at, state))) = log.snapshot_load(partition) else { return landmarks };
        landmarks.saved_at = Some(at);
        let Ok(marks) = codec::decode::<Vec<Landmark>>(&state) else { return landmarks };
        let end = log.end(partition);
        let ordered = marks.first() == Some(&(None, 0)) && marks.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1);
        if ordered && marks.last().is_some_and(|m| m.0 < end) {
            landmarks.saved = marks.len();
            landmarks.marks = marks;
        }
        landmarks
    }

    /// Takes note of a record, if the last landmark is far enough away.
    pub(super) fn note(&mut self, before: Option<Position>, first: u64) {
        if first >= self.last().1 + EVERY {
            self.marks.push((before, first));
        }
    }

    pub(super) fn last(&self) -> Landmark {
        self.marks.last().copied().unwrap_or((None, 0))
    }

    /// The last landmark at or before fact number `index`.
    pub(super) fn before(&self, index: u64) -> Landmark {
        let behind = self.marks.partition_point(|m| m.1 <= index);
        self.marks.get(behind.saturating_sub(1)).copied().unwrap_or((None, 0))
    }

    /// Whether enough are unsaved.
    pub(super) fn due(&self) -> bool {
        self.marks.len() >= self.saved + SAVE_EVERY
    }

    /// Saves them as of position `at`. Where that fails, the next opening reads more.
    pub(super) fn save(&mut self, log: &mut dyn Log, partition: PartitionId, at: Option<Position>) {
        let Some(at) = at else { return };
        if log.snapshot_save(partition, self.saved_at, at, &codec::encode(&self.marks)).is_ok() {
            self.saved_at = Some(at);
        } else {
            self.saved_at = log.snapshot_load(partition).ok().flatten().map(|(at, _)| at);
        }
        // Also after a failure: a full disk is not asked again at every append.
        self.saved = self.marks.len();
    }
}
