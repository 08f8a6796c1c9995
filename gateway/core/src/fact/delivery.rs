//! What is put on record about tellings (P5): of every version, for every receiver that it concerns, how it ended.

use minicbor::{Decode, Encode};

use crate::id::EpisodeId;
use crate::reading::Text;

/// What became of one version of one episode at one receiver.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Delivery {
    /// To whom.
    #[n(0)]
    pub receiver: Text,
    /// Which episode.
    #[n(1)]
    pub episode: EpisodeId,
    /// Which version.
    #[n(2)]
    pub version: u32,
    /// `delivered`, `superseded`, `silenced` (not told, because an operator wanted it so), `dead`.
    #[n(3)]
    pub outcome: Text,
    /// How many attempts were made.
    #[n(4)]
    pub attempts: u32,
    /// The last error in words, where there was one.
    #[n(5)]
    pub error: Option<Text>,
}
