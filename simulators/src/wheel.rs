//! A timer wheel: when which device is due, in slots of 100 ms.
//!
//! One due time per device; setting it again replaces it. Entries further ahead than one turn stay in their slot and
//! are looked at once a turn. **Limit:** one entry per device plus those replaced, which go when their slot comes round.

/// Length of a slot, in milliseconds.
pub(crate) const SLOT_MS: i64 = 100;
/// Slots of a turn: 409.6 s, longer than the longest interval.
const SLOTS: usize = 4096;

#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<(i64, u32)>>,
    /// For each device its due time.
    due: Vec<i64>,
    /// The last slot that was emptied.
    at: i64,
}

impl Wheel {
    /// Nothing is due; the wheel stands at `now_ms`.
    pub(crate) fn new(devices: usize, now_ms: i64) -> Self {
        Self { slots: vec![Vec::new(); SLOTS], due: vec![i64::MAX; devices], at: now_ms.div_euclid(SLOT_MS) }
    }

    /// Makes `device` due at `due_ms`, or in the next slot where that has passed.
    pub(crate) fn set(&mut self, device: u32, due_ms: i64) {
        let due_ms = due_ms.max((self.at + 1) * SLOT_MS);
        if let Some(slot) = self.due.get_mut(device as usize) {
            *slot = due_ms;
            self.slots[index(due_ms.div_euclid(SLOT_MS))].push((due_ms, device));
        }
    }

    /// Turns to `now_ms` and gives what came due, in order of time and device.
    pub(crate) fn advance(&mut self, now_ms: i64) -> Vec<(i64, u32)> {
        // A slot is emptied when it is over, so that no due time is later than now.
        let until = now_ms.div_euclid(SLOT_MS) - 1;
        let mut came = Vec::new();
        // After a long pause one turn sees every slot.
        let first = (self.at + 1).max(until - SLOTS as i64 + 1);
        for slot in first..=until {
            let Self { slots, due, .. } = self;
            slots[index(slot)].retain(|(at, device)| {
                let valid = due[*device as usize] == *at;
                let now = at.div_euclid(SLOT_MS) <= until;
                if valid && now {
                    due[*device as usize] = i64::MAX;
                    came.push((*at, *device));
                }
                valid && !now
            });
        }
        self.at = self.at.max(until);
        came.sort_unstable();
        came
    }
}

fn index(slot: i64) -> usize {
    slot.rem_euclid(SLOTS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    // Protects the schedule: each device comes once, in order, never early, also beyond one turn.
    #[test]
    fn every_due_time_comes_once_in_order() {
        let mut wheel = Wheel::new(3, 1000);
        wheel.set(0, 1500);
        wheel.set(1, 1450);
        wheel.set(2, 900_000);
        assert!(wheel.advance(1499).is_empty());
        assert_eq!(wheel.advance(1600), [(1450, 1), (1500, 0)]);
        assert!(wheel.advance(899_999).is_empty());
        assert_eq!(wheel.advance(900_100), [(900_000, 2)]);
        assert!(wheel.advance(10_000_000).is_empty());
    }

    // Protects rousing a device: the new due time replaces the old one.
    #[test]
    fn setting_again_replaces() {
        let mut wheel = Wheel::new(1, 0);
        wheel.set(0, 60_000);
        wheel.set(0, 500);
        assert_eq!(wheel.advance(1000), [(500, 0)]);
        assert!(wheel.advance(70_000).is_empty());
    }
}
