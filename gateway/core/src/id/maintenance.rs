//! Identity of a maintenance.

use super::Actor;
use crate::time::Timestamp;

hashed_id! {
    /// Identity of one planned maintenance. Who asks for it derives it, so that asking twice is one.
    MaintenanceId, "maintenance"
}

impl MaintenanceId {
    /// SHA-256 over (`maibo-maintenance-1`, who, of what, why, from when, n), first 128 bits.
    pub fn derive(by: &Actor, scope: &str, reason: &str, from: Timestamp, n: u32) -> Self {
        Self::hashed(&["maibo-maintenance-1", by.as_str(), scope, reason], from, n)
    }
}
