//! Real processes for the black-box tests: Maibo, mosquitto, publishers, and what one can see of them from outside.
//!
//! Nothing waits for a fixed time: [`until`] polls a condition with a deadline.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub mod broker;
pub mod journal;
pub mod maibo;
pub mod oracle;
pub mod prometheus;
pub mod proxy;
pub mod publisher;
pub mod victoria;

/// Polls until `condition` gives a value.
///
/// # Panics
/// After the deadline, naming what was waited for.
pub fn until<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to a process.
///
/// # Panics
/// Where it is not there.
pub fn signal(name: &str, pid: u32) {
    let status = std::process::Command::new("kill").args([name, &pid.to_string()]).status().expect("kill");
    assert!(status.success(), "kill {name} {pid}");
}

/// A port that is free now on the loopback address.
///
/// # Panics
/// Where the loopback address has none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bind a loopback port");
    listener.local_addr().expect("its address").port()
}

/// The binary under test: `MAIBO_BIN`, or the release build of this workspace.
///
/// # Panics
/// Where there is none.
pub fn binary() -> PathBuf {
    let path = std::env::var_os("MAIBO_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/release/maibo"), PathBuf::from);
    assert!(path.exists(), "{} is missing: cargo build --release", path.display());
    path
}

/// The folder of recorded data, or `None` with a word about it where it is not given.
pub fn fixtures() -> Option<PathBuf> {
    let found = std::env::var_os("MAIBO_FIXTURES").map(PathBuf::from).filter(|p| p.is_dir());
    if found.is_none() {
        eprintln!("skipped: MAIBO_FIXTURES names no folder of recorded data");
    }
    found
}
