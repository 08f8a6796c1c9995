//! What the fuzz targets share: a stage for one format, and the promises that hold for any input.
//!
//! The first byte of an input chooses the topic and whether the message is retained; the rest is the payload.

use std::cell::RefCell;

use maibo_core::decode::{DecodeStage, Decoded, Message, ProblemReason, Profile, Route, TopicFilter};
use maibo_core::time::Timestamp;

thread_local! {
    static OUT: RefCell<Decoded> = RefCell::default();
}

/// A stage that knows one format, on its own topics and on `x/#`.
pub fn stage(profile: Profile) -> RefCell<DecodeStage> {
    let mut route = Route::standard(profile);
    route.filters.extend(TopicFilter::new("x/#"));
    RefCell::new(DecodeStage::new(vec![route]).expect("the target's configuration is right"))
}

/// Decodes one input and checks what must hold.
pub fn run(stage: &RefCell<DecodeStage>, topics: &[&str], input: &[u8]) {
    let Some((choice, payload)) = input.split_first() else { return };
    let retained = choice & 0x80 != 0;
    let topic = topics[usize::from(choice & 0x7f) % topics.len()];
    let received = Timestamp(1_767_225_600_000);
    OUT.with_borrow_mut(|out| {
        out.clear();
        stage.borrow_mut().decode(&Message { topic, payload, retained, received }, out);
        assert!(out.readings.is_sorted_by_key(|r| r.at));
        assert!(!retained || (out.readings.is_empty() && out.events.is_empty() && out.liveness.is_empty()));
        assert!(out.problems.len() <= ProblemReason::ALL.len() * Decoded::PROBLEMS_PER_REASON);
        assert!(out.problems.iter().all(|p| p.detail.len() <= 200));
    });
}
