//! Hourly air quality of Beijing stations (UCI PRSA), CSV, gzip.
//!
//! Times are Beijing local time at the begin of the hour; `NA` is a missing value; carbon monoxide is in µg/m³, which the
//! payload says, because it is not the unit such values usually have.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;

use crate::civil::days;

const ZONE_MS: i64 = 8 * 3_600_000;
/// Largest file accepted, unpacked.
const MAX_BYTES: u64 = 64 << 20;
/// Column, quantity. The dew point has no quantity and stands in the record only.
const COLUMNS: [(&str, &str); 10] = [
    ("PM2.5", "pm25"),
    ("PM10", "pm10"),
    ("SO2", "so2"),
    ("NO2", "no2"),
    ("CO", "co"),
    ("O3", "o3"),
    ("TEMP", "temperature"),
    ("PRES", "pressure"),
    ("RAIN", "rain"),
    ("WSPM", "wind_speed"),
];
/// The sixteen winds, clockwise from north, 22.5° apart.
const WINDS: [&str; 16] =
    ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"];

/// One hour of one station.
#[derive(Clone, Debug, PartialEq)]
pub struct AirRecord {
    /// Name of the station.
    pub station: String,
    /// Begin of the hour, in ms since 1970.
    pub t: i64,
    /// What was measured: quantity, value as written in the file (`co` in µg/m³, all others in canonical units).
    pub values: Vec<(&'static str, f64)>,
    /// Dew point, °C.
    pub dew_point: Option<f64>,
}

impl AirRecord {
    /// Id of the station's device.
    pub fn device(&self) -> String {
        format!("prsa-{}", self.station.to_ascii_lowercase())
    }

    /// The value of a quantity, as written in the file.
    pub fn value(&self, quantity: &str) -> Option<f64> {
        self.values.iter().find(|(q, _)| *q == quantity).map(|(_, v)| *v)
    }

    /// Body of the native format; nothing where nothing was measured.
    pub fn payload(&self) -> Option<String> {
        let mut body = serde_json::Map::new();
        body.insert("t".to_owned(), self.t.into());
        for (quantity, value) in &self.values {
            let value = match *quantity {
                "co" => serde_json::json!({"v": value, "u": "ug/m3"}),
                _ => serde_json::json!(value),
            };
            body.insert((*quantity).to_owned(), value);
        }
        (!self.values.is_empty()).then(|| serde_json::Value::Object(body).to_string())
    }
}

/// Reads a file of one or several stations, gzip or plain.
///
/// # Errors
/// Where the file can't be read, a column is missing, or a field is neither a number nor `NA`.
pub fn read(path: &Path) -> anyhow::Result<Vec<AirRecord>> {
    let text = unpack(path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers()?.clone();
    let column = |name: &str| headers.iter().position(|h| h == name).with_context(|| format!("no column {name}"));
    let date = [column("year")?, column("month")?, column("day")?, column("hour")?];
    let (station, wind, dew) = (column("station")?, column("wd")?, column("DEWP")?);
    let columns: Vec<(usize, &str)> =
        COLUMNS.iter().map(|(name, quantity)| Ok((column(name)?, *quantity))).collect::<anyhow::Result<_>>()?;
    let mut records = Vec::new();
    for row in reader.records() {
        let row = row?;
        let read = || -> anyhow::Result<AirRecord> {
            let mut values = Vec::with_capacity(columns.len() + 1);
            for (at, quantity) in &columns {
                values.extend(number(field(&row, *at)?)?.map(|v| (*quantity, v)));
            }
            values.extend(
                WINDS.iter().position(|w| row.get(wind) == Some(*w)).map(|n| ("wind_direction", 22.5 * n as f64)),
            );
            let dew_point = number(field(&row, dew)?)?;
            Ok(AirRecord { station: field(&row, station)?.to_owned(), t: time(&row, date)?, values, dew_point })
        };
        records.push(read().with_context(|| format!("row {}", records.len() + 1))?);
    }
    Ok(records)
}

/// The text of a file that may be compressed.
pub(super) fn unpack(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut text = String::new();
    let read = if path.extension().is_some_and(|e| e == "gz") {
        GzDecoder::new(file).take(MAX_BYTES).read_to_string(&mut text)
    } else {
        file.take(MAX_BYTES).read_to_string(&mut text)
    };
    let read = read.with_context(|| path.display().to_string())?;
    ensure!((read as u64) < MAX_BYTES, "{}: more than {MAX_BYTES} bytes", path.display());
    Ok(text)
}

fn field(row: &csv::StringRecord, at: usize) -> anyhow::Result<&str> {
    row.get(at).with_context(|| format!("column {} is missing", at + 1))
}

fn number(field: &str) -> anyhow::Result<Option<f64>> {
    if field == "NA" || field.is_empty() {
        return Ok(None);
    }
    field.parse().map(Some).with_context(|| format!("{field} is no number"))
}

fn time(row: &csv::StringRecord, [year, month, day, hour]: [usize; 4]) -> anyhow::Result<i64> {
    let whole = |at| -> anyhow::Result<i64> { Ok(field(row, at)?.parse()?) };
    let (year, month, day, hour) = (whole(year)?, whole(month)?, whole(day)?, whole(hour)?);
    let valid = (1970..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    ensure!(valid && (0..24).contains(&hour), "no date");
    Ok(days(year, month, day) * 86_400_000 + hour * 3_600_000 - ZONE_MS)
}
