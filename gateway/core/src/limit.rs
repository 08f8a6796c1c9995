//! Every bound of this crate's deciders in one place, each with what happens there.
//!
//! The limits of decoding stand with the decoders.

use crate::time::Millis;

/// Rules in one rule set. A pack with more does not compile.
pub const MAX_RULES: usize = 10_000;
/// Devices in one rule's device list. A longer list does not compile.
pub const MAX_LISTED_DEVICES: usize = 10_000;
/// Labels in one selector or on one device. More do not compile.
pub const MAX_LABELS: usize = 32;
/// Longest text (title, advice, name, source) in characters. A longer one does not compile.
pub const MAX_TEXT: usize = 400;
/// Longest `for`, `keep_firing_for`, `stale_after` and reporting interval. A longer one does not compile.
pub const MAX_DURATION: Millis = Millis::from_secs(31 * 86_400);
/// Largest `min_samples` and number of intervals. A larger one does not compile.
pub const MAX_COUNT: i64 = 1_000;
/// Problems reported at once; what is found beyond them is counted in the last one.
pub const MAX_PROBLEMS: usize = 200;
/// Devices in one catalogue. A longer one does not compile; it bounds the state of all partitions together.
pub const MAX_DEVICES: usize = 1_000_000;
/// Series kept for one device. Readings of further quantities are counted and not judged.
pub const MAX_SERIES: usize = 128;
/// Sources a machine remembers. Further ones are not tracked: their deafness is not told.
pub const MAX_SOURCES: usize = 256;
/// Ends of cells whose rule or device is gone, remembered in one partition. At the limit the oldest are forgotten: should
/// the rule come back and start an episode at the very same millisecond, that episode would have the old one's id.
pub const MAX_SPENT: usize = 10_000;
/// Longest note of a command, in characters. What is longer is cut.
pub const MAX_NOTE: usize = 500;
/// Longest name of whom an alert is assigned to, in characters. A command with a longer one is refused.
pub const MAX_ASSIGNEE: usize = 64;
/// The furthest end of a silence. A command with a later one is refused: who wants longer says so again.
pub const MAX_SILENCE: Millis = Millis::from_secs(7 * 86_400);
/// Reminders of one alert that nobody takes notice of. After them it is quiet until its level rises.
pub const MAX_REMINDERS: u32 = 5;
/// So many openings of one rule on one subject are flapping: each at most [`FLAPPING_GAP`] after the last end, the last
/// at most [`FLAPPING_SPAN`] after the first.
pub const FLAPPING_OPENINGS: usize = 3;
/// See [`FLAPPING_OPENINGS`].
pub const FLAPPING_GAP: Millis = Millis::from_secs(600);
/// See [`FLAPPING_OPENINGS`].
pub const FLAPPING_SPAN: Millis = Millis::from_secs(1_800);
/// What stayed open or ended for this long does not flap any more.
pub const FLAPPING_CALM: Millis = Millis::from_secs(900);
/// Rules × subjects of one machine whose openings are remembered, each for [`FLAPPING_SPAN`]. Beyond it further ones are
/// not, and are not found to flap.
pub const MAX_FLAPS: usize = 1_000;

/// A device time this far ahead of the receive time is still a measurement time, judged at the receive time. Further
/// ahead the device's clock is wrong: quality `clock`.
pub const MAX_LEAD: Millis = Millis::from_secs(30);
/// A device whose times lag by more than this, and steadily, has a wrong clock.
pub const STEADY_LAG: Millis = Millis::from_secs(300);
/// A lag is steady over so many regular readings, half an interval apart or more.
pub const STEADY_READINGS: u32 = 10;
/// A steady lag varies by no more than half an interval, and by no less than this: networks jitter.
pub const STEADY_LEAST: Millis = Millis::from_secs(1);
/// A steady lag varies by no more than this.
pub const STEADY_MOST: Millis = Millis::from_secs(30);
/// So many wrong times of a device are an alert; so many right ones in a row end it.
pub const CLOCK_FAULTS: u32 = 3;
/// A reading older than this is history only and never judged.
pub const MAX_AGE: Millis = Millis::from_secs(7 * 86_400);
/// Readings of a device that are older than this many intervals are stale, unless the rule says otherwise.
pub const STALE_INTERVALS: i64 = 3;
/// The least staleness by interval: short intervals jitter.
pub const STALE_LEAST: Millis = Millis::from_secs(30);
/// Staleness of a device whose interval is not known; also the interval its absence is counted in.
pub const STALE_UNKNOWN: Millis = Millis::from_secs(60);
/// A transition is historic when it lies further back than this and than two intervals.
pub const HISTORIC_AFTER: Millis = Millis::from_secs(60);
/// The least time after Maibo was deaf before an absence is told.
pub const GRACE_LEAST: Millis = Millis::from_secs(60);
/// An alert that nobody takes notice of is told again after this, and after as long again: red.
pub const REMIND_RED: Millis = Millis::from_secs(300);
/// The same: orange.
pub const REMIND_ORANGE: Millis = Millis::from_secs(900);
/// The same: yellow. Of blue nobody is reminded.
pub const REMIND_YELLOW: Millis = Millis::from_secs(3_600);
/// The longest extra time before an absence is told after Maibo was deaf, spread by device.
pub const SPREAD_MOST: Millis = Millis::from_secs(60);
/// A source that is deaf for this long is an alert.
pub const SOURCE_DEAF_AFTER: Millis = Millis::from_secs(5);
/// A source that says nothing for this long after a start is no longer configured and is forgotten.
pub const SOURCE_FORGET_AFTER: Millis = Millis::from_secs(60);
