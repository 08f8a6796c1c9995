//! Whether the receivers of alerts answer. One that is owed something and has taken nothing for a while does not, and
//! neither does one of which a single alert fails again and again while others arrive.
//!
//! The first is what the worker saw (`deliver::Liveness`), the second stands in the outbox, also from before the start. So do dead
//! letters, which are no alert but a metric: each was an event, and what is left of it is a list that somebody works off.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::input::Check;
use maibo_core::place::Level;
use maibo_core::time::{Millis, Timestamp};
use maibo_store::outbox::{OutboxError, OutboxReader, Waiting};
use prometheus::IntGauge;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Board;
use crate::Chain;
use crate::clock::EngineClock;
use crate::deliver::{Failing, Liveness};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// How long a receiver may fail at what it is owed.
const PATIENCE: Millis = Millis(45_000);
/// How long a worker may not look at what is owed: three times as long as it ever sleeps.
const UNSEEN: Duration = Duration::from_mins(3);

pub(super) async fn run(
    mut owed: OutboxReader,
    receivers: Vec<(String, Liveness)>,
    dead_letters: IntGauge,
    clock: Arc<EngineClock>,
    board: Arc<Board>,
    stop: CancellationToken,
) {
    let mut failing = false;
    while !stop.is_cancelled() {
        let before = clock.now() - PATIENCE;
        let Ok((back, found)) = tokio::task::spawn_blocking(move || {
            let found = read(&owed, before);
            (owed, found)
        })
        .await
        else {
            return;
        };
        owed = back;
        let found = match found {
            Ok((found, dead)) => {
                failing = false;
                dead_letters.set(dead);
                Some(found)
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    warn!(error = %Chain(&error), "cannot look at what is owed");
                }
                None
            }
        };
        for (name, alive) in &receivers {
            let look = Look {
                waiting: found.iter().flatten().find(|w| w.receiver == *name),
                readable: found.is_some(),
                failing: alive.failing(),
                unseen: alive.unseen(),
                substitute: alive.substitute(),
            };
            look.tell(&board, name, clock.now());
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Who fails at what was decided before then, and how many dead letters there are.
fn read(owed: &OutboxReader, before: Timestamp) -> Result<(Vec<Waiting>, i64), OutboxError> {
    let dead = owed.dead_letters()?;
    Ok((owed.failing(before.0)?, i64::try_from(dead).unwrap_or(i64::MAX)))
}

/// What is known of one receiver.
struct Look<'a> {
    /// What it fails at, by the outbox, where that can be read.
    waiting: Option<&'a Waiting>,
    readable: bool,
    failing: Option<Failing>,
    unseen: Duration,
    /// Who is told in its place.
    substitute: Option<String>,
}

impl Look<'_> {
    fn tell(self, board: &Board, name: &str, now: Timestamp) {
        let part = format!("receiver.{name}");
        let unwell = |zh: &str, en: &str| board.unwell(Check::Receiver, &part, Level::Orange, zh, en);
        if self.unseen >= UNSEEN {
            let s = self.unseen.as_secs();
            let zh = format!("向 {name} 发送通知的任务已 {s} 秒没有进展，请重新启动程序");
            return unwell(&zh, &format!("what sends to {name} has made no progress for {s} s: restart Maibo"));
        }
        let failing = self.failing.as_ref().filter(|f| now.since(f.since) >= PATIENCE);
        let since = failing.map(|f| f.since.0).into_iter().chain(self.waiting.map(|w| w.since)).min();
        let Some(since) = since else {
            // What cannot be looked at is not well; one that fails is not yet unwell, and may be so since before the start.
            if self.readable && self.failing.is_none() {
                board.well(Check::Receiver, &part);
            }
            return;
        };
        let error = failing.and_then(|f| f.error.as_deref()).or_else(|| self.waiting?.error.as_deref()).unwrap_or("?");
        let (seconds, count) = ((now.0 - since) / 1_000, self.waiting.map(|w| w.count));
        let zh = count.map(|n| format!("（待发 {n} 条）")).unwrap_or_default();
        let en = count.map(|n| format!(" ({n} waiting)")).unwrap_or_default();
        let (zh_instead, en_instead) = self.substitute.as_ref().map_or_else(Default::default, |instead| {
            (format!("；已改为同时通知 {instead}"), format!("; {instead} is told in its place"))
        });
        let zh = format!("接收方 {name} 已 {seconds} 秒没有收下通知{zh}：{error}{zh_instead}");
        unwell(&zh, &format!("{name} has not taken what it is told for {seconds} s{en}: {error}{en_instead}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::board::tests::{board, told};
    use super::*;

    fn failing(since: i64) -> Failing {
        Failing { since: Timestamp(since), error: Some("no connection".to_owned()), needs_operator: false }
    }

    // A receiver that has taken nothing for 45 s is told, whatever the single deliveries say; it is well again when it
    // takes something, and not only because the outbox cannot be read, or has nothing old.
    #[test]
    fn what_is_told() {
        let board = board();
        let look = |waiting: Option<Option<&Waiting>>, failing, unseen: u64, now: i64| {
            let (waiting, readable) = (waiting.unwrap_or_default(), waiting.is_some());
            let unseen = Duration::from_secs(unseen);
            let substitute = (now == 60_000).then(|| "chief".to_owned());
            Look { waiting, readable, failing, unseen, substitute }.tell(&board, "bureau", Timestamp(now));
            told(&board).pop().unwrap_or_default()
        };
        assert_eq!(look(Some(None), Some(failing(1_000)), 1, 45_999), "");
        let words =
            "maibo-receiver receiver.bureau orange bureau has not taken what it is told for 45 s: no connection";
        assert_eq!(look(Some(None), Some(failing(1_000)), 1, 46_000), words);
        assert_eq!(look(Some(None), Some(failing(46_000)), 1, 47_000), "", "it is not well yet");
        assert_eq!(look(None, None, 1, 48_000), "");
        assert_eq!(look(Some(None), None, 1, 49_000), "maibo-receiver receiver.bureau well ");
        let stuck = Waiting { receiver: "bureau".to_owned(), since: 1_000, count: 3, error: Some("401".to_owned()) };
        let words = "maibo-receiver receiver.bureau orange bureau has not taken what it is told for 59 s (3 waiting): 401; chief is told in its place";
        assert_eq!(look(Some(Some(&stuck)), None, 1, 60_000), words);
        assert_eq!(look(Some(None), None, 1, 61_000), "maibo-receiver receiver.bureau well ");
        let words =
            "maibo-receiver receiver.bureau orange what sends to bureau has made no progress for 180 s: restart Maibo";
        assert_eq!(look(Some(None), None, 180, 62_000), words);
    }
}
