//! What is in a data directory, as `maibo journal` prints it.

use std::path::Path;

use serde_json::Value;

use crate::maibo::command;

/// Every record of a log, as JSON lines. Maibo must not be running.
///
/// # Panics
/// Where the log cannot be read.
pub fn inspect(data: &Path, log: &str) -> Vec<Value> {
    let data = data.to_str().expect("UTF-8 path");
    let (code, out, err) = command(&["journal", "inspect", "--data", data, "--log", log], Path::new("."));
    assert_eq!(code, Some(0), "journal inspect: {err}");
    out.lines().map(|line| serde_json::from_str(line).expect("JSON line")).collect()
}

/// The readings in the inputs log: (device, quantity, event time, value), in log order.
///
/// # Panics
/// Where the log cannot be read.
pub fn readings(data: &Path) -> Vec<(String, String, i64, f64)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    inspect(data, "inputs")
        .iter()
        .flat_map(|record| record["inputs"].as_array().cloned().unwrap_or_default())
        .filter(|input| input["kind"] == "reading")
        .map(|r| {
            let value = r["value"].as_f64().unwrap_or(f64::NAN);
            (text(&r["device"]), text(&r["quantity"]), r["at"].as_i64().unwrap_or_default(), value)
        })
        .collect()
}

/// The inputs of one kind, in log order.
///
/// # Panics
/// Where the log cannot be read.
pub fn inputs(data: &Path, kind: &str) -> Vec<Value> {
    let all = inspect(data, "inputs").into_iter();
    let of = |record: Value| record["inputs"].as_array().cloned().unwrap_or_default();
    all.flat_map(of).filter(|input| input["kind"] == kind).collect()
}

/// The facts of one kind, in order.
///
/// # Panics
/// Where the log cannot be read.
pub fn facts(data: &Path, kind: &str) -> Vec<Value> {
    inspect(data, "facts").into_iter().filter(|f| f["kind"] == kind).collect()
}

/// Numbers of the facts that the city machine was told, in the order of its log.
///
/// # Panics
/// Where the log cannot be read.
pub fn told(data: &Path) -> Vec<u64> {
    inspect(data, "inputs")
        .iter()
        .flat_map(|record| record["inputs"].as_array().cloned().unwrap_or_default())
        .filter(|input| input["kind"] == "told")
        .flat_map(|input| input["items"].as_array().cloned().unwrap_or_default())
        .filter_map(|item| item["index"].as_u64())
        .collect()
}

/// The facts about which alerts came to which incidents, in order.
///
/// # Panics
/// Where the log cannot be read.
pub fn groups(data: &Path) -> Vec<Value> {
    inspect(data, "facts").into_iter().filter(|f| f["kind"] == "grouped").collect()
}

/// The transitions in the facts log, in order.
///
/// # Panics
/// Where the log cannot be read.
pub fn transitions(data: &Path) -> Vec<Value> {
    inspect(data, "facts").into_iter().filter(|f| f["kind"] == "transition").collect()
}
