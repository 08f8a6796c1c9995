//! How many random cases a property test takes.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// Ten times `base`, and always the same ones, so that whoever changes something else sees no red. With `MAIBO_CASES` so
/// many times `base`, and then they are others every time. No regression files: a failure prints its smallest inputs,
/// which become a scenario.
pub(crate) fn cases(base: u32) -> ProptestConfig {
    let times: Option<u32> = std::env::var("MAIBO_CASES").ok().and_then(|n| n.parse().ok());
    let rng_seed = if times.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) };
    let cases = base * times.unwrap_or(10);
    ProptestConfig { cases, rng_seed, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() }
}
