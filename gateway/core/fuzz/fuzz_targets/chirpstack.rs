#![no_main]
//! ChirpStack events.

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use maibo_core::decode::{ChirpStackSpec, DecodeStage, Profile};

thread_local! {
    static STAGE: RefCell<DecodeStage> = fuzz_support::stage(Profile::ChirpStack(ChirpStackSpec::default()));
}

fuzz_target!(|input: &[u8]| {
    let topics = [
        "application/a/device/0101010101010101/event/up",
        "application/a/device/0101010101010101/event/status",
        "application/a/device/0101010101010101/event/join",
    ];
    STAGE.with(|stage| fuzz_support::run(stage, &topics, input));
});
