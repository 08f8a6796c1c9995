#![no_main]
//! OpenV2X roadside units and radars.

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use maibo_core::decode::{DecodeStage, Profile};

thread_local! {
    static STAGE: RefCell<DecodeStage> = fuzz_support::stage(Profile::OpenV2x);
}

fuzz_target!(|input: &[u8]| {
    let topics = [
        "V2X/RSU/HB/UP",
        "V2X/RSU/INFO/UP",
        "V2X/RSU/RunningInfo/UP",
        "V2X/RSU/R1/RSI/UP",
        "V2X/RSU/R1/RSM/UP",
        "V2X/RADAR/N1/EVENT/UP",
        "V2X/RADAR/N1/STATUS/UP",
    ];
    STAGE.with(|stage| fuzz_support::run(stage, &topics, input));
});
