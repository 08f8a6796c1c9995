//! A device's clock: a lag that is too steady to be a delay, and the alert for whoever looks after the device.
//!
//! A store that drains catches up, a path that delays varies. A lag of minutes that stays the same over ten regular
//! readings is a clock that stands wrong: from then on the device is judged at the receive time, until its own time is
//! close again and takes nothing back. Three faults, of whichever kind, are one alert; three good times in a row end it.
//!
//! Bounded: two small records a device, and none while its clock was always right.

use minicbor::{Decode, Encode};

use super::absence::change;
use super::level::NEVER;
use super::series::Scene;
use crate::alert::Opening;
use crate::fact::Reason;
use crate::id::{EpisodeId, RuleId, Subject};
use crate::limit;
use crate::place::Level;
use crate::registry::Device;
use crate::time::{Millis, Timestamp};

/// The rule that a device with a wrong clock breaks.
pub const CLOCK_RULE: &str = "maibo-clock";

/// What is known of one device's clock.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub(super) struct Watch {
    /// While it lags by minutes.
    #[n(0)]
    lag: Option<Box<Lag>>,
    /// From the first fault until three good times in a row.
    #[n(1)]
    trouble: Option<Box<Trouble>>,
}

/// A lag that may be steady.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct Lag {
    /// How much, at the first of these readings.
    #[n(0)]
    by: Millis,
    /// Receive time of the last one that counts.
    #[n(1)]
    seen: Timestamp,
    /// How many regular readings had it.
    #[n(2)]
    readings: u32,
}

/// A clock that was wrong.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct Trouble {
    /// Receive time of the first fault.
    #[n(0)]
    since: Timestamp,
    /// Receive time of the last reading that counts: what came in one millisecond is one message. It outlives the
    /// trouble, so that no other begins at the same time and gets the same identity.
    #[n(1)]
    seen: Timestamp,
    /// None where the trouble is over.
    #[n(2)]
    faults: u32,
    /// Good times in a row.
    #[n(3)]
    good: u32,
    #[n(4)]
    episode: Option<EpisodeId>,
}

impl Watch {
    /// Whether a time of the device is wrong because it lags as steadily as only a clock does. `held` is the time of the
    /// last value of the reading's series.
    pub(super) fn lags_steadily(
        &mut self,
        at: Timestamp,
        received: Timestamp,
        held: Option<Timestamp>,
        device: &Device,
    ) -> bool {
        let by = received.since(at);
        if by <= limit::STEADY_LAG {
            // Its own time is used again where it does not lie before what was judged at a receive time.
            let back = self.is_wrong() && held.is_some_and(|held| at <= held);
            if !back {
                self.lag = None;
            }
            return back;
        }
        let fresh = Lag { by, seen: received, readings: 1 };
        let lag = self.lag.get_or_insert_with(|| Box::new(fresh.clone()));
        if lag.readings >= limit::STEADY_READINGS {
            return true;
        }
        let interval = device.interval.unwrap_or(limit::STALE_UNKNOWN);
        let within = Millis(interval.0 / 2).clamp(limit::STEADY_LEAST, limit::STEADY_MOST);
        if Millis((by - lag.by).0.saturating_abs()) > within {
            **lag = fresh;
        } else if received.since(lag.seen).times(2) >= interval {
            lag.seen = received;
            lag.readings += 1;
        }
        lag.readings >= limit::STEADY_READINGS
    }

    /// Whether it lags as steadily as only a clock does.
    pub(super) fn is_wrong(&self) -> bool {
        self.lag.as_ref().is_some_and(|l| l.readings >= limit::STEADY_READINGS)
    }

    /// The open episode.
    pub(super) fn episode(&self) -> Option<EpisodeId> {
        self.trouble.as_ref().and_then(|t| t.episode)
    }

    /// A time was wrong.
    pub(super) fn fault(&mut self, scene: &mut Scene<'_>, received: Timestamp, now: Timestamp) {
        let none = Trouble { since: received, seen: NEVER, faults: 0, good: 0, episode: None };
        let trouble = self.trouble.get_or_insert_with(|| Box::new(none));
        if received <= trouble.seen {
            return;
        }
        if trouble.faults == 0 {
            trouble.since = received;
        }
        (trouble.seen, trouble.good) = (received, 0);
        trouble.faults = trouble.faults.saturating_add(1);
        if trouble.faults >= limit::CLOCK_FAULTS && trouble.episode.is_none() {
            trouble.episode = open(scene, trouble.since, now);
        }
    }

    /// A time was right.
    pub(super) fn good(&mut self, scene: &mut Scene<'_>, received: Timestamp, now: Timestamp) {
        let Some(trouble) = self.trouble.as_mut().filter(|t| t.faults > 0 && received > t.seen) else { return };
        trouble.seen = received;
        trouble.good += 1;
        if trouble.good >= limit::CLOCK_FAULTS {
            (trouble.faults, trouble.good) = (0, 0);
            if let Some(episode) = trouble.episode.take() {
                scene.book.change(episode, change(None, now, Reason::ClockRight));
            }
        }
    }

    /// Makes the alert what the log says it is.
    pub(super) fn follow(&mut self, episode: Option<EpisodeId>, since: Timestamp) {
        match (&mut self.trouble, episode) {
            (Some(trouble), Some(_)) => {
                (trouble.episode, trouble.faults) = (episode, limit::CLOCK_FAULTS);
            }
            (Some(trouble), None) => trouble.episode = None,
            (None, Some(_)) => {
                let faults = limit::CLOCK_FAULTS;
                self.trouble = Some(Box::new(Trouble { since, seen: since, faults, good: 0, episode }));
            }
            (None, None) => {}
        }
    }
}

fn open(scene: &mut Scene<'_>, since: Timestamp, now: Timestamp) -> Option<EpisodeId> {
    // A constant of the right characters: this cannot fail.
    let rule = RuleId::new(CLOCK_RULE).ok()?;
    let subject = Subject::Device(scene.device.id.clone());
    // No two troubles begin at the same time, so that there is nothing to count.
    let episode = EpisodeId::derive(&rule, &subject, since, 1);
    let opening = Opening {
        episode,
        rule,
        subject,
        quantity: None,
        place: Some(scene.device.place.clone()),
        domain: scene.device.domain,
        started_at: since,
    };
    scene.book.open(opening, Level::Blue, change(Some(Level::Blue), now, Reason::ClockWrong));
    Some(episode)
}
