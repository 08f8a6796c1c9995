//! Random air: stations that measure pollutants, and rules on the index of their hours and days.

use std::fmt::Write as _;

use maibo_core::id::{PartitionId, Version};
use maibo_core::input::Input;
use maibo_core::reading::{Quality, Reading};
use proptest::prelude::*;
use proptest::sample::select;

use crate::engine_world::{World, catalogue, ladder, reading, s, source};

/// Pollutants, and a concentration beyond the tables of an hour.
const POLLUTANTS: [(&str, f64); 6] =
    [("pm25", 550.0), ("pm10", 650.0), ("so2", 900.0), ("no2", 4000.0), ("co", 160.0), ("o3", 1300.0)];
const INDEXES: [&str; 4] = ["aqi_hour_2012", "aqi_hour_2026", "aqi_day_2012", "aqi_day_2026"];
const INTERVALS: [&str; 4] = ["1h", "20m", "5m", ""];

/// One thing, so many minutes behind the one before.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    after: i64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Values {
        /// In minutes.
        age: i64,
        numbers: [Option<f64>; 6],
        timed: bool,
        quality: Quality,
    },
    Deaf,
    Listening,
    Rules {
        which: usize,
    },
    Catalogue {
        which: usize,
    },
    Tick,
}

/// Rules on some of the indexes, and one on PM2.5.
#[derive(Clone, Debug)]
pub(crate) struct Rules(Vec<(&'static str, &'static str)>);

pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let more = [
        "",
        "",
        "for = \"1h\"",
        "keep_firing_for = \"2h\"",
        "stale_after = \"90m\"",
        "signal = \"max\"\nwindow = \"3h\"",
        "signal = \"baseline\"\nweeks = 1\nfloor = 0.5\nstale_after = \"7d\"",
        "signal = \"mean\"\nwindow = \"3h\"\nfor = \"1h\"",
    ];
    let quantity = prop_oneof![8 => select(INDEXES.to_vec()), 1 => Just("pm25")];
    proptest::collection::vec((quantity, select(more.to_vec())), 1..5).prop_map(Rules)
}

impl Rules {
    fn text(&self) -> String {
        let mut text = String::new();
        for (n, (quantity, more)) in self.0.iter().enumerate() {
            let lines = format!(
                "when = {{ quantity = \"{quantity}\", kind = \"k\" }}\ndirection = \"above\"\n\
                 levels = {{ blue = 51, yellow = 101, orange = 201, red = 301 }}\n{more}"
            );
            let _ = write!(text, "{}", ladder(&format!("r{n}"), &lines));
        }
        text
    }
}

/// Quarters, so that halves are rounded now and then.
fn number(most: f64) -> impl Strategy<Value = Option<f64>> {
    let share = select(vec![0.05, 0.2, 0.4, 1.0]);
    let value =
        (share, 0..=10_000_i32).prop_map(move |(share, n)| (4.0 * most * share * f64::from(n) / 1e4).round() / 4.0);
    prop_oneof![1 => Just(None), 1 => Just(Some(-3.0)), 20 => value.prop_map(Some)]
}

pub(crate) fn turn() -> impl Strategy<Value = Turn> {
    let after = prop_oneof![
        16 => Just(60_i64),
        2 => 0..70_i64,
        1 => 0..200_i64,
        1 => select(vec![0_i64, 15, 30, 24 * 60, 6 * 24 * 60, 7 * 24 * 60]),
    ];
    let age = prop_oneof![12 => Just(0_i64), 1 => 0..200_i64];
    let numbers = POLLUTANTS.map(|(_, most)| number(most));
    let timed = prop_oneof![12 => Just(true), 1 => Just(false)];
    let quality = prop_oneof![20 => Just(Quality::Good), 1 => select(vec![Quality::Suspect, Quality::Range])];
    let values = (age, numbers, timed, quality).prop_map(|(age, numbers, timed, quality)| What::Values {
        age,
        numbers,
        timed,
        quality,
    });
    let what = prop_oneof![
        60 => values,
        1 => Just(What::Deaf),
        2 => Just(What::Listening),
        1 => (0..2_usize).prop_map(|which| What::Rules { which }),
        1 => (0..INTERVALS.len()).prop_map(|which| What::Catalogue { which }),
        1 => Just(What::Tick),
    ];
    (after, what).prop_map(|(after, what)| Turn { after, what })
}

/// Plays turns on the machine and the model.
pub(crate) fn play(rules: &[Rules], turns: &[Turn], restarts: bool) {
    let of = |interval| catalogue(&[("d", interval)]);
    let mut w = World::with(PartitionId(3), &rules[0].text(), &of(INTERVALS[0]));
    let rules: Vec<Version> = rules.iter().map(|r| w.know(&r.text())).collect();
    let catalogues: Vec<Version> = INTERVALS.iter().map(|interval| w.know_catalogue(&of(interval))).collect();
    let mut now = 0;
    for turn in turns {
        now += s(60 * turn.after);
        if restarts {
            w.restart();
        }
        w.at(now);
        match &turn.what {
            What::Values { age, numbers, timed, quality } => {
                let at = now - s(60 * age);
                let given = POLLUTANTS.iter().zip(numbers).filter_map(|((name, _), number)| Some((*name, (*number)?)));
                let one =
                    |(name, value)| Reading { timed: *timed, quality: *quality, ..reading("d", name, at, now, value) };
                w.batch(given.map(one).map(Input::Reading).collect());
            }
            What::Deaf => {
                w.deaf(now);
            }
            What::Listening => {
                w.batch(vec![Input::Listening { source: source("s") }]);
            }
            What::Rules { which } => {
                w.batch(vec![Input::Rules { version: rules[which % rules.len()], by: None }]);
            }
            What::Catalogue { which } => {
                w.batch(vec![Input::Catalogue { version: catalogues[*which] }]);
            }
            What::Tick => {
                w.tick();
            }
        }
    }
}
