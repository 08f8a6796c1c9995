//! Why sources do not listen, in words, for people who look at the status. The last reason of each; gone when it listens.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use maibo_core::id::SourceId;

/// Longest reason kept, in characters: brokers have a say in it.
const WORDS_MAX: usize = 300;

/// The reasons. Bounded by the sources that are configured.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<BTreeMap<SourceId, String>>);

impl Troubles {
    /// A source does not listen because of `why`; whether that is another reason than before.
    pub fn note(&self, source: &SourceId, why: &str) -> bool {
        let why: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect();
        let mut reasons = self.lock();
        if reasons.get(source) == Some(&why) {
            return false;
        }
        reasons.insert(source.clone(), why);
        true
    }

    /// It listens.
    pub fn over(&self, source: &SourceId) {
        self.lock().remove(source);
    }

    /// Why it does not listen, where that is known.
    pub fn of(&self, source: &str) -> Option<String> {
        self.lock().get(source).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SourceId, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    // Each reason is news once; foreign words are one line and not endless; listening ends it.
    #[test]
    fn the_last_reason_is_kept() {
        let (troubles, s) = (Troubles::default(), SourceId::new("s").unwrap());
        assert!(troubles.note(&s, "refused"));
        assert!(!troubles.note(&s, "refused"));
        assert!(troubles.note(&s, &format!("a\nb{}", "é".repeat(1_000))));
        let kept = troubles.of("s").unwrap();
        assert!(kept.starts_with("a b") && kept.chars().count() == WORDS_MAX, "{kept}");
        troubles.over(&s);
        assert_eq!(troubles.of("s"), None);
    }
}
