//! Alerts and their history.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::{Domain, Level, Time, Words};
use crate::handling::{Acknowledged, Assigned, Silenced, Stamps};
use crate::rule::{Direction, Limit};

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// The condition holds.
    Firing,
    /// Over.
    Resolved,
}

/// How trustworthy the data behind an alert are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataState {
    /// They flow.
    Fresh,
    /// Nothing came for too long; the alert stands on old data.
    Stale,
}

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subject {
    /// `device`, `source`, `place`, `event`, `around`, `part` or `drill`.
    pub kind: String,
    /// The identifier within its kind; of an event `device/identity`.
    pub id: String,
}

/// One episode of a rule on a subject, as of its latest version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// 32 hexadecimal digits, the same for the whole episode.
    pub id: String,
    /// The rule that judges.
    pub rule: String,
    /// The rule's title; of a drill what it plays, with 演练： and `Drill:` before it.
    pub title: Words,
    /// What it is about.
    pub subject: Subject,
    /// The device, where the subject is one or is an event that one reports.
    pub device: Option<String>,
    /// The device's name in the catalogue.
    pub device_name: Option<String>,
    /// Code of the place as of the opening.
    pub place: Option<String>,
    /// First six digits of the place.
    pub district: Option<String>,
    /// Name of the district.
    pub place_name: Option<Words>,
    /// Which of the six domains.
    pub domain: Domain,
    /// What is judged.
    pub quantity: Option<String>,
    /// The unit of `value` and `threshold`: the quantity's canonical one, unless `measure` makes it another.
    pub unit: Option<String>,
    /// The level in force; of a resolved alert the last one.
    pub level: Level,
    /// The highest level of the episode.
    pub peak_level: Level,
    /// Firing or resolved.
    pub state: AlertState,
    /// Fresh or stale.
    pub data: DataState,
    /// True where it lay in the past when it was found.
    pub historic: bool,
    /// Since when the condition holds.
    pub started_at: Time,
    /// Time of the latest version.
    pub updated_at: Time,
    /// When it ended.
    pub resolved_at: Option<Time>,
    /// Who took notice.
    pub acknowledged: Option<Acknowledged>,
    /// The last value judged, in `unit`.
    pub value: Option<f64>,
    /// The limit of `level`, in `unit`.
    pub threshold: Option<f64>,
    /// Why the latest version came about, a constant word.
    pub reason: String,
    /// Version within the episode, from 1.
    pub version: u32,
    /// WGS-84 degrees, of the device.
    pub lon: Option<f64>,
    /// WGS-84 degrees, of the device.
    pub lat: Option<f64>,
    /// Who works on it.
    pub assigned: Option<Assigned>,
    /// While receivers are not told.
    pub silenced: Option<Silenced>,
    /// It opens and ends again and again.
    pub flapping: bool,
    /// Published, responding, fed back, archived.
    pub stamps: Stamps,
    /// The latest version in one sentence.
    pub text: Words,
    /// What `value` was computed from; `null` where it is simply the last value of `quantity`.
    pub measure: Option<Measure>,
    /// The alert of its cause, which receivers are told of instead, while that is so.
    pub inhibited_by: Option<String>,
    /// True of an exercise (演练): nothing has happened. Not there in real alerts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
}

/// What an alert's value was computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Measure {
    /// `mean`, `min`, `max`, `sum`, `count`, `range`, `rate`, `delta`, `percentile`, `leq`, `stuck`, `baseline`; or `last` in a rule
    /// that looks at others too.
    pub signal: String,
    /// Length of the window; 0 for the signals without one.
    pub window_ms: i64,
    /// The expression whose results these are, as it stands in the rule; `null` where they are of `quantity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

/// One step of an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertVersion {
    /// From 1.
    pub version: u32,
    /// When, in event time.
    pub at: Time,
    /// Firing or resolved.
    pub state: AlertState,
    /// The level then.
    pub level: Level,
    /// Why.
    pub reason: String,
    /// The value then.
    pub value: Option<f64>,
    /// Who, where a person did it.
    pub actor: Option<String>,
    /// The version in one sentence; `null` in what was recorded before sentences were.
    pub text: Option<Words>,
}

/// An alert with its history and its rule's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertDetail {
    /// The alert.
    #[serde(flatten)]
    pub alert: Alert,
    /// Oldest first.
    pub versions: Vec<AlertVersion>,
    /// What to do, from the rule; `null` where the rule is gone.
    pub advice: Option<Words>,
    /// Where the rule's limits come from.
    pub source: Option<String>,
    /// The rule's ladder.
    pub levels: Option<std::collections::BTreeMap<Level, Limit>>,
    /// Which side of the ladder is bad.
    pub direction: Option<Direction>,
    /// The incident it belongs to; `null` for the moment until that is known.
    pub incident: Option<String>,
}
