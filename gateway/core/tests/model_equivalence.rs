//! The engine and the reference model say the same, whatever the rules and whatever happens.
//!
//! Every batch of an [`engine_world::World`] is taken by both and compared there; here are the cases: random rules, random
//! catalogues, and random streams. What fails is shown as a story, smallest first, that can be played by hand.

#[path = "model_equivalence/air.rs"]
mod air;
#[path = "model_equivalence/calendar.rs"]
mod calendar;
mod engine_world;
#[path = "model_equivalence/formulas.rs"]
mod formulas;
#[path = "model_equivalence/packs.rs"]
mod packs;
#[path = "model_equivalence/stream.rs"]
mod stream;
#[path = "model_equivalence/terms.rs"]
mod terms;
#[path = "model_equivalence/usual.rs"]
mod usual;

use engine_world::cases::cases;
use packs::{Devices, Pack};
use proptest::prelude::*;
use stream::{Happening, play, play_long};

fn case(most: usize) -> impl Strategy<Value = (Vec<Pack>, Vec<Devices>, Vec<Happening>)> {
    // Sets of other rules, or of the same with others on trial.
    let set = (packs::pack(), proptest::option::weighted(0.3, packs::trials()));
    let packs = proptest::collection::vec(set, 1..4).prop_map(|sets| {
        let mut packs: Vec<Pack> = Vec::new();
        for (pack, again) in sets {
            let same = packs.last().zip(again).map(|(before, trials)| before.on_trial(trials));
            packs.push(same.unwrap_or(pack));
        }
        packs
    });
    let devices = proptest::collection::vec(packs::devices(), 1..3);
    (packs, devices, proptest::collection::vec(stream::happening(), 1..most))
}

proptest! {
    #![proptest_config(cases(300))]

    // Any rules, any devices, any stream: the same transitions.
    #[test]
    fn the_same_on_any_stream((packs, devices, stream) in case(80)) {
        play(&packs, &devices, &stream, false);
    }

    // The same where the machine is stopped and started from its snapshot before every batch.
    #[test]
    fn the_same_over_restarts((packs, devices, stream) in case(80)) {
        play(&packs, &devices, &stream, true);
    }
}

proptest! {
    #![proptest_config(cases(60))]

    // What is usual at an hour of the week: months of it, with everything that can happen in between.
    #[test]
    fn the_same_of_what_is_usual(
        packs in proptest::collection::vec(packs::usual(), 1..3),
        devices in proptest::collection::vec(packs::slow_devices(), 1..3),
        stream in proptest::collection::vec(stream::weekly(), 1..160),
        restarts in any::<bool>(),
    ) {
        play(&packs, &devices, &stream, restarts);
    }
}

proptest! {
    #![proptest_config(cases(20))]

    // Hundreds of values of few hours of the week: all that is learnt of them is held against the next.
    #[test]
    fn the_same_of_one_hour(
        rule in usual::usual(),
        steps in proptest::collection::vec(usual::step(), 50..400),
        restarts in any::<bool>(),
    ) {
        usual::play(&rule, &steps, restarts);
    }

    // The air quality index of hours and days.
    #[test]
    fn the_same_of_the_air(
        rules in proptest::collection::vec(air::rules(), 1..3),
        turns in proptest::collection::vec(air::turn(), 1..150),
        restarts in any::<bool>(),
    ) {
        air::play(&rules, &turns, restarts);
    }

    // Windows that become coarse: many hundreds of readings, with gaps, and limits that the signals cross again and again.
    #[test]
    fn the_same_in_coarse_windows(
        pack in packs::coarse(),
        steps in proptest::collection::vec((1..1_500_i64, 0..90_u8), 700..1_100),
        restarts in any::<bool>(),
    ) {
        play_long(&pack, &steps, restarts);
    }
}
