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
/// Rules of which one device has limits of its own. More do not compile.
pub const MAX_OWN_LIMITS: usize = 16;
/// Periods in the schedule of one rule. A rule with more does not compile.
pub const MAX_PERIODS: usize = 16;
/// How far ahead the next edge of a schedule is looked for. What changes later is looked for again from there.
pub const SCHEDULE_AHEAD: Millis = Millis::from_secs(400 * 86_400);
/// Terms of one threshold. A rule with more does not compile.
pub const MAX_TERMS: usize = 4;
/// Shortest window of a signal. A shorter one does not compile.
pub const MIN_WINDOW: Millis = Millis::from_secs(1);
/// Most decimals a signal is rounded to. More do not compile.
pub const MAX_DECIMALS: u8 = 6;
/// Codes in one event rule. A rule with more, or with none, does not compile.
pub const MAX_EVENT_CODES: usize = 64;
/// Longest code in an event rule, in characters, as long as a code that a device can report. A longer one does not compile.
pub const MAX_EVENT_CODE: usize = 64;
/// How long an event counts without a repeat, where neither it nor the rule says so.
pub const EVENT_EXPIRES_AFTER: Millis = Millis::from_secs(600);
/// Problems reported at once; what is found beyond them is counted in the last one.
pub const MAX_PROBLEMS: usize = 200;
/// Devices in one catalogue. A longer one does not compile; it bounds the state of all partitions together.
pub const MAX_DEVICES: usize = 1_000_000;
/// Series kept for one device. Readings of further quantities are counted and not judged.
pub const MAX_SERIES: usize = 128;
/// Events open on one device. A report that would open one more is refused and counted; repeats and ends of open ones go on.
pub const MAX_EVENTS: usize = 256;
/// Events that are over, remembered by one rule on one device, for [`MAX_AGE`]: a late copy of a report must not open one
/// again. At the limit those whose last report is oldest are forgotten, and such a copy opens a new episode.
pub const MAX_ENDED_EVENTS: usize = 64;
/// Sources a machine remembers. Further ones are not tracked: their deafness is not told.
pub const MAX_SOURCES: usize = 256;
/// Ends of cells whose rule or device is gone, remembered in one partition. At the limit the oldest are forgotten: should
/// the rule come back and start an episode at the very same millisecond, that episode would have the old one's id.
pub const MAX_SPENT: usize = 10_000;
/// Widest `radius` of a quorum, metres. A wider one does not compile.
pub const MAX_RADIUS: u32 = 50_000;
/// Largest `count` of a quorum with a radius: each new alert is held against those around it. A larger one does not compile.
pub const MAX_RADIUS_COUNT: u32 = 100;
/// Quorum rules times places that the city machine keeps. Further ones are not counted.
pub const MAX_QUORUMS: usize = 100_000;
/// Open incidents. While there are so many, one of the rule `maibo-many` takes all that would open another.
pub const MAX_INCIDENTS: usize = 10_000;
/// Rules times districts whose last incident is remembered. At the limit those without an open one are forgotten: should
/// an incident of the very same first millisecond come again, it would have the old one's id.
pub const MAX_INCIDENT_KEYS: usize = 100_000;
/// Devices remembered over all open incidents together. A device beyond them is counted again with its next alert.
pub const MAX_INCIDENT_DEVICES: usize = 1_000_000;
/// Places listed with an incident. Further ones are not.
pub const MAX_INCIDENT_PLACES: usize = 32;
/// Alerts in one fact about which incidents they came to. More are several facts.
pub const MAX_GROUPED: usize = 256;
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
/// Episodes of one backtest. One that gives more ends with an error: nobody would read of them.
pub const BACKTEST_EPISODES: usize = 1_000_000;
/// Alerts of one rule in one district belong to one incident while no more than this lies between their decisions.
pub const INCIDENT_GAP: Millis = Millis::from_secs(600);
/// An incident is closed when all its alerts have been over for this long.
pub const INCIDENT_REST: Millis = Millis::from_secs(600);
/// Series that one expression names. One that names more does not compile.
pub const MAX_INPUTS: usize = 8;
/// Numbers, names and operators of one expression, and so the steps of one evaluation. A longer one does not compile.
pub const MAX_NODES: usize = 128;
/// How deep an expression is nested. A deeper one does not compile.
pub const MAX_DEPTH: usize = 32;
/// Values that an expression holds at once while it is evaluated. One that needs more does not compile.
pub const MAX_STACK: usize = 32;
/// Expressions in one rule set: each is a series more on every device it is about. A pack with more does not compile.
pub const MAX_EXPRESSIONS: usize = 64;
/// Inhibitions in one rule set. A set with more does not compile.
pub const MAX_INHIBITS: usize = 256;
/// Children of one inhibition. More do not compile.
pub const MAX_INHIBIT_CHILDREN: usize = 64;
/// Longest wait of an inhibition: so long nobody hears of an alert that is nobody's consequence. A longer one does not compile.
pub const MAX_INHIBIT_WAIT: Millis = Millis::from_secs(600);
/// The wait where an inhibition does not say and a child is an absence: silence is found out about all at once, in any order.
pub const INHIBIT_WAIT_ABSENCE: Millis = Millis::from_secs(15);
/// Maintenances planned or under way. Further ones are refused.
pub const MAX_MAINTENANCES: usize = 1_000;
/// Drills that are open at once. Further ones are refused.
pub const MAX_DRILLS: usize = 16;
/// The shortest drill. A shorter one is refused: nobody would have heard of it.
pub const MIN_DRILL: Millis = Millis::from_secs(60);
/// The longest drill, from when somebody last said that it goes on. A longer one is refused: it was forgotten.
pub const MAX_DRILL: Millis = Millis::from_secs(86_400);
/// How far ahead a maintenance can begin, and how long it can last. One that is longer is refused.
pub const MAX_MAINTENANCE: Millis = Millis::from_secs(31 * 86_400);
/// Alerts in one fact that releases them. More are several facts.
pub const MAX_RELEASED: usize = 256;
