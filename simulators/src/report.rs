//! What a device sends at a time: calm signal, then acts, then its fault, as MQTT messages.
//!
//! A report is a pure function of city, scenario, fault plan and time. Native payloads hold quantities and `t` only.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::city::{City, Device};
use crate::fault::{self, Fault, FaultPlan};
use crate::scenario::{Play, Scenario};
use crate::{signal, v2x};

/// Interval of a device that notices an act.
const ALARM_INTERVAL_MS: i64 = 3000;
/// Most records of one late batch.
const MAX_BATCH: usize = 120;
/// Most records of the time before a first report. With a late batch still far below the gateway's 1,000 a message.
const PAST_RECORDS: i64 = 12;

/// One message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// MQTT topic.
    pub topic: String,
    /// Its body.
    pub payload: Vec<u8>,
    /// QoS 1 where true, else QoS 0.
    pub at_least_once: bool,
    /// True time of the newest reading in it, in ms since 1970: not always what the device claims.
    pub t: i64,
}

/// Writes the reports of a city.
#[derive(Clone, Debug)]
pub struct Reporter {
    city: Arc<City>,
    play: Play,
    faults: Vec<Option<Fault>>,
    started: i64,
}

impl Reporter {
    /// The scenario begins, and all devices were started, at `started` (ms since 1970).
    pub fn new(city: Arc<City>, scenario: &Scenario, faults: &FaultPlan, started: i64) -> Self {
        let play = scenario.bind(&city);
        let faults = city.devices().iter().map(|d| faults.of(d)).collect();
        Self { city, play, faults, started }
    }

    /// The city.
    pub fn city(&self) -> &City {
        &self.city
    }

    /// The devices that an act rouses in `(after, until]`.
    pub fn roused(&self, after: i64, until: i64) -> Vec<u32> {
        self.play.roused(after - self.started, until - self.started)
    }

    /// When the device reports next, after a report at `t`: sooner where something happens.
    pub fn next_due(&self, device: u32, t: i64) -> i64 {
        let Some(d) = self.city.devices().get(device as usize) else { return i64::MAX };
        let interval = d.interval_ms();
        let calm = d.is_roadside_unit() || self.play.effect(device, t - self.started).is_calm();
        t + if calm { interval } else { interval.min(ALARM_INTERVAL_MS) }
    }

    /// Quantities and values as the device gives them at `t`.
    pub fn values(&self, device: u32, t: i64) -> Vec<(&'static str, f64)> {
        let Some(d) = self.city.devices().get(device as usize) else { return Vec::new() };
        let fault = self.faults[device as usize];
        let seen = fault::seen_at(fault, t);
        let effect = self.play.effect(device, seen - self.started);
        let value = |quantity: &'static str| {
            let value = effect.apply(quantity, signal::value(d, quantity, seen));
            (quantity, signal::round(fault::distort(fault, value, t), signal::decimals(quantity)))
        };
        d.kind.quantities.iter().map(|q| value(q)).collect()
    }

    /// The messages of a report at `t`: none where the device is dark or silent, several where it repeats itself or is a
    /// roadside unit.
    pub fn messages(&self, device: u32, t: i64) -> Vec<Message> {
        self.messages_with_past(device, t, 0)
    }

    /// As [`Reporter::messages`], but the telemetry begins with a few records of the `past_ms` before, oldest first, as
    /// from a device with a memory that is connected for the first time. In that past nothing was wrong with anybody:
    /// no act, no fault, so that it raises no alert. Who has no right clock has no past, and neither have roadside
    /// units, whose dialect knows none.
    pub fn messages_with_past(&self, device: u32, t: i64, past_ms: i64) -> Vec<Message> {
        let Some(d) = self.city.devices().get(device as usize) else { return Vec::new() };
        let fault = self.faults[device as usize];
        let effect = self.play.effect(device, t - self.started);
        let breaks_off = matches!(fault, Some(Fault::Dropout | Fault::LateBatch));
        if effect.is_dark(d) || (breaks_off && fault::silence(d, t).is_some()) {
            return Vec::new();
        }
        if d.is_roadside_unit() {
            let before = self.play.effect(device, t - d.interval_ms() - 1 - self.started);
            return v2x::messages(d, t, t - self.started, &effect, &before);
        }
        let mut times = if fault == Some(Fault::LateBatch) { kept(d, t) } else { Vec::new() };
        times.push(t);
        let past = if fault::claimed(fault, t, self.started) == t { past(d, times[0], t, past_ms) } else { Vec::new() };
        let message = self.telemetry(device, d, &past, &times);
        match fault {
            Some(Fault::Duplicate) => vec![message.clone(), message],
            _ => vec![message],
        }
    }

    fn telemetry(&self, device: u32, d: &Device, past: &[i64], times: &[i64]) -> Message {
        let mut records = Vec::with_capacity(past.len() + times.len());
        for at in past {
            let calm = |quantity: &&'static str| (*quantity, signal::value(d, quantity, *at));
            records.push((*at, d.kind.quantities.iter().map(calm).collect()));
        }
        for at in times {
            let claimed = fault::claimed(self.faults[device as usize], *at, self.started);
            records.push((claimed, self.values(device, *at)));
        }
        let t = times.last().copied().unwrap_or_default();
        Message { topic: telemetry_topic(&d.id), payload: write_records(&records).into_bytes(), at_least_once: true, t }
    }
}

/// One record stands alone, several in an array.
fn write_records(records: &[(i64, Vec<(&str, f64)>)]) -> String {
    let mut body = String::with_capacity(64 * records.len());
    for (n, (t, values)) in records.iter().enumerate() {
        body.push(if n == 0 { '[' } else { ',' });
        write_record(&mut body, *t, values);
    }
    if records.len() == 1 { body.split_off(1) } else { body + "]" }
}

/// Evenly spread times of the `past_ms` before `t` that lie before `first`, no closer than the device's interval.
fn past(device: &Device, first: i64, t: i64, past_ms: i64) -> Vec<i64> {
    let step = (past_ms / PAST_RECORDS).max(device.interval_ms()).max(1);
    (1..=past_ms / step).rev().map(|n| t - n * step).filter(|at| *at < first).collect()
}

/// What the device kept while its link was down, if it was so one interval ago.
fn kept(device: &Device, t: i64) -> Vec<i64> {
    let Some(begin) = fault::silence(device, t - device.interval_ms()) else { return Vec::new() };
    let step = device.interval_ms().max(1) as usize;
    (begin..t).step_by(step).filter(|at| fault::silence(device, *at).is_some()).take(MAX_BATCH).collect()
}

/// The native topic of a device's telemetry.
pub fn telemetry_topic(device: &str) -> String {
    format!("maibo/v1/{device}/telemetry")
}

/// Appends `{"t":…,"quantity":value,…}`; values with the digits of their quantity.
pub fn write_record(out: &mut String, t: i64, values: &[(&str, f64)]) {
    // Writing to a String can't fail.
    let _ = write!(out, "{{\"t\":{t}");
    for (quantity, value) in values {
        let _ = write!(out, ",\"{quantity}\":{value:.*}", usize::from(signal::decimals(quantity)));
    }
    out.push('}');
}
