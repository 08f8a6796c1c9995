//! Planted bugs: are the tests awake? Each patch of `tests/planted` is one wrong decision, and each of its folder `durability`
//! one broken promise; with it applied, the tests of its suite must turn red. A patch that no longer applies, or does not
//! compile, is an error of its own.
//!
//! Works in a worktree of the last commit below `target/planted`, so that what is being edited stays as it is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

/// Patches, and the tests that must notice them, quickest first: the first that turns red is enough.
struct Suite {
    folder: &'static str,
    tests: &'static [&'static [&'static str]],
    /// Seconds after which tests that a bug makes run in circles are ended, and count as red: without a bug they take a tenth.
    hang_s: &'static str,
}

const SUITES: [Suite; 2] = [
    // Unit tests, scenarios on engine and reference model, the same at random, and what holds for any input.
    Suite {
        folder: "tests/planted",
        tests: &[
            &["--package", "maibo-core", "--lib"],
            &["--package", "maibo-core", "--test", "engine_semantics"],
            &["--package", "maibo-core", "--test", "model_equivalence"],
            &["--package", "maibo-core", "--test", "engine_properties"],
        ],
        hang_s: "120",
    },
    // The pipeline on virtual disks: the same thousand cases that every run of the tests has.
    Suite {
        folder: "tests/planted/durability",
        tests: &[&["--package", "maibo-simulation", "--test", "seeds", "a_thousand_cases_hold"]],
        hang_s: "1200",
    },
];

/// What became of the tests.
#[derive(PartialEq, Eq)]
enum Outcome {
    Green,
    Red,
}

/// Applies the patches one by one, or those whose paths contain one of `only`.
pub(crate) fn run(only: &[&str]) -> anyhow::Result<()> {
    let tree = Path::new("target/planted/tree");
    let _ = git(Path::new("."), &["worktree", "remove", "--force", "target/planted/tree"]);
    git(Path::new("."), &["worktree", "add", "--detach", "--force", "target/planted/tree", "HEAD"])?;
    let (mut planted, mut unnoticed) = (0, Vec::new());
    for suite in &SUITES {
        let patches = suite.patches(only)?;
        if patches.is_empty() {
            continue;
        }
        ensure!(tests(suite, tree)? == Outcome::Green, "{}: the tests are red without any bug", suite.folder);
        println!("{} without a bug: green", suite.folder);
        for patch in patches {
            let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let absolute = patch.canonicalize().with_context(|| format!("find {name}"))?;
            git(tree, &["apply", &absolute.to_string_lossy()]).with_context(|| format!("apply {name}"))?;
            let outcome = tests(suite, tree).with_context(|| format!("test with {name}"))?;
            git(tree, &["checkout", "--quiet", "."])?;
            println!("{name}: {}", if outcome == Outcome::Red { "red" } else { "GREEN: nobody noticed" });
            planted += 1;
            if outcome == Outcome::Green {
                unnoticed.push(name);
            }
        }
    }
    git(Path::new("."), &["worktree", "remove", "--force", "target/planted/tree"])?;
    ensure!(planted > 0, "no patch is called so");
    ensure!(unnoticed.is_empty(), "nobody noticed {}", unnoticed.join(", "));
    println!("{planted} planted bugs, every one noticed");
    Ok(())
}

impl Suite {
    fn patches(&self, only: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
        let mut patches: Vec<PathBuf> = std::fs::read_dir(self.folder)
            .with_context(|| format!("list {}", self.folder))?
            .filter_map(|e| e.ok().map(|e| e.path()))
            .filter(|p| p.extension().is_some_and(|x| x == "patch"))
            .filter(|p| only.is_empty() || only.iter().any(|o| p.to_string_lossy().contains(o)))
            .collect();
        patches.sort();
        Ok(patches)
    }
}

/// Builds and runs the tests, until one is red.
fn tests(suite: &Suite, tree: &Path) -> anyhow::Result<Outcome> {
    for tests in suite.tests {
        ensure!(cargo(tree, tests, None)?, "does not compile");
        if !cargo(tree, tests, Some(suite.hang_s))? {
            return Ok(Outcome::Red);
        }
    }
    Ok(Outcome::Green)
}

/// Builds the tests, or with a limit in seconds runs them.
fn cargo(tree: &Path, tests: &[&str], hang_s: Option<&str>) -> anyhow::Result<bool> {
    let target = std::env::current_dir().context("where are we")?.join("target/planted/build");
    // Building may take longer on a small machine.
    let (most, more) = hang_s.map_or(("3600", "--no-run"), |most| (most, "--quiet"));
    let status = Command::new("timeout")
        .args(["--kill-after=10", most, "cargo"])
        .args(["test", "--release", more])
        .args(tests)
        .env("CARGO_TARGET_DIR", target)
        // Each bug is built once and run once: what counts is the time to build.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_INCREMENTAL", "1")
        // That there is a case is enough; nobody waits for the smallest.
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .current_dir(tree)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("start timeout and cargo")?;
    Ok(status.success())
}

fn git(dir: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let done = Command::new("git").args(arguments).current_dir(dir).output().context("start git")?;
    if !done.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}
