//! What is usual for a series at each hour of the week, and how far a value departs from it.
//!
//! ```text
//! accepted value ─▶ departure from its hour's centre, by what was known before ─▶ the rules judge ─▶ learnt, unless they alarm
//! ```
//!
//! For each of 168 hours of the local week: a centre m and a mean deviation d from it. A value v is learnt by
//!
//! ```text
//! e = v − m, but at most 3 · 1.2533 · d to either side from the 17th value on;  m ← m + e/k;  d ← d + (|e| − d)/k
//! ```
//!
//! with k the number of values so far, at most those of eight weeks. This is Huber's estimate with a forgetting factor: what
//! lies far out moves the centre as little as what lies three deviations out. Of a normal distribution 1.2533 · d is the
//! standard deviation; that is the unit of a departure.
//!
//! Limits: fixed, 168 × 40 = 6,720 bytes a series and time zone; nothing is allocated once it exists.

use minicbor::{Decode, Encode};

use super::ladder::Cell;
use super::level::Held;
use super::series::{Scene, Series, ladder};
use crate::limit;
use crate::reading::Quality;
use crate::rule::Threshold;
use crate::time::Millis;

/// Hours of a week.
const HOURS: usize = 168;
/// √(π/2): the standard deviation of a normal distribution over its mean deviation.
const NORMAL: f64 = 1.253_314_137_315_500_1;
/// How many deviations out a value still counts in full.
const CLIP: f64 = 3.0;
/// Values of an hour that count in full before any is pulled in.
const FIRST: u32 = 16;
/// Weeks after which old values are forgotten.
const MEMORY_WEEKS: i64 = 8;
/// The most values that k counts.
const MOST: i64 = 100_000;

/// An hour of a local week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HourOfWeek {
    /// 0: Monday from midnight on.
    hour: usize,
    /// Weeks since 1970, local.
    week: i64,
}

impl HourOfWeek {
    /// Of milliseconds since 1970 by the wall clock.
    pub(super) fn of(wall: i64) -> Self {
        // 1970-01-01 was a Thursday: the week began three days before.
        let hours = wall.div_euclid(3_600_000).saturating_add(3 * 24);
        let (week, hour) = (hours.div_euclid(168), hours.rem_euclid(168));
        Self { hour: usize::try_from(hour).unwrap_or(0), week }
    }
}

/// What is known of one hour.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
struct Usual {
    #[n(0)]
    centre: f64,
    #[n(1)]
    deviation: f64,
    #[n(2)]
    values: u32,
    /// Different weeks that values came from.
    #[n(3)]
    weeks: u16,
    /// The last of them.
    #[n(4)]
    week: i64,
}

/// How far the newest value lies from what was usual before it.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
struct Departure {
    #[n(0)]
    off: f64,
    #[n(1)]
    deviation: f64,
    #[n(2)]
    weeks: u16,
}

/// The profile of one series in one time zone.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) struct Profile {
    #[n(0)]
    hours: Vec<Option<Usual>>,
    #[n(1)]
    newest: Option<Departure>,
}

impl Profile {
    pub(super) fn new() -> Self {
        Self { hours: vec![None; HOURS], newest: None }
    }

    /// Looks at an accepted value by what is known so far.
    pub(super) fn look(&mut self, when: HourOfWeek, value: f64) {
        let usual = self.hours.get(when.hour).copied().flatten();
        self.newest = usual.map(|u| Departure { off: value - u.centre, deviation: u.deviation, weeks: u.weeks });
    }

    /// Learns a value, of a device that reports every `interval`.
    pub(super) fn learn(&mut self, when: HourOfWeek, value: f64, interval: Millis) {
        let Some(slot) = self.hours.get_mut(when.hour) else { return };
        let first = Usual { centre: value, deviation: 0.0, values: 0, weeks: 0, week: i64::MIN };
        let usual = slot.get_or_insert(first);
        usual.values = usual.values.saturating_add(1);
        if when.week > usual.week {
            usual.weeks = usual.weeks.saturating_add(1);
            usual.week = when.week;
        }
        let most = (MEMORY_WEEKS * 3_600_000 / interval.0.max(1)).clamp(i64::from(FIRST), MOST) as f64;
        let share = f64::from(usual.values).min(most).recip();
        let mut off = value - usual.centre;
        if usual.values > FIRST && usual.deviation > 0.0 {
            let clip = CLIP * NORMAL * usual.deviation;
            off = off.clamp(-clip, clip);
        }
        usual.centre += off * share;
        usual.deviation += (off.abs() - usual.deviation) * share;
    }

    /// Forgets the newest value, not what was learnt.
    pub(super) fn restart(&mut self) {
        self.newest = None;
    }

    /// How many deviations the newest value lies from what is usual, above 0 for more. Nothing before so many weeks, nor
    /// where neither the values before nor `floor` make a deviation.
    pub(super) fn departure(&self, weeks: u8, floor: f64) -> Option<f64> {
        let newest = self.newest.filter(|n| n.weeks >= u16::from(weeks))?;
        let unit = (NORMAL * newest.deviation).max(floor);
        Some(newest.off / unit).filter(|d| d.is_finite())
    }
}

impl Series {
    /// Looks at a value by what is usual so far, once for each zone.
    pub(super) fn look(&mut self, scene: &Scene<'_>, held: Held) {
        for i in 0..self.cells.len() {
            let Some(ladder) = self.baseline(scene, i) else { continue };
            // Several rules by one clock look at the same.
            let when = HourOfWeek::of(ladder.wall(held.at));
            if let Some(profile) = self.memories.profile(ladder) {
                profile.look(when, held.value);
            }
        }
    }

    /// Learns the value held, where no baseline rule on the series finds it remarkable: a fire must not become usual.
    /// Nor does it learn what is doubted or was not measured.
    pub(super) fn learn(&mut self, scene: &Scene<'_>, quality: Quality) {
        let interval = scene.device.interval.unwrap_or(limit::STALE_UNKNOWN);
        let remarkable =
            |(i, c): (usize, &Cell)| (c.active.is_some() || c.latched) && self.baseline(scene, i).is_some();
        // What drains without times of its own was measured at another hour.
        let doubted = matches!(quality, Quality::Suspect | Quality::Substituted | Quality::Range);
        if doubted || self.memories.is_empty() || self.draining || self.cells.iter().enumerate().any(remarkable) {
            return;
        }
        for i in 0..self.cells.len() {
            let Some(ladder) = self.baseline(scene, i) else { continue };
            // Rules by one clock share a profile.
            if (0..i).any(|j| self.baseline(scene, j).is_some_and(|other| other.zone() == ladder.zone())) {
                continue;
            }
            let when = HourOfWeek::of(ladder.wall(self.held.at));
            let value = self.held.value;
            if let Some(profile) = self.memories.profile(ladder) {
                profile.learn(when, value, interval);
            }
        }
    }

    /// The threshold of a cell, where it has a baseline.
    fn baseline<'a>(&self, scene: &Scene<'a>, cell: usize) -> Option<&'a Threshold> {
        let number = self.cells.get(cell)?.rule;
        ladder(scene.rules, scene.own, number).filter(|l| l.has_baseline())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = Millis::from_secs(60);

    fn week(n: i64) -> HourOfWeek {
        HourOfWeek { hour: 5, week: n }
    }

    /// A value from 0 to 1, the same for the same n.
    fn noise(n: u64) -> f64 {
        let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        x ^= x >> 29;
        x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^= x >> 32;
        (x >> 11) as f64 / (1_u64 << 53) as f64
    }

    // P: an hour of the week begins on Monday at midnight; before 1970 too.
    #[test]
    fn hours_of_the_week() {
        // 1970-01-05 was a Monday.
        let monday = 4 * 86_400_000;
        assert_eq!(HourOfWeek::of(monday), HourOfWeek { hour: 0, week: 1 });
        assert_eq!(HourOfWeek::of(monday - 1), HourOfWeek { hour: 167, week: 0 });
        assert_eq!(HourOfWeek::of(0), HourOfWeek { hour: 72, week: 0 });
        assert_eq!(HourOfWeek::of(-4 * 86_400_000), HourOfWeek { hour: 144, week: -1 });
        let _ = (HourOfWeek::of(i64::MAX), HourOfWeek::of(i64::MIN));
    }

    // P: it learns centre and deviation of a spread, says nothing before its weeks, and forgets what is long ago.
    #[test]
    fn it_learns_what_is_usual() {
        let mut profile = Profile::new();
        let mut n = 0;
        for w in 0..4 {
            profile.look(week(w), 20.0);
            assert_eq!(profile.departure(3, 0.0).is_some(), w >= 3, "week {w}");
            for _ in 0..60 {
                n += 1;
                profile.learn(week(w), 10.0 + 4.0 * noise(n), MINUTE);
            }
        }
        // Evenly from 10 to 14: centre 12, mean deviation 1.
        let usual = profile.hours[5].expect("learnt");
        assert!((usual.centre - 12.0).abs() < 0.3 && (usual.deviation - 1.0).abs() < 0.15, "{usual:?}");
        profile.look(week(5), 12.0 + 5.0 * NORMAL);
        let departure = profile.departure(3, 0.0).expect("a departure");
        assert!((departure - 5.0).abs() < 0.9, "{departure}");
        profile.look(week(5), 0.0);
        assert!(profile.departure(3, 0.0).expect("a departure") < -7.0);
        assert_eq!(profile.departure(3, 100.0).map(|d| (d * 10.0).round()), Some(-1.0), "the floor is the least unit");
        for w in 5..40 {
            for _ in 0..60 {
                n += 1;
                profile.learn(week(w), 13.0 + 4.0 * noise(n), MINUTE);
            }
        }
        assert!((profile.hours[5].expect("learnt").centre - 15.0).abs() < 0.3);
    }

    // P: robust: one value in twenty of a thousand times the spread moves it by less than a deviation.
    #[test]
    fn wild_values_hardly_move_it() {
        let mut profile = Profile::new();
        for n in 0..6_000_u64 {
            let value = if n > 100 && n % 20 == 7 { 5_000.0 } else { 10.0 + 4.0 * noise(n) };
            profile.learn(week(n as i64 / 60), value, MINUTE);
        }
        let usual = profile.hours[5].expect("learnt");
        assert!((usual.centre - 12.0).abs() < NORMAL && usual.deviation < 2.0, "{usual:?}");
    }

    // P: a value that never moves has no deviation: without a floor nothing is said of it.
    #[test]
    fn what_never_moves_needs_a_floor() {
        let mut profile = Profile::new();
        (0..300).for_each(|n| profile.learn(week(n / 60), 5.0, MINUTE));
        profile.look(week(6), 7.0);
        assert_eq!((profile.departure(3, 0.0), profile.departure(3, 0.5)), (None, Some(4.0)));
        profile.look(HourOfWeek { hour: 6, week: 6 }, 7.0);
        assert_eq!(profile.departure(0, 0.5), None, "another hour is not known");
        assert_eq!(HOURS * size_of::<Option<Usual>>(), 6_720, "as the head says");
    }
}
