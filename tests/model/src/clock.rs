//! §13: the clock rule, and the lag that is steady.

use crate::catalogue::Entry;
use crate::episode::{Episode, Teller};
use crate::series::Clock;
use crate::{Level, Ms};

/// The rule's name.
pub(crate) const RULE: &str = "maibo-clock";

/// How a device's times lag.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steady {
    /// Readings of one lag: the lag of the first, how many, and when the last of them was received.
    run: Option<(Ms, u32, Ms)>,
    /// Whether the clock was found wrong.
    pub(crate) wrong: bool,
}

impl Steady {
    /// Whether this time is wrong by its steady lag.
    pub(crate) fn lags(&mut self, at: Ms, received: Ms, held: Option<Ms>, device: &Entry) -> bool {
        let lag = received - at;
        let interval = device.interval_or_minute();
        if lag <= 300_000 {
            if self.wrong && held.is_some_and(|held| at <= held) {
                return true;
            }
            *self = Self::default();
            return false;
        }
        if self.wrong {
            return true;
        }
        let tolerance = (interval / 2).clamp(1000, 30_000);
        self.run = match self.run {
            Some((first, n, last)) if (lag - first).abs() <= tolerance => {
                if 2 * (received - last) >= interval {
                    Some((first, n + 1, received))
                } else {
                    Some((first, n, last))
                }
            }
            _ => Some((lag, 1, received)),
        };
        self.wrong = self.run.is_some_and(|(_, n, _)| n >= 10);
        self.wrong
    }
}

/// The clock of one device.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClockCell {
    /// When the faults in a row were received, up to three of them; good ones between them.
    faults: Vec<Ms>,
    good: u32,
    /// The latest receive time that was counted. What was received before counts no more.
    counted: Option<Ms>,
    pub(crate) episode: Option<Episode>,
    /// An operator closed it by force: nothing opens until the clock was right.
    pub(crate) latched: bool,
}

impl ClockCell {
    pub(crate) fn take(&mut self, clock: Clock, received: Ms, now: Ms, to: &mut Teller<'_>) {
        // Good times count from the first fault on.
        let matters = clock == Clock::Fault || clock == Clock::Good && !self.faults.is_empty();
        if !matters || self.counted.is_some_and(|latest| received <= latest) {
            return;
        }
        self.counted = Some(received);
        if clock == Clock::Fault {
            self.good = 0;
            self.faults.push(received);
        } else {
            self.good += 1;
        }
        if self.good >= 3 {
            self.faults.clear();
            self.latched = false;
            if let Some(mut episode) = self.episode.take() {
                episode.tell(now, false, "clock_right", to);
            }
        } else if self.faults.len() >= 3 && self.episode.is_none() && !self.latched {
            let pending = (self.faults[0], to.number(self.faults[0]));
            let mut episode = Episode::new(pending, Level::Blue, false, to);
            episode.tell(now, true, "clock_wrong", to);
            self.episode = Some(episode);
        }
    }
}
