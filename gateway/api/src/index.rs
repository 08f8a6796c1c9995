//! The city's index, and what lowers it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alert::Subject;
use crate::common::{Domain, Level, LevelCounts, Time, Words};
use crate::device::UnknownWhy;

/// What kind of part of the city.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IndexKind {
    /// All of it.
    City,
    /// One of the six domains.
    Domain,
    /// A district, or what of a domain lies in it.
    District,
    /// A street, or what of a domain lies in it.
    Street,
}

/// One part of the city with its index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexPart {
    /// To be given as `of` for what lowers it.
    pub of: String,
    /// What it is.
    pub kind: IndexKind,
    /// Its domain, where it is of one only.
    pub domain: Option<Domain>,
    /// The place's code; `null` of the city, of a domain, and of what lies in no district.
    pub code: Option<String>,
    /// Its name.
    pub name: Words,
    /// 0 to 100 in tenths: `mean`, and not more than `cap.score`; `null` where nothing is known.
    pub index: Option<f64>,
    /// The weighted mean of its children, rounded half up to tenths; `null` where none has a score.
    pub mean: Option<f64>,
    /// What holds it down, where something does.
    pub cap: Option<IndexCap>,
    /// What it weighs in the part it was listed under; 0 where it has no index.
    pub weight: u64,
    /// Devices in the catalogue.
    pub devices: u64,
    /// Of these, known.
    pub online: u64,
    /// Share of devices that are known, 0 to 1 with three decimals; `null` where there are no devices.
    pub coverage: Option<f64>,
    /// Open alerts by level.
    pub open: LevelCounts,
}

/// The most that an open alert leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexCap {
    /// The alert's level.
    pub level: Level,
    /// 95, 80, 60, 40.
    pub score: f64,
    /// The alert, the longest open of that level; `null` where the caller may not see it.
    pub cause: Option<IndexCause>,
}

/// An open alert that caps an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexCause {
    /// Its identifier.
    pub alert: String,
    /// The rule.
    pub rule: String,
    /// The rule's title.
    pub title: Words,
    /// What it is about.
    pub subject: Subject,
}

/// The index of the city, of its domains and of its districts, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Index {
    /// Engine time of the latest step.
    pub at: Time,
    /// All of it.
    pub city: IndexPart,
    /// Every domain that the caller sees, as the city's children.
    pub domains: Vec<IndexPart>,
    /// Every district that the caller sees and that has devices or alerts, by code; no part is the mean of them.
    pub districts: Vec<IndexPart>,
}

/// A device that has a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexDevice {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is judged by first.
    pub quantity: Option<String>,
    /// The quantity's canonical unit.
    pub unit: Option<String>,
    /// The last value that could be compared.
    pub value: Option<f64>,
    /// The limit that `value` has reached, else the first one ahead of it.
    pub limit: Option<f64>,
    /// The level of `limit`.
    pub limit_level: Option<Level>,
    /// The score by the distance of `value` from its limits; 100 where it has none; `null` where the device is unknown.
    pub distance: Option<f64>,
    /// The highest level of its open alerts, which caps the score.
    pub level: Option<Level>,
    /// The lower one of both.
    pub score: f64,
    /// Why nothing can be said now, where its alert stands on old data.
    pub unknown_why: Option<UnknownWhy>,
}

/// A device of which nothing can be said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexMissing {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Why.
    pub why: UnknownWhy,
}

/// The devices of a street of one domain of which nothing can be said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexUnknown {
    /// Never heard.
    pub never: u64,
    /// Data too old.
    pub stale: u64,
    /// Maibo itself could not hear.
    pub deaf: u64,
    /// Under maintenance.
    pub maintenance: u64,
    /// The first of them in the catalogue's order.
    pub devices: Vec<IndexMissing>,
}

/// The children that have a score and are not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexRest {
    /// How many.
    pub count: u64,
    /// Their weights together.
    pub weight: u64,
    /// Their scores, each times its weight, together.
    pub sum: f64,
}

/// What makes an index what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndexExplanation {
    /// Engine time of the latest step.
    pub at: Time,
    /// What is explained.
    pub part: IndexPart,
    /// How it is computed.
    pub formula: Words,
    /// What it is the mean of, lowest first, those without an index last; of a street in one domain empty.
    pub children: Vec<IndexPart>,
    /// Of a street in one domain: the devices with less than 100, lowest first.
    pub devices: Vec<IndexDevice>,
    /// What has a score and is not listed.
    pub rest: IndexRest,
    /// Of a street in one domain: the devices of which nothing can be said.
    pub unknown: IndexUnknown,
}
