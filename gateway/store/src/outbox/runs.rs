//! Runs of response plans, for people.

use maibo_core::id::EpisodeId;
use maibo_core::notify::{Answered, Rung};
use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};

use super::plan::names;
use super::{OutboxError, OutboxReader, PAGE_MAX, ladder};

/// What happened to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEventKind {
    /// Somebody was told, and the time of its tasks began.
    Began,
    /// A task was done: by whom.
    Done,
    /// A task was not done in time: whose it is.
    Missed,
    /// Somebody is told of that: who.
    Escalated,
    /// It got worse, to which level, and the time of what was done or missed began anew.
    Raised,
    /// All of its alerts are over.
    Ended,
}

impl RunEventKind {
    const ALL: [Self; 6] = [Self::Began, Self::Done, Self::Missed, Self::Escalated, Self::Raised, Self::Ended];

    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Done => "done",
            Self::Missed => "missed",
            Self::Escalated => "escalated",
            Self::Raised => "raised",
            Self::Ended => "ended",
        }
    }
}

/// One thing that happened to a run. Times in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvent {
    /// Growing.
    pub id: u64,
    /// To which run.
    pub run: u64,
    /// Of which plan.
    pub plan: String,
    /// When.
    pub at: i64,
    /// What.
    pub kind: RunEventKind,
    /// Which task.
    pub task: Option<String>,
    /// Who; see [`RunEventKind`].
    pub who: Option<String>,
}

/// Which runs.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of this plan.
    pub plan: Option<String>,
    /// About this episode.
    pub episode: Option<EpisodeId>,
    /// That go on, or that are over.
    pub open: Option<bool>,
}

/// A run. Times in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Growing; the cursor of the list.
    pub id: u64,
    /// Of which plan.
    pub plan: String,
    /// Where: see `maibo_core::notify::ground_of`.
    pub ground: String,
    /// The worst level so far, 0 to 3.
    pub level: i64,
    /// The set of plans that it was begun by, where that is known.
    pub plans: Option<String>,
    /// When the first alert called for it.
    pub made_at: i64,
    /// When somebody was told; `None`: all of it is withheld so far.
    pub began_at: Option<i64>,
    /// When the last of its alerts ended.
    pub ended_at: Option<i64>,
    /// Its alerts, as far as they are looked at.
    pub episodes: Vec<String>,
    /// Its tasks, in the order of the plan.
    pub tasks: Vec<TaskRow>,
}

/// A task of a run. Times in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Its name.
    pub name: String,
    /// Who has to do it.
    pub owner: String,
    /// Which answer does it.
    pub done: Answered,
    /// Who hears of it where it is missed.
    pub escalate: Vec<String>,
    /// By when; `None`: the run has not begun.
    pub due_at: Option<i64>,
    /// When it was done.
    pub done_at: Option<i64>,
    /// By whom.
    pub done_by: Option<String>,
    /// When it was noted that its time was over.
    pub missed_at: Option<i64>,
    /// Who is told where it stays undone, one rung after the other.
    pub then: Vec<Rung>,
    /// How many rungs were told.
    pub told: u32,
    /// When the next one is.
    pub next_at: Option<i64>,
}

impl OutboxReader {
    /// At most `limit` runs with a smaller id than `before`, newest first.
    ///
    /// # Errors
    /// SQLite's.
    pub fn runs(&self, filter: &RunFilter, before: Option<u64>, limit: usize) -> Result<Vec<RunRow>, OutboxError> {
        let mut conditions = vec!["id < ?"];
        let mut values = vec![Value::from(before.map_or(i64::MAX, |b| i64::try_from(b).unwrap_or(i64::MAX)))];
        if let Some(plan) = &filter.plan {
            conditions.push("plan = ?");
            values.push(Value::from(plan.clone()));
        }
        if let Some(episode) = filter.episode {
            conditions.push("id IN (SELECT run FROM run_alert WHERE episode = ?)");
            values.push(Value::from(episode.to_string()));
        }
        match filter.open {
            Some(true) => conditions.push("ended_at IS NULL"),
            Some(false) => conditions.push("ended_at IS NOT NULL"),
            None => {}
        }
        values.push(Value::from(limit.min(PAGE_MAX) as i64));
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT id, plan, ground, level, made_at, began_at, ended_at, plans FROM run WHERE {} ORDER BY id DESC LIMIT ?",
            conditions.join(" AND ")
        ))?;
        let mut found: Vec<RunRow> = statement.query_map(params_from_iter(values), run)?.collect::<Result<_, _>>()?;
        let mut tasks = self.connection.prepare_cached(
            "SELECT name, owner, escalate, due_at, done_at, done_by, missed_at, done, ladder, rung, open,
               ifnull(deadline, due_at) FROM task WHERE run = ?1 ORDER BY seq",
        )?;
        let mut alerts = self.connection.prepare_cached("SELECT episode FROM run_alert WHERE run = ?1")?;
        for run in &mut found {
            run.tasks = tasks.query_map([run.id as i64], task)?.collect::<Result<_, _>>()?;
            run.episodes = alerts.query_map([run.id as i64], |row| row.get(0))?.collect::<Result<_, _>>()?;
        }
        Ok(found)
    }

    /// What happened to the runs that an episode belongs to, in the order of time, behind `after` (time in ms, and identifier);
    /// at most `limit`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn run_events_of(
        &self,
        episode: EpisodeId,
        after: (i64, u64),
        limit: usize,
    ) -> Result<Vec<RunEvent>, OutboxError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT run_event.id, run_event.run, plan, at, kind, task, who
             FROM run_alert JOIN run ON run.id = run_alert.run JOIN run_event ON run_event.run = run.id
             WHERE episode = ?1 AND (at, run_event.id) > (?2, ?3) ORDER BY at, run_event.id LIMIT ?4",
        )?;
        let last = i64::try_from(after.1).unwrap_or(i64::MAX);
        let values = params![episode.to_string(), after.0, last, limit.min(PAGE_MAX) as i64];
        let rows = statement.query_map(values, event)?;
        // A kind of a later Maibo says nothing here.
        Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        id: row.get::<_, i64>(0)? as u64,
        plan: row.get(1)?,
        ground: row.get(2)?,
        level: row.get(3)?,
        made_at: row.get(4)?,
        began_at: row.get(5)?,
        ended_at: row.get(6)?,
        plans: row.get(7)?,
        episodes: Vec::new(),
        tasks: Vec::new(),
    })
}

fn task(row: &Row<'_>) -> rusqlite::Result<TaskRow> {
    let (then, rung, open) = (ladder::read(&row.get::<_, String>(8)?), row.get::<_, u32>(9)?, row.get::<_, bool>(10)?);
    let due_at: Option<i64> = row.get(3)?;
    Ok(TaskRow {
        name: row.get(0)?,
        owner: row.get(1)?,
        escalate: names(&row.get::<_, String>(2)?),
        due_at: row.get(11)?,
        next_at: due_at.filter(|_| open && rung > 0),
        told: rung.saturating_sub(1),
        then,
        done_at: row.get(4)?,
        done_by: row.get(5)?,
        missed_at: row.get(6)?,
        // What a later Maibo may ask for does it only where nothing says more.
        done: usize::try_from(row.get::<_, i64>(7)?)
            .ok()
            .and_then(|n| Answered::ALL.get(n).copied())
            .unwrap_or(Answered::Closed),
    })
}

fn event(row: &Row<'_>) -> rusqlite::Result<Option<RunEvent>> {
    let kind: String = row.get(4)?;
    let Some(kind) = RunEventKind::ALL.into_iter().find(|k| k.as_str() == kind) else { return Ok(None) };
    Ok(Some(RunEvent {
        id: row.get::<_, i64>(0)? as u64,
        run: row.get::<_, i64>(1)? as u64,
        plan: row.get(2)?,
        at: row.get(3)?,
        kind,
        task: row.get(5)?,
        who: row.get(6)?,
    }))
}
