//! How often one link may be used: [`BURST`] times at once, then once every [`GAP`].

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use maibo_core::id::EpisodeId;
use maibo_core::time::{Millis, Timestamp};

/// Answers at once.
const BURST: i64 = 20;
/// Time for one more.
const GAP: Millis = Millis::from_secs(6);
/// Links remembered. Only good links are, each for two minutes after its last answer; beyond that those that have been
/// quiet longest are forgotten, and may answer a little sooner than they should.
const MAX: usize = 4_096;

/// When each link will have had time for all its answers.
#[derive(Default)]
pub(super) struct Pace(Mutex<BTreeMap<(String, EpisodeId), Timestamp>>);

impl Pace {
    /// Counts one.
    ///
    /// # Errors
    /// How long to wait, where there were too many.
    pub(super) fn take(&self, receiver: &str, episode: EpisodeId, now: Timestamp) -> Result<(), Millis> {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if links.len() >= MAX {
            links.retain(|_, paid| *paid > now);
        }
        if links.len() >= MAX {
            let oldest = links.iter().min_by_key(|(_, paid)| **paid).map(|(link, _)| link.clone());
            if let Some(oldest) = oldest {
                links.remove(&oldest);
            }
        }
        let paid = links.entry((receiver.to_owned(), episode)).or_insert(now);
        let ahead = (*paid).max(now).since(now);
        let most = Millis(GAP.0 * (BURST - 1));
        if ahead > most {
            return Err(Millis(ahead.0 - most.0));
        }
        *paid = (*paid).max(now) + GAP;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn episode(n: u8) -> EpisodeId {
        EpisodeId::from_bytes([n; 16])
    }

    // P8: twenty at once, then one each six seconds; each link by itself.
    #[test]
    fn a_link_has_a_pace() {
        let pace = Pace::default();
        for n in 0..BURST {
            assert_eq!(pace.take("a", episode(1), NOW), Ok(()), "{n}");
        }
        assert_eq!(pace.take("a", episode(1), NOW), Err(GAP));
        assert_eq!(pace.take("b", episode(1), NOW), Ok(()));
        assert_eq!(pace.take("a", episode(2), NOW), Ok(()));
        assert_eq!(pace.take("a", episode(1), NOW + GAP), Ok(()));
        assert_eq!(pace.take("a", episode(1), NOW + GAP), Err(GAP));
    }

    // P8: whoever has many links does not make the memory grow.
    #[test]
    fn links_are_bounded() {
        let pace = Pace::default();
        for n in 0..=MAX {
            assert_eq!(pace.take(&n.to_string(), episode(1), NOW), Ok(()));
        }
        assert_eq!(pace.0.lock().expect("whole").len(), MAX);
    }
}
