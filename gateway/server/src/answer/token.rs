//! Tokens: who may answer about what until when, sealed with HMAC-SHA256.
//!
//! ```text
//! base64url( version 1 | expires, ms since 1970, 8 bytes | episode, 16 bytes | receiver | HMAC over all before, 32 bytes )
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use maibo_core::id::EpisodeId;
use maibo_core::time::Timestamp;

use super::key::Key;

const VERSION: u8 = 1;
/// Length of the seal.
const SEAL: usize = 32;
/// Before the receiver's name.
const HEAD: usize = 1 + 8 + 16;
/// Longest token in characters: a receiver's name has at most 64.
const MAX: usize = (HEAD + 64 + SEAL).div_ceil(3) * 4;

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) receiver: String,
    pub(super) episode: EpisodeId,
    /// Engine time; then no more.
    pub(super) expires: Timestamp,
}

impl Grant {
    pub(super) fn seal(&self, key: &Key) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.expires.0.to_be_bytes());
        bytes.extend(self.episode.as_bytes());
        bytes.extend(self.receiver.as_bytes());
        let mut mac = key.mac();
        mac.update(&bytes);
        bytes.extend(mac.finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` for whatever the key did not seal, without a word about what is wrong with it.
    pub(super) fn unseal(token: &str, key: &Key) -> Option<Self> {
        if token.len() > MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (said, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
        let mut mac = key.mac();
        mac.update(said);
        // In constant time: how long it takes says nothing about how much of it is right.
        mac.verify_slice(seal).ok()?;
        let (head, receiver) = said.split_at_checked(HEAD)?;
        let ([VERSION, rest @ ..], receiver) = (head, std::str::from_utf8(receiver).ok()?) else { return None };
        let (expires, episode) = rest.split_at_checked(8)?;
        Some(Self {
            receiver: receiver.to_owned(),
            episode: EpisodeId::from_bytes(episode.try_into().ok()?),
            expires: Timestamp(i64::from_be_bytes(expires.try_into().ok()?)),
        })
    }
}
