//! The steps of `cargo xtask test`, in order, and the counts they end with.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::{needs, timings};

/// How many tests passed, failed, were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

type Step = (&'static str, fn(&mut Counts) -> anyhow::Result<()>);

/// Everything that is built for tests is built once, with the profile that ships; but for the gateway's unit tests, which
/// wait for what they drive, and are six minutes of a cold run if they are compiled as what ships is.
const STEPS: [Step; 8] = [
    ("format", |c| command(c, "cargo", &["fmt", "--all", "--check"])),
    ("build", |_| timings::build()),
    ("lint", |c| command(c, "cargo", &["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("deny", |c| command(c, "cargo", &["deny", "--all-features", "check", "bans", "licenses", "sources"])),
    ("dashboard", dashboard),
    ("unit", |c| nextest(c, &["--lib", "--config", "profile.release.package.maibo.opt-level=0"], "all()")),
    ("rust", |c| nextest(c, &PROGRAMS, "not package(maibo-e2e)")),
    ("end-to-end", |c| nextest(c, &PROGRAMS, "package(maibo-e2e)")),
];

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|(name, _)| *name)
}

/// Runs every step; a failed one does not keep the others from running, but the end is a failure.
pub(crate) fn all() -> anyhow::Result<()> {
    needs::provide()?;
    if needs::in_ci() && !needs::recordings() {
        bail!("in CI nothing may be skipped: MAIBO_FIXTURES names no folder of recorded data");
    }
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    for (name, step) in &STEPS {
        println!("\n── {name}");
        let started = Instant::now();
        if let Err(error) = step(&mut counts) {
            eprintln!("{name}: {error:#}");
            failures.push(*name);
        }
        println!("── {name}: {:.0} s", started.elapsed().as_secs_f64());
    }
    if !failures.is_empty() && counts.failed == 0 {
        counts.failed = failures.len() as u64;
    }
    if !needs::recordings() {
        println!("\nMAIBO_FIXTURES names no folder: the tests on recorded data did nothing, and count as passed");
    }
    println!("\n{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    if !failures.is_empty() {
        bail!("failed: {}", failures.join(", "));
    }
    if needs::in_ci() && counts.skipped > 0 {
        bail!("in CI nothing may be skipped");
    }
    Ok(())
}

/// The benchmarks: figures for people, nothing that passes or fails. Everything they run is built first.
pub(crate) fn bench(arguments: &[&str]) -> anyhow::Result<()> {
    let mut counts = Counts::default();
    command(&mut counts, "cargo", &["build", "--release", "--workspace"])?;
    let program = binary()?.with_file_name("maibo-bench");
    command(&mut counts, program.to_str().context("the path is no text")?, arguments)
}

/// Kills the real binary under load so many times, at random moments and at every named point, and holds what is left
/// against the ledgers of sender and receiver.
pub(crate) fn faults(rounds: &str) -> anyhow::Result<()> {
    let rounds: u32 = rounds.parse().context("how many rounds")?;
    let mut counts = Counts::default();
    command(&mut counts, "cargo", &["build", "--release", "--workspace"])?;
    let set = format!("MAIBO_ROUNDS={rounds}");
    let test = ["nextest", "run", "--release", "--workspace", "--no-capture", "-E", "binary(durability)"];
    command(&mut counts, "env", &[&[set.as_str(), "cargo"], test.as_slice()].concat())
}

/// The simulation: one case with its story, or many.
pub(crate) fn sim(arguments: &[&str]) -> anyhow::Result<()> {
    let run = ["run", "--quiet", "--release", "--package", "maibo-simulation", "--"];
    command(&mut Counts::default(), "cargo", &[&run, arguments].concat())
}

/// Runs one step by name.
pub(crate) fn one(name: &str) -> anyhow::Result<()> {
    let (_, step) = STEPS.iter().find(|(n, _)| *n == name).context("no such step; `cargo xtask steps` lists them")?;
    let mut counts = Counts::default();
    let done = step(&mut counts);
    println!("\n{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    done
}

/// What has tests beside the libraries.
const PROGRAMS: [&str; 3] = ["--bins", "--test", "*"];

/// Runs some of the workspace's tests: of these targets, those of which. Always of the whole workspace: another selection would
/// build the dependencies again.
fn nextest(counts: &mut Counts, targets: &[&str], which: &str) -> anyhow::Result<()> {
    let all = ["nextest", "run", "--release", "--workspace", "--no-fail-fast"];
    command(counts, "cargo", &[&all, targets, &["-E", which]].concat())
}

fn dashboard(counts: &mut Counts) -> anyhow::Result<()> {
    if !Path::new("dashboard/node_modules").exists() {
        command(counts, "npm", &["--prefix", "dashboard", "ci", "--no-audit", "--no-fund"])?;
    }
    command(counts, "npm", &["--prefix", "dashboard", "run", "--silent", "check"])?;
    command(counts, "npm", &["--prefix", "dashboard", "run", "--silent", "test"])
}

/// A program that does not take itself for a part of this one: what `cargo run` tells `xtask` about its package would make
/// build scripts that watch it, and all that stands on them, run again whenever somebody calls cargo by hand in between.
pub(crate) fn program_of_its_own(program: &str) -> Command {
    let mut command = Command::new(program);
    let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
    command
}

/// Runs a command, shows what it prints, and adds the counts of its closing lines.
fn command(counts: &mut Counts, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    // The same random cases every time: who changes one thing sees no red of another. `MAIBO_CASES` goes hunting.
    let seed = std::env::var("PROPTEST_RNG_SEED").unwrap_or_else(|_| "1".to_owned());
    let mut child = program_of_its_own(program)
        .args(arguments)
        .env("MAIBO_BIN", binary()?)
        .env("PROPTEST_RNG_SEED", seed)
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {program}"))?;
    let (out, err) = (child.stdout.take().context("stdout")?, child.stderr.take().context("stderr")?);
    // Both streams are read at once; a full pipe would stop the child.
    let (from_out, from_err) = std::thread::scope(|scope| {
        let out = scope.spawn(|| relay(out, std::io::stdout()));
        let err = scope.spawn(|| relay(err, std::io::stderr()));
        (out.join().unwrap_or_default(), err.join().unwrap_or_default())
    });
    for found in [from_out, from_err] {
        counts.passed += found.passed;
        counts.failed += found.failed;
        counts.skipped += found.skipped;
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { bail!("{program} {} ended with {status}", arguments.join(" ")) }
}

/// The binary under test, as an absolute path.
fn binary() -> anyhow::Result<std::path::PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), std::path::PathBuf::from);
    Ok(std::env::current_dir()?.join(target).join("release/maibo"))
}

fn relay(from: impl std::io::Read, mut to: impl Write) -> Counts {
    let mut counts = Counts::default();
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        let _ = writeln!(to, "{line}");
        let trimmed = line.trim_start();
        // nextest: `Summary [ 1.2s] 10 tests run: 9 passed, 1 failed, 2 skipped`; vitest: `Tests  10 passed (10)`.
        let tail = if trimmed.starts_with("Summary [") {
            trimmed.split_once("run:").map(|(_, t)| t)
        } else {
            trimmed.strip_prefix("Tests  ")
        };
        if let Some(tail) = tail {
            counts.passed += before(tail, "passed");
            counts.failed += before(tail, "failed") + before(tail, "timed out");
            counts.skipped += before(tail, "skipped");
        }
    }
    counts
}

/// The number that stands before a word.
fn before(text: &str, word: &str) -> u64 {
    let Some(at) = text.find(word) else { return 0 };
    text[..at].split_whitespace().next_back().and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // CI ends with true counts: both runners' closing lines are understood.
    #[test]
    fn counts_are_read() {
        let text = "     Summary [   1.2s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 3 skipped\n Tests  7 passed | 1 skipped (8)\n";
        let counts = relay(text.as_bytes(), std::io::sink());
        assert_eq!(counts, Counts { passed: 16, failed: 3, skipped: 4 });
    }
}
