//! Whether the long-term store takes what it is sent.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::input::Check;
use maibo_core::place::Level;
use maibo_core::time::{Millis, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Board;
use super::followers::Watch;
use crate::clock::EngineClock;
use crate::influx::{SinkState, SinkStatus, SinkView};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// How long a server may not answer before somebody has to look.
const DOWN: Millis = Millis::from_secs(60);
/// How long it may take to catch up.
const BEHIND: Millis = Millis::from_secs(15 * 60);

/// How long a sink that has no trouble to report may not look at the log: longer than one batch takes, every piece of it
/// at the end of its time.
const STILL: Duration = Duration::from_mins(5);

pub(super) async fn run(
    sinks: Vec<SinkStatus>,
    inputs: watch::Receiver<u64>,
    clock: Arc<EngineClock>,
    board: Arc<Board>,
    stop: CancellationToken,
) {
    let mut watched: Vec<_> = sinks.iter().map(|sink| (sink, Watch::new(sink.id, ("", "")))).collect();
    while !stop.is_cancelled() {
        for (sink, watch) in &mut watched {
            let (view, now) = (sink.view(), Instant::now());
            // While its server does not answer it waits, and says so.
            let end = if view.is_troubled() { 0 } else { *inputs.borrow() };
            watch.look(sink.mark().get(), end, false, now);
            tell(&board, sink.id, &view, now - watch.fine, clock.now());
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn tell(board: &Board, id: &str, view: &SinkView, still: Duration, now: Timestamp) {
    let part = format!("sink.{id}");
    let (lasted, minutes) = (view.lasted(now), view.age(now).0 / 60_000);
    let error = view.error.as_deref().unwrap_or("?");
    let (level, zh, en) = match view.state {
        SinkState::Refused => (
            Level::Orange,
            format!("{id} 拒收读数，需人工处理：{error}（读数暂存于输入日志）"),
            format!("{id} refuses readings until somebody acts: {error} (they wait in the inputs log)"),
        ),
        SinkState::Down if lasted >= DOWN => (
            Level::Yellow,
            format!("{id} 无应答：{error}（读数暂存于输入日志，已积压 {minutes} 分钟）"),
            format!("{id} does not answer: {error} (readings wait in the inputs log, {minutes} min of them)"),
        ),
        SinkState::Behind if lasted >= BEHIND => (
            Level::Yellow,
            format!("{id} 写入跟不上，已落后 {minutes} 分钟"),
            format!("{id} does not keep up: {minutes} min behind"),
        ),
        SinkState::Off | SinkState::Running | SinkState::Behind if still >= STILL => (
            Level::Orange,
            format!("{id} 的写入任务已停止进展，需重新启动程序（读数暂存于输入日志）"),
            format!("what sends to {id} makes no progress: restart Maibo (readings wait in the inputs log)"),
        ),
        SinkState::Running => return board.well(Check::Sink, &part),
        // Not long enough, or on the way from one to the other.
        SinkState::Off | SinkState::Down | SinkState::Behind => return,
    };
    board.unwell(Check::Sink, &part, level, &zh, &en);
}

#[cfg(test)]
mod tests {
    use super::super::board::tests::{board, told};
    use super::*;

    // A refusal is told at once, an outage after a minute, catching up not at all; only a sink that runs is well, and one
    // that stands still without a word does not.
    #[test]
    fn what_is_told() {
        let board = board();
        let at = |state, since: i64| SinkView { state, since: Timestamp(since), ..SinkView::default() };
        let look = |state, since, now| {
            let still = if now > 200_000 { STILL } else { Duration::ZERO };
            tell(&board, "influx", &at(state, since), still, Timestamp(now));
            told(&board).pop().map(|t| t.split(' ').nth(2).unwrap_or_default().to_owned())
        };
        assert_eq!(look(SinkState::Down, 0, 59_000), None);
        assert_eq!(look(SinkState::Down, 0, 60_000).as_deref(), Some("yellow"));
        assert_eq!(look(SinkState::Refused, 70_000, 70_000).as_deref(), Some("orange"));
        assert_eq!(look(SinkState::Behind, 80_000, 90_000), None, "it catches up, and is not well yet");
        assert_eq!(look(SinkState::Running, 100_000, 100_000).as_deref(), Some("well"));
        assert_eq!(
            look(SinkState::Running, 100_000, 200_001).as_deref(),
            Some("orange"),
            "it looks at nothing any more"
        );
    }
}
