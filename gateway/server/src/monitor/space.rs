//! Room on the disk of the data directory: yellow and orange while there is little, red when messages are not taken.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::input::Check;
use maibo_core::place::Level;
use maibo_store::disk::room::Room;
use tokio_util::sync::CancellationToken;

use super::Board;
use crate::app::Shared;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// Little, in per cent and in bytes: both must hold, so that a big disk is not full with a terabyte left.
const LITTLE: (f64, u64) = (10.0, 10 << 30);
/// Very little.
const VERY_LITTLE: (f64, u64) = (5.0, 2 << 30);
/// By how much more there must be before a level is left, as a factor.
const MARGIN: f64 = 1.1;

/// How bad it is, `last` being the level before.
fn level(room: Room, last: Option<Level>) -> Option<Level> {
    let within = |(percent, bytes): (f64, u64), level| {
        let more = if last >= Some(level) { MARGIN } else { 1.0 };
        room.percent() < percent * more && (room.free as f64) < bytes as f64 * more
    };
    if within(VERY_LITTLE, Level::Orange) {
        Some(Level::Orange)
    } else if within(LITTLE, Level::Yellow) {
        Some(Level::Yellow)
    } else {
        None
    }
}

pub(super) async fn run(shared: Arc<Shared>, board: Arc<Board>, stop: CancellationToken) {
    let mut scarce = shared.scarce.clone();
    let mut last = None;
    while !stop.is_cancelled() {
        let full = scarce.borrow_and_update().is_some();
        let data = shared.settings.data.clone();
        let room = tokio::task::spawn_blocking(move || Room::of(&data)).await;
        if let Ok(Ok(room)) = room {
            last = if full { Some(Level::Red) } else { level(room, last) };
            tell(&board, room, last);
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            changed = scarce.changed() => if changed.is_err() { return },
            () = stop.cancelled() => {}
        }
    }
}

fn tell(board: &Board, room: Room, level: Option<Level>) {
    let (mib, percent) = (room.free >> 20, room.percent());
    match level {
        None => board.well(Check::Disk, "data"),
        Some(Level::Red) => board.unwell(
            Check::Disk,
            "data",
            Level::Red,
            &format!("数据目录已满（剩余 {mib} MiB），消息暂不接收、不予确认，腾出空间后自动恢复"),
            &format!(
                "no room in the data directory ({mib} MiB left): messages are not taken or acknowledged until there is"
            ),
        ),
        Some(level) => board.unwell(
            Check::Disk,
            "data",
            level,
            &format!("数据目录剩余 {percent:.1}%（{mib} MiB）"),
            &format!("{percent:.1} % ({mib} MiB) left in the data directory"),
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use super::*;

    // Levels by both measures, and a margin before one is left.
    #[test]
    fn levels() {
        let gib = |free: u64, whole: u64| Room { free: free << 30, whole: whole << 30 };
        assert_eq!(level(gib(20, 100), None), None);
        assert_eq!(level(gib(9, 100), None), Some(Level::Yellow));
        assert_eq!(level(gib(50, 1_000), None), None, "5 %, and still a lot");
        assert_eq!(level(gib(1, 100), None), Some(Level::Orange));
        let just_over = Room { free: (10 << 30) + (100 << 20), whole: 100 << 30 };
        assert_eq!((level(just_over, None), level(just_over, Some(Level::Yellow))), (None, Some(Level::Yellow)));
        assert_eq!(level(Room { free: 0, whole: 0 }, None), None, "a file system without a size");
        assert!(Room::of(Path::new("/")).unwrap().whole > 0);
    }
}
