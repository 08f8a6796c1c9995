//! §9: silence of whole devices.

use crate::catalogue::Entry;
use crate::episode::{Episode, Teller};
use crate::{Level, Ms};

/// When a device was last heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silence {
    pub(crate) last: Option<Ms>,
    /// Not heard since then, and Maibo does not listen yet.
    deaf: Option<Ms>,
    /// Times in which Maibo was deaf since the last sign.
    was_deaf: Vec<(Ms, Ms)>,
    /// No absence before then: Maibo began to listen while this device was not heard. A sign does not take that away, nor
    /// does another interval.
    grace: Option<Ms>,
}

impl Silence {
    /// A sign of life.
    pub(crate) fn sign(&mut self, now: Ms) {
        *self = Self { last: Some(now), grace: self.grace, ..Self::default() };
    }

    /// Maibo heard nothing from then on: of a device that was heard before. What is deaf already stays so since then.
    pub(crate) fn deafen(&mut self, from: Ms) {
        if self.last.is_some() {
            self.deaf.get_or_insert(from);
        }
    }

    /// Maibo listens again.
    pub(crate) fn listen(&mut self, id: &str, device: &Entry, now: Ms) {
        if let Some(deaf) = self.deaf.take() {
            self.was_deaf.push((deaf, now));
            let interval = device.interval_or_minute();
            self.grace = Some(now + interval.max(60_000) + spread(id, interval));
        }
    }

    /// How long Maibo was deaf at `now`, of a deafness that is not over.
    pub(crate) fn deaf_for(&self, now: Ms) -> Option<Ms> {
        let before = self.was_deaf.last().map(|(_, to)| *to).max(self.last);
        self.deaf.map(|from| now - before.map_or(from, |before| from.max(before)))
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf.is_some()
    }

    pub(crate) fn step(&mut self, by: Ms) {
        self.last = self.last.map(|at| at + by);
        self.deaf = self.deaf.map(|at| at + by);
        self.was_deaf.iter_mut().for_each(|(from, to)| (*from, *to) = (*from + by, *to + by));
        self.grace = self.grace.map(|at| at + by);
    }

    /// When the silence is too long, the grace after a deafness not counted.
    fn too_long(&self, intervals: i64, device: &Entry) -> Option<Ms> {
        let last = self.last?;
        // A deafness told later can reach back into an earlier one; that time counts once.
        let (mut lost, mut until) = (0, last);
        for (from, to) in self.was_deaf.iter().copied() {
            lost += (to - from.max(until)).max(0);
            until = until.max(to);
        }
        Some(last + lost + intervals * device.interval_or_minute())
    }
}

/// An absence rule on a device.
#[derive(Clone, Debug)]
pub(crate) struct AbsenceCell {
    pub(crate) intervals: i64,
    pub(crate) level: Level,
    /// The interval that was counted in.
    pub(crate) interval: Option<Ms>,
    pub(crate) episode: Option<Episode>,
    /// An operator closed it by force: nothing opens until the device was heard.
    pub(crate) latched: bool,
}

impl AbsenceCell {
    pub(crate) fn new(intervals: i64, level: Level) -> Self {
        Self { intervals, level, interval: None, episode: None, latched: false }
    }

    /// When it fires. Never while deaf.
    pub(crate) fn due(&self, silence: &Silence, device: &Entry) -> Option<Ms> {
        if self.episode.is_some() || self.latched || silence.deaf.is_some() {
            return None;
        }
        let too_long = silence.too_long(self.intervals, device)?;
        Some(too_long.max(silence.grace.unwrap_or(too_long)))
    }

    pub(crate) fn fire(&mut self, at: Ms, silence: &Silence, to: &mut Teller<'_>) {
        let since = silence.last.expect("a device that was heard");
        let mut episode = Episode::new((since, to.number(since)), self.level, false, to);
        episode.tell(at, true, "absent", to);
        self.episode = Some(episode);
    }

    /// A sign of life.
    pub(crate) fn sign(&mut self, now: Ms, to: &mut Teller<'_>) {
        self.latched = false;
        if let Some(mut episode) = self.episode.take() {
            episode.tell(now, false, "returned", to);
        }
    }

    /// §12: this is the rule now, and this the device. Nothing is judged where the length of the silence did not change.
    pub(crate) fn edit(
        &mut self,
        intervals: i64,
        level: Level,
        now: Ms,
        silence: &Silence,
        device: &Entry,
        to: &mut Teller<'_>,
    ) {
        let before = (self.intervals, self.interval.replace(device.interval_or_minute()));
        let changed = before != (intervals, self.interval);
        (self.intervals, self.level) = (intervals, level);
        let Some(mut episode) = self.episode.take() else { return };
        // While deaf no silence is judged; the rule's level holds all the same.
        let judged = changed && silence.deaf.is_none();
        if judged && silence.too_long(intervals, device).is_none_or(|due| due > now) {
            return episode.tell(now, false, "rule_changed", to);
        }
        if episode.level != level {
            episode.level = level;
            episode.tell(now, true, "rule_changed", to);
        }
        self.episode = Some(episode);
    }
}

/// §9: devices do not all accuse themselves at once.
fn spread(id: &str, interval: Ms) -> Ms {
    let most = interval.min(60_000) as u64;
    ((xxhash_rust::xxh3::xxh3_64(id.as_bytes()) >> 8) % (most + 1)) as Ms
}
