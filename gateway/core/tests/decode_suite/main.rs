//! The decoders, format by format, and what must hold for all of them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod chirpstack;
mod fixtures;
mod hostile;
mod mapped;
mod native;
mod openv2x;
mod privacy;

use maibo_core::decode::{
    ChirpStackSpec, DecodeStage, Decoded, MappingSpec, Message, ProblemReason, Profile, Route, TopicFilter,
};
use maibo_core::time::Timestamp;

/// Receive time of all test messages: 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp(1_767_225_600_000);

const MAPPING: &str = r#"{
    "device": {"pointer": "/sn"}, "prefix": "acme-", "records": "/data",
    "time": {"pointer": "/ts", "format": "local", "zone": "+08:00"},
    "fields": [
        {"pointer": "/pm/v25", "quantity": "pm25"},
        {"pointer": "/depth", "quantity": "water_depth", "unit": "[in_i]", "strings_ok": true},
        {"pointer": "/co", "quantity": "co", "unit": "ug/m3", "scale": 1000.0, "offset": 0.0},
        {"pointer": "/smoke", "quantity": "smoke"}
    ],
    "constants": [{"quantity": "power", "value": 1.0}]
}"#;

fn mapping() -> MappingSpec {
    serde_json::from_str(MAPPING).unwrap()
}

/// A stage with all formats on their own topics, and the test mapping on `acme/#`.
fn stage() -> DecodeStage {
    DecodeStage::new(vec![
        Route::standard(Profile::Native),
        Route::standard(Profile::ChirpStack(ChirpStackSpec::default())),
        Route::standard(Profile::OpenV2x),
        Route::new(TopicFilter::new("+").unwrap(), Profile::OpenV2x),
        Route::new(TopicFilter::new("acme/#").unwrap(), Profile::Mapped(mapping())),
    ])
    .unwrap()
}

fn decode(topic: &str, payload: &[u8]) -> Decoded {
    let mut out = Decoded::default();
    stage().decode(&Message { topic, payload, retained: false, received: NOW }, &mut out);
    out
}

fn retained(topic: &str, payload: &[u8]) -> Decoded {
    let mut out = Decoded::default();
    stage().decode(&Message { topic, payload, retained: true, received: NOW }, &mut out);
    out
}

/// Readings as `device quantity=value@ms quality`, for comparison; untimed ones end in `~`.
fn lines(out: &Decoded) -> Vec<String> {
    out.readings
        .iter()
        .map(|r| {
            let untimed = if r.timed { "" } else { "~" };
            format!("{} {}={}@{} {}{untimed}", r.device, r.quantity, r.value, r.at.0, r.quality.as_str())
        })
        .collect()
}

fn reasons(out: &Decoded) -> Vec<&'static str> {
    out.problems.iter().map(|p| p.reason.as_str()).collect()
}

fn has(out: &Decoded, reason: ProblemReason) -> bool {
    out.problems.iter().any(|p| p.reason == reason)
}
