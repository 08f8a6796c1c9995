//! Builds the operator's page into `$OUT_DIR/ui`, so that `cargo run` alone gives a gateway with its page.
//!
//! In order: (1) `MAIBO_UI_DIST=dir`: a page built elsewhere is copied in; (2) npm is there: `npm ci` when the lock file
//! differs from what was installed, then `npm run build`; (3) otherwise, or with `MAIBO_SKIP_UI=1`: a page that says what
//! is missing, and a warning. `MAIBO_REQUIRE_UI=1` makes (3) an error, so that a release never ships without its page;
//! so does `CI=true`, unless the job itself sets `MAIBO_SKIP_UI=1`.
//!
//! Invariants: nothing outside `node_modules` and `$OUT_DIR` is written; a page whose build fails stops the build.
#![allow(clippy::print_stdout, reason = "cargo reads a build script's directives from its standard output")]

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What the page is built from, relative to `dashboard/`.
const INPUTS: [&str; 7] =
    ["src", "index.html", "package.json", "package-lock.json", "tsconfig.json", "svelte.config.js", "vite.config.ts"];
/// Node versions below this cannot run the build tool.
const NODE_MIN: (u32, u32) = (20, 19);
/// A copy of the lock file that `node_modules` was installed from.
const STAMP: &str = "node_modules/.maibo-lock";

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    for name in ["MAIBO_UI_DIST", "MAIBO_SKIP_UI", "MAIBO_REQUIRE_UI", "CI"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?).join("ui");
    let page = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?).join("..");
    clear(&out)?;

    if let Some(dist) = env::var_os("MAIBO_UI_DIST").filter(|dir| !dir.is_empty()) {
        let dist = PathBuf::from(dist);
        println!("cargo:rerun-if-changed={}", dist.display());
        if !dist.join("index.html").is_file() {
            return Err(format!("MAIBO_UI_DIST={}: no index.html there", dist.display()).into());
        }
        return Ok(copy_tree(&dist, &out)?);
    }
    for input in INPUTS {
        println!("cargo:rerun-if-changed={}", page.join(input).display());
    }
    match missing(&page) {
        None => build_page(&page, &out),
        Some(reason) => stand_in(&out, &reason),
    }
}

/// Why the page cannot be built here, or `None` when it can.
fn missing(page: &Path) -> Option<String> {
    if set("MAIBO_SKIP_UI") {
        return Some("MAIBO_SKIP_UI is set".to_owned());
    }
    let Some(version) = output_of("node", "--version") else {
        return Some("node was not found".to_owned());
    };
    if !new_enough(&version) {
        return Some(format!("node {version} is too old"));
    }
    if output_of("npm", "--version").is_none() {
        return Some("npm was not found".to_owned());
    }
    // Without the network the packages may be out of reach; the gateway itself still builds.
    install(page).err().map(|error| format!("npm ci failed: {error}"))
}

fn new_enough(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    found >= NODE_MIN
}

/// Installs the packages of the lock file, unless they already are.
fn install(page: &Path) -> Result<(), Failure> {
    let lock = fs::read(page.join("package-lock.json"))?;
    if fs::read(page.join(STAMP)).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    npm(page, &["ci", "--no-audit", "--no-fund"], None)?;
    Ok(fs::write(page.join(STAMP), lock)?)
}

fn build_page(page: &Path, out: &Path) -> Result<(), Failure> {
    npm(page, &["run", "build"], Some(out)).map_err(|error| format!("the operator's page does not build: {error}"))?;
    if out.join("index.html").is_file() { Ok(()) } else { Err("the page's build left no index.html".into()) }
}

/// Runs npm in the page's folder; its output goes to the build log, never to cargo's directives.
fn npm(page: &Path, arguments: &[&str], out: Option<&Path>) -> Result<(), Failure> {
    let mut command = Command::new(npm_name());
    command.current_dir(page).args(arguments).stdin(Stdio::null());
    if let Some(out) = out {
        command.env("MAIBO_UI_OUT", out);
    }
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stdout));
    Err(format!("npm {}: {}\n{text}", arguments.join(" "), output.status).into())
}

fn npm_name() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

fn output_of(program: &str, argument: &str) -> Option<String> {
    let program = if program == "npm" { npm_name() } else { program };
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Embeds a page that says what is missing, in both languages.
fn stand_in(out: &Path, reason: &str) -> Result<(), Failure> {
    let first = reason.lines().next().unwrap_or_default();
    // A CI job that skips the page says so itself; one that merely lacks npm must not pass unseen.
    let unasked_in_ci = env::var("CI").is_ok_and(|ci| ci == "true") && !set("MAIBO_SKIP_UI");
    if set("MAIBO_REQUIRE_UI") || unasked_in_ci {
        return Err(format!("the operator's page is required but cannot be built: {reason}").into());
    }
    if !set("MAIBO_SKIP_UI") {
        // A file that never exists makes cargo look again each time: Node may have been installed since.
        println!("cargo:rerun-if-changed={}", out.join("look-again").display());
    }
    println!("cargo:warning=the operator's page is NOT built ({first}); everything else works.");
    println!(
        "cargo:warning=install Node >= {}.{} with npm (nodejs.org or your distribution) and build again, or set MAIBO_UI_DIST to a built page.",
        NODE_MIN.0, NODE_MIN.1
    );
    let text = include_str!("stand-in.html").replace("{reason}", &escape(first));
    fs::create_dir_all(out)?;
    Ok(fs::write(out.join("index.html"), text)?)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn set(name: &str) -> bool {
    env::var(name).is_ok_and(|value| !value.is_empty() && value != "0" && value != "false")
}

fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(folder)
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
