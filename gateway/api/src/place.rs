//! Domains, places and their shapes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::{Domain, LevelCounts, Words};

/// One domain with its present state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DomainState {
    /// Which.
    pub domain: Domain,
    /// Its name.
    pub title: Words,
    /// Devices in the catalogue.
    pub devices: u64,
    /// Of these, heard and fresh.
    pub online: u64,
    /// Open alerts by level.
    pub open: LevelCounts,
    /// 0 to 100; `null` where nothing is known.
    pub index: Option<f64>,
    /// Share of devices that are known, 0 to 1; `null` where there are no devices.
    pub coverage: Option<f64>,
}

/// One place with its present state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Place {
    /// Its code.
    pub code: String,
    /// Its name; the code where no name is known.
    pub name: Words,
    /// `district`.
    pub kind: String,
    /// Devices in it.
    pub devices: u64,
    /// Of these, heard and fresh.
    pub online: u64,
    /// Open alerts by level.
    pub open: LevelCounts,
}

/// GeoJSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FeatureCollection {
    /// `FeatureCollection`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One a district.
    pub features: Vec<Feature>,
}

/// GeoJSON feature; its properties have `code`, `name_zh`, `name_en`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Feature {
    /// `Feature`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `code`, `name_zh`, `name_en`.
    #[schema(value_type = Object)]
    pub properties: serde_json::Value,
    /// The shape.
    #[schema(value_type = Object)]
    pub geometry: serde_json::Value,
}
