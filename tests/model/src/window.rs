//! §5: what a series remembers of its readings: windows and runs of values that do not move.

use std::collections::BTreeMap;

use crate::Ms;
use crate::baseline::{Hour, Profile, Zone};
use crate::pack::{Sense, Signal};

/// Readings up to which a window is exact.
const EXACT: usize = 512;

/// One accepted reading in a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Ms,
    pub(crate) value: f64,
    /// Since when it covers the time.
    pub(crate) from: Ms,
}

/// One window of a series. All that was ever in it is kept, and asked again for every value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    all: Vec<Entry>,
    pub(crate) coarse: bool,
    /// Since when its very first reading covers the time.
    pub(crate) began: Option<Ms>,
}

/// A run of values within the tolerance of its first.
#[derive(Clone, Copy, Debug)]
struct Run {
    began: Ms,
    value: f64,
    last: Ms,
}

/// What a rule asks of a series.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) sense: Sense,
    /// The rule's.
    pub(crate) stale_after: Ms,
    pub(crate) zone: Zone,
}

/// Length, and whether it is one of percentiles: those are apart.
type Key = (Ms, bool);
/// The bits of the tolerance, and `stale_after`.
type StuckKey = (u64, Ms);

/// All windows, runs and profiles of a series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    windows: BTreeMap<Key, Window>,
    runs: BTreeMap<StuckKey, Option<Run>>,
    profiles: BTreeMap<Zone, Profile>,
}

fn key(sense: Sense) -> Option<Key> {
    sense.window.map(|length| (length, matches!(sense.signal, Signal::Percentile { .. })))
}

fn stuck_key(sense: Sense, stale_after: Ms) -> Option<StuckKey> {
    match sense.signal {
        Signal::Stuck { tolerance } => Some((tolerance.to_bits(), stale_after)),
        _ => None,
    }
}

impl Memory {
    /// Keeps what rules ask for; what they ask for first is empty.
    pub(crate) fn ask(&mut self, asked: &[Asked]) {
        let (mut windows, mut runs, mut profiles) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for Asked { sense, stale_after, zone } in asked.iter().cloned() {
            if matches!(sense.signal, Signal::Baseline { .. }) {
                profiles.insert(zone.clone(), self.profiles.get(&zone).cloned().unwrap_or_default());
            }
            if let Some(key) = key(sense) {
                windows.insert(key, self.windows.get(&key).cloned().unwrap_or_default());
            }
            if let Some(key) = stuck_key(sense, stale_after) {
                runs.insert(key, self.runs.get(&key).copied().flatten());
            }
        }
        (self.windows, self.runs, self.profiles) = (windows, runs, profiles);
    }

    /// An accepted reading, of a device with this interval.
    pub(crate) fn take(&mut self, at: Ms, value: f64, interval: Ms) {
        for (key, window) in &mut self.windows {
            let before = window.all.last().map_or(at - interval, |last| last.at.max(at - interval));
            window.began.get_or_insert(before);
            window.all.push(Entry { at, value, from: before });
            if !window.coarse && window.within(key.0, at).len() > EXACT {
                // What had left it before is in no pane.
                window.all = window.within(key.0, at);
                window.coarse = true;
            }
        }
        for ((tolerance, stale_after), run) in &mut self.runs {
            let goes_on = |r: &Run| at - r.last < *stale_after && (value - r.value).abs() <= f64::from_bits(*tolerance);
            *run = match run.filter(goes_on) {
                Some(run) => Some(Run { last: at, ..run }),
                None => Some(Run { began: at, value, last: at }),
            };
        }
    }

    /// A value of this time is about to be judged by what is usual.
    pub(crate) fn hold_against(&mut self, at: Ms) {
        self.profiles.iter_mut().for_each(|(zone, profile)| profile.ask(zone, at));
    }

    /// What was judged becomes a part of what is usual.
    pub(crate) fn learn(&mut self, at: Ms, value: f64, interval: Ms) {
        self.profiles.iter_mut().for_each(|(zone, profile)| profile.learn(zone, at, value, interval));
    }

    /// What was known of the hour of the held value before it.
    pub(crate) fn usual(&self, zone: &Zone) -> Option<&Hour> {
        self.profiles.get(zone)?.before.as_ref()
    }

    /// Readings that drain without times of their own: nothing is added up.
    pub(crate) fn restart(&mut self) {
        self.windows.values_mut().for_each(|w| *w = Window::default());
        self.runs.values_mut().for_each(|r| *r = None);
    }

    pub(crate) fn window(&self, sense: Sense) -> Option<&Window> {
        self.windows.get(&key(sense)?)
    }

    /// How long a value has not moved at `at`, in seconds.
    pub(crate) fn stuck(&self, sense: Sense, stale_after: Ms, at: Ms) -> Option<f64> {
        let run = self.runs.get(&stuck_key(sense, stale_after)?)?.as_ref()?;
        Some((at - run.began) as f64 / 1000.0)
    }
}

/// The length of a pane.
fn pane(length: Ms) -> Ms {
    ((length + 63) / 64).max(1)
}

impl Window {
    /// What lies in the window of this length at `at`, oldest first.
    pub(crate) fn within(&self, length: Ms, at: Ms) -> Vec<Entry> {
        let first = (at - length).div_euclid(pane(length));
        let lies = |e: &&Entry| {
            if self.coarse { (e.at - 1).div_euclid(pane(length)) >= first } else { e.at > at - length }
        };
        self.all.iter().filter(lies).copied().collect()
    }

    /// Sums of `f`: in order of time; in coarse form pane by pane, then over the panes.
    pub(crate) fn sum(&self, entries: &[Entry], length: Ms, f: impl Fn(f64) -> f64) -> f64 {
        if !self.coarse {
            return entries.iter().fold(0.0, |sum, e| sum + f(e.value));
        }
        let mut panes: BTreeMap<Ms, f64> = BTreeMap::new();
        for e in entries {
            *panes.entry((e.at - 1).div_euclid(pane(length))).or_insert(0.0) += f(e.value);
        }
        panes.values().fold(0.0, |sum, pane| sum + pane)
    }

    /// How many milliseconds of (`at` − `length`, `at`] are covered.
    pub(crate) fn covered(&self, entries: &[Entry], length: Ms, at: Ms) -> Ms {
        let since = |e: &Entry| if self.coarse { e.from } else { e.from.max(at - length) };
        entries.iter().map(|e| e.at - since(e)).sum::<Ms>().min(length)
    }
}
