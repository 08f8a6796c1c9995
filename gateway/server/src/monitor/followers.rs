//! Whatever follows the logs must come along: not failing, and moving while there is something to read. What is read there
//! says by its [`Mark`] how far it is, so that also a follower that hangs, or has died, is found out. Tasks that go round
//! for ever are watched alike: each moves its mark at every round.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use maibo_core::input::Check;
use maibo_core::place::Level;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Board;
use crate::app::Round;
use crate::history::History;
use crate::live::follow::Projection;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// How long a follower may stand still with something to read, or fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far a follower is: the number of the next fact it wants, or of commits of the inputs log it knows of.
#[derive(Clone, Debug, Default)]
pub struct Mark(Arc<AtomicU64>);

impl Mark {
    /// It has everything before this.
    pub fn set(&self, next: u64) {
        self.0.store(next, Relaxed);
    }

    /// It came round once more.
    pub fn step(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Where it is.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What is watched.
pub(super) struct Watched {
    /// Number of the next fact.
    pub(super) facts: watch::Receiver<u64>,
    /// Commits of the inputs log.
    pub(super) inputs: watch::Receiver<u64>,
    /// Alerts for queries.
    pub(super) projection: Projection,
    /// Readings.
    pub(super) history: History,
    /// Delivery.
    pub(super) delivery: Mark,
    /// What goes round for ever.
    pub(super) rounds: Vec<Round>,
}

/// One follower between two looks.
pub(super) struct Watch {
    name: &'static str,
    words: (&'static str, &'static str),
    /// How long it may stand still.
    patience: Duration,
    reached: u64,
    /// When it last was where it should be, or moved.
    pub(super) fine: Instant,
}

impl Watch {
    pub(super) fn new(name: &'static str, words: (&'static str, &'static str)) -> Self {
        Self { name, words, patience: PATIENCE, reached: 0, fine: Instant::now() }
    }

    /// Of something that always has a next round.
    fn round(round: Round) -> (Self, Mark) {
        (Self { patience: round.within, ..Self::new(round.part, round.words) }, round.mark)
    }

    /// It is at `reached` of `end`, failing or not.
    pub(super) fn look(&mut self, reached: u64, end: u64, failing: bool, now: Instant) {
        if (reached >= end || reached > self.reached) && !failing {
            self.fine = now;
        }
        self.reached = reached;
    }

    fn tell(&self, now: Instant, board: &Board) {
        let still = now - self.fine;
        if still < self.patience {
            board.well(Check::Follower, self.name);
            return;
        }
        let (zh, en) = self.words;
        let s = still.as_secs();
        let (zh, en) =
            (format!("{zh}已 {s} 秒没有进展，预警不受影响"), format!("{en}: no progress for {s} s; alerts go on"));
        board.unwell(Check::Follower, self.name, Level::Orange, &zh, &en);
    }
}

pub(super) async fn run(watched: Watched, board: Arc<Board>, stop: CancellationToken) {
    let mut alerts = Watch::new("alerts", ("预警查询库", "the database of alerts for queries"));
    let mut history = Watch::new("history", ("历史读数库", "the database of readings"));
    let mut delivery = Watch::new("delivery", ("通知发送", "telling the receivers"));
    let mut rounds: Vec<(Watch, Mark)> = watched.rounds.into_iter().map(Watch::round).collect();
    while !stop.is_cancelled() {
        let (now, end) = (Instant::now(), *watched.facts.borrow());
        let of = watched.projection.progress();
        alerts.look(of.next, end, of.failing, now);
        delivery.look(watched.delivery.get(), end, false, now);
        history.look(watched.history.mark().get(), *watched.inputs.borrow(), watched.history.progress().failing, now);
        for (watch, mark) in &mut rounds {
            watch.look(mark.get(), u64::MAX, false, now);
        }
        for watch in [&alerts, &delivery, &history].into_iter().chain(rounds.iter().map(|(watch, _)| watch)) {
            watch.tell(now, &board);
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::board::tests::{board, told};
    use super::*;

    // What goes round has its own patience, and is well again with the next round.
    #[test]
    fn rounds() {
        let board = board();
        let (within, words) = (Duration::from_mins(3), ("整理", "housekeeping"));
        let (mut watch, mark) = Watch::round(Round { part: "housekeeping", words, within, mark: Mark::default() });
        let start = watch.fine;
        let mut look = |s: u64, came_round: bool| {
            if came_round {
                mark.step();
            }
            let now = start + Duration::from_secs(s);
            watch.look(mark.get(), u64::MAX, false, now);
            watch.tell(now, &board);
            told(&board)
        };
        assert_eq!(look(150, true), [""; 0]);
        assert_eq!(look(325, false), [""; 0]);
        assert_eq!(
            look(331, false),
            ["maibo-follower housekeeping orange housekeeping: no progress for 181 s; alerts go on"]
        );
        assert_eq!(look(340, true), ["maibo-follower housekeeping well "]);
    }

    // Standing still counts only with something to read; moving or having everything ends it, failing does not.
    #[test]
    fn standing_still() {
        let mut watch = Watch::new("alerts", ("", ""));
        let start = watch.fine;
        let mut still = |reached, end, failing, s: u64| {
            let now = start + Duration::from_secs(s);
            watch.look(reached, end, failing, now);
            (now - watch.fine).as_secs()
        };
        assert_eq!(still(5, 5, false, 100), 0);
        assert_eq!(still(5, 9, false, 120), 20);
        assert_eq!(still(6, 9, false, 130), 0);
        assert_eq!(still(6, 9, false, 170), 40);
        assert_eq!(still(9, 9, true, 180), 50);
        assert_eq!(still(9, 9, false, 190), 0);
    }
}
