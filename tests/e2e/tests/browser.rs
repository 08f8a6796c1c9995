//! P9: the live picture cannot go quietly stale. The real page in Chromium over the real binary.

use std::path::Path;
use std::process::Command;

use maibo_e2e::binary;

// Values move, an alert arrives and is acknowledged, the language switches, the server dies and comes back; no console
// output, no foreign request.
#[test]
fn a_duty_operators_story() {
    let dashboard = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboard");
    let status = Command::new("node")
        .arg("test/browser.mjs")
        .current_dir(dashboard)
        .env("MAIBO_BIN", binary())
        .status()
        .expect("start node (https://nodejs.org)");
    assert!(status.success(), "the browser test failed: {status}");
}
