//! Devices that report but stand in no catalogue: listed for the operator, bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use maibo_core::id::{DeviceId, SourceId};
use maibo_core::time::Timestamp;

/// At most this many are kept; the least recently seen goes first, counted.
pub const UNREGISTERED_MAX: usize = 10_000;

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

/// The list of unknown devices.
#[derive(Default)]
pub struct Unregistered {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    devices: BTreeMap<DeviceId, Seen>,
    evicted: u64,
}

impl Unregistered {
    /// Notes that `device` reported; true when it was not listed yet.
    pub fn saw(&self, device: &DeviceId, source: &SourceId, now: Timestamp) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = inner.devices.get_mut(device) {
            seen.last = now;
            seen.count += 1;
            return false;
        }
        if inner.devices.len() >= UNREGISTERED_MAX {
            // A scan per eviction: it happens only while somebody floods us with made-up names.
            let oldest = inner.devices.iter().min_by_key(|(_, s)| s.last).map(|(d, _)| d.clone());
            if let Some(oldest) = oldest {
                inner.devices.remove(&oldest);
                inner.evicted += 1;
            }
        }
        inner.devices.insert(device.clone(), Seen { source: source.clone(), first: now, last: now, count: 1 });
        true
    }

    /// All of them, by name, and how many had to be forgotten.
    pub fn list(&self) -> (Vec<(DeviceId, Seen)>, u64) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.devices.iter().map(|(d, s)| (d.clone(), s.clone())).collect(), inner.evicted)
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

    // P8: a flood of made-up names stays within the limit, and the least recently seen goes first.
    #[test]
    fn bounded() {
        let list = Unregistered::default();
        let source = SourceId::new("s").expect("id");
        for n in 0..=UNREGISTERED_MAX {
            let device = DeviceId::new(&format!("d{n}")).expect("id");
            assert!(list.saw(&device, &source, Timestamp(n as i64)));
        }
        let (devices, evicted) = list.list();
        assert_eq!((devices.len(), evicted), (UNREGISTERED_MAX, 1));
        assert!(!devices.iter().any(|(d, _)| d.as_str() == "d0"));
    }
}
