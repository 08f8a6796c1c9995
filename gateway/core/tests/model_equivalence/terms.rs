//! Random terms and timers of threshold rules, as text.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;

/// What is judged of the series, and over which window.
#[derive(Clone, Debug)]
pub(crate) struct Sense {
    pub(crate) signal: &'static str,
    pub(crate) window: &'static str,
    pub(crate) number: i32,
}

/// Limits.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    pub(crate) direction: &'static str,
    /// Which of the four levels.
    pub(crate) levels: [bool; 4],
    pub(crate) first: i32,
    /// From one level to the next, in halves.
    pub(crate) apart: i32,
    /// In halves.
    pub(crate) deadband: i32,
}

/// Timers.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) hold: Lengths,
    pub(crate) keep: Lengths,
    pub(crate) min_samples: Option<u32>,
    pub(crate) stale_after: Option<&'static str>,
}

/// No length, one for all levels, or one for each.
#[derive(Clone, Debug)]
pub(crate) enum Lengths {
    None,
    One(&'static str),
    Each([&'static str; 4]),
}

pub(crate) const LEVELS: [&str; 4] = ["blue", "yellow", "orange", "red"];
pub(crate) const LENGTHS: [&str; 8] = ["0s", "3s", "5s", "7s", "12s", "20s", "50s", "90s"];

pub(crate) fn sense() -> impl Strategy<Value = Sense> {
    let signals = [
        "last",
        "mean",
        "min",
        "max",
        "sum",
        "count",
        "range",
        "delta",
        "rate",
        "percentile",
        "leq",
        "stuck",
        "baseline",
    ];
    let window = select(vec!["3s", "20s", "20s", "1m", "5m"]);
    (select(signals.to_vec()), window, 0..100_i32).prop_map(|(signal, window, number)| Sense { signal, window, number })
}

pub(crate) fn steps() -> impl Strategy<Value = Steps> {
    let direction = prop_oneof![3 => Just("above"), 1 => Just("below"), 1 => Just("outside")];
    let levels = any::<[bool; 4]>().prop_map(|l| if l == [false; 4] { [false, true, false, true] } else { l });
    (direction, levels, 20..40_i32, 2..13_i32, 0..6_i32).prop_map(|(direction, levels, first, apart, deadband)| Steps {
        direction,
        levels,
        first,
        apart,
        deadband,
    })
}

pub(crate) fn times() -> impl Strategy<Value = Times> {
    let lengths = || {
        prop_oneof![
            1 => Just(Lengths::None),
            2 => select(&LENGTHS[..]).prop_map(Lengths::One),
            2 => proptest::array::uniform4(select(&LENGTHS[..])).prop_map(Lengths::Each),
        ]
    };
    let stale_after = prop_oneof![3 => Just(None), 2 => select(vec!["5s", "30s", "45s", "100s"]).prop_map(Some)];
    let min_samples = prop_oneof![3 => Just(None), 2 => (1..4_u32).prop_map(Some)];
    (lengths(), lengths(), min_samples, stale_after).prop_map(|(hold, keep, min_samples, stale_after)| Times {
        hold,
        keep,
        min_samples,
        stale_after,
    })
}

impl Sense {
    /// So that limits lie where values do.
    pub(crate) fn scale(&self) -> f64 {
        match self.signal {
            "sum" => 4.0,
            "count" => 0.125,
            "rate" => 2.0,
            "delta" | "range" => 0.5,
            _ => 1.0,
        }
    }

    pub(crate) fn lines(&self, steps: &Steps) -> Vec<String> {
        let scale = self.scale();
        let mut lines = match self.signal {
            "baseline" => steps.of_departures().lines(scale),
            _ => steps.lines(scale),
        };
        lines.push(format!("signal = \"{}\"", self.signal));
        match self.signal {
            "last" => {}
            "baseline" => {
                lines.push(format!("weeks = {}", 1 + self.number % 3));
                lines.push(format!("floor = {}", [0.0, 0.5, 2.0][self.number as usize / 3 % 3]));
            }
            "stuck" => lines.push(format!("tolerance = {}", self.number / 25)),
            _ => lines.push(format!("window = \"{}\"", self.window)),
        }
        match self.signal {
            "percentile" => lines.push(format!("percentile = {}", self.number.max(1))),
            "rate" => lines.push("per = \"1m\"".to_owned()),
            _ => {}
        }
        lines
    }
}

impl Steps {
    /// Departures lie about 0.
    pub(crate) fn of_departures(&self) -> Self {
        let first = match self.direction {
            "above" => self.first / 6,
            "below" => -self.first / 6,
            _ => 0,
        };
        Self { first, ..self.clone() }
    }

    pub(crate) fn limits(&self, scale: f64) -> String {
        let half = |n: i32| f64::from(n) / 2.0 * scale;
        let limit = |n: i32| match self.direction {
            "above" => half(2 * self.first + n * self.apart).to_string(),
            "below" => half(2 * self.first - n * self.apart).to_string(),
            _ => {
                let out = 2 * self.deadband + 1 + n * self.apart.min(8);
                format!("[{}, {}]", half(2 * self.first - out), half(2 * self.first + out))
            }
        };
        let has = LEVELS.iter().zip(self.levels).filter(|(_, has)| *has);
        let levels: Vec<String> = (0..).zip(has).map(|(n, (level, _))| format!("{level} = {}", limit(n))).collect();
        format!("levels = {{ {} }}", levels.join(", "))
    }

    pub(crate) fn lines(&self, scale: f64) -> Vec<String> {
        vec![
            self.limits(scale),
            format!("direction = \"{}\"", self.direction),
            format!("deadband = {}", f64::from(self.deadband) / 2.0 * scale),
        ]
    }
}

impl Times {
    pub(crate) fn text(&self, levels: [bool; 4]) -> String {
        let mut text = self.hold.text("for", levels) + &self.keep.text("keep_firing_for", levels);
        if let Some(n) = self.min_samples {
            let _ = writeln!(text, "min_samples = {n}");
        }
        if let Some(length) = self.stale_after {
            let _ = writeln!(text, "stale_after = \"{length}\"");
        }
        text
    }
}

impl Lengths {
    pub(crate) fn text(&self, key: &str, levels: [bool; 4]) -> String {
        match self {
            Self::None => String::new(),
            Self::One(length) => format!("{key} = \"{length}\"\n"),
            Self::Each(lengths) => {
                let each = LEVELS.iter().zip(lengths).zip(levels).filter(|(_, has)| *has);
                let each: Vec<String> = each.map(|((level, length), _)| format!("{level} = \"{length}\"")).collect();
                format!("{key} = {{ {} }}\n", each.join(", "))
            }
        }
    }
}
