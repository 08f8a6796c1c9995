//! Which identities a rule gave to the episodes of a subject, so that none is given twice.

use minicbor::{Decode, Encode};

use crate::time::Timestamp;

/// What one rule gave to the episodes of one subject so far.
///
/// An identity is made of rule, subject, pending-since and a number. A pending-since later than all before is new, and
/// its number is 1. One that is not (edits can begin an episode anew in the same millisecond, or in the same silence) gets
/// a number that no other had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Given {
    /// The latest pending-since.
    #[n(0)]
    pub(crate) latest: Timestamp,
    /// The highest number; 0 where nothing was given.
    #[n(1)]
    most: u32,
}

impl Default for Given {
    fn default() -> Self {
        Self { latest: Timestamp(i64::MIN), most: 0 }
    }
}

impl Given {
    /// Whether nothing was given.
    pub(crate) const fn is_empty(self) -> bool {
        self.most == 0
    }

    /// The number of the next episode pending since `since`.
    pub(crate) fn next(&mut self, since: Timestamp) -> u32 {
        let n = if since > self.latest { 1 } else { self.most.saturating_add(1) };
        self.take(since, n);
        n
    }

    /// Whatever `other` gave counts as given.
    pub(crate) fn merge(&mut self, other: Self) {
        self.take(other.latest, other.most);
    }

    /// An episode pending since `since` was given this number.
    pub(crate) fn take(&mut self, since: Timestamp, n: u32) {
        *self = Self { latest: self.latest.max(since), most: self.most.max(n) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P3: whatever order episodes begin in, and begin again in, no identity is given twice.
    #[test]
    fn nothing_is_given_twice() {
        let (mut given, mut seen) = (Given::default(), std::collections::BTreeSet::new());
        assert!(given.is_empty());
        for since in [5, 7, 5, 7, 5, 9, 5, 5, 9, 12, 7, 12, 5] {
            let n = given.next(Timestamp(since));
            assert!(seen.insert((since, n)), "{since} {n}");
        }
        assert_eq!(given.next(Timestamp(20)), 1);
    }
}
