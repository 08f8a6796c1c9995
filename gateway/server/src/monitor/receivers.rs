//! Whether the receivers of alerts answer: one that has been owed something for a minute, and failed at it, does not.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::input::Check;
use maibo_core::place::Level;
use maibo_core::time::Millis;
use maibo_store::outbox::{OutboxReader, Waiting};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Board;
use crate::Chain;
use crate::clock::EngineClock;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// How long a receiver may fail at what it is owed.
const PATIENCE: Millis = Millis(45_000);

pub(super) async fn run(
    mut owed: OutboxReader,
    names: Vec<String>,
    clock: Arc<EngineClock>,
    board: Arc<Board>,
    stop: CancellationToken,
) {
    let mut failing = false;
    while !stop.is_cancelled() {
        let before = clock.now() - PATIENCE;
        let Ok((back, found)) = tokio::task::spawn_blocking(move || {
            let found = owed.failing(before.0);
            (owed, found)
        })
        .await
        else {
            return;
        };
        owed = back;
        match found {
            Ok(found) => {
                failing = false;
                for name in &names {
                    tell(&board, name, found.iter().find(|w| w.receiver == *name), clock.now().0);
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    warn!(error = %Chain(&error), "cannot look at what is owed");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn tell(board: &Board, name: &str, waiting: Option<&Waiting>, now: i64) {
    let part = format!("receiver.{name}");
    let Some(waiting) = waiting else { return board.well(Check::Receiver, &part) };
    let (seconds, error) = ((now - waiting.since) / 1_000, waiting.error.as_deref().unwrap_or("?"));
    let zh = format!("接收方 {name} 已 {seconds} 秒没有收下通知（待发 {} 条）：{error}", waiting.count);
    let en = format!("{name} has not taken what it is told for {seconds} s ({} waiting): {error}", waiting.count);
    board.unwell(Check::Receiver, &part, Level::Orange, &zh, &en);
}
