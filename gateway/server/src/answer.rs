//! Answers from those who are told (信息反馈): a link in each message, good for one receiver and one episode, for a while.
//!
//! ```text
//! version ─▶ message with the link ─▶ bureau ─▶ page or POST ─▶ command ─▶ fact ─▶ stamps, the next version
//! ```
//!
//! Place in the data path: delivery puts links into messages when they are sent, HTTP takes what comes back. Nothing is
//! decided here: an answer becomes an operator's command, in the name of `receiver/person`.
//!
//! Invariants: a link is made of what is kept (receiver, episode, engine time of the version) and the key, so that each
//! attempt has the same; the key never leaves the data directory but in a backup; a token is in no log, metric or error.
//!
//! Limits: a link is good for [`GOOD_FOR`]; answers by one link come at the pace of [`pace`].

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use maibo_core::id::EpisodeId;
use maibo_core::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use crate::deliver::Target;
use crate::live::words;

mod key;
mod pace;
mod token;

use key::Key;
pub use key::KeyError;
use pace::Pace;
use token::Grant;

/// How long a link is good, from the engine time of the version that it came with.
pub const GOOD_FOR: Millis = Millis::from_secs(7 * 86_400);

/// A link as messages have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where the page is that takes answers.
    pub url: String,
    /// Until when, RFC 3339.
    pub expires: String,
}

/// Why a token is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It is not ours, or no longer: whatever is wrong with it, nobody is told.
    Unknown,
    /// It was good once.
    Expired,
}

/// Who may answer, and by what key.
pub struct Answers {
    key: Key,
    /// Address of this Maibo as receivers reach it, without a slash at the end.
    page: String,
    receivers: BTreeSet<String>,
    pace: Pace,
    /// Answers about one episode go one after the other, so that one that comes twice at once is seen to.
    turns: Vec<tokio::sync::Mutex<()>>,
}

/// Says who may answer, and nothing of the key.
impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").field("receivers", &self.receivers).finish_non_exhaustive()
    }
}

/// Answers to so many episodes can be under way at once.
const TURNS: usize = 32;

impl Answers {
    /// Opens the key in the data directory, or makes one; `None` where no receiver may answer.
    ///
    /// # Errors
    /// [`KeyError`]; a key that cannot be read is never replaced, because links are out that it made.
    pub fn open(data: &Path, targets: &[Target]) -> Result<Option<Arc<Self>>, KeyError> {
        let allowed = targets.iter().filter(|t| t.answers);
        let receivers: BTreeSet<String> = allowed.map(|t| t.receiver.name.clone()).collect();
        // One sender for all; whoever may answer has its page, or the configuration would not be valid.
        let page = targets.iter().find(|t| t.answers).and_then(|t| t.sender.page.clone());
        let Some(page) = page else { return Ok(None) };
        Ok(Some(Arc::new(Self::new(Key::open(data)?, page, receivers))))
    }

    fn new(key: Key, page: String, receivers: BTreeSet<String>) -> Self {
        let turns = (0..TURNS).map(|_| tokio::sync::Mutex::default()).collect();
        Self { key, page, receivers, pace: Pace::default(), turns }
    }

    /// The link for a receiver in its message about a version of an episode, decided at engine time `at`.
    pub fn link(&self, receiver: &str, episode: EpisodeId, at: Timestamp) -> Link {
        let expires = at + GOOD_FOR;
        let token = Grant { receiver: receiver.to_owned(), episode, expires }.seal(&self.key);
        Link { url: format!("{}/answer/{token}", self.page), expires: words::time(expires) }
    }

    /// Who may answer about what by this token; `now` is engine time.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn check(&self, token: &str, now: Timestamp) -> Result<(String, EpisodeId), Denied> {
        let grant = Grant::unseal(token, &self.key).ok_or(Denied::Unknown)?;
        // Whoever was taken out of the configuration, or may not answer any more, has no link.
        if !self.receivers.contains(&grant.receiver) {
            return Err(Denied::Unknown);
        }
        if now >= grant.expires {
            return Err(Denied::Expired);
        }
        Ok((grant.receiver, grant.episode))
    }

    /// Counts an answer of a receiver about an episode.
    ///
    /// # Errors
    /// Too many: how long to wait.
    pub fn paced(&self, receiver: &str, episode: EpisodeId, now: Timestamp) -> Result<(), Millis> {
        self.pace.take(receiver, episode, now)
    }

    /// Waits for its turn to answer about an episode.
    pub async fn turn(&self, episode: EpisodeId) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let n = episode.to_string().bytes().fold(0_usize, |n, b| n.wrapping_mul(31).wrapping_add(b.into()));
        Some(self.turns.get(n % TURNS)?.lock().await)
    }

    /// With a key of zeros.
    #[cfg(test)]
    pub(crate) fn for_tests(page: &str, receivers: &[&str]) -> Arc<Self> {
        let receivers = receivers.iter().map(|r| (*r).to_owned()).collect();
        Arc::new(Self::new(Key::zeros(), page.to_owned(), receivers))
    }
}

/// What of a message as it is kept is needed to make its link.
#[derive(Deserialize)]
struct Kept {
    data: KeptAlert,
}

#[derive(Deserialize)]
struct KeptAlert {
    id: String,
}

/// What closes a message as it is kept: its data, then itself.
const CLOSED: &[u8] = b"}}";

impl Answers {
    /// Puts the link into a message as it is kept: `data.answer`. What is no message comes back as it is, and whoever
    /// puts it into a format says so.
    pub fn add(&self, kept: Vec<u8>, receiver: &str, at: Timestamp) -> Vec<u8> {
        let episode = serde_json::from_slice::<Kept>(&kept).ok().and_then(|k| EpisodeId::parse(&k.data.id));
        let (Some(episode), Some(open)) = (episode, kept.strip_suffix(CLOSED)) else { return kept };
        let link = serde_json::to_vec(&self.link(receiver, episode, at)).unwrap_or_default();
        [open, b",\"answer\":", &link, CLOSED].concat()
    }
}

#[cfg(test)]
mod tests;
