//! The second way out: when nothing is taken in or decided any more, no alert can say so. Then those who are called to
//! emergencies are told past the record, marked `recorded: false`, and told again when it is over.
//!
//! When it moves again the standstill is put on record under the same identity, so that receivers know the message.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::fact::{Reason, State, Transition};
use maibo_core::id::{EpisodeId, PartId, RuleId, Subject};
use maibo_core::input::{Check, Found};
use maibo_core::place::{Domain, Level};
use maibo_core::time::{Millis, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Board;
use crate::clock::EngineClock;
use crate::deliver::LastWord;
use crate::live::Picture;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// How long the record of it stays open when it is over.
const STAYS: Duration = Duration::from_mins(1);
/// What stands still.
const PART: &str = "pipeline";

pub(super) async fn run(
    picture: Arc<Picture>,
    last_word: LastWord,
    clock: Arc<EngineClock>,
    board: Arc<Board>,
    stop: CancellationToken,
) {
    let mut since: Option<Timestamp> = None;
    while !stop.is_cancelled() {
        match (since, picture.moving()) {
            (None, false) => {
                let from = clock.now() - Millis(crate::live::SILENT.as_millis() as i64);
                since = Some(from);
                error!("nothing has been taken in or decided for ten seconds: receivers are told past the record");
                if let Some(t) = transition(from, clock.now(), State::Firing) {
                    last_word.say(&t).await;
                }
            }
            (Some(from), true) => {
                since = None;
                let s = clock.now().since(from).0 / 1_000;
                let zh = format!("{s} 秒内没有接收或判定任何消息，现已恢复；期间的消息由发送方重发");
                let en = format!(
                    "nothing was taken in or decided for {s} s; it goes on now, and what was sent meanwhile is sent again"
                );
                board.unwell_since(Check::Standstill, PART, Level::Red, from, &zh, &en);
                let end = Arc::clone(&board);
                tokio::spawn(async move {
                    tokio::time::sleep(STAYS).await;
                    end.well(Check::Standstill, PART);
                });
            }
            _ => {}
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The alert that nobody can decide now, as its record will begin.
fn transition(since: Timestamp, now: Timestamp, state: State) -> Option<Transition> {
    let rule = RuleId::new(Check::Standstill.rule()).ok()?;
    let subject = Subject::Part(PartId::new(PART).ok()?);
    let found = Found::new(
        "已 10 秒没有接收或判定任何消息：新的险情此刻无人告知，请立即检查服务器",
        "nothing has been taken in or decided for ten seconds: of new dangers nobody is told now; look at the server at once",
    );
    Some(Transition {
        episode: EpisodeId::derive(&rule, &subject, since, 1),
        version: 1,
        rule,
        subject,
        quantity: None,
        place: None,
        domain: Domain::Emergency,
        state,
        level: Level::Red,
        peak: Level::Red,
        stale: false,
        historic: false,
        value: None,
        threshold: None,
        started_at: since,
        at: now,
        resolved_at: None,
        acknowledged: None,
        reason: Reason::Unwell,
        handling: None,
        measure: None,
        found: Some(Box::new(found)),
    })
}
