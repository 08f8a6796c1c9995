//! Fuzzing of the decoders, with the nightly toolchain and cargo-fuzz.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

const DIR: &str = "gateway/core/fuzz";

/// The fuzz targets: one file each.
fn targets() -> anyhow::Result<Vec<String>> {
    let mut names: Vec<String> = std::fs::read_dir(Path::new(DIR).join("fuzz_targets"))
        .context("list the fuzz targets")?
        .filter_map(|e| e.ok()?.path().file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// Fuzzes each target for some seconds.
pub(crate) fn run(seconds: u64) -> anyhow::Result<()> {
    for target in targets()? {
        println!("fuzzing {target} for {seconds} s");
        let limit = format!("-max_total_time={seconds}");
        let status = Command::new("cargo")
            .args(["+nightly", "fuzz", "run", "--fuzz-dir", "fuzz", &target, "--", &limit, "-max_len=65536"])
            .current_dir("gateway/core")
            .status()
            .context("start cargo fuzz (cargo install cargo-fuzz; rustup toolchain install nightly)")?;
        if !status.success() {
            bail!("{target} failed; where an input made it fail, that is kept below {DIR}/artifacts");
        }
    }
    Ok(())
}
