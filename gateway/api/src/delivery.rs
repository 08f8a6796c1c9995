//! Deliveries to receivers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::common::Time;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Still trying.
    Pending,
    /// The receiver has it.
    Delivered,
    /// A later version went instead.
    Superseded,
    /// Not told, because an operator silenced the alert.
    Silenced,
    /// Not told, because its cause is told instead; told when the cause is over and it still fires.
    Inhibited,
    /// Not told, because it was decided in a muted period of its rule; told at the end of it if it still fires.
    Muted,
    /// Not told, because it is about what is under maintenance; told at the end of it if it still fires.
    Maintenance,
    /// Not told, because it lay in the past when it was decided, and a later version of the episode was told.
    Historic,
    /// Given up.
    Dead,
}

/// One version of one episode for one receiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Its identifier.
    pub id: String,
    /// To whom.
    pub receiver: String,
    /// Which episode.
    pub alert: String,
    /// Which version.
    pub version: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// Attempts made.
    pub attempts: u32,
    /// The last error in words.
    pub last_error: Option<String>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Time>,
    /// When it came to be.
    pub created_at: Time,
    /// When it was settled.
    pub settled_at: Option<Time>,
    /// What it goes or went in: those with the same are of one message. `null` where it goes alone, or was not tried yet.
    pub bundle: Option<String>,
    /// Who set it aside, where somebody did; only of what is dead.
    #[serde(default)]
    pub dismissed: Option<Dismissed>,
}

/// A dead letter was set aside: somebody has seen it, and nothing more is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dismissed {
    /// The operator's name.
    pub by: String,
    /// When.
    pub at: Time,
    /// Why, in their words; may be empty.
    pub note: String,
}

/// Set a dead letter aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dismiss {
    /// Why, at most 500 characters.
    #[serde(default)]
    pub note: Option<String>,
}
