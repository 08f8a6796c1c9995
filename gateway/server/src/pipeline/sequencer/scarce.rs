//! While the disk has no room for messages: they wait unacknowledged where they are, and what is urgent goes on.
//!
//! It begins when an append found no room and the log gave up what it had set aside; it ends when that could be set aside
//! again. Meanwhile only the city's clock ticks, and devices are accused of nothing: whatever a partition is told then
//! begins with how long Maibo has been deaf, and so does the first commit behind it.

use std::time::Duration;

use maibo_core::id::PartitionId;
use maibo_core::time::Timestamp;
use tokio::sync::watch;
use tracing::{error, info};

use super::{IDLE, Pending, Sequencer};

/// Whether there is room, told to whoever watches.
pub struct Scarcity {
    since: Option<Timestamp>,
    over: Option<Timestamp>,
    told: watch::Sender<Option<Timestamp>>,
}

impl Scarcity {
    /// There is room.
    pub const fn new(told: watch::Sender<Option<Timestamp>>) -> Self {
        Self { since: None, over: None, told }
    }

    pub(super) const fn lasts(&self) -> bool {
        self.since.is_some()
    }

    /// What it lives on was given up.
    pub(super) fn begin(&mut self, now: Timestamp) {
        if self.since.is_none() {
            error!("the disk is full: messages are not acknowledged until there is room; alerts and commands go on");
            // Room that came and went within one commit is one span.
            self.since = Some(self.over.take().unwrap_or(now));
            self.told.send_replace(self.since);
        }
    }

    fn end(&mut self) {
        info!("there is room again: messages are taken");
        self.over = self.since.take();
        self.told.send_replace(None);
    }

    /// Since when there was none, where that is over and nobody was told.
    pub(super) const fn over(&mut self) -> Option<Timestamp> {
        self.over.take()
    }

    /// Whether a partition's deadlines count: those of devices that cannot be heard do not.
    pub(super) fn may_tick(&self, partition: PartitionId) -> bool {
        self.since.is_none() || partition == PartitionId::CITY
    }
}

impl Sequencer {
    /// Takes what is urgent and leaves messages where they are. True when it is time to end.
    pub(super) fn gather_urgent(&mut self, pending: &mut Pending, wait: Duration) -> bool {
        if self.log.replenish() {
            self.scarce.end();
            return false;
        }
        let mut next = self.urgent.recv_timeout(wait.min(IDLE)).ok();
        while let Some(work) = next {
            self.take(work, pending);
            next = self.urgent.try_recv().ok();
        }
        if let Some(since) = self.scarce.since {
            pending.first_of_devices(&self.ears.anew(since));
        }
        // What waits unacknowledged is sent again by its senders.
        self.abort.is_cancelled()
    }
}
