//! Line protocol, as an InfluxDB 2 server reads it: one point a line, written here and nowhere else.
//!
//! ```text
//! water_depth,device=wl-1,district=110105,domain=traffic,kind=waterlogging,place=110105001,quality=good value=12.5 1760000000000000000
//! └ what was measured ┘└ tags, sorted by key, the empty ones left out ───────────────────────┘└ field ┘└ ns since 1970 ┘
//! ```
//!
//! Everything before the value is the same for every point of a series: it is made once ([`prefix`]) and kept by
//! `prefixes.rs`. Pure: no clock, no I/O.
//!
//! **Invariant:** whatever the texts are, one point is one line with exactly the tags it was given; what cannot be
//! written so is an error. In measurement and tags `,` `=` space and `\` are escaped. Refused are control characters (a
//! line break would begin a point of its own), and a backslash at the end of a text: InfluxDB takes it for an escape of
//! the separator behind it, however many there are.
//!
//! **Limit:** [`PREFIX_MAX`] bytes before the value.

use std::io::Write as _;

use maibo_core::time::Timestamp;

/// Longest measurement with its tags, in bytes. InfluxDB takes 64 kB.
pub const PREFIX_MAX: usize = 8 * 1024;
/// The field's name, with what stands around it.
const FIELD: &[u8] = b" value=";

/// Why a text cannot stand in a line. Says which part it is, with the text made harmless.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Nothing there where something must be.
    #[error("{part} is empty")]
    Empty {
        /// `the measurement` or a tag's key.
        part: String,
    },
    /// A control character: a line break, a tab, a zero.
    #[error("{part} has a control character: {text}")]
    Control {
        /// `the measurement` or a tag's key.
        part: String,
        /// The text, quoted and escaped.
        text: String,
    },
    /// The last character is a backslash.
    #[error("{part} ends with a backslash, which servers take for an escape: {text}")]
    Backslash {
        /// `the measurement` or a tag's key.
        part: String,
        /// The text, quoted and escaped.
        text: String,
    },
    /// The measurement begins with `#`: the line would be a comment.
    #[error("the measurement begins with #")]
    Comment,
    /// A tag's key stands twice.
    #[error("tag {key} stands twice")]
    Twice {
        /// Which.
        key: String,
    },
    /// Longer than [`PREFIX_MAX`].
    #[error("measurement and tags are longer than {PREFIX_MAX} bytes")]
    Long,
}

/// Why a value is not written; no fault of anybody's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// Not a number, or infinite: line protocol has no word for it.
    #[error("the value is not finite")]
    Value,
    /// Outside the years 1677 to 2262, which are all that fit nanoseconds.
    #[error("the time does not fit nanoseconds")]
    Time,
}

/// Everything of a line up to the value: measurement and tags, these sorted by key, those without a value left out.
///
/// # Errors
/// [`LineError`]; then nothing of the series can be written.
pub fn prefix(measurement: &str, tags: &[(&str, &str)]) -> Result<Box<[u8]>, LineError> {
    let mut line = Vec::with_capacity(160);
    if measurement.starts_with('#') {
        return Err(LineError::Comment);
    }
    escape(&mut line, "the measurement", measurement)?;
    let mut tags: Vec<&(&str, &str)> = tags.iter().filter(|(_, value)| !value.is_empty()).collect();
    tags.sort_unstable();
    if let Some(pair) = tags.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(LineError::Twice { key: pair[0].0.to_owned() });
    }
    for (key, value) in tags {
        line.push(b',');
        escape(&mut line, "a tag's key", key)?;
        line.push(b'=');
        escape(&mut line, key, value)?;
    }
    line.extend_from_slice(FIELD);
    if line.len() > PREFIX_MAX {
        return Err(LineError::Long);
    }
    Ok(line.into_boxed_slice())
}

/// Appends one point of a series, with its line break.
///
/// # Errors
/// [`PointError`]; then nothing was appended.
pub fn point(out: &mut Vec<u8>, prefix: &[u8], value: f64, at: Timestamp) -> Result<(), PointError> {
    if !value.is_finite() {
        return Err(PointError::Value);
    }
    let nanoseconds = at.0.checked_mul(1_000_000).ok_or(PointError::Time)?;
    out.extend_from_slice(prefix);
    // Debug: the shortest text that reads back as the same number, with an exponent where it is very large or small.
    // Writing to memory does not fail.
    let _ = writeln!(out, "{value:?} {nanoseconds}");
    Ok(())
}

fn escape(line: &mut Vec<u8>, part: &str, text: &str) -> Result<(), LineError> {
    let (part, shown) = (|| part.escape_debug().to_string(), || format!("{text:?}"));
    if text.is_empty() {
        return Err(LineError::Empty { part: part() });
    }
    if text.chars().any(char::is_control) {
        return Err(LineError::Control { part: part(), text: shown() });
    }
    if text.ends_with('\\') {
        return Err(LineError::Backslash { part: part(), text: shown() });
    }
    for byte in text.bytes() {
        if matches!(byte, b',' | b'=' | b' ' | b'\\') {
            line.push(b'\\');
        }
        line.push(byte);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
