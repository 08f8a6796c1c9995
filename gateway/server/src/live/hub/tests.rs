//! The sequence on its own.

use super::*;

fn hub(epoch: &str) -> Arc<Hub> {
    Arc::new(Hub::new(epoch.to_owned()))
}

fn publish(hub: &Arc<Hub>, encode: impl FnOnce(u64) -> String) {
    hub.reserve(1).fill(encode);
}

fn beat(hub: &Hub, text: &str) {
    let seq = hub.seq();
    hub.heartbeat(seq, format!("{text}{seq}"));
}

fn frames(hub: &Hub, cursor: &mut Cursor) -> Vec<String> {
    let mut out = Vec::new();
    loop {
        match hub.next(cursor) {
            Next::Frame(text) => out.push(text.to_string()),
            Next::Gap => out.push("gap".to_owned()),
            Next::Idle => return out,
        }
    }
}

// P: resuming inside the ring of the same epoch replays exactly what was missed; anything else takes a snapshot.
#[test]
fn resume_or_snapshot() {
    let hub = hub("e1");
    for _ in 0..5 {
        publish(&hub, |n| format!("f{n}"));
    }
    let mut joined = hub.join(Some(("e1", 3)));
    assert!(joined.resumed);
    assert_eq!(joined.seq, 5);
    assert_eq!(frames(&hub, &mut joined.cursor), ["f4", "f5"]);
    for wrong in [None, Some(("e0", 3)), Some(("e1", 6)), Some(("e1", u64::MAX))] {
        let mut joined = hub.join(wrong);
        assert!(!joined.resumed, "{wrong:?}");
        assert_eq!(frames(&hub, &mut joined.cursor), [""; 0]);
    }
    for _ in 0..RING {
        publish(&hub, |n| format!("f{n}"));
    }
    assert!(!hub.join(Some(("e1", 4))).resumed);
    assert!(hub.join(Some(("e1", 5))).resumed);
    assert!(hub.join(Some(("e1", 305))).resumed);
}

// P: a client that fell out of the ring is told of the gap once and goes on from the end.
#[test]
fn gap() {
    let hub = hub("e");
    let mut cursor = hub.join(None).cursor;
    for _ in 0..=RING {
        publish(&hub, |n| format!("f{n}"));
    }
    assert_eq!(hub.next(&mut cursor), Next::Gap);
    assert_eq!(hub.next(&mut cursor), Next::Idle);
    publish(&hub, |n| format!("f{n}"));
    assert_eq!(frames(&hub, &mut cursor), ["f302"]);
}

// P: a client with more than 1 MiB to catch up takes a snapshot, whether it is connected or resumes.
#[test]
fn too_far_behind() {
    let hub = hub("e");
    let mut cursor = hub.join(None).cursor;
    let big = "x".repeat(300_000);
    for _ in 0..3 {
        publish(&hub, |_| big.clone());
    }
    assert!(hub.join(Some(("e", 0))).resumed);
    publish(&hub, |_| big.clone());
    assert!(!hub.join(Some(("e", 0))).resumed);
    assert_eq!(hub.next(&mut cursor), Next::Gap);
    assert_eq!(frames(&hub, &mut cursor), [""; 0]);
    publish(&hub, |n| format!("f{n}"));
    assert_eq!(frames(&hub, &mut cursor), ["f5"]);
}

// P9: who misses nothing but the newest publication gets it, however large it is; it is not behind.
#[test]
fn the_newest_is_always_sent() {
    let hub = hub("e");
    let mut cursor = hub.join(None).cursor;
    let big = "x".repeat(700_000);
    let mut places = hub.reserve(3);
    for _ in 0..3 {
        places.fill(|_| big.clone());
    }
    drop(places);
    assert!(hub.join(Some(("e", 0))).resumed);
    assert_eq!(frames(&hub, &mut cursor).iter().map(String::len).collect::<Vec<_>>(), [700_000; 3]);
    // Half way through it is no longer the newest.
    let mut slow = hub.join(Some(("e", 0))).cursor;
    assert!(matches!(hub.next(&mut slow), Next::Frame(_)));
    publish(&hub, |n| format!("f{n}"));
    assert_eq!(frames(&hub, &mut slow), ["gap"]);
    assert_eq!(frames(&hub, &mut cursor), ["f4"]);
}

// P: a heartbeat comes once, the latest only, and never before the frames it counts.
#[test]
fn heartbeat_follows_its_frames() {
    let hub = hub("e");
    let mut cursor = hub.join(None).cursor;
    publish(&hub, |n| format!("f{n}"));
    beat(&hub, "old");
    beat(&hub, "hb");
    assert_eq!(frames(&hub, &mut cursor), ["f1", "hb1"]);
    assert_eq!(frames(&hub, &mut cursor), [""; 0]);
}

// P9: frames go out in the order of their numbers, whichever is made first, and a heartbeat waits for them all.
#[test]
fn order_is_that_of_the_numbers() {
    let hub = hub("e");
    let mut cursor = hub.join(None).cursor;
    let mut devices = hub.reserve(2);
    let mut alerts = hub.reserve(1);
    alerts.fill(|n| format!("al{n}"));
    beat(&hub, "hb");
    assert_eq!(frames(&hub, &mut cursor), [""; 0]);
    devices.fill(|n| format!("dv{n}"));
    assert_eq!(frames(&hub, &mut cursor), ["dv1"]);
    // Who joins now begins behind all numbers given out: its snapshot has them.
    let mut late = hub.join(None).cursor;
    devices.fill(|n| format!("dv{n}"));
    assert_eq!(frames(&hub, &mut cursor), ["dv2", "al3", "hb3"]);
    assert_eq!(frames(&hub, &mut late), ["hb3"]);
}

// P9: a number without a frame holds nobody up: everybody takes a snapshot.
#[test]
fn a_lost_frame_is_a_cut() {
    let hub = hub("e");
    let mut cursor = hub.join(None).cursor;
    let mut places = hub.reserve(2);
    places.fill(|n| format!("f{n}"));
    drop(places);
    publish(&hub, |n| format!("f{n}"));
    assert_eq!(frames(&hub, &mut cursor), ["gap"]);
    publish(&hub, |n| format!("f{n}"));
    assert_eq!(frames(&hub, &mut cursor), ["f5"]);
    // A publication longer than the ring, and one that a cut came in between.
    let mut long = hub.reserve(RING + 10);
    for _ in 0..RING + 10 {
        long.fill(|n| format!("f{n}"));
    }
    drop(long);
    assert_eq!(frames(&hub, &mut cursor), ["gap"]);
    let mut late = hub.reserve(1);
    hub.cut();
    late.fill(|n| format!("f{n}"));
    drop(late);
    assert_eq!(frames(&hub, &mut cursor), ["gap"]);
}

// P: after a cut everybody takes a snapshot, also who had the very last frame and who resumes from it.
#[test]
fn cut() {
    let hub = hub("e");
    publish(&hub, |n| format!("f{n}"));
    let mut cursor = hub.join(None).cursor;
    hub.cut();
    assert!(!hub.join(Some(("e", 1))).resumed);
    publish(&hub, |n| format!("f{n}"));
    assert_eq!(frames(&hub, &mut cursor), ["gap"]);
    publish(&hub, |n| format!("f{n}"));
    assert_eq!(frames(&hub, &mut cursor), ["f4"]);
}
