//! One source of messages: Maibo's own ear, and the alert when it hears nothing.

use minicbor::{Decode, Encode};

use crate::alert::{Book, Given, Opening};
use crate::engine::absence::change;
use crate::fact::Reason;
use crate::id::{EpisodeId, RuleId, SourceId, Subject};
use crate::limit;
use crate::place::{Domain, Level};
use crate::time::{Millis, Timestamp};

/// The rule that a deaf source breaks.
pub const SOURCE_RULE: &str = "maibo-source";

/// One source of messages.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub(in crate::engine) struct Source {
    /// Since when it has been deaf.
    #[n(0)]
    pub(in crate::engine) deaf_from: Option<Timestamp>,
    /// Since when it says so itself; an alert counts from here.
    #[n(1)]
    pub(in crate::engine) said_from: Option<Timestamp>,
    /// Maibo started and the source has not reported: when to forget it.
    #[n(2)]
    pub(in crate::engine) forget_at: Option<Timestamp>,
    #[n(3)]
    pub(in crate::engine) episode: Option<EpisodeId>,
    /// The identities it was given.
    #[n(4)]
    pub(in crate::engine) given: Given,
    /// An operator closed the alert against what is the case: there is none until the source was heard.
    #[n(5)]
    #[cbor(default)]
    pub(in crate::engine) latched: bool,
}

impl Source {
    pub(super) fn due(&self) -> Option<Timestamp> {
        let alarm = self
            .said_from
            .filter(|_| self.episode.is_none() && !self.latched)
            .map(|from| from + limit::SOURCE_DEAF_AFTER);
        alarm.into_iter().chain(self.forget_at).min()
    }

    pub(super) fn shift(&mut self, by: Millis) {
        for at in [&mut self.said_from, &mut self.forget_at].into_iter().flatten() {
            *at = *at + by;
        }
    }
}

/// Opens the alert of a source that is deaf since `from`.
pub(super) fn open(
    book: &mut Book,
    id: &SourceId,
    given: &mut Given,
    from: Timestamp,
    at: Timestamp,
) -> Option<EpisodeId> {
    // A constant of the right characters: this cannot fail.
    let rule = RuleId::new(SOURCE_RULE).ok()?;
    let n = given.next(from);
    let subject = Subject::Source(id.clone());
    let episode = EpisodeId::derive(&rule, &subject, from, n);
    let opening =
        Opening { episode, rule, subject, quantity: None, place: None, domain: Domain::Emergency, started_at: from };
    book.open(opening, Level::Orange, change(Some(Level::Orange), at, Reason::SourceDeaf));
    Some(episode)
}
