//! Random rules and devices, as text.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;

use crate::calendar::{Calendar, calendar, limits};
use crate::engine_world::ladder;

/// A set of up to three rules.
#[derive(Clone, Debug)]
pub(crate) struct Pack {
    rules: Vec<Rule>,
    /// Which of them are on trial.
    trials: [bool; 3],
}

/// The devices of a catalogue: kind, interval and limits of its own of each of a, b and c, or none.
#[derive(Clone, Debug)]
pub(crate) struct Devices(Vec<Option<(&'static str, &'static str, String)>>);

#[derive(Clone, Debug)]
enum Rule {
    /// Of water depth or temperature.
    Ladder {
        depth: bool,
        of_kind: bool,
        decimals: Option<u32>,
        terms: Vec<(Sense, Steps)>,
        times: Times,
        calendar: Box<Calendar>,
    },
    Absence {
        intervals: i32,
        level: &'static str,
    },
    Event {
        codes: &'static str,
        expires: &'static str,
    },
}

/// What is judged of the series, and over which window.
#[derive(Clone, Debug)]
struct Sense {
    signal: &'static str,
    window: &'static str,
    number: i32,
}

/// Limits.
#[derive(Clone, Debug)]
struct Steps {
    direction: &'static str,
    /// Which of the four levels.
    levels: [bool; 4],
    first: i32,
    /// From one level to the next, in halves.
    apart: i32,
    /// In halves.
    deadband: i32,
}

/// Timers.
#[derive(Clone, Debug)]
struct Times {
    hold: Lengths,
    keep: Lengths,
    min_samples: Option<u32>,
    stale_after: Option<&'static str>,
}

/// No length, one for all levels, or one for each.
#[derive(Clone, Debug)]
enum Lengths {
    None,
    One(&'static str),
    Each([&'static str; 4]),
}

pub(crate) const LEVELS: [&str; 4] = ["blue", "yellow", "orange", "red"];
const LENGTHS: [&str; 8] = ["0s", "3s", "5s", "7s", "12s", "20s", "50s", "90s"];

pub(crate) fn pack() -> impl Strategy<Value = Pack> {
    let rules = proptest::collection::vec(rule(), 1..4);
    (rules, trials()).prop_map(|(rules, trials)| Pack { rules, trials })
}

/// One rule of one term over a window of many readings, without timers.
pub(crate) fn coarse() -> impl Strategy<Value = Pack> {
    let others = ["mean", "min", "max", "sum", "count", "range", "delta", "rate", "leq"];
    let window = select(vec!["3m", "7m", "400s", "9m"]);
    let signal = prop_oneof![2 => select(others.to_vec()), 1 => Just("percentile")];
    let sense = (signal, window, 1..100_i32).prop_map(|(signal, window, number)| Sense { signal, window, number });
    let direction = select(vec!["above", "below"]);
    let terms = (sense, direction, 30..60_i32).prop_map(|(sense, direction, first)| {
        // Limits where the signal of some hundred values from 0 to 44.5 moves about.
        let (first, apart) = match sense.signal {
            "sum" => (first * 40, 30),
            "count" => (first * 40, 20),
            "delta" | "rate" | "min" => (first - 40, 1),
            _ => (first, 1),
        };
        let times = Times { hold: Lengths::None, keep: Lengths::None, min_samples: Some(1), stale_after: Some("100s") };
        let steps = Steps { direction, levels: [true; 4], first, apart, deadband: 0 };
        let calendar = Box::default();
        Rule::Ladder { depth: false, of_kind: false, decimals: None, terms: vec![(sense, steps)], times, calendar }
    });
    proptest::collection::vec(terms, 1..4).prop_map(|rules| Pack { rules, trials: [false; 3] })
}

/// Which rules are on trial: mostly none.
pub(crate) fn trials() -> impl Strategy<Value = [bool; 3]> {
    prop_oneof![2 => Just([false; 3]), 1 => any::<[bool; 3]>()]
}

pub(crate) fn devices() -> impl Strategy<Value = Devices> {
    let kind = prop_oneof![4 => Just("k"), 1 => Just("other")];
    let interval = select(vec!["", "1s", "5s", "10s", "10s", "60s"]);
    let device = prop_oneof![6 => (kind, interval, limits()).prop_map(Some), 1 => Just(None)];
    proptest::collection::vec(device, 3).prop_map(Devices)
}

fn rule() -> impl Strategy<Value = Rule> {
    let terms = prop_oneof![
        3 => (Just(Sense { signal: "last", window: "", number: 0 }), steps()).prop_map(|term| vec![term]),
        3 => (sense(), steps()).prop_map(|term| vec![term]),
        2 => proptest::collection::vec((sense(), steps()), 2..4),
    ];
    let decimals = prop_oneof![4 => Just(None), 1 => (0..2_u32).prop_map(Some)];
    let depth = prop_oneof![3 => Just(true), 1 => Just(false)];
    let ladder = (depth, any::<bool>(), decimals, terms, times(), calendar().prop_map(Box::new));
    let codes = [
        "\"x.1\" = \"orange\", \"x.*\" = \"blue\", \"y\" = \"red\"",
        "\"x.*\" = \"orange\", \"y\" = \"blue\"",
        "\"*\" = \"yellow\", \"x.2\" = \"red\"",
    ];
    let expires = ["", ", expires_after = \"20s\"", ", expires_after = \"50s\""];
    prop_oneof![
        1 => (select(codes.to_vec()), select(expires.to_vec())).prop_map(|(codes, expires)| Rule::Event { codes, expires }),
        6 => ladder.prop_map(|(depth, of_kind, decimals, terms, times, calendar)| {
            Rule::Ladder { depth, of_kind, decimals, terms, times, calendar }
        }),
        2 => (1..6_i32, select(&LEVELS[..])).prop_map(|(intervals, level)| Rule::Absence { intervals, level }),
    ]
}

fn sense() -> impl Strategy<Value = Sense> {
    let signals =
        ["last", "mean", "min", "max", "sum", "count", "range", "delta", "rate", "percentile", "leq", "stuck"];
    let window = select(vec!["3s", "20s", "20s", "1m", "5m"]);
    (select(signals.to_vec()), window, 0..100_i32).prop_map(|(signal, window, number)| Sense { signal, window, number })
}

fn steps() -> impl Strategy<Value = Steps> {
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

fn times() -> impl Strategy<Value = Times> {
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

impl Pack {
    pub(crate) fn text(&self) -> String {
        let trial = |i: usize| if self.trials[i] { "shadow = true\n" } else { "" };
        self.rules.iter().enumerate().map(|(i, rule)| rule.text(&format!("r{i}"), trial(i))).collect()
    }

    /// The same rules, others of them on trial.
    pub(crate) fn on_trial(&self, trials: [bool; 3]) -> Self {
        Self { trials, ..self.clone() }
    }
}

impl Devices {
    pub(crate) fn text(&self) -> String {
        let mut text = "id,kind,name,place,domain,interval,limits\n".to_owned();
        for (id, device) in ["a", "b", "c"].into_iter().zip(&self.0) {
            if let Some((kind, interval, limits)) = device {
                let _ = writeln!(text, "{id},{kind},,110105003,traffic,{interval},{limits}");
            }
        }
        text
    }
}

impl Rule {
    fn text(&self, id: &str, trial: &str) -> String {
        match self {
            Self::Absence { intervals, level } => {
                let lines = format!(
                    "when = {{ kind = \"k\" }}\nabsent = {{ intervals = {intervals} }}\nlevel = \"{level}\"\n{trial}"
                );
                ladder(id, &lines)
            }
            Self::Event { codes, expires } => {
                let codes = format!("codes = {{ {codes} }}{expires}");
                ladder(id, &format!("when = {{ kind = \"k\" }}\nevent = {{ {codes} }}\n{trial}"))
            }
            Self::Ladder { depth, of_kind, decimals, terms, times, calendar } => {
                let quantity = if *depth { "water_depth" } else { "temperature" };
                let kind = if *of_kind { ", kind = \"k\"" } else { "" };
                let mut text = format!("{trial}when = {{ quantity = \"{quantity}\"{kind} }}\n");
                if let Some(n) = decimals {
                    let _ = writeln!(text, "decimals = {n}");
                }
                let mut levels = [false; 4];
                for (_, steps) in terms {
                    (0..4).for_each(|i| levels[i] |= steps.levels[i]);
                }
                // Limits of a period are those of the only term, moved.
                let one = if let [one] = &terms[..] { Some(one) } else { None };
                for (_, of) in calendar.periods.iter().filter_map(|p| p.own).filter(|_| one.is_some()) {
                    (0..4).for_each(|i| levels[i] |= of[i]);
                }
                let periods = calendar.text(|further, levels| {
                    let (sense, steps) = one?;
                    Some(Steps { first: steps.first + further, levels, ..steps.clone() }.limits(sense.scale()))
                });
                let each: Vec<Vec<String>> = terms.iter().map(|(sense, steps)| sense.lines(steps)).collect();
                if let [one] = &each[..] {
                    text += &(one.join("\n") + "\n");
                } else {
                    let each: Vec<String> = each.iter().map(|t| format!("{{ {} }}", t.join(", "))).collect();
                    let _ = writeln!(text, "any = [ {} ]", each.join(", "));
                }
                ladder(id, &(text + &times.text(levels) + &periods))
            }
        }
    }
}

impl Sense {
    /// So that limits lie where values do.
    fn scale(&self) -> f64 {
        match self.signal {
            "sum" => 4.0,
            "count" => 0.125,
            "rate" => 2.0,
            "delta" | "range" => 0.5,
            _ => 1.0,
        }
    }

    fn lines(&self, steps: &Steps) -> Vec<String> {
        let mut lines = steps.lines(self.scale());
        lines.push(format!("signal = \"{}\"", self.signal));
        match self.signal {
            "last" => {}
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
    fn limits(&self, scale: f64) -> String {
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

    fn lines(&self, scale: f64) -> Vec<String> {
        vec![
            self.limits(scale),
            format!("direction = \"{}\"", self.direction),
            format!("deadband = {}", f64::from(self.deadband) / 2.0 * scale),
        ]
    }
}

impl Times {
    fn text(&self, levels: [bool; 4]) -> String {
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
    fn text(&self, key: &str, levels: [bool; 4]) -> String {
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
