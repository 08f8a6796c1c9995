//! Random rules and devices, as text.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;

use crate::engine_world::ladder;
use crate::formulas::{Formula, formula};

/// A set of rules.
#[derive(Clone, Debug)]
pub(crate) struct Pack(Vec<Rule>);

/// The devices of a catalogue: kind and interval of each of a, b and c, or none.
#[derive(Clone, Debug)]
pub(crate) struct Devices(Vec<Option<(&'static str, &'static str)>>);

#[derive(Clone, Debug)]
enum Rule {
    Ladder { of: Of, of_kind: bool, decimals: Option<u32>, terms: Vec<(Sense, Steps)>, times: Times },
    Absence { intervals: i32, level: &'static str },
    Event { codes: &'static str, expires: &'static str },
}

/// What is judged.
#[derive(Clone, Debug)]
enum Of {
    Depth,
    Temperature,
    Formula(Box<Formula>),
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

const LEVELS: [&str; 4] = ["blue", "yellow", "orange", "red"];
const LENGTHS: [&str; 8] = ["0s", "3s", "5s", "7s", "12s", "20s", "50s", "90s"];

pub(crate) fn pack() -> impl Strategy<Value = Pack> {
    proptest::collection::vec(rule(), 1..4).prop_map(Pack)
}

/// Rules of which one at least judges what is usual.
pub(crate) fn usual() -> impl Strategy<Value = Pack> {
    let usual = |rule: Rule| match rule {
        Rule::Ladder { of, of_kind, decimals, mut terms, times } => {
            terms[0].0.signal = "baseline";
            let times = Times { stale_after: Some("7d"), ..times };
            Rule::Ladder { of, of_kind, decimals, terms, times }
        }
        other => other,
    };
    (proptest::collection::vec(rule().prop_map(usual), 1..3)).prop_map(Pack)
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
        Rule::Ladder { of: Of::Temperature, of_kind: false, decimals: None, terms: vec![(sense, steps)], times }
    });
    proptest::collection::vec(terms, 1..4).prop_map(Pack)
}

pub(crate) fn devices() -> impl Strategy<Value = Devices> {
    let kind = prop_oneof![4 => Just("k"), 1 => Just("other")];
    let interval = select(vec!["", "1s", "5s", "10s", "10s", "60s"]);
    let device = prop_oneof![6 => (kind, interval).prop_map(Some), 1 => Just(None)];
    proptest::collection::vec(device, 3).prop_map(Devices)
}

/// The same that report seldom.
pub(crate) fn slow_devices() -> impl Strategy<Value = Devices> {
    let interval = select(vec!["", "60s", "5m", "7m", "10m", "30m", "1h", "1h"]);
    let device = prop_oneof![6 => interval.prop_map(|interval| Some(("k", interval))), 1 => Just(None)];
    proptest::collection::vec(device, 3).prop_map(Devices)
}

fn rule() -> impl Strategy<Value = Rule> {
    let terms = prop_oneof![
        3 => (Just(Sense { signal: "last", window: "", number: 0 }), steps()).prop_map(|term| vec![term]),
        3 => (sense(), steps()).prop_map(|term| vec![term]),
        2 => proptest::collection::vec((sense(), steps()), 2..4),
    ];
    let decimals = prop_oneof![4 => Just(None), 1 => (0..2_u32).prop_map(Some)];
    let measured = prop_oneof![3 => Just(Of::Depth), 1 => Just(Of::Temperature)];
    let of = prop_oneof![
        2 => measured,
        1 => formula().prop_map(|f| Of::Formula(Box::new(f))),
    ];
    let ladder = (of, any::<bool>(), decimals, terms, times());
    let codes = [
        "\"x.1\" = \"orange\", \"x.*\" = \"blue\", \"y\" = \"red\"",
        "\"x.*\" = \"orange\", \"y\" = \"blue\"",
        "\"*\" = \"yellow\", \"x.2\" = \"red\"",
    ];
    let expires = ["", ", expires_after = \"20s\"", ", expires_after = \"50s\""];
    prop_oneof![
        1 => (select(codes.to_vec()), select(expires.to_vec())).prop_map(|(codes, expires)| Rule::Event { codes, expires }),
        6 => ladder.prop_map(|(of, of_kind, decimals, terms, times)| Rule::Ladder { of, of_kind, decimals, terms, times }),
        2 => (1..6_i32, select(&LEVELS[..])).prop_map(|(intervals, level)| Rule::Absence { intervals, level }),
    ]
}

fn sense() -> impl Strategy<Value = Sense> {
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
        self.0.iter().enumerate().map(|(i, rule)| rule.text(&format!("r{i}"))).collect()
    }
}

impl Devices {
    pub(crate) fn text(&self) -> String {
        let mut text = "id,kind,name,place,domain,interval\n".to_owned();
        for (id, device) in ["a", "b", "c"].into_iter().zip(&self.0) {
            if let Some((kind, interval)) = device {
                let _ = writeln!(text, "{id},{kind},,110105003,traffic,{interval}");
            }
        }
        text
    }
}

impl Rule {
    fn text(&self, id: &str) -> String {
        match self {
            Self::Absence { intervals, level } => {
                let lines =
                    format!("when = {{ kind = \"k\" }}\nabsent = {{ intervals = {intervals} }}\nlevel = \"{level}\"");
                ladder(id, &lines)
            }
            Self::Event { codes, expires } => {
                let codes = format!("codes = {{ {codes} }}{expires}");
                ladder(id, &format!("when = {{ kind = \"k\" }}\nevent = {{ {codes} }}"))
            }
            Self::Ladder { of, of_kind, decimals, terms, times } => {
                let terms = of.terms(terms);
                let kind = if *of_kind { ", kind = \"k\"" } else { "" };
                let mut text = format!("when = {{ {}{kind} }}\n", of.text());
                if let Some(n) = decimals {
                    let _ = writeln!(text, "decimals = {n}");
                }
                if let Some((sense, _)) = terms.iter().find(|(sense, _)| sense.signal == "baseline") {
                    let zones = ["", "zone = \"Asia/Tokyo\"\n", "zone = \"UTC\"\n"];
                    text += zones[sense.number as usize / 9 % 3];
                }
                let mut levels = [false; 4];
                for (_, steps) in &terms {
                    (0..4).for_each(|i| levels[i] |= steps.levels[i]);
                }
                let each: Vec<Vec<String>> = terms.iter().map(|(sense, steps)| sense.lines(steps)).collect();
                if let [one] = &each[..] {
                    text += &(one.join("\n") + "\n");
                } else {
                    let each: Vec<String> = each.iter().map(|t| format!("{{ {} }}", t.join(", "))).collect();
                    let _ = writeln!(text, "any = [ {} ]", each.join(", "));
                }
                ladder(id, &(text + &times.text(levels)))
            }
        }
    }
}

impl Of {
    fn text(&self) -> String {
        match self {
            Self::Depth => "quantity = \"water_depth\"".to_owned(),
            Self::Temperature => "quantity = \"temperature\"".to_owned(),
            Self::Formula(formula) => formula.text(),
        }
    }

    /// A result has no plausible range, and what is true or false has one limit; its windows are shares.
    fn terms(&self, terms: &[(Sense, Steps)]) -> Vec<(Sense, Steps)> {
        let Self::Formula(formula) = self else { return terms.to_vec() };
        let of_result = |(sense, steps): &(Sense, Steps)| {
            let signal = if sense.signal == "percentile" { "max" } else { sense.signal };
            (Sense { signal, ..sense.clone() }, steps.clone())
        };
        if !formula.truth {
            return terms.iter().map(of_result).collect();
        }
        let (sense, steps) = of_result(&terms[0]);
        if sense.signal == "baseline" {
            return vec![(sense, steps)];
        }
        let share = matches!(sense.signal, "mean" | "sum" | "count" | "stuck");
        if share {
            let scaled = Steps { first: 1, apart: 1, deadband: 1, direction: "above", ..steps };
            return vec![(sense, scaled)];
        }
        let highest = (0..4).rfind(|i| steps.levels[*i]).unwrap_or(3);
        let mut levels = [false; 4];
        levels[highest] = true;
        vec![(Sense { signal: "last", ..sense }, Steps { direction: "above", levels, first: 1, apart: 1, deadband: 1 })]
    }
}

impl Sense {
    fn lines(&self, steps: &Steps) -> Vec<String> {
        // So that limits lie where values do.
        let scale = match self.signal {
            "sum" => 4.0,
            "count" => 0.125,
            "rate" => 2.0,
            "delta" | "range" => 0.5,
            _ => 1.0,
        };
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
    fn of_departures(&self) -> Self {
        let first = match self.direction {
            "above" => self.first / 6,
            "below" => -self.first / 6,
            _ => 0,
        };
        Self { first, ..self.clone() }
    }

    fn lines(&self, scale: f64) -> Vec<String> {
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
        vec![
            format!("levels = {{ {} }}", levels.join(", ")),
            format!("direction = \"{}\"", self.direction),
            format!("deadband = {}", half(self.deadband)),
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
