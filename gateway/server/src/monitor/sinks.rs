//! Whether the long-term store takes what it is sent.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::input::Check;
use maibo_core::place::Level;
use maibo_core::time::{Millis, Timestamp};
use tokio_util::sync::CancellationToken;

use super::Board;
use crate::clock::EngineClock;
use crate::influx::{SinkState, SinkStatus, SinkView};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// How long a server may not answer before somebody has to look.
const DOWN: Millis = Millis::from_secs(60);
/// How long it may take to catch up.
const BEHIND: Millis = Millis::from_secs(15 * 60);

pub(super) async fn run(sinks: Vec<SinkStatus>, clock: Arc<EngineClock>, board: Arc<Board>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        for sink in &sinks {
            tell(&board, sink.id, &sink.view(), clock.now());
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn tell(board: &Board, id: &str, view: &SinkView, now: Timestamp) {
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

    // A refusal is told at once, an outage after a minute, catching up not at all; only a sink that runs is well.
    #[test]
    fn what_is_told() {
        let board = board();
        let at = |state, since: i64| SinkView { state, since: Timestamp(since), ..SinkView::default() };
        let look = |state, since, now| {
            tell(&board, "influx", &at(state, since), Timestamp(now));
            told(&board).pop().map(|t| t.split(' ').nth(2).unwrap_or_default().to_owned())
        };
        assert_eq!(look(SinkState::Down, 0, 59_000), None);
        assert_eq!(look(SinkState::Down, 0, 60_000).as_deref(), Some("yellow"));
        assert_eq!(look(SinkState::Refused, 70_000, 70_000).as_deref(), Some("orange"));
        assert_eq!(look(SinkState::Behind, 80_000, 90_000), None, "it catches up, and is not well yet");
        assert_eq!(look(SinkState::Running, 100_000, 100_000).as_deref(), Some("well"));
    }
}
