//! Street floods of New York (FloodNet): the depth profile of each event, CSV, gzip.
//!
//! Depths are in inches and so the payload says; profiles are irregular, about a reading a minute. The recording has no
//! time zone, so every event begins at [`BASE`] and is a device of its own.

use std::path::Path;

use anyhow::{Context, ensure};

use super::Replayed;
use super::air::unpack;

/// Begin of every event: 2023-01-01T00:00:00Z, in ms since 1970.
pub const BASE: i64 = 1_672_531_200_000;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct FloodEvent {
    /// Row in the file, from 0.
    pub number: usize,
    /// The sensor it happened at.
    pub sensor: String,
    /// Published deepest point, inches.
    pub max_depth: f64,
    /// Published minutes above 4, 12 and 24 inches.
    pub minutes_above: [f64; 3],
    /// Seconds since the begin, depth in inches; in the order of the file.
    pub profile: Vec<(f64, f64)>,
}

impl FloodEvent {
    /// Id of the event's device.
    pub fn device(&self) -> String {
        format!("flood-{:04}", self.number)
    }

    /// Its readings as messages.
    pub fn messages(&self) -> Vec<Replayed> {
        let message = |(seconds, inches): &(f64, f64)| {
            let t = BASE + (seconds * 1000.0).round() as i64;
            let payload = format!("{{\"t\":{t},\"water_depth\":{{\"v\":{inches},\"u\":\"[in_i]\"}}}}");
            Replayed { device: self.device(), t, payload }
        };
        self.profile.iter().map(message).collect()
    }
}

/// Reads the file of events, gzip or plain.
///
/// # Errors
/// Where the file can't be read, a column is missing, or the lists of a profile don't match.
pub fn read(path: &Path) -> anyhow::Result<Vec<FloodEvent>> {
    let text = unpack(path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers()?.clone();
    let column = |name: &str| headers.iter().position(|h| h == name).with_context(|| format!("no column {name}"));
    let at = [
        column("sensor_id")?,
        column("max_depth_inches")?,
        column("duration_above_4_inches_mins")?,
        column("duration_above_12_inches_mins")?,
        column("duration_above_24_inches_mins")?,
        column("flood_profile_time_secs")?,
        column("flood_profile_depth_inches")?,
    ];
    let mut events = Vec::new();
    for row in reader.records() {
        let row = row?;
        events.push(event(events.len(), &row, at).with_context(|| format!("row {}", events.len() + 1))?);
    }
    Ok(events)
}

fn event(number: usize, row: &csv::StringRecord, at: [usize; 7]) -> anyhow::Result<FloodEvent> {
    let field = |n: usize| row.get(at[n]).with_context(|| format!("column {} is missing", at[n] + 1));
    let value = |n: usize| -> anyhow::Result<f64> { Ok(field(n)?.parse()?) };
    let list = |n: usize| -> anyhow::Result<Vec<f64>> { Ok(serde_json::from_str(field(n)?)?) };
    let (seconds, inches) = (list(5)?, list(6)?);
    ensure!(seconds.len() == inches.len(), "{} times for {} depths", seconds.len(), inches.len());
    Ok(FloodEvent {
        number,
        sensor: field(0)?.to_owned(),
        max_depth: value(1)?,
        minutes_above: [value(2)?, value(3)?, value(4)?],
        profile: seconds.into_iter().zip(inches).collect(),
    })
}
