//! Whose time for a task of a run is over, and who is to hear of it now.

use maibo_core::fact::Missed;
use maibo_core::id::EpisodeId;
use maibo_core::reading::Text;
use maibo_core::time::Timestamp;
use rusqlite::params;

use super::plan::names;
use super::{Outbox, OutboxError, PAGE_MAX, ladder};

/// What somebody new may be told of: neither silenced nor held for another reason.
const TOLD: &str = "worst.run = task.run AND worst.open = 1
  AND NOT EXISTS (SELECT 1 FROM hold WHERE hold.episode = worst.episode)";
/// A task whose time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// Of which plan.
    pub plan: String,
    /// Which task.
    pub task: String,
    /// Who should have done it.
    pub owner: String,
    /// By when.
    pub due_at: Timestamp,
    /// How often that was noted already.
    pub rung: u32,
    /// Who is to hear of it now.
    pub escalate: Vec<String>,
    /// The worst alert of the run.
    pub episode: EpisodeId,
    /// Its latest version that is followed.
    pub version: u32,
}

impl Overdue {
    /// What a version says of it that tells those of [`Self::escalate`] who are `there`.
    pub fn missed(&self, there: impl Fn(&str) -> bool) -> Missed {
        let text = |text: &String| Text::from(text.as_str());
        Missed {
            plan: text(&self.plan),
            task: text(&self.task),
            owner: text(&self.owner),
            due_at: self.due_at,
            rung: Some(self.rung).filter(|rung| *rung > 0),
            to: self.escalate.iter().filter(|name| there(name)).map(text).collect(),
        }
    }
}

impl Outbox {
    /// When the next task is due, of those whose time runs and whose alerts may be told.
    ///
    /// # Errors
    /// SQLite's.
    pub fn next_deadline(&self) -> Result<Option<Timestamp>, OutboxError> {
        let mut next = self.connection.prepare_cached(&format!(
            "SELECT min(due_at) FROM task INDEXED BY task_due
             WHERE open = 1 AND EXISTS (SELECT 1 FROM run_alert AS worst WHERE {TOLD})"
        ))?;
        Ok(next.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp))
    }

    /// Tasks whose time is over by `now`, the longest over first, at most `limit`. Where all alerts of a run are withheld its
    /// tasks wait: who must not be told of an alert must not be told of what it asked for. None while facts are taken in that were
    /// followed by another file: the answer may be among them.
    ///
    /// # Errors
    /// SQLite's.
    pub fn overdue(&self, now: Timestamp, limit: usize) -> Result<Vec<Overdue>, OutboxError> {
        if self.past.is_some() {
            return Ok(Vec::new());
        }
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT task.run, plan, name, owner, due_at, escalate, episode, version, ladder, rung,
               ifnull(deadline, due_at)
             FROM task INDEXED BY task_due JOIN run ON run.id = task.run
             JOIN run_alert ON (run_alert.run, episode) =
               (SELECT run, episode FROM run_alert AS worst WHERE {TOLD} ORDER BY worst.level DESC, worst.slot LIMIT 1)
             WHERE task.open = 1 AND due_at <= ?1 ORDER BY due_at, task.run, seq LIMIT ?2"
        ))?;
        let mut rows = statement.query(params![now.0, limit.min(PAGE_MAX) as i64])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (run, escalate, episode): (i64, String, String) = (row.get(0)?, row.get(5)?, row.get(6)?);
            let (ladder, rung) = (ladder::read(&row.get::<_, String>(8)?), row.get(9)?);
            found.push(Overdue {
                plan: row.get(1)?,
                task: row.get(2)?,
                owner: row.get(3)?,
                due_at: Timestamp(row.get(10)?),
                rung,
                escalate: match (rung as usize).checked_sub(1) {
                    None => names(&escalate),
                    Some(n) => ladder.get(n).map(|rung| rung.escalate.clone()).unwrap_or_default(),
                },
                episode: EpisodeId::parse(&episode).ok_or(OutboxError::Damaged { id: run })?,
                version: row.get(7)?,
            });
        }
        Ok(found)
    }
}
