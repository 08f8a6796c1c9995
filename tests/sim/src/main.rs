//! Runs cases: `--seed N` one, telling its story; `--seeds N [--from M]` many, on all cores.
#![allow(clippy::print_stdout, reason = "a command that talks to people")]

use std::process::ExitCode;

use maibo_simulation::{Case, many};

const HELP: &str = "\
--seed N               one case, with its story
--seeds N [--from M]   the cases M (0) to M + N - 1
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let numbers: Vec<u64> = words.iter().skip(1).step_by(2).filter_map(|w| w.parse().ok()).collect();
    let (from, n) = match (words.as_slice(), numbers.as_slice()) {
        (["--seed", _], [seed]) => {
            println!("{:?}", Case::new(*seed, true).run());
            return ExitCode::SUCCESS;
        }
        (["--seeds", _], [n]) => (0, *n),
        (["--seeds", _, "--from", _], [n, from]) => (*from, *n),
        _ => {
            print!("{HELP}");
            return ExitCode::from(64);
        }
    };
    let total = many(from..from.saturating_add(n));
    for seed in &total.failed {
        println!("seed {seed} failed; its story: cargo xtask sim --seed {seed}");
    }
    println!("{total}");
    if total.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
