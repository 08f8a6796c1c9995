//! Random weeks of one series: many values of the same hours, so that all that was learnt of them matters.

use maibo_core::id::PartitionId;
use maibo_core::input::Input;
use maibo_core::reading::{Quality, Reading};
use proptest::prelude::*;
use proptest::sample::select;

use crate::engine_world::{World, catalogue, ladder, reading, s};

const WEEK: i64 = s(7 * 86_400);

/// A rule, and how often the device reports.
#[derive(Clone, Debug)]
pub(crate) struct Usual {
    weeks: i32,
    floor: f64,
    direction: &'static str,
    decimals: bool,
    interval: &'static str,
}

/// A value, so many seconds behind the one before, or in the same hour of the next week.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    after: i64,
    next_week: bool,
    halves: i32,
    quality: Quality,
}

pub(crate) fn usual() -> impl Strategy<Value = Usual> {
    let floor = select(vec![0.0, 0.0, 0.5, 3.0]);
    let interval = select(vec!["", "60s", "7m", "10m", "30m", "50m", "1h", "2h"]);
    let direction = select(vec!["above", "below", "outside"]);
    (1..4_i32, floor, direction, any::<bool>(), interval)
        .prop_map(|(weeks, floor, direction, decimals, interval)| Usual { weeks, floor, direction, decimals, interval })
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let after = prop_oneof![8 => 1..240_i64, 1 => 1..4000_i64];
    let next_week = prop_oneof![15 => Just(false), 1 => Just(true)];
    // Mostly close together, and wild now and then.
    let halves = prop_oneof![12 => 30..40_i32, 3 => 20..50_i32, 1 => -100..300_i32];
    let quality = prop_oneof![15 => Just(Quality::Good), 1 => Just(Quality::Substituted)];
    (after, next_week, halves, quality).prop_map(|(after, next_week, halves, quality)| Step {
        after,
        next_week,
        halves,
        quality,
    })
}

/// Plays values on the machine and the model.
pub(crate) fn play(usual: &Usual, steps: &[Step], restarts: bool) {
    let levels = match usual.direction {
        "above" => "blue = 1.5, yellow = 2, red = 4",
        "below" => "blue = -1.5, yellow = -2, red = -4",
        _ => "blue = [-2, 2], yellow = [-3, 3], red = [-5, 5]",
    };
    let rounded = if usual.decimals { "\ndecimals = 2" } else { "" };
    let rules = ladder(
        "usual",
        &format!(
            "when = {{ quantity = \"temperature\" }}\nsignal = \"baseline\"\nweeks = {}\nfloor = {}\n\
             direction = \"{}\"\nlevels = {{ {levels} }}\ndeadband = 0.25\nstale_after = \"10d\"{rounded}",
            usual.weeks, usual.floor, usual.direction
        ),
    );
    let mut w = World::with(PartitionId(3), &rules, &catalogue(&[("d", usual.interval)]));
    let mut now = 0;
    for (n, step) in steps.iter().enumerate() {
        now += s(step.after);
        if step.next_week {
            now += WEEK - now % s(3600);
        }
        if restarts && n % 20 == 19 {
            w.restart();
        }
        let plain = reading("d", "temperature", now, now, f64::from(step.halves) / 2.0);
        w.at(now).batch(vec![Input::Reading(Reading { quality: step.quality, ..plain })]);
    }
}
