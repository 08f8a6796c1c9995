//! Much at once: what the decider waits for, and what pages are sent.

use std::collections::BTreeSet;

use super::*;
use crate::live::hub::{BEHIND_MAX, Next};
use crate::live::view::FRAME_ALERTS;

fn hub(stage: &Stage) -> Arc<hub::Hub> {
    stage.picture.hub("city", &Scope::everything()).expect("a view")
}

// P9: many alerts of one commit come in several frames, in order and complete, and a page that had everything before them
// is not taken for a slow one, however many bytes they are.
#[test]
fn many_alerts_at_once() {
    let stage = Stage::new();
    let mut cursor = stage.join();
    let n = 3 * FRAME_ALERTS as u32 + 7;
    let long = |t: Transition| {
        let note = "水".repeat(500).as_str().into();
        let by = maibo_core::id::Actor::new("li.wei").expect("a name");
        Transition { acknowledged: Some(maibo_core::fact::Acknowledged { by, at: Timestamp(1), note }), ..t }
    };
    let told: Vec<Transition> = (1..=n).map(|v| long(transition("wl-1", v, Level::Red, State::Firing))).collect();
    stage.tell(2_000, &told);
    let (mut versions, mut bytes) = (Vec::new(), Vec::new());
    loop {
        match hub(&stage).next(&mut cursor) {
            Next::Frame(text) => {
                bytes.push(text.len() as u64);
                let ServerFrame::Al(al) = serde_json::from_str(&text).expect("a frame") else { panic!("alerts") };
                assert!(al.up.len() <= FRAME_ALERTS);
                versions.extend(al.up.iter().map(|a| a.version));
            }
            Next::Gap => panic!("a page that missed nothing was sent away"),
            Next::Idle => break,
        }
    }
    assert_eq!(versions, (1..=n).collect::<Vec<_>>());
    assert!(bytes.iter().sum::<u64>() > BEHIND_MAX && bytes.iter().all(|b| *b < BEHIND_MAX), "{bytes:?}");
}

// P9: a crowd of pages that comes back at once costs the decider one copy: all get the same bytes.
#[test]
fn a_crowd_shares_one_snapshot() {
    let stage = Stage::new();
    stage.read(2_000, "wl-1", 0.1);
    stage.flush();
    let held = stage.picture.lock();
    let crowd: Vec<_> = (0..16)
        .map(|_| {
            let picture = Arc::clone(&stage.picture);
            std::thread::spawn(move || picture.snapshot("city", &Scope::everything(), Timestamp(0)).expect("a view"))
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(50));
    drop(held);
    let given: Vec<_> = crowd.into_iter().map(|t| t.join().expect("ends")).collect();
    let different: BTreeSet<usize> = given.iter().map(|bytes| bytes.as_ptr() as usize).collect();
    assert_eq!(different.len(), 1);
}

// P8: texts are compared without the lock that the decider waits for.
#[test]
fn a_search_holds_nobody_up() {
    let stage = Stage::new();
    let roster = stage.picture.roster();
    let free = |_: &roster::Entry| stage.picture.inner.try_lock().is_ok();
    let (found, next) = stage.picture.devices(&roster, 0, 2, free, None).expect("this roster");
    assert_eq!((found.len(), next), (2, Some(2)));
    let (found, next) = stage.picture.devices(&roster, 2, 2, free, None).expect("this roster");
    assert_eq!((found.len(), next), (2, None));
    // Positions of a roster that is no longer in force mean nothing.
    let text = "id,kind,place,domain\nnew,air,110105001,ecology\n";
    let other = catalogue(text);
    stage.versions.keep_catalogue(text, &other).expect("kept");
    stage.city(3_000, Input::Catalogue { version: other.version });
    assert!(stage.picture.devices(&roster, 0, 2, |_| true, None).is_none());
}

// P9: under the lock a frame gets its number only; its text is made after it, and nobody who joins meanwhile misses it.
#[test]
fn frames_are_made_after_the_lock() {
    let stage = Stage::new();
    let mut cursor = stage.join();
    stage.read(2_000, "wl-1", 0.1);
    let news = stage.picture.lock().flush(Timestamp(0));
    assert_eq!(hub(&stage).seq(), 1);
    assert_eq!(stage.frames(&mut cursor), []);
    let snapshot = stage.snapshot();
    assert_eq!((snapshot.seq, snapshot.v[positions(&stage)["wl-1"]]), (1, Some(0.1)));
    news.into_iter().for_each(view::DeviceNews::tell);
    assert!(matches!(&stage.frames(&mut cursor)[..], [ServerFrame::Dv(dv)] if dv.s == 1));
}

// P: who sees a part of a view only does not get the view.
#[test]
fn a_view_is_for_who_sees_all_of_it() {
    let stage = Stage::new();
    let part = Scope { districts: Some(BTreeSet::from(["110105".to_owned()])), domains: None };
    assert!(stage.picture.hub("city", &part).is_none());
    assert!(stage.picture.columns("city", &part).is_none());
    assert!(stage.picture.snapshot("city", &part, Timestamp(0)).is_none());
    assert!(Scope::everything().covers(&part) && part.covers(&part) && !part.covers(&Scope::everything()));
}
