//! Drills: alerts that people open for exercise.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::Words;

/// Opens a drill, or lets the open one of this name go on, at this level and for so long from now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenDrill {
    /// Its name: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub name: String,
    /// What it plays; each language 1 to 100 characters.
    pub title: Words,
    /// One of the six domains.
    pub domain: String,
    /// Where, by the code of the city, a district, or a place with devices; in the whole city where it is not said.
    #[serde(default)]
    pub place: Option<String>,
    /// `blue`, `yellow`, `orange` or `red`.
    pub level: String,
    /// It ends by itself after so many: 1 to 1,440.
    pub minutes: i64,
    /// Who, where the header `Maibo-Actor` does not say.
    #[serde(default)]
    pub by: Option<String>,
}
