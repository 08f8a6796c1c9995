//! What the page loads before it listens: the device columns and the snapshot.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alert::Alert;
use crate::common::Ms;
use crate::frame::Heartbeat;

/// The devices of a view in columns. A device is its position, valid for one version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ViewDevices {
    /// Changes whenever any column does.
    pub version: String,
    /// Identifiers.
    pub id: Vec<String>,
    /// WGS-84 degrees.
    pub lon: Vec<Option<f64>>,
    /// WGS-84 degrees.
    pub lat: Vec<Option<f64>>,
    /// What it is.
    pub kind: Vec<String>,
    /// District code.
    pub district: Vec<String>,
    /// Domain.
    pub domain: Vec<String>,
    /// Name.
    pub name: Vec<String>,
    /// Primary quantity, or empty.
    pub quantity: Vec<String>,
    /// Its canonical unit, or empty.
    pub unit: Vec<String>,
}

/// A series worth showing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeaturedSeries {
    /// Which device.
    pub device: String,
    /// Which quantity.
    pub quantity: String,
}

/// The view as of one sequence number. Columns are in the order of [`ViewDevices`] of the same version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// Of this start of the server.
    pub epoch: String,
    /// Frames after this are to be applied.
    pub seq: u64,
    /// Engine time.
    pub now: Ms,
    /// Version of the device columns.
    pub version: String,
    /// Level codes, see [`crate::DeviceFrame`].
    pub l: Vec<i8>,
    /// Values of the primary quantity.
    pub v: Vec<Option<f64>>,
    /// Event times, 0 where there is none.
    pub a: Vec<Ms>,
    /// Open alerts, and those resolved in the last ten minutes.
    pub alerts: Vec<Alert>,
    /// At most four.
    pub featured: Vec<FeaturedSeries>,
    /// The last heartbeat.
    pub hb: Option<Heartbeat>,
}
