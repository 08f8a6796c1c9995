//! Identity of an incident.

use super::{PlaceCode, RuleId};
use crate::time::Timestamp;

hashed_id! {
    /// Identity of one incident: 128 bits that depend only on what happened, like [`super::EpisodeId`].
    IncidentId, "incident"
}

impl IncidentId {
    /// SHA-256 over (`maibo-incident-1`, rule, district or nothing, since when the first episode's condition holds, n),
    /// first 128 bits; `n` counts equal triples.
    pub fn derive(rule: &RuleId, district: Option<&PlaceCode>, since: Timestamp, n: u32) -> Self {
        Self::hashed(&["maibo-incident-1", rule.as_str(), district.map_or("", PlaceCode::as_str)], since, n)
    }
}
