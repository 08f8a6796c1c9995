//! Says when a part ends that must not end: then the process ends too, loudly, and is started anew with what is on disk.
//! Going on without a source, without delivery or without the city would look as if all were well.
//!
//! Parts that nobody's alert depends on (history, lists, the sink) are not watched here: they may end, and `/readyz` and
//! an alert say so.
//!
//! A part may also hang without ending. Those that go round for ever say so at every round ([`Round`]); `monitor` raises an
//! alert where one does not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::monitor::Mark;

/// Names told and not yet heard; the first one ends the process, so that more do not matter.
const TOLD: usize = 8;

/// Where a part that ends says its name.
#[derive(Clone, Debug)]
pub struct Alarm {
    ended: mpsc::Sender<&'static str>,
    rounds: Arc<Mutex<Vec<Round>>>,
}

/// A part that goes round for ever.
#[derive(Clone, Debug)]
pub struct Round {
    /// What an alert about it is called by.
    pub part: &'static str,
    /// What it does, in Chinese and English.
    pub words: (&'static str, &'static str),
    /// How long it may take to come round.
    pub within: Duration,
    /// Moves at every round.
    pub mark: Mark,
}

impl Alarm {
    /// An alarm, and where it is heard.
    pub fn new() -> (Self, mpsc::Receiver<&'static str>) {
        let (sender, receiver) = mpsc::channel(TOLD);
        (Self { ended: sender, rounds: Arc::default() }, receiver)
    }

    /// To be held by a part as long as it runs: dropped, by a panic too, it says the name. While the process drains nobody
    /// listens, and parts may end.
    pub fn watch(&self, name: &'static str) -> Watched {
        Watched(name, self.clone())
    }

    /// Registers a part that goes round; it moves the mark each time.
    pub fn round(&self, part: &'static str, words: (&'static str, &'static str), within: Duration) -> Mark {
        let mark = Mark::default();
        let round = Round { part, words, within, mark: mark.clone() };
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner).push(round);
        mark
    }

    /// Those that were registered.
    pub fn rounds(&self) -> Vec<Round> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a task that must not end before the process does.
    pub fn spawn(&self, tasks: &TaskTracker, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let watched = self.watch(name);
        tasks.spawn(async move {
            let _watched = watched;
            task.await;
        });
    }
}

/// Says its name when it is dropped.
#[derive(Debug)]
pub struct Watched(&'static str, Alarm);

impl Drop for Watched {
    fn drop(&mut self) {
        // A full queue has said enough.
        let _ = self.1.ended.try_send(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Row 7: whichever way a task ends, its name is heard.
    #[tokio::test]
    async fn every_end_is_heard() {
        let (alarm, mut ended) = Alarm::new();
        let tasks = TaskTracker::new();
        alarm.spawn(&tasks, "returned", async {});
        assert_eq!(ended.recv().await, Some("returned"));
        alarm.spawn(&tasks, "panicked", async { assert!(tasks_are_well(), "as it should") });
        assert_eq!(ended.recv().await, Some("panicked"));
        alarm.spawn(&tasks, "runs", std::future::pending());
        assert!(ended.try_recv().is_err());
    }

    fn tasks_are_well() -> bool {
        false
    }
}
