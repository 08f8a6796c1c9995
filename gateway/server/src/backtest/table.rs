//! Tables (CSV), read by a [`Mapping`].

use std::io::Read;

use csv::{ErrorKind, ReaderBuilder, StringRecord};
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use maibo_core::time::Timestamp;

use super::mapping::{Column, Device, Format, Mapping, Time};
use super::tape::Measured;
use super::{LoadError, Tape, source};

/// The mapping's columns as numbers in one table.
struct Layout<'a> {
    mapping: &'a Mapping,
    time: Vec<Option<usize>>,
    device: Option<usize>,
    values: Vec<(usize, &'a Column)>,
}

/// Reads a table.
///
/// # Errors
/// [`LoadError`]; also where the table lacks a column that the mapping names.
pub fn read(file: &str, text: impl Read, mapping: &Mapping, tape: &mut Tape) -> Result<(), LoadError> {
    let mut reader =
        ReaderBuilder::new().delimiter(mapping.delimiter).trim(csv::Trim::All).flexible(true).from_reader(text);
    let headers = reader.byte_headers().map_err(|e| fault(file, e))?.clone();
    let headers: Vec<String> = headers.iter().map(|h| String::from_utf8_lossy(h).into_owned()).collect();
    let layout = Layout::new(file, &headers, mapping)?;
    let mut record = StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                if record.len() == headers.len() {
                    layout.take(file, line, &record, tape)?;
                } else {
                    tape.bad(file, line, format_args!("has {} cells, the header has {}", record.len(), headers.len()));
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::Utf8 { .. }) => tape.bad(file, line, "is not UTF-8"),
            Err(error) => return Err(fault(file, error)),
        }
    }
}

fn fault(file: &str, error: csv::Error) -> LoadError {
    match error.into_kind() {
        ErrorKind::Io(error) => source::fault(file, error),
        other => LoadError::data(format_args!("{file}: {other:?}")),
    }
}

impl<'a> Layout<'a> {
    fn new(file: &str, headers: &[String], mapping: &'a Mapping) -> Result<Self, LoadError> {
        let mut problems = Vec::new();
        let mut find = |key: &str, name: &str| {
            let found = headers.iter().position(|h| h.trim_start_matches('\u{feff}') == name);
            if found.is_none() {
                let known = headers.join(", ");
                problems.push(format!("{file}: has no column `{name}` ({key}); it has {known}"));
            }
            found
        };
        let time = match &mapping.time {
            Time::Column { column, .. } => vec![find("time.column", column)],
            Time::Parts(parts) => parts.iter().map(|p| p.as_ref().and_then(|name| find("time", name))).collect(),
        };
        let device = match &mapping.device {
            Device::Column { column, .. } => find("device.column", column),
            Device::Constant(_) => None,
        };
        let values = mapping.columns.iter();
        let values = values.filter_map(|c| Some((find(&format!("quantity.{}", c.quantity), &c.column)?, c))).collect();
        if problems.is_empty() { Ok(Self { mapping, time, device, values }) } else { Err(LoadError::Data(problems)) }
    }

    fn take(&self, file: &str, line: u64, record: &StringRecord, tape: &mut Tape) -> Result<(), LoadError> {
        let cell = |i: Option<usize>| i.and_then(|i| record.get(i)).unwrap_or_default();
        let cells: Vec<&str> = self.time.iter().map(|i| cell(*i)).collect();
        let at = match time(&self.mapping.time, &self.mapping.zone, &cells).and_then(source::plausible) {
            Ok(at) => at,
            Err(problem) => {
                tape.bad(file, line, problem);
                return Ok(());
            }
        };
        let named;
        let device = match &self.mapping.device {
            Device::Constant(id) => id,
            Device::Column { prefix, .. } => {
                named = format!("{prefix}{}", cell(self.device));
                &named
            }
        };
        for (i, column) in &self.values {
            let text = cell(Some(*i));
            if self.mapping.is_missing(text) {
                tape.missing();
                continue;
            }
            let Some(value) = text.parse::<f64>().ok().filter(|v| v.is_finite()) else {
                tape.bad(file, line, format_args!("{}: `{}` is not a number", column.column, text.escape_debug()));
                continue;
            };
            // The unit was checked with the mapping.
            let value = column.spec.convert(value, column.unit.as_deref()).unwrap_or(f64::NAN);
            let kept = tape.reading(Measured {
                now: at,
                device,
                quantity: &column.quantity,
                at,
                received: at,
                value,
                quality: column.spec.judge(value),
                timed: true,
            })?;
            if let Err(problem) = kept {
                // The same device stands for the whole line.
                tape.bad(file, line, problem);
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The time that the cells of a line say.
fn time(time: &Time, zone: &TimeZone, cells: &[&str]) -> Result<Timestamp, String> {
    match time {
        Time::Column { format, .. } => column(format, zone, cells.first().copied().unwrap_or_default()),
        Time::Parts(parts) => {
            // Columns that the mapping does not name: January, the first, midnight.
            let mut numbers = [1970, 1, 1, 0, 0, 0];
            for ((number, name), cell) in numbers.iter_mut().zip(parts).zip(cells) {
                if let Some(name) = name {
                    *number = cell
                        .parse::<i16>()
                        .map_err(|_| format!("{name}: `{}` is not a number", cell.escape_debug()))?;
                }
            }
            let [year, month, day, hour, minute, second] = numbers;
            let small = |n: i16| i8::try_from(n).unwrap_or(i8::MAX);
            let (month, day, hour) = (small(month), small(day), small(hour));
            let local = DateTime::new(year, month, day, hour, small(minute), small(second), 0);
            local.map_err(|e| e.to_string()).and_then(|local| zoned(local, zone))
        }
    }
}

fn column(format: &Format, zone: &TimeZone, text: &str) -> Result<Timestamp, String> {
    let bad = |what: &str| format!("time: `{}` is not {what}", text.escape_debug());
    match format {
        Format::Rfc3339 => {
            let time = text.parse::<jiff::Timestamp>();
            time.map(|t| Timestamp(t.as_millisecond())).map_err(|_| bad("RFC 3339 with an offset"))
        }
        Format::Milliseconds => text.parse().map(Timestamp).map_err(|_| bad("milliseconds since 1970")),
        Format::Seconds => {
            let seconds = text.parse::<f64>().ok().filter(|s| s.abs() < 1e12);
            seconds.map(|s| Timestamp((s * 1000.0).round() as i64)).ok_or_else(|| bad("seconds since 1970"))
        }
        Format::Words(format) => {
            let parsed = strtime::parse(format, text).map_err(|e| format!("time: {e}"))?;
            if parsed.offset().is_some() {
                let time = parsed.to_timestamp().map_err(|e| format!("time: {e}"))?;
                return Ok(Timestamp(time.as_millisecond()));
            }
            zoned(parsed.to_datetime().map_err(|e| format!("time: {e}"))?, zone)
        }
    }
}

/// A local time that stands twice or not at all (summer time) is taken as calendars do: the earlier, the later.
fn zoned(local: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let zoned = local.to_zoned(zone.clone()).map_err(|e| format!("time: {e}"))?;
    Ok(Timestamp(zoned.timestamp().as_millisecond()))
}

/// For tests: what a line's time cells mean.
#[cfg(test)]
pub(super) fn shown(mapping: &Mapping, cells: &[&str]) -> Result<String, String> {
    time(&mapping.time, &mapping.zone, cells).map(crate::live::words::time)
}
