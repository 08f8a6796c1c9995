//! A pipeline that stands still behind a page that is as lively as ever.

use std::time::Duration;

use super::*;

const SILENCE: Duration = Duration::from_secs(11);

/// A stage with a device that the engine calls normal, at second 2.
fn judged(stage: Stage) -> (Stage, usize) {
    let at = positions(&stage)["wl-1"];
    stage.read(2_000, "wl-1", 0.01);
    stage.step(2_000, PartitionId(0), vec![], &[], &[verdict("wl-1", Verdict::Normal)]);
    (stage, at)
}

// P6, P9: without a step for ten seconds the heartbeat says that nothing is judged, and what the engine said last grows
// old by its age; the next step ends both.
#[test]
fn a_standstill_is_told() {
    let (stage, at) = judged(Stage::wall());
    let state = |now| (stage.beaten_at(now).evaluating, stage.snapshot().l[at]);
    assert_eq!(state(90_000), (true, 0));
    stage.picture.silent(SILENCE);
    assert!(!stage.picture.evaluating());
    assert_eq!(state(20_000), (false, 0));
    stage.flush();
    let mut cursor = stage.join();
    assert_eq!(stage.beaten_at(90_000).online, 0);
    stage.flush();
    let told = stage.frames(&mut cursor);
    let stale = |f: &ServerFrame| matches!(f, ServerFrame::Dv(dv) if dv.i == [at as u32] && dv.l == [-2]);
    assert!(told.iter().any(stale), "{told:?}");
    stage.tell(91_000, &[]);
    assert_eq!(state(91_000), (true, 0));
}

// P9: a replay is as silent as its stream.
#[test]
fn a_replay_may_be_silent() {
    let (stage, at) = judged(Stage::new());
    stage.picture.silent(SILENCE * 100);
    assert!(stage.picture.evaluating());
    assert_eq!((stage.beaten_at(900_000).evaluating, stage.snapshot().l[at]), (true, 0));
}

// P9: whether anything is judged can be asked while the picture's lock is held: that may be what everything waits for.
#[test]
fn the_question_needs_no_lock() {
    let stage = Stage::wall();
    let held = stage.picture.lock();
    stage.picture.silent(SILENCE);
    assert!(!stage.picture.evaluating());
    drop(held);
}
