//! Named points at which a test can let the process die: `MAIBO_FAILPOINT=name:n` aborts at the n-th passage.
//!
//! A random kill almost never hits a window of 50 µs; a named one always does. Unset, a point costs one relaxed load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Every point there is, in data-path order.
pub const POINTS: [&str; 6] = [
    "before_inputs_append",
    "after_inputs_before_ack",
    "after_ack_before_decide",
    "after_decide_before_facts",
    "after_facts_before_tell",
    "during_recovery",
];

static ARMED: OnceLock<Option<(String, AtomicU64)>> = OnceLock::new();

/// Dies here if this point is armed and its count has run out.
pub fn hit(point: &'static str) {
    debug_assert!(POINTS.contains(&point), "unlisted failpoint {point}");
    let armed = ARMED.get_or_init(|| {
        let text = std::env::var("MAIBO_FAILPOINT").ok()?;
        let (name, count) = text.split_once(':')?;
        Some((name.to_owned(), AtomicU64::new(count.parse().ok()?)))
    });
    if let Some((name, left)) = armed
        && name == point
        && left.fetch_sub(1, Relaxed) == 1
    {
        std::process::abort();
    }
}
