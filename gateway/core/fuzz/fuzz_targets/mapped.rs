#![no_main]
//! JSON by a mapping: the payload is fuzzed under a fixed mapping, and every input is also tried as a mapping.

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use maibo_core::decode::{DecodeStage, MappingSpec, Profile};

const MAPPING: &str = r#"{"device": {"topic_segment": 1}, "records": "/d",
    "time": {"pointer": "/t", "format": "rfc3339"},
    "fields": [{"pointer": "/a/0", "quantity": "pm25", "strings_ok": true},
               {"pointer": "/b", "quantity": "water_depth", "unit": "mm", "scale": 0.1}]}"#;

thread_local! {
    static STAGE: RefCell<DecodeStage> =
        fuzz_support::stage(Profile::Mapped(serde_json::from_str(MAPPING).expect("the mapping is right")));
}

fuzz_target!(|input: &[u8]| {
    if let Ok(spec) = serde_json::from_slice::<MappingSpec>(input) {
        let _ = spec.check();
    }
    STAGE.with(|stage| fuzz_support::run(stage, &["x/d"], input));
});
