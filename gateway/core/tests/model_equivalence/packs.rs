//! Random rules and devices, as text.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;

use crate::calendar::{Calendar, calendar, limits};
use crate::engine_world::ladder;
use crate::formulas::{Formula, formula};
use crate::terms::{LEVELS, Lengths, Sense, Steps, Times, sense, steps, times};

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
    Ladder {
        of: Of,
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

/// What is judged.
#[derive(Clone, Debug)]
enum Of {
    Depth,
    Temperature,
    Formula(Box<Formula>),
}

pub(crate) fn pack() -> impl Strategy<Value = Pack> {
    let rules = proptest::collection::vec(rule(), 1..4);
    (rules, trials()).prop_map(|(rules, trials)| Pack { rules, trials })
}

/// Rules of which one at least judges what is usual.
pub(crate) fn usual() -> impl Strategy<Value = Pack> {
    let usual = |rule: Rule| match rule {
        Rule::Ladder { of, of_kind, decimals, mut terms, times, .. } => {
            terms[0].0.signal = "baseline";
            let (times, calendar) = (Times { stale_after: Some("7d"), ..times }, Box::default());
            Rule::Ladder { of, of_kind, decimals, terms, times, calendar }
        }
        other => other,
    };
    proptest::collection::vec(rule().prop_map(usual), 1..3).prop_map(|rules| Pack { rules, trials: [false; 3] })
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
        let (of, calendar) = (Of::Temperature, Box::default());
        Rule::Ladder { of, of_kind: false, decimals: None, terms: vec![(sense, steps)], times, calendar }
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

/// The same that report seldom.
pub(crate) fn slow_devices() -> impl Strategy<Value = Devices> {
    let interval = select(vec!["", "60s", "5m", "7m", "10m", "30m", "1h", "1h"]);
    let device = prop_oneof![6 => interval.prop_map(|interval| Some(("k", interval, String::new()))), 1 => Just(None)];
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
    let ladder = (of, any::<bool>(), decimals, terms, times(), calendar().prop_map(Box::new));
    let codes = [
        "\"x.1\" = \"orange\", \"x.*\" = \"blue\", \"y\" = \"red\"",
        "\"x.*\" = \"orange\", \"y\" = \"blue\"",
        "\"*\" = \"yellow\", \"x.2\" = \"red\"",
    ];
    let expires = ["", ", expires_after = \"20s\"", ", expires_after = \"50s\""];
    prop_oneof![
        1 => (select(codes.to_vec()), select(expires.to_vec())).prop_map(|(codes, expires)| Rule::Event { codes, expires }),
        6 => ladder.prop_map(|(of, of_kind, decimals, terms, times, calendar)| {
            Rule::Ladder { of, of_kind, decimals, terms, times, calendar }
        }),
        2 => (1..6_i32, select(&LEVELS[..])).prop_map(|(intervals, level)| Rule::Absence { intervals, level }),
    ]
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
            Self::Ladder { of, of_kind, decimals, terms, times, calendar } => {
                let terms = of.terms(terms);
                // Results and what is usual have limits of another kind than a period moves.
                let moved = !matches!(of, Of::Formula(_)) && terms.iter().all(|(sense, _)| sense.signal != "baseline");
                let calendar = &(if moved { (**calendar).clone() } else { Calendar::default() });
                let kind = if *of_kind { ", kind = \"k\"" } else { "" };
                let mut text = format!("{trial}when = {{ {}{kind} }}\n", of.text());
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
