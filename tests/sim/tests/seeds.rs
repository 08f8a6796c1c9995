//! The simulation, as every run of the tests has it. `MAIBO_SEEDS=n` runs n cases, others every time.
#![allow(clippy::print_stdout, reason = "the figures are part of the proof")]

use maibo_simulation::{Case, many};

/// Cases of an ordinary run: always the same ones.
const CASES: u64 = 1_000;

// P1, P2, P3, P4, P5, P8: whatever the disk, the power and the clock do, nothing promised is lost, and nothing is made up.
#[test]
fn a_thousand_cases_hold() {
    let hunt = std::env::var("MAIBO_SEEDS").ok().and_then(|n| n.parse::<u64>().ok());
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    let seeds = hunt.map_or(0..CASES, |n| since..since + n);
    let total = many(seeds);
    println!("{total}");
    assert!(total.failed.is_empty(), "cargo xtask sim --seed {:?}", total.failed);
    // What tests nothing is green as well.
    let sum = &total.sum;
    assert!(sum.cuts > total.cases && sum.failed_starts > total.cases / 4, "hardly any trouble: {total}");
    assert!(sum.acknowledged > total.cases * 20 && sum.facts > total.cases * 20 && sum.heard > total.cases * 10);
}

// A case can be looked at again: the same seed gives the same bytes.
#[test]
fn a_seed_is_a_case() {
    for seed in 0..20 {
        assert_eq!(Case::new(seed, false).run(), Case::new(seed, false).run(), "seed {seed}");
    }
}
