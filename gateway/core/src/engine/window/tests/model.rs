//! The window against a list of readings and the words of its description.

use proptest::prelude::*;

use super::*;

/// The percentile's bins are 2 wide.
const PLAUSIBLE: (f64, f64) = (-40.0, 88.0);

#[derive(Clone, Copy, Debug)]
struct Push {
    gap: i64,
    interval: i64,
    value: f64,
    /// 0 restarts before it, 1 to 20 write the window and read it again, behind it.
    odd: u32,
}

struct Reading {
    at: i64,
    value: f64,
    span: i64,
}

/// All readings since the start, and whether 513 ever lay in the window.
struct List {
    length: i64,
    readings: Vec<Reading>,
    /// Where the first reading's covered span begins.
    begun: i64,
    coarse: bool,
}

impl List {
    fn push(&mut self, at: i64, value: f64, interval: i64) {
        let span = match self.readings.last() {
            Some(before) => interval.min(at - before.at),
            None => interval,
        };
        if self.readings.is_empty() {
            self.begun = at - interval;
        }
        self.readings.push(Reading { at, value, span });
        let inside = |r: &Reading| r.at > at - self.length;
        if !self.coarse && self.readings.iter().filter(|r| inside(r)).count() > 512 {
            self.coarse = true;
            // What had left the window is in no pane.
            let length = self.length;
            self.readings.retain(|r| r.at > at - length);
        }
    }

    fn newest(&self) -> i64 {
        self.readings.last().map_or(0, |r| r.at)
    }

    fn pane(&self) -> i64 {
        ((self.length + 63) / 64).max(1)
    }

    fn number(&self, at: i64) -> i64 {
        ((at - 1) as f64 / self.pane() as f64).floor() as i64
    }

    /// The readings the window speaks of.
    fn inside(&self) -> Vec<&Reading> {
        let edge = self.newest() - self.length;
        let oldest = self.number(edge + 1);
        let keep = |r: &&Reading| if self.coarse { self.number(r.at) >= oldest } else { r.at > edge };
        self.readings.iter().filter(keep).collect()
    }

    fn coverage(&self) -> f64 {
        let edge = self.newest() - self.length;
        let spans = self
            .inside()
            .iter()
            .map(|r| if self.coarse { r.span } else { r.at - (r.at - r.span).max(edge) })
            .sum::<i64>();
        (spans as f64 / self.length as f64).min(1.0)
    }

    fn is_full(&self) -> bool {
        !self.readings.is_empty() && self.newest() - self.begun >= self.length
    }

    /// Sums by pane, then over the panes; exact: one sum.
    fn sum(&self, of: impl Fn(f64) -> f64) -> f64 {
        let inside = self.inside();
        let panes = inside.chunk_by(|a, b| !self.coarse || self.number(a.at) == self.number(b.at));
        panes.map(|pane| pane.iter().map(|r| of(r.value)).sum::<f64>()).sum()
    }

    fn percentile(&self, percent: u8) -> f64 {
        let mut values: Vec<f64> = self.inside().iter().map(|r| r.value).collect();
        values.sort_by(f64::total_cmp);
        // The smallest value such that at least so many percent are at or below it.
        let reaches = |v: &f64| values.iter().filter(|x| *x <= v).count() * 100 >= usize::from(percent) * values.len();
        let value = values.iter().copied().find(|v| reaches(v)).unwrap_or(f64::NAN);
        if self.coarse {
            let value = value.clamp(PLAUSIBLE.0, PLAUSIBLE.1 - 0.001);
            (value / 2.0).floor() * 2.0 + 1.0
        } else {
            value
        }
    }

    fn value(&self, signal: Signal) -> Option<f64> {
        let inside = self.inside();
        let (first, last) = (inside.first()?, inside.last()?);
        let values = || inside.iter().map(|r| r.value);
        let count = inside.len() as f64;
        let well = self.coverage() >= 0.75;
        let (min, max) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let delta = (well && inside.len() > 1).then_some(last.value - first.value);
        match signal {
            Signal::Last => Some(last.value),
            Signal::Min => Some(min),
            Signal::Max => Some(max),
            Signal::Range => Some(max - min),
            Signal::Count => Some(count),
            Signal::Sum => Some(self.sum(|v| v)),
            Signal::Mean => well.then(|| self.sum(|v| v) / count),
            Signal::Leq => well.then(|| 10.0 * (self.sum(|v| 10.0_f64.powf(v / 10.0)) / count).log10()),
            Signal::Delta => delta,
            Signal::Rate { per } => delta.map(|d| d / (last.at - first.at) as f64 * per.0 as f64),
            Signal::Percentile(p) => well.then(|| self.percentile(p)),
            Signal::Stuck { .. } | Signal::Baseline { .. } => None,
        }
    }
}

const SIGNALS: [Signal; 14] = [
    Signal::Last,
    Signal::Mean,
    Signal::Min,
    Signal::Max,
    Signal::Sum,
    Signal::Count,
    Signal::Range,
    Signal::Rate { per: Millis(3_600_000) },
    Signal::Delta,
    Signal::Percentile(1),
    Signal::Percentile(50),
    Signal::Percentile(95),
    Signal::Leq,
    Signal::Stuck { tolerance: 1.0 },
];

/// Bit-equal while exact, to 1e-9 when coarse.
fn same(coarse: bool, found: Option<f64>, wanted: Option<f64>) -> bool {
    match (found, wanted) {
        (Some(f), Some(w)) if coarse => (f - w).abs() <= 1e-9 * w.abs().max(1.0),
        (f, w) => f.map(f64::to_bits) == w.map(f64::to_bits),
    }
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![3 => (-400..900_i32).prop_map(|v| f64::from(v) / 10.0), 1 => -60.0..120.0_f64]
}

/// A window's length and its readings, of which about so many lie in it.
fn runs() -> impl Strategy<Value = (i64, i64, Vec<Push>)> {
    let length = prop_oneof![Just(1_000), Just(600_000), Just(86_400_000), 1_000..86_400_000_i64];
    let dense = prop::sample::select(vec![3, 40, 500, 1_000, 1_000, 3_000]);
    (length, dense, -2_000_000_000_000..2_000_000_000_000_i64).prop_flat_map(|(length, dense, start)| {
        let step = (length / dense).max(1);
        // Mostly about a step, sometimes a hole, seldom one longer than the window.
        let gap = prop_oneof![600 => 1..=2 * step, 10 => 1..=10 * step, 1 => 1..=length / 4, 1 => Just(0)];
        let interval = prop_oneof![6 => Just(step), 2 => Just(2 * step), 1 => 0..=3 * step, 1 => Just(length)];
        let push =
            (gap, interval, values(), 0..2_000_u32, 0..4_u32).prop_map(move |(gap, interval, value, odd, far)| {
                let gap = if gap == 0 { if far == 0 { 2 * length } else { 1 } } else { gap };
                Push { gap, interval, value, odd }
            });
        (Just(length), Just(start), prop::collection::vec(push, 600..1_500))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn the_window_is_what_its_description_says((length, start, pushes) in runs()) {
        let empty = || List { length, readings: Vec::new(), begun: 0, coarse: false };
        let (mut window, mut list) = (Window::new(Millis(length), Some(PLAUSIBLE)), empty());
        let (mut at, mut scratch) = (start, Vec::new());
        for (i, push) in pushes.iter().enumerate() {
            at += push.gap;
            if push.odd == 0 {
                window.restart();
                list = empty();
            }
            window.push(Timestamp(at), push.value, Millis(push.interval));
            list.push(at, push.value, push.interval);
            if (1..=20).contains(&push.odd) {
                let read = codec::decode::<Window>(&codec::encode(&window));
                prop_assert_eq!(read.as_ref().ok(), Some(&window));
                window = read.unwrap_or(window);
            }
            prop_assert_eq!(matches!(window.form, Form::Coarse(_)), list.coarse, "reading {}", i);
            prop_assert_eq!(window.is_full(), list.is_full(), "reading {}", i);
            prop_assert_eq!(window.coverage().to_bits(), list.coverage().to_bits(), "reading {}", i);
            // Everything every few readings, else one signal: the list is slow.
            for (n, signal) in SIGNALS.into_iter().enumerate() {
                if i % 16 == 0 || i % SIGNALS.len() == n {
                    let (found, wanted) = (window.value(signal, &mut scratch), list.value(signal));
                    prop_assert!(same(list.coarse, found, wanted), "reading {i}: {signal:?} {found:?}, not {wanted:?}");
                }
            }
        }
    }
}
