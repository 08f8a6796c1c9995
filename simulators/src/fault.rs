//! Faults of devices: what real fleets do wrong.
//!
//! A fault belongs to a device for its lifetime and follows from its seed. Which fault, and what it does to the report of
//! a given time, is a pure function: nothing is remembered.

use crate::city::Device;
use crate::noise;

/// What is wrong with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its values creep away, by up to a tenth in a day.
    Drift,
    /// It repeats the value of the last full six hours.
    Stuck,
    /// It says nothing for some minutes of every hour.
    Dropout,
    /// It sends everything twice.
    Duplicate,
    /// It loses its link for some minutes of every hour, keeps its readings and sends them together.
    LateBatch,
    /// Its clock is an hour fast.
    FastClock,
    /// Its clock began at 1970 when it was started.
    ResetClock,
    /// It sends Beijing time as if it were UTC.
    WrongZone,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 8] = [
        Self::Drift,
        Self::Stuck,
        Self::Dropout,
        Self::Duplicate,
        Self::LateBatch,
        Self::FastClock,
        Self::ResetClock,
        Self::WrongZone,
    ];
}

/// Which devices are faulty.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultPlan {
    /// Faulty devices per 10,000, for each of [`Fault::ALL`] in order.
    pub per_10_000: [u32; 8],
}

impl Default for FaultPlan {
    /// About two percent in all; few go silent, because each of those is an alert.
    fn default() -> Self {
        Self { per_10_000: [50, 40, 8, 50, 8, 10, 4, 10] }
    }
}

impl FaultPlan {
    /// Every device works.
    pub fn none() -> Self {
        Self { per_10_000: [0; 8] }
    }

    /// What is wrong with this device. Roadside units only ever drop out.
    pub fn of(&self, device: &Device) -> Option<Fault> {
        let mut at = noise::below(noise::hash(&[device.seed, 2]), 10_000) as u32;
        for (fault, share) in Fault::ALL.into_iter().zip(self.per_10_000) {
            match at.checked_sub(share) {
                Some(rest) => at = rest,
                None => return (!device.is_roadside_unit() || fault == Fault::Dropout).then_some(fault),
            }
        }
        None
    }
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Silence of [`Fault::Dropout`] and [`Fault::LateBatch`], at least.
const SILENCE_MS: i64 = 6 * 60_000;

/// Begin of the silence that `t` falls in, if any: once an hour, at the device's own minute.
pub fn silence(device: &Device, t: i64) -> Option<i64> {
    let offset = noise::below(noise::hash(&[device.seed, 3]), HOUR_MS as u64) as i64;
    let into = (t - offset).rem_euclid(HOUR_MS);
    let lasting = SILENCE_MS.max(3 * device.interval_ms()).min(HOUR_MS / 2);
    (into < lasting).then(|| t - into)
}

/// When the sensor looked: earlier than `t` where it is stuck.
pub fn seen_at(fault: Option<Fault>, t: i64) -> i64 {
    if fault == Some(Fault::Stuck) { t - t.rem_euclid(6 * HOUR_MS) } else { t }
}

/// The value it gives, from the true one.
pub fn distort(fault: Option<Fault>, value: f64, t: i64) -> f64 {
    if fault == Some(Fault::Drift) { value * (1.0 + 0.1 * t.rem_euclid(DAY_MS) as f64 / DAY_MS as f64) } else { value }
}

/// The time it claims. `started` is when the device was started.
pub fn claimed(fault: Option<Fault>, t: i64, started: i64) -> i64 {
    match fault {
        Some(Fault::FastClock) => t + HOUR_MS,
        Some(Fault::ResetClock) => t - started,
        Some(Fault::WrongZone) => t + 8 * HOUR_MS,
        _ => t,
    }
}
