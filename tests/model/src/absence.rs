//! §9: silence of whole devices.

use crate::catalogue::Entry;
use crate::episode::{Episode, Teller};
use crate::hearing::Hearing;
use crate::{Level, Ms};

/// When a device was last heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silence {
    pub(crate) last: Option<Ms>,
    pub(crate) hearing: Hearing,
}

impl Silence {
    /// A sign of life.
    pub(crate) fn sign(&mut self, now: Ms) {
        *self = Self { last: Some(now), hearing: Hearing::default() };
    }

    pub(crate) fn step(&mut self, by: Ms) {
        self.last = self.last.map(|at| at + by);
        self.hearing.step(by);
    }

    /// When the silence is too long, the grace after a deafness not counted.
    fn too_long(&self, intervals: i64, device: &Entry) -> Option<Ms> {
        Some(self.last? + self.hearing.lost + intervals * device.interval_or_minute())
    }
}

/// An absence rule on a device.
#[derive(Clone, Debug)]
pub(crate) struct AbsenceCell {
    pub(crate) intervals: i64,
    pub(crate) level: Level,
    pub(crate) episode: Option<Episode>,
}

impl AbsenceCell {
    /// When it fires. Never while deaf.
    pub(crate) fn due(&self, silence: &Silence, id: &str, device: &Entry) -> Option<Ms> {
        if self.episode.is_some() || silence.hearing.deaf.is_some() {
            return None;
        }
        let too_long = silence.too_long(self.intervals, device)?;
        let grace = silence.hearing.listened.map(|listened| {
            let interval = device.interval_or_minute();
            listened + interval.max(60_000) + spread(id, interval)
        });
        Some(too_long.max(grace.unwrap_or(too_long)))
    }

    pub(crate) fn fire(&mut self, at: Ms, silence: &Silence, to: &mut Teller<'_>) {
        let since = silence.last.expect("a device that was heard");
        let mut episode = Episode::new(since, self.level, false, to);
        episode.tell(at, true, "absent", to);
        self.episode = Some(episode);
    }

    /// A sign of life.
    pub(crate) fn sign(&mut self, now: Ms, to: &mut Teller<'_>) {
        if let Some(mut episode) = self.episode.take() {
            episode.tell(now, false, "returned", to);
        }
    }

    /// §12: judged by a rule or an interval that changed.
    pub(crate) fn edited(&mut self, now: Ms, silence: &Silence, device: &Entry, to: &mut Teller<'_>) {
        if silence.hearing.deaf.is_some() {
            return;
        }
        let Some(mut episode) = self.episode.take() else { return };
        if silence.too_long(self.intervals, device).is_some_and(|due| due <= now) {
            if episode.level != self.level {
                episode.level = self.level;
                episode.tell(now, true, "rule_changed", to);
            }
            self.episode = Some(episode);
        } else {
            episode.tell(now, false, "rule_changed", to);
        }
    }
}

/// §9: devices do not all accuse themselves at once.
fn spread(id: &str, interval: Ms) -> Ms {
    let most = interval.min(60_000) as u64;
    ((xxhash_rust::xxh3::xxh3_64(id.as_bytes()) >> 8) % (most + 1)) as Ms
}
