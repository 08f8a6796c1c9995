//! How to read a table: which columns hold time, device and quantities. TOML:
//!
//! ```toml
//! missing = ["NA"]                  # besides the empty cell
//! delimiter = ","                   # the default
//!
//! [time]                            # one column …
//! column = "time"
//! format = "%Y-%m-%d %H:%M"         # strftime words, or one of: rfc3339, ms, s (since 1970)
//! zone = "Asia/Shanghai"            # or an offset such as "+08:00"; not for rfc3339, ms and s
//! # … or a column for each part; what is left out is 1 or 0
//! # year = "year", month = "month", day = "day", hour = "hour", minute = …, second = …
//!
//! [device]
//! column = "station"                # or: constant = "prsa-1"
//! prefix = "prsa-"                  # put before what the column says
//!
//! [quantity]
//! pm25 = "PM2.5"                    # in the quantity's canonical unit …
//! co = { column = "CO", unit = "ug/m3" }   # … or in another that it knows
//! ```

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use maibo_core::id::{DeviceId, Quantity};
use maibo_core::reading::quantity::{self, QuantitySpec};
use serde::Deserialize;

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    missing: Vec<String>,
    #[serde(default)]
    delimiter: Option<char>,
    time: TimeTable,
    device: DeviceTable,
    quantity: BTreeMap<String, ColumnEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeTable {
    column: Option<String>,
    format: Option<String>,
    zone: Option<String>,
    year: Option<String>,
    month: Option<String>,
    day: Option<String>,
    hour: Option<String>,
    minute: Option<String>,
    second: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceTable {
    column: Option<String>,
    constant: Option<String>,
    #[serde(default)]
    prefix: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a column's name, or { column = \"…\", unit = \"…\" }")]
enum ColumnEntry {
    Name(String),
    Full(FullColumn),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FullColumn {
    column: String,
    unit: String,
}

/// How a single column writes time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 3339.
    Rfc3339,
    /// Milliseconds since 1970.
    Milliseconds,
    /// Seconds since 1970, with a fraction or without.
    Seconds,
    /// `strftime` words, in the mapping's zone unless they name an offset.
    Words(String),
}

/// Where time stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Time {
    /// In one column.
    Column {
        /// Its name.
        column: String,
        /// How it is written.
        format: Format,
    },
    /// In a column for each part: year, month, day, hour, minute, second.
    Parts([Option<String>; 6]),
}

/// Where the device stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// In a column, behind the prefix.
    Column {
        /// Its name.
        column: String,
        /// What stands before it.
        prefix: String,
    },
    /// It is always the same.
    Constant(String),
}

/// One quantity's column.
#[derive(Clone, Debug)]
pub struct Column {
    /// What is measured.
    pub quantity: Quantity,
    /// What is known about it.
    pub spec: &'static QuantitySpec,
    /// The column's name.
    pub column: String,
    /// The unit of its values; `None` for the canonical one.
    pub unit: Option<String>,
}

/// How to read a table.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Cells that mean no value; the empty one always does.
    pub missing: Vec<String>,
    /// Between cells, one byte.
    pub delimiter: u8,
    /// Time.
    pub time: Time,
    /// Zone of times without an offset.
    pub zone: TimeZone,
    /// Device.
    pub device: Device,
    /// Quantities.
    pub columns: Vec<Column>,
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// Every problem with its key.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let table = text.parse::<toml::Table>().map_err(|e| vec![e.to_string().trim_end().to_owned()])?;
        let file: File = serde_path_to_error::deserialize(toml::Value::Table(table))
            .map_err(|e| vec![format!("{}: {}", e.path(), e.inner().message())])?;
        let mut problems = Vec::new();
        let delimiter = u8::try_from(file.delimiter.unwrap_or(',')).unwrap_or_else(|_| {
            problems.push("delimiter: must be one ASCII character".to_owned());
            b','
        });
        let time = time(&file.time, &mut problems);
        let zone = zone(&file.time, time.as_ref(), &mut problems);
        let device = device(file.device, &mut problems);
        let columns = columns(file.quantity, &mut problems);
        match (time, zone, device) {
            (Some(time), Some(zone), Some(device)) if problems.is_empty() => {
                Ok(Self { missing: file.missing, delimiter, time, zone, device, columns })
            }
            _ => Err(problems),
        }
    }

    /// Whether a cell means that there is no value.
    pub fn is_missing(&self, cell: &str) -> bool {
        cell.is_empty() || self.missing.iter().any(|m| m == cell)
    }
}

fn time(table: &TimeTable, problems: &mut Vec<String>) -> Option<Time> {
    let TimeTable { column, format, year, month, day, hour, minute, second, zone: _ } = table;
    let parts = [year, month, day, hour, minute, second].map(Clone::clone);
    let has_parts = parts.iter().any(Option::is_some);
    match (column, format) {
        (Some(column), Some(format)) if !has_parts => {
            let format = match format.as_str() {
                "rfc3339" => Format::Rfc3339,
                "ms" => Format::Milliseconds,
                "s" => Format::Seconds,
                words if words.contains('%') => Format::Words(words.to_owned()),
                other => {
                    problems
                        .push(format!("time.format: `{other}` is neither rfc3339, ms, s nor words such as %Y-%m-%d"));
                    return None;
                }
            };
            Some(Time::Column { column: column.clone(), format })
        }
        (None, None) if year.is_some() => Some(Time::Parts(parts)),
        (None, None) => {
            problems.push("time: needs `column` and `format`, or columns for year, month, day, …".to_owned());
            None
        }
        _ => {
            problems.push("time: `column` and `format` go together, and not with columns for the parts".to_owned());
            None
        }
    }
}

fn zone(table: &TimeTable, time: Option<&Time>, problems: &mut Vec<String>) -> Option<TimeZone> {
    let tells_itself = match time {
        Some(Time::Column { format: Format::Words(words), .. }) => words.contains("%z") || words.contains("%:z"),
        Some(Time::Column { .. }) => true,
        Some(Time::Parts(_)) | None => false,
    };
    match &table.zone {
        None if tells_itself || time.is_none() => Some(TimeZone::UTC),
        None => {
            problems
                .push("time.zone: is missing; write a name such as Asia/Shanghai or an offset such as +08:00".into());
            None
        }
        Some(_) if tells_itself => {
            problems.push("time.zone: the format says itself when it is; leave the zone out".to_owned());
            None
        }
        Some(name) => {
            let found = offset(name).or_else(|| TimeZone::get(name).ok());
            if found.is_none() {
                problems.push(format!("time.zone: `{name}` is not known here; write an offset such as +08:00"));
            }
            found
        }
    }
}

/// `+08:00`.
fn offset(text: &str) -> Option<TimeZone> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, most: i32| text.parse::<i32>().ok().filter(|n| text.len() == 2 && (0..=most).contains(n));
    let seconds = number(hours, 23)? * 3600 + number(minutes, 59)? * 60;
    jiff::tz::Offset::from_seconds(sign * seconds).ok().map(TimeZone::fixed)
}

fn device(table: DeviceTable, problems: &mut Vec<String>) -> Option<Device> {
    match (table.column, table.constant) {
        (Some(column), None) => Some(Device::Column { column, prefix: table.prefix }),
        (None, Some(id)) => {
            if let Err(error) = DeviceId::new(&id) {
                problems.push(format!("device.constant: {error}"));
            }
            Some(Device::Constant(id))
        }
        _ => {
            problems.push("device: needs either `column` or `constant`".to_owned());
            None
        }
    }
}

fn columns(table: BTreeMap<String, ColumnEntry>, problems: &mut Vec<String>) -> Vec<Column> {
    if table.is_empty() {
        problems.push("quantity: names no column; write for example pm25 = \"PM2.5\"".to_owned());
    }
    let mut columns = Vec::new();
    for (name, entry) in table {
        let (column, unit) = match entry {
            ColumnEntry::Name(column) => (column, None),
            ColumnEntry::Full(full) => (full.column, Some(full.unit)),
        };
        let Some((spec, quantity)) = quantity::lookup(&name).and_then(|s| Some((s, s.quantity()?))) else {
            problems.push(format!("quantity.{name}: is not a known quantity"));
            continue;
        };
        if let Err(error) = spec.convert(0.0, unit.as_deref()) {
            let known: Vec<&str> = spec.also.iter().map(|c| c.unit).collect();
            problems.push(format!("quantity.{name}.unit: {error}, also {}", known.join(", ")));
        }
        columns.push(Column { quantity, spec, column, unit });
    }
    columns
}
