//! What people did with an alert.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::Time;

/// Who took notice, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acknowledged {
    /// The operator's name.
    pub by: String,
    /// When.
    pub at: Time,
    /// In their words; may be empty.
    pub note: String,
}

/// Who works on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assigned {
    /// A person, crew or bureau.
    pub to: String,
    /// The operator who said so.
    pub by: String,
    /// When.
    pub at: Time,
}

/// Receivers are not told for a while; the alert goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Silenced {
    /// Its end, unless the level rises before.
    pub until: Time,
    /// The operator's name.
    pub by: String,
    /// Since when.
    pub at: Time,
    /// Why, in their words.
    pub note: String,
}

/// One stamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stamp {
    /// When.
    pub at: Time,
    /// The operator's name; `null` where the machine gave it.
    pub by: Option<String>,
}

/// 发布 ▸ 处置 ▸ 反馈 ▸ 归档; `null` is a stage that was not, or not yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stamps {
    /// The opening was decided.
    pub published: Option<Stamp>,
    /// Somebody took it in hand for the first time.
    pub responding: Option<Stamp>,
    /// Somebody last reported what came of it.
    pub fed_back: Option<Stamp>,
    /// It ended.
    pub archived: Option<Stamp>,
}
