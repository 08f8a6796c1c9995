//! The command line as a stranger meets it.

use std::path::Path;
use std::time::Duration;

use maibo_e2e::journal;
use maibo_e2e::maibo::{Maibo, Setup, command};
use maibo_e2e::publisher::publish;

// Every problem of a configuration is told at once, with its path, and the exit code is 65.
#[test]
fn check_tells_all_problems_at_once() {
    let mut setup = Setup { top: "colour = 1\nclock = \"moon\"".into(), ..Setup::default() };
    setup.external(1, "9");
    setup.rules = "[[rule]]\nid = \"x\"\nnonsense = 1\n".into();
    let maibo = Maibo::prepare(&setup);
    let (code, _, err) = command(&["check", maibo.config().to_str().expect("path")], Path::new("."));
    assert_eq!(code, Some(65), "{err}");
    assert!(err.contains("colour"), "{err}");
    // An unknown key hides nothing: once it is gone, all the rest is told together.
    let setup = Setup { top: "clock = \"moon\"".into(), ..setup };
    let maibo = Maibo::prepare(&setup);
    let (code, _, err) = command(&["check", maibo.config().to_str().expect("path")], Path::new("."));
    assert_eq!(code, Some(65), "{err}");
    for needle in ["moon", "source[0].protocol", "nonsense"] {
        assert!(err.contains(needle), "{needle}: {err}");
    }
}

// Exit codes: usage 64, missing file 65.
#[test]
fn exit_codes() {
    assert_eq!(command(&["fly"], Path::new(".")).0, Some(64));
    assert_eq!(command(&["check", "/nowhere/maibo.toml"], Path::new(".")).0, Some(65));
    assert_eq!(command(&["--version"], Path::new(".")).0, Some(0));
}

// Row 23 of the fault list: a second Maibo on the same data directory refuses and names the first.
#[test]
fn one_maibo_per_data_directory() {
    let mut setup = Setup::default();
    setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    let (code, _, err) =
        command(&["journal", "inspect", "--data", maibo.data().to_str().expect("path")], Path::new("."));
    assert_eq!(code, Some(69), "{err}");
    assert!(err.contains(&maibo.pid().expect("running").to_string()), "{err}");
}

// Row 5: SIGTERM with data in flight: exit 0, everything acknowledged is in the log, the next start replays nothing.
#[test]
fn sigterm_drains() {
    let mut setup = Setup::default();
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    let messages: Vec<(String, Vec<u8>)> = (0..300_i64)
        .map(|n| {
            let t = 1_780_000_000_000 + n * 1000;
            (format!("maibo/v1/d{}/telemetry", n % 7), format!("{{\"t\":{t},\"water_depth\":{n}}}").into_bytes())
        })
        .collect();
    assert_eq!(publish(port, "drain", &messages, Duration::from_secs(20)), messages.len());
    assert_eq!(maibo.terminate().code(), Some(0));
    let mut found: Vec<i64> = journal::readings(&maibo.data()).iter().map(|r| r.3 as i64).collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, (0..300).collect::<Vec<_>>());
    maibo.start();
    assert!(maibo.last_log().contains("replayed=0"), "{}", maibo.last_log());
}
