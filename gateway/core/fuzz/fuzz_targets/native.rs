#![no_main]
//! Telemetry, events and status of the native format.

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use maibo_core::decode::{DecodeStage, Profile};

thread_local! {
    static STAGE: RefCell<DecodeStage> = fuzz_support::stage(Profile::Native);
}

fuzz_target!(|input: &[u8]| {
    let topics = ["maibo/v1/d/telemetry", "maibo/v1/d/event", "maibo/v1/d/status"];
    STAGE.with(|stage| fuzz_support::run(stage, &topics, input));
});
