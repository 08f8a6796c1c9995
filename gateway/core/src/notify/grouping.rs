//! Which versions go to a receiver in one message.
//!
//! The first of a group (a rule in a district) goes at once; what follows within [`GROUP_EVERY`] goes together at its end.
//! Red goes alone, at once, until there are [`RED_ALONE`] in a minute: then it is a flood like any other.

use sha2::{Digest, Sha256};

use crate::fact::{State, Transition};
use crate::place::Level;
use crate::registry::place;
use crate::time::Millis;

/// How long after a message of a group the next one goes at the earliest, unless a receiver is configured otherwise.
pub const GROUP_EVERY: Millis = Millis::from_secs(10);
/// The longest that a receiver may ask for.
pub const GROUP_EVERY_MAX: Millis = Millis::from_secs(600);
/// Red versions of firing alerts that a receiver is told alone within [`RED_MINUTE`].
pub const RED_ALONE: usize = 20;
/// The minute of [`RED_ALONE`].
pub const RED_MINUTE: Millis = Millis::from_secs(60);
/// Most alerts in one message; what is beyond goes in the next, at once.
pub const GROUP_MAX: usize = 200;
/// Most bytes of kept bodies in one message, but for the first of them.
pub const GROUP_BYTES: usize = 512 * 1024;

/// What a version is told together with: its rule, and the district it lies in, if it does.
pub fn group_of(t: &Transition) -> String {
    let district = t.place.as_ref().and_then(place::district).unwrap_or_default();
    format!("{}@{district}", t.rule)
}

/// Whether a version is so grave that it does not wait for others.
pub fn goes_alone(t: &Transition) -> bool {
    t.state == State::Firing && t.level == Level::Red
}

/// The receiver's key for a message of several versions, each with its own [`message_id`](super::message_id): the same
/// versions have the same key, whatever their order.
///
/// `grp_` and 32 hexadecimal digits: the first 128 bits of SHA-256 over (`maibo-group-1`, the keys in ascending order).
pub fn group_id<'a>(messages: impl IntoIterator<Item = &'a str>) -> String {
    let mut keys: Vec<&str> = messages.into_iter().collect();
    keys.sort_unstable();
    let mut hash = Sha256::new();
    for text in std::iter::once("maibo-group-1").chain(keys) {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let mut head = [0; 16];
    head.copy_from_slice(&hash.finalize()[..16]);
    format!("grp_{:032x}", u128::from_be_bytes(head))
}
