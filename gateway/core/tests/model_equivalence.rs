//! The engine and the reference model say the same, whatever the rules and whatever happens.
//!
//! Every batch of an [`engine_world::World`] is taken by both and compared there; here are the cases: random rules, random
//! catalogues, and random streams. What fails is shown as a story, smallest first, that can be played by hand.

mod engine_world;
#[path = "model_equivalence/packs.rs"]
mod packs;
#[path = "model_equivalence/stream.rs"]
mod stream;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use packs::{Devices, Pack};
use stream::{Happening, play, play_long};

/// How many cases of each kind: ten times these, and always the same ones, so that whoever changes something else sees no
/// red. With `MAIBO_CASES` so many times these, and then they are others every time.
fn cases(base: u32) -> ProptestConfig {
    let times: Option<u32> = std::env::var("MAIBO_CASES").ok().and_then(|n| n.parse().ok());
    let rng_seed = if times.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) };
    let cases = base * times.unwrap_or(10);
    ProptestConfig { cases, rng_seed, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() }
}

fn case(most: usize) -> impl Strategy<Value = (Vec<Pack>, Vec<Devices>, Vec<Happening>)> {
    let packs = proptest::collection::vec(packs::pack(), 1..4);
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
    #![proptest_config(cases(20))]

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
