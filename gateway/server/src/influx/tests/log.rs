//! The cursor and the log: after a crash, beside damage, behind a gap.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use maibo_core::id::{PartitionId, Position, Version};
use maibo_core::input::Input;
use maibo_core::reading::Quality;
use maibo_core::registry::Catalogue;
use maibo_core::time::Timestamp;
use maibo_store::disk::mem::MemDisk;
use maibo_store::file_log::{FileLog, FileLogOptions};
use maibo_store::log::Log;

use super::city::{T0, append, limits, reading, readings, start, target};
use super::server::{Act, Server};
use crate::influx::{CURSOR, Limits, REJECTED, SinkState, SinkView};
use crate::versions::VersionStore;

const SECOND: Duration = Duration::from_secs(1);

fn file_log(options: FileLogOptions) -> FileLog {
    FileLog::open(Arc::new(MemDisk::new()), options).expect("opens").0
}

// P2: a crash at any point, and the next life sends on; what it was told of as safe is never more than what is saved.
#[tokio::test]
async fn a_crash_loses_nothing() {
    let server = Server::start(&[], Act::Store).await;
    let dir = tempfile::tempdir().expect("a directory");
    let target = target(&format!("http://{}", server.address), dir.path(), SECOND);
    let mut log = file_log(FileLogOptions::default());
    let mut crashes = 0;
    for round in 0..12_usize {
        readings(&mut log, round * 100, 100);
        // In odd rounds the server stores and says nothing: the sink cannot know.
        server.always(if round % 2 == 1 { Act::StoreAndHang } else { Act::Store });
        let running = start(&log, dir.path(), &target, Limits { lines: 30, ..limits() });
        if round % 4 == 3 {
            running.stop().await;
            continue;
        }
        let wanted = server.writes() + 60;
        let _ = tokio::time::timeout(SECOND / 2, async {
            while server.writes() < wanted {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        running.crash().await;
        crashes += 1;
    }
    assert_eq!(crashes, 9);
    server.always(Act::Store);
    let running = start(&log, dir.path(), &target, limits());
    running.settled(1_200).await;
    assert_eq!(server.stored(), 1_200, "every reading, each once");
    let advised: BTreeMap<PartitionId, Position> = running.stop().await.into_iter().collect();
    let ends = PartitionId::all().filter_map(|p| log.end(p).map(|end| (p, end)));
    assert!(ends.into_iter().all(|(p, end)| advised[&p] == end), "all of it may be trimmed now");
    // A life that has nothing to do sends nothing.
    let before = server.seen().len();
    let running = start(&log, dir.path(), &target, limits());
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.stop().await;
    assert_eq!(server.seen().len(), before);
}

// The cursor is never ahead of what the server said 204 to, whatever else it says.
#[tokio::test]
async fn the_cursor_waits_for_the_answer() {
    for act in
        [Act::Hang, Act::StoreAndHang, Act::Reset, Act::Say(503, "", ""), Act::Say(401, "", ""), Act::Say(200, "", "")]
    {
        let server = Server::start(&[], act.clone()).await;
        let dir = tempfile::tempdir().expect("a directory");
        let target = target(&format!("http://{}", server.address), dir.path(), SECOND / 10);
        let mut log = file_log(FileLogOptions::default());
        readings(&mut log, 0, 50);
        let running = start(&log, dir.path(), &target, limits());
        running.until("it is troubled", SinkView::is_troubled).await;
        let advised = running.stop().await;
        assert!(advised.iter().all(|(_, position)| *position == Position::default()), "{act:?}: {advised:?}");
        assert!(!dir.path().join(CURSOR).exists(), "{act:?}: nothing to save");
    }
}

// After a start nobody knows yet how the server does, unless there is nothing to send.
#[tokio::test]
async fn a_start_claims_nothing() {
    let server = Server::start(&[], Act::Hang).await;
    let dir = tempfile::tempdir().expect("a directory");
    let target = target(&format!("http://{}", server.address), dir.path(), SECOND / 4);
    let mut log = file_log(FileLogOptions::default());
    let running = start(&log, dir.path(), &target, limits());
    running.until("it has nothing to do", |v| v.state == SinkState::Running).await;
    running.stop().await;
    readings(&mut log, 0, 10);
    let running = start(&log, dir.path(), &target, limits());
    let view = running.until("it knows", |v| v.state != SinkState::Off).await;
    assert_eq!(view.state, SinkState::Down, "it did not run before it was down");
    running.stop().await;
}

// A damaged cursor, and one of another log, are no reason to pass over readings: everything is sent again.
#[tokio::test]
async fn a_cursor_that_cannot_be_is_begun_anew() {
    let server = Server::start(&[], Act::Store).await;
    let dir = tempfile::tempdir().expect("a directory");
    let target = target(&format!("http://{}", server.address), dir.path(), SECOND);
    let mut log = file_log(FileLogOptions::default());
    readings(&mut log, 0, 200);
    let running = start(&log, dir.path(), &target, limits());
    running.settled(200).await;
    running.stop().await;
    let path = dir.path().join(CURSOR);
    let text = std::fs::read_to_string(&path).expect("a cursor");
    std::fs::write(&path, text.replace("until 1", "until 2")).expect("writes");
    let running = start(&log, dir.path(), &target, limits());
    running.settled(200).await;
    running.stop().await;
    assert_eq!((server.writes(), server.stored()), (400, 200));
    assert!(dir.path().join("influx.cursor.damaged").exists());
    let mut other = file_log(FileLogOptions::default());
    readings(&mut other, 0, 100);
    let running = start(&other, dir.path(), &target, limits());
    running.settled(100).await;
    assert_eq!(server.writes(), 500, "the shorter log is sent whole");
}

// At the log's quota the sink goes on with what is there, however often it happens, and says what is missing.
#[tokio::test]
async fn a_gap_is_counted_and_got_over() {
    let server = Server::start(&[], Act::Store).await;
    let dir = tempfile::tempdir().expect("a directory");
    let target = target(&format!("http://{}", server.address), dir.path(), SECOND);
    let options = FileLogOptions {
        quota_bytes: Some(64 << 10),
        segment_bytes: 4 << 10,
        keep_unsnapshotted: false,
        consumers: vec!["influx".to_owned()],
        ..FileLogOptions::default()
    };
    let mut log = file_log(options);
    readings(&mut log, 0, 50);
    let running = start(&log, dir.path(), &target, Limits { lines: 40, ..limits() });
    running.settled(50).await;
    let mut dropped = 0;
    for round in 1..=12 {
        // Away, while far more than the quota is written.
        server.always(Act::Say(503, "", ""));
        let first = round * 10_000;
        let before = running.status.view().until;
        for some in 0..200 {
            readings(&mut log, first + some * 10, 10);
            dropped += log.trim().expect("trims").iter().map(|d| d.records).sum::<u64>();
        }
        server.always(Act::Store);
        running.wake.send_modify(|n| *n += 1);
        let view = running.settled(first + 2_000).await;
        assert!(view.gaps > 0 && before.is_some());
        let gap = view.gap.expect("a gap");
        assert!(gap.from <= gap.to && gap.to <= view.until, "{gap:?}");
    }
    assert!(dropped > 1_000, "{dropped} dropped");
    let seen = async {
        while running.status.mark().get() < 12 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("it says how far it is");
    // What was dropped was partly read already; nothing that was still there is missing.
    assert!(server.stored() as u64 + dropped >= 24_050, "{} stored, {dropped} dropped", server.stored());
}

// Tags are those of the catalogue that was in force when the reading came in, also where it is sent again later.
#[tokio::test]
async fn tags_are_those_of_their_time() {
    let server = Server::start(&[], Act::Store).await;
    let dir = tempfile::tempdir().expect("a directory");
    let target = target(&format!("http://{}", server.address), dir.path(), SECOND);
    let head = "id,kind,name,place,lon,lat,domain\n";
    let old = format!("{head}d1,gauge,Old,110105001,116.4,39.9,traffic\n");
    let new = format!("{head}d1,gauge,New,110106002,116.4,39.9,municipal\n");
    let store = VersionStore::open(&dir.path().join("versions")).expect("opens");
    let keep =
        |text: &str| store.keep_catalogue(text, &Arc::new(Catalogue::parse(text).expect("parses"))).expect("keeps");
    let (old, new) = (keep(&old), keep(&new));
    let mut log = file_log(FileLogOptions::default());
    let device = reading(1, 0, 1.0).device;
    let partition = PartitionId::of(&device);
    let at = |n: i64, value: f64| Input::Reading(reading(1, n, value));
    let activate = |version: Version| Input::Catalogue { version };
    append(&mut log, partition, 1, 0, vec![activate(old), at(0, 1.0)]);
    let running = start(&log, dir.path(), &target, limits());
    running.settled(1).await;
    running.stop().await;
    // A start with the new one, and a reading from before its activation, as a crash may leave it.
    append(&mut log, partition, 2, 1, vec![at(1, 2.0)]);
    append(&mut log, partition, 3, 2, vec![at(2, 3.0), activate(new), at(3, 4.0)]);
    let running = start(&log, dir.path(), &target, limits());
    running.until("all are settled", |v| v.until == Some(Timestamp(T0 + 2)) && v.waiting.is_none()).await;
    let lines = server.lines();
    let of = |value: &str| lines.iter().find(|l| l.contains(value)).cloned().unwrap_or_default();
    for value in ["value=1.0", "value=2.0", "value=3.0"] {
        assert!(of(value).contains("district=110105,domain=traffic,kind=gauge,place=110105001"), "{lines:?}");
    }
    assert!(of("value=4.0").contains("district=110106,domain=municipal"), "{lines:?}");
}

// Values without a word in line protocol are counted, times that cannot be are those of the reception.
#[tokio::test]
async fn odd_values_and_times() {
    let server = Server::start(&[], Act::Store).await;
    let dir = tempfile::tempdir().expect("a directory");
    let target = target(&format!("http://{}", server.address), dir.path(), SECOND);
    let mut log = file_log(FileLogOptions::default());
    let mut early = reading(1, 5, 1.0);
    early.at = Timestamp(0);
    let mut late = reading(1, 6, 2.0);
    late.at = Timestamp(T0 + 86_400_000);
    let mut range = reading(1, 7, 1e12);
    range.quality = Quality::Range;
    let inputs = [early, late, range, reading(1, 8, f64::NAN), reading(1, 9, f64::NEG_INFINITY)];
    append(&mut log, PartitionId(3), 1, 0, inputs.into_iter().map(Input::Reading).collect());
    let running = start(&log, dir.path(), &target, limits());
    let view = running.settled(1).await;
    assert_eq!((view.skipped, view.written), (2, 3));
    let expected = [
        "water_depth,device=d1,quality=clock value=1.0 1760000000005000000",
        "water_depth,device=d1,quality=clock value=2.0 1760000000006000000",
        "water_depth,device=d1,quality=range value=1000000000000.0 1760000000007000000",
    ];
    assert_eq!(server.lines(), expected);
    assert!(!dir.path().join(REJECTED).exists());
}
