//! The second way out: when nothing is taken in or decided any more, no alert can say so. Then those who are called to
//! emergencies are told past the record, marked `recorded: false`, and told again when it is over.
//!
//! When it moves again the standstill is put on record under the same identity, so that receivers know the message; each
//! one is a record of its own. Where the process ends without having moved, a note in the data directory says so to the
//! next start, which puts it on record. Where only the feed of the city stands still, the record can be had at once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use maibo_core::fact::{Reason, State, Transition};
use maibo_core::id::{EpisodeId, PartId, RuleId, Subject};
use maibo_core::input::{Check, Found};
use maibo_core::place::{Domain, Level};
use maibo_core::time::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::Board;
use crate::clock::EngineClock;
use crate::deliver::LastWord;

/// How long the record of it stays open when it is over.
const STAYS: Duration = Duration::from_mins(1);
/// What stands still: sequencer or decider, and with them everything.
pub(super) const PIPELINE: &str = "pipeline";
/// What the partitions decide does not reach the city's machine.
pub(super) const FEED: &str = "feed";
/// The note for the next start. Not synced: what hangs may be the disk, and a process's end costs no written byte.
const NOTE: &str = "standstill";

/// Something that stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Still {
    /// [`PIPELINE`] or [`FEED`].
    pub(super) part: &'static str,
    /// In engine time; with the part its identity.
    pub(super) since: Timestamp,
}

/// Leaves a note of what stands still at the end of a process. Of the feed there is a record already.
pub(super) fn leave(data: &Path, still: Still) {
    if still.part != PIPELINE {
        return;
    }
    let text = format!("{} {}\n", still.part, still.since.0);
    if let Err(error) = std::fs::write(data.join(NOTE), text) {
        warn!(%error, "the standstill will not be on record: its note cannot be written");
    }
}

/// What stood still when the last process ended. The note is gone then; one that is not whole says nothing.
pub(super) fn left(data: &Path) -> Option<Still> {
    let path = data.join(NOTE);
    let text = std::fs::read_to_string(&path).ok()?;
    if let Err(error) = std::fs::remove_file(&path) {
        warn!(%error, path = %path.display(), "cannot be removed");
    }
    let since = text.strip_suffix('\n')?.strip_prefix(PIPELINE)?.strip_prefix(' ')?.parse().ok()?;
    Some(Still { part: PIPELINE, since: Timestamp(since) })
}

/// Tells people what stands still. The watchdog says so by `still`.
pub(super) struct Teller {
    pub(super) still: watch::Receiver<Option<Still>>,
    pub(super) last_word: LastWord,
    pub(super) clock: Arc<EngineClock>,
    pub(super) board: Arc<Board>,
}

impl Teller {
    /// Until `stop`, or until nobody watches any more. `before`: what stood still when the last process ended.
    pub(super) async fn run(mut self, before: Option<Still>, stop: CancellationToken) {
        let mut stays = before.map(|still| {
            self.over(still, true);
            Instant::now() + STAYS
        });
        let mut told: Option<Still> = None;
        loop {
            let now = *self.still.borrow_and_update();
            if now != told {
                if let Some(still) = std::mem::replace(&mut told, now) {
                    stays = self.moves(still);
                }
                if let Some(still) = now {
                    if still.part == PIPELINE {
                        // The record of one before ends; this one gets its own.
                        self.board.well(Check::Standstill, PIPELINE);
                        stays = None;
                    }
                    self.begins(still).await;
                }
            }
            tokio::select! {
                changed = self.still.changed() => if changed.is_err() { return },
                () = until(stays) => {
                    stays = None;
                    self.board.well(Check::Standstill, PIPELINE);
                }
                () = stop.cancelled() => return,
            }
        }
    }

    async fn begins(&self, still: Still) {
        if still.part == FEED {
            let (zh, en) = FED;
            self.board.unwell_since(Check::Standstill, FEED, Level::Red, still.since, zh, en);
            return;
        }
        error!("nothing has been taken in or decided for ten seconds: receivers are told past the record");
        if let Some(t) = transition(still.since, self.clock.now(), State::Firing) {
            self.last_word.say(&t).await;
        }
    }

    /// It goes on. Until when its record stays open.
    fn moves(&self, still: Still) -> Option<Instant> {
        if still.part == FEED {
            self.board.well(Check::Standstill, FEED);
            return None;
        }
        self.over(still, false);
        Some(Instant::now() + STAYS)
    }

    /// Puts on record what is over; `anew`: by the end of the process.
    fn over(&self, still: Still, anew: bool) {
        let s = self.clock.now().since(still.since).0 / 1_000;
        let (zh, en) = if anew {
            (
                format!("处理停滞，程序已自行退出并重新启动（{s} 秒）；期间的消息由发送方重发"),
                format!(
                    "it stood still; the process ended itself and was started anew after {s} s; what was sent meanwhile is sent again"
                ),
            )
        } else {
            (
                format!("{s} 秒内没有接收或判定任何消息，现已恢复；期间的消息由发送方重发"),
                format!(
                    "nothing was taken in or decided for {s} s; it goes on now, and what was sent meanwhile is sent again"
                ),
            )
        };
        self.board.unwell_since(Check::Standstill, PIPELINE, Level::Red, still.since, &zh, &en);
    }
}

/// Of the feed that stands still.
const FED: (&str, &str) = (
    "各分区的判定已 10 秒未汇总到全市：单个设备的预警照常，区域预警、关联与抑制停止，请立即检查服务器",
    "the city is told nothing of what was decided for ten seconds: alerts of devices go on, those of places, incidents and \
     inhibition do not; look at the server at once",
);

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The alert that nobody can decide now, as its record will begin.
fn transition(since: Timestamp, now: Timestamp, state: State) -> Option<Transition> {
    let rule = RuleId::new(Check::Standstill.rule()).ok()?;
    let subject = Subject::Part(PartId::new(PIPELINE).ok()?);
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

#[cfg(test)]
mod tests {
    use super::*;

    // What is left is found once; half a note, or one of a part that is not known, says nothing and goes.
    #[test]
    fn notes() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(left(dir.path()), None);
        let still = Still { part: PIPELINE, since: Timestamp(1_760_000_000_000) };
        leave(dir.path(), still);
        assert_eq!((left(dir.path()), left(dir.path())), (Some(still), None));
        for torn in ["pipeline 17600", "pipeline", "", "feed 5\n", "pipeline x\n"] {
            std::fs::write(dir.path().join(NOTE), torn).expect("writes");
            assert_eq!((left(dir.path()), dir.path().join(NOTE).exists()), (None, false), "{torn:?}");
        }
    }
}
