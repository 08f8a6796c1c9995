//! Devices that report but stand in no catalogue: listed for the operator, bounded.
//!
//! A list that is full lets a name go only when it has been silent for [`FORGET_AFTER`]; until then new names are turned
//! away. So a flood of made-up names costs neither the devices that were listed before it nor the room of history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use maibo_core::id::{DeviceId, SourceId};
use maibo_core::time::{Millis, Timestamp};

/// At most this many are kept.
pub const UNREGISTERED_MAX: usize = 10_000;
/// Silent for so long, a name makes room for another.
pub(super) const FORGET_AFTER: Millis = Millis(86_400_000);

/// One unknown device.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Through which source it reports.
    pub source: SourceId,
    /// First seen.
    pub first: Timestamp,
    /// Last seen.
    pub last: Timestamp,
    /// How many of its inputs came.
    pub count: u64,
}

/// How a device stands with the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was listed before.
    Listed,
    /// It is listed from now on.
    New,
    /// The list is full; it is not listed, only counted.
    TurnedAway,
}

/// The list of unknown devices.
#[derive(Default)]
pub struct Unregistered {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    devices: BTreeMap<DeviceId, Seen>,
    /// The same by when they were last seen.
    order: BTreeSet<(Timestamp, DeviceId)>,
    turned_away: u64,
}

impl Unregistered {
    /// Notes that `device` reported.
    pub fn saw(&self, device: &DeviceId, source: &SourceId, now: Timestamp) -> Standing {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { devices, order, turned_away } = &mut *inner;
        if let Some(seen) = devices.get_mut(device) {
            order.remove(&(seen.last, device.clone()));
            order.insert((now, device.clone()));
            seen.last = now;
            seen.count += 1;
            return Standing::Listed;
        }
        if devices.len() >= UNREGISTERED_MAX {
            let silent = order.first().filter(|(last, _)| now.since(*last) >= FORGET_AFTER).cloned();
            let Some((last, oldest)) = silent else {
                *turned_away += 1;
                return Standing::TurnedAway;
            };
            devices.remove(&oldest);
            order.remove(&(last, oldest));
        }
        devices.insert(device.clone(), Seen { source: source.clone(), first: now, last: now, count: 1 });
        order.insert((now, device.clone()));
        Standing::New
    }

    /// All of them, by name, and how many inputs were turned away from a full list.
    pub fn list(&self) -> (Vec<(DeviceId, Seen)>, u64) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.devices.iter().map(|(d, s)| (d.clone(), s.clone())).collect(), inner.turned_away)
    }

    /// How many are listed.
    pub fn len(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).devices.len()
    }

    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P8, P11: a flood of made-up names stays within the limit and costs nobody who was there before; a name that has
    // been silent for a day makes room.
    #[test]
    fn bounded() {
        let list = Unregistered::default();
        let source = SourceId::new("s").expect("id");
        let saw = |n: usize, at: i64| list.saw(&DeviceId::new(&format!("d{n}")).expect("id"), &source, Timestamp(at));
        for n in 0..UNREGISTERED_MAX {
            assert_eq!(saw(n, n as i64), Standing::New);
        }
        assert_eq!(saw(UNREGISTERED_MAX, 20_000), Standing::TurnedAway);
        assert_eq!(saw(0, 30_000), Standing::Listed);
        let (devices, turned_away) = list.list();
        assert_eq!((devices.len(), turned_away), (UNREGISTERED_MAX, 1));
        assert_eq!(saw(UNREGISTERED_MAX, FORGET_AFTER.0 + 1), Standing::New);
        let (devices, _) = list.list();
        assert_eq!(devices.len(), UNREGISTERED_MAX);
        let gone = |name: &str| !devices.iter().any(|(d, _)| d.as_str() == name);
        assert!(gone("d1") && !gone("d0"), "the one that was silent longest");
    }
}
