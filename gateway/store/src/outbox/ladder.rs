//! How a task that stays undone goes up: first to whom its plan names beside the deadline, then rung by rung.
//!
//! A miss on record says which rung it is, so that one that is asked twice around a crash is noted once, and says the deadline
//! of the task; when the next rung is follows from both and from when it was put on record, in a file that was begun anew too.

use maibo_core::fact::Missed;
use maibo_core::notify::Rung;
use maibo_core::time::{Millis, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::OutboxError;
use super::enqueue::Batch;
use super::plan::note;
use super::runs::RunEventKind;

/// As it is kept: `milliseconds:name,name` with spaces between. Names of receivers have none of these signs.
pub(super) fn text(rungs: &[Rung]) -> String {
    let rungs: Vec<String> = rungs.iter().map(|rung| format!("{}:{}", rung.after.0, rung.escalate.join(","))).collect();
    rungs.join(" ")
}

/// Reads [`text`].
pub(super) fn read(text: &str) -> Vec<Rung> {
    let rung = |part: &str| {
        let (after, names) = part.split_once(':')?;
        let escalate = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Some(Rung { after: Millis(after.parse().ok()?), escalate })
    };
    text.split_whitespace().filter_map(rung).collect()
}

/// When a rung is told: so long behind the deadline as it says; but not before half its own time has gone by since the one before
/// was told at `at`, however late that was: who was told must have had some time.
fn next(rungs: &[Rung], rung: usize, deadline: Timestamp, at: Timestamp) -> Option<Timestamp> {
    let after = rungs.get(rung)?.after;
    let climbed = Millis(rungs.iter().take(rung + 1).map(|rung| rung.after.0).sum());
    Some((deadline + climbed).max(at + Millis(after.0 / 2)))
}

impl Batch<'_> {
    /// What was missed, noted once a rung: not where somebody did it meanwhile, or where its time began anew since the plan
    /// said so. In a file that was begun anew the first that is seen can be a later one.
    pub(super) fn missed(&mut self, run: i64, missed: &Missed, at: Timestamp) -> Result<(), OutboxError> {
        let known: Option<(u32, String)> = self
            .tx
            .prepare_cached(
                "SELECT rung, ladder FROM task WHERE run = ?1 AND name = ?2 AND done_at IS NULL
                   AND ifnull(due_at, ?3) <= ?3",
            )?
            .query_row(params![run, &*missed.task, at.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let rung = missed.rung.unwrap_or_default();
        let Some((known, ladder)) = known.filter(|(known, _)| *known <= rung) else { return Ok(()) };
        let next = next(&read(&ladder), rung as usize, missed.due_at, at);
        self.tx
            .prepare_cached(
                "UPDATE task SET rung = ?3 + 1, missed_at = ifnull(missed_at, ?4), open = ?5, due_at = ifnull(?6, due_at),
                   deadline = ?7
                 WHERE run = ?1 AND name = ?2",
            )?
            .execute(params![
                run,
                &*missed.task,
                rung,
                at.0,
                next.is_some(),
                next.map(|at| at.0),
                missed.due_at.0
            ])?;
        if known == 0 {
            note(self.tx, run, at, RunEventKind::Missed, Some(&missed.task), Some(&missed.owner))?;
        }
        for name in &missed.to {
            note(self.tx, run, at, RunEventKind::Escalated, Some(&missed.task), Some(name))?;
        }
        Ok(())
    }
}
