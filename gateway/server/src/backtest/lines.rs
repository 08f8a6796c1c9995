//! JSON lines: `{"device","quantity","t","value"}` (also `"unit"`), or `{"device","t","<quantity>":value,…}`.
//!
//! `t` is milliseconds since 1970 or RFC 3339. A line that cannot be read is bad as a whole; of a line with several
//! quantities only those are that cannot be read.

use std::io::BufRead;

use maibo_core::id::Quantity;
use maibo_core::reading::quantity::{self, QuantitySpec};
use maibo_core::time::Timestamp;
use serde_json::{Map, Value};

use super::tape::Measured;
use super::{LoadError, Tape, source};
use crate::live::words;

/// Reads a text of such lines.
///
/// # Errors
/// [`LoadError`].
pub fn read(file: &str, text: &mut dyn BufRead, tape: &mut Tape) -> Result<(), LoadError> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if text.read_until(b'\n', &mut line).map_err(|e| source::fault(file, e))? == 0 {
            break;
        }
        let content = if number == 1 { line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line) } else { &line };
        if content.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Map<String, Value>>(content) {
            Ok(object) => take(file, number, &object, tape)?,
            Err(error) => tape.bad(file, number, format_args!("is no JSON object: {error}")),
        }
    }
    Ok(())
}

fn take(file: &str, line: u64, object: &Map<String, Value>, tape: &mut Tape) -> Result<(), LoadError> {
    let Some(device) = object.get("device").and_then(Value::as_str) else {
        tape.bad(file, line, "`device` is missing or no text");
        return Ok(());
    };
    let time = match object.get("t") {
        Some(Value::Number(n)) => n.as_i64().map(Timestamp),
        Some(Value::String(text)) => words::parse_time(text),
        _ => None,
    };
    let Some(at) = time else {
        tape.bad(file, line, "`t` is neither milliseconds since 1970 nor RFC 3339");
        return Ok(());
    };
    if let Err(problem) = source::plausible(at) {
        tape.bad(file, line, problem);
        return Ok(());
    }
    let mut keep = |name: &str, value: &Value, unit: Option<&str>| -> Result<(), LoadError> {
        let kept = match measured(name, value, unit) {
            Ok((spec, quantity, value)) => {
                let quality = spec.judge(value);
                tape.reading(Measured {
                    now: at,
                    device,
                    quantity: &quantity,
                    at,
                    received: at,
                    value,
                    quality,
                    timed: true,
                })?
            }
            Err(problem) => Err(problem),
        };
        if let Err(problem) = kept {
            tape.bad(file, line, problem);
        }
        Ok(())
    };
    if let Some(name) = object.get("quantity") {
        let unit = object.get("unit").and_then(Value::as_str);
        return keep(name.as_str().unwrap_or_default(), object.get("value").unwrap_or(&Value::Null), unit);
    }
    for (name, value) in object.iter().filter(|(name, _)| !matches!(name.as_str(), "device" | "t")) {
        keep(name, value, None)?;
    }
    Ok(())
}

/// A value by name, in the canonical unit.
fn measured(name: &str, value: &Value, unit: Option<&str>) -> Result<(&'static QuantitySpec, Quantity, f64), String> {
    let unknown = || format!("`{}` is not a known quantity", name.escape_debug());
    let spec = quantity::lookup(name).ok_or_else(unknown)?;
    let quantity = spec.quantity().ok_or_else(unknown)?;
    let value = match value {
        Value::Number(n) => n.as_f64(),
        Value::Bool(yes) if spec.is_binary() => Some(f64::from(u8::from(*yes))),
        _ => None,
    };
    let value = value.ok_or_else(|| format!("`{name}` is not a number"))?;
    let value = spec.convert(value, unit).map_err(|e| e.to_string())?;
    Ok((spec, quantity, value))
}
