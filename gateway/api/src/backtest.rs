//! Rules on recorded data: what is asked, and the report. `maibo backtest --format json` writes the same report.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::{Level, LevelCounts, Ms, Time};

/// A pack of rules that is not in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Its name, such as `ecology.toml`; unique in the request.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What to hold the rules against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// The rules in force.
    Active,
}

/// One value to judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BacktestReading {
    /// Which device; judged only if the catalogue in force knows it.
    pub device: String,
    /// What was measured.
    pub quantity: String,
    /// When, in milliseconds since 1970. It counts as received at once.
    pub t: Ms,
    /// The value, in the quantity's canonical unit.
    pub value: f64,
}

/// Asks what rules would have told. Either `readings`, or `from` and `to` for what this server has kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BacktestRequest {
    /// The rules: all packs that would be in force together.
    pub rules: Vec<Pack>,
    /// `active` to hold them against the rules in force.
    #[serde(default)]
    pub against: Option<Against>,
    /// Operators on shift, 1 by default.
    #[serde(default)]
    pub operators: Option<u32>,
    /// The data, at most 200,000.
    #[serde(default)]
    pub readings: Option<Vec<BacktestReading>>,
    /// Begin of the span of the server's own history: RFC 3339 or milliseconds since 1970.
    #[serde(default)]
    pub from: Option<String>,
    /// Its end, at most 30 days later.
    #[serde(default)]
    pub to: Option<String>,
    /// Only these devices of the history; all that the rules are about where it is left out.
    #[serde(default)]
    pub devices: Option<Vec<String>>,
}

/// What the rules made of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestReport {
    /// Version of the rules.
    pub rules: String,
    /// Begin of the data; `null` where there are none.
    pub from: Option<Time>,
    /// End of the data.
    pub to: Option<Time>,
    /// What was read, and what could not be.
    pub data: BacktestData,
    /// How much it asks of an operator.
    pub load: BacktestLoad,
    /// One entry a rule, by identifier; also Maibo's own about sources and clocks, where they told something.
    pub by_rule: Vec<BacktestRule>,
    /// The first episodes by time; `load.openings` says how many there are.
    pub episodes: Vec<BacktestEpisode>,
    /// What is otherwise than by the rules it is held against; `null` where it is not held against any.
    pub difference: Option<BacktestDifference>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestData {
    /// Devices in the data.
    pub devices: u64,
    /// Readings and other reports of devices that were taken.
    pub inputs: u64,
    /// Readings judged.
    pub judged: u64,
    /// Older than their series' last, not judged.
    pub late: u64,
    /// Of these, with a value that reaches an open limit.
    pub late_exceeding: u64,
    /// Same time and value as their series' last.
    pub duplicate: u64,
    /// Same time as their series' last, another value: the first counts.
    pub conflict: u64,
    /// Received more than seven days late, not judged.
    pub too_old: u64,
    /// With an impossible time, judged at the receive time.
    pub clock: u64,
    /// Not a number, or outside the quantity's plausible range: not judged.
    pub incomparable: u64,
    /// Events that a rule judged.
    pub events: u64,
    /// Of devices that the catalogue does not know: not judged.
    pub unregistered: u64,
    /// Beyond the limit of series of one device.
    pub refused: u64,
    /// Evaluations of expressions without a result, as of a division by zero; no readings.
    #[serde(default)]
    pub undefined: u64,
    /// Silences that only the end of the data brought about; they are no episodes.
    pub cut_off: u64,
    /// Values marked as missing.
    pub missing: u64,
    /// Readings outside the asked span.
    pub outside: u64,
    /// Lines or values that could not be read.
    pub bad: u64,
    /// The first of them.
    pub bad_samples: Vec<BadLine>,
    /// Readings evaluated in a second of this run.
    pub readings_per_second: Option<f64>,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BadLine {
    /// Of which file; empty for the readings of a request.
    pub file: String,
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// What an average rate asks of an operator, by EEMUA Publication 191.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strain {
    /// At most 1 in 10 minutes.
    Acceptable,
    /// At most 2 in 10 minutes.
    Manageable,
    /// More than 2 in 10 minutes.
    OverDemanding,
    /// More than 10 in 10 minutes.
    Unacceptable,
}

/// Spans of ten minutes with many openings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestOver {
    /// More than so many for each operator.
    pub openings: u64,
    /// How many spans.
    pub spans: u64,
    /// Their share of all spans, 0 to 1.
    pub share: f64,
}

/// When most opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BacktestPeak {
    /// Begin of the span.
    pub from: Time,
    /// Openings in it, for all operators together.
    pub openings: u64,
}

/// The openings over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestLoad {
    /// Operators on shift.
    pub operators: u32,
    /// Episodes that opened.
    pub openings: u64,
    /// Length of the data in days.
    pub days: f64,
    /// Openings a day for each operator.
    pub per_day: f64,
    /// What that asks of them.
    pub strain: Strain,
    /// Spans of ten minutes in the data.
    pub spans: u64,
    /// Spans with more than 1, 2, 5 and 10 openings for each operator.
    pub over: Vec<BacktestOver>,
    /// Rows of consecutive spans with more than 10 openings for each operator.
    pub floods: u64,
    /// The ten minutes with most openings.
    pub worst: Option<BacktestPeak>,
    /// The 24 hours with most openings.
    pub worst_day: Option<BacktestPeak>,
}

/// One rule's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestRule {
    /// Which rule.
    pub rule: String,
    /// Its episodes.
    pub episodes: u64,
    /// Of these by highest level.
    pub peaks: LevelCounts,
    /// Of these open when the data end.
    pub open: u64,
    /// Of these opened again within ten minutes.
    pub flaps: u64,
    /// How often a level rose within an episode.
    pub raised: u64,
    /// When it first opened.
    pub first: Option<Time>,
    /// Median length of the episodes that ended.
    pub median_ms: Option<i64>,
    /// Longest of them.
    pub longest_ms: Option<i64>,
    /// How it did on events that are known to have been; `null` without a list of them.
    pub detection: Option<BacktestDetection>,
}

/// How a rule did on known events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BacktestDetection {
    /// Events known.
    pub events: u64,
    /// Of these detected.
    pub detected: u64,
    /// Median delay of the detected ones.
    pub median_ms: Option<i64>,
    /// Longest delay of the detected ones.
    pub longest_ms: Option<i64>,
}

/// One episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestEpisode {
    /// Which rule.
    pub rule: String,
    /// `device`, `place` or `source`.
    pub subject_kind: String,
    /// What it is about.
    pub subject: String,
    /// What was judged.
    pub quantity: Option<String>,
    /// Since when the condition held.
    pub started_at: Time,
    /// When it would have been told.
    pub opened_at: Time,
    /// When it was over; `null` where it is open when the data end.
    pub ended_at: Option<Time>,
    /// The highest level.
    pub peak_level: Level,
    /// The value furthest out in the rule's direction while it was open, in the quantity's canonical unit.
    pub furthest: Option<f64>,
    /// How often something about it was told.
    pub transitions: u32,
}

/// An episode that both rule sets tell otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestChange {
    /// By the rules it is held against.
    pub before: BacktestEpisode,
    /// By the rules asked about.
    pub after: BacktestEpisode,
}

/// The rules asked about, held against others on the same data. The lists show the first by time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BacktestDifference {
    /// Version of the rules it is held against.
    pub against: String,
    /// What those ask of an operator.
    pub load: BacktestLoad,
    /// Episodes that are the same.
    pub same: u64,
    /// Episodes that are no more.
    pub gone_count: u64,
    /// The first of them.
    pub gone: Vec<BacktestEpisode>,
    /// Episodes that are new.
    pub new_count: u64,
    /// The first of them.
    pub new: Vec<BacktestEpisode>,
    /// Episodes with another level, beginning or end.
    pub changed_count: u64,
    /// The first of them.
    pub changed: Vec<BacktestChange>,
}
