//! Named points at which a test can let the process die, or a part of it fail: `MAIBO_FAILPOINT=name:n` aborts at the n-th
//! passage, `name:n:panic` panics there.
//!
//! Before it dies the thread stands still for [`LEAVE`] while all others go on: what it gave out before the point leaves the
//! process, as it would in a life that ends a little later. Without that wait a promise given a few microseconds too early
//! dies with the process, and nobody can see that it was given.
//!
//! A random kill almost never hits a window of 50 µs; a named one always does. Unset, a point costs one relaxed load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Every point there is, in data-path order; the last ones are in what follows the logs.
pub const POINTS: [&str; 12] = [
    "in_source",
    "in_decode",
    "before_inputs_append",
    "after_inputs_before_ack",
    "after_ack_before_decide",
    "after_decide_before_facts",
    "after_facts_before_tell",
    "during_recovery",
    "in_feed",
    "in_alerts",
    "in_history",
    "in_delivery",
];

/// How long the thread at a point waits before the process dies: many times what an acknowledgement takes to the socket.
const LEAVE: Duration = Duration::from_millis(50);

/// The one that a test set.
struct Armed {
    name: String,
    /// Passages left.
    left: AtomicU64,
    panics: bool,
}

impl Armed {
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(':');
        let (name, left) = (words.next()?.to_owned(), AtomicU64::new(words.next()?.parse().ok()?));
        Some(Self { name, left, panics: words.next() == Some("panic") })
    }
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Dies here if this point is armed and its count has run out.
///
/// # Panics
/// Where the test asked for that instead.
pub fn hit(point: &'static str) {
    debug_assert!(POINTS.contains(&point), "unlisted failpoint {point}");
    let armed = ARMED.get_or_init(|| Armed::read(&std::env::var("MAIBO_FAILPOINT").ok()?));
    if let Some(armed) = armed
        && armed.name == point
        && armed.left.fetch_sub(1, Relaxed) == 1
    {
        assert!(!armed.panics, "the failpoint {point} is met");
        std::thread::sleep(LEAVE);
        std::process::abort();
    }
}
