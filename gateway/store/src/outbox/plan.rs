//! Response plans as they run: which alerts belong to a run, whose time for what is over, who hears of it.
//!
//! A run is of one plan in one district at a time. It is made with the first alert that the plan covers there, and begins, and
//! with it the time of its tasks, when somebody who has to do something is owed an alert of it: what is withheld hurries nobody.
//! It ends with the last of its alerts. An answer of a task's owner about any of them does the task. When the run gets worse,
//! what was done or missed has to be done anew. What stays undone goes up the ladder of its task, a rung at a time, until somebody
//! does it or nobody is left to be told.
//!
//! That a task's time is over is a matter of the clock: [`Outbox::overdue`] says so, and who asks puts it on record. What was
//! missed is noted when the fact comes that says so, whose version is told to those whom it names, too. So all of it follows
//! from the facts.
//!
//! Limits: the first [`RUN_ALERTS`] alerts of a run are looked at; others are told like them, and no more. Runs that are over
//! are kept as long as deliveries are, and at most [`RUNS_MAX`].

use std::collections::BTreeSet;
use std::sync::Arc;

use maibo_core::fact::{Fact, State, Transition};
use maibo_core::id::Version;
use maibo_core::notify::{Answered, Plan, PlanSet, ground_of};
use maibo_core::time::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::enqueue::Batch;
use super::letter::Letter;
use super::runs::RunEventKind;
use super::{Outbox, OutboxError, PAGE_MAX, SETTLED_KEPT, ladder};

/// Alerts of a run whose answers and ends count.
const RUN_ALERTS: i64 = 32;
/// How an alert of a run stands: `open` of `run_alert`, 0 where it is over.
const OPEN: i64 = 1;
/// By its latest version it is silenced.
const SILENCED: i64 = 2;
/// Runs kept that are over.
const RUNS_MAX: usize = 10_000;

/// A plan that covers an alert, as its run was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covering {
    /// Its name.
    pub plan: String,
    /// In which set of plans.
    pub version: Version,
    /// Whether the plan of that name that is in force covers this version of the alert.
    pub covers: bool,
}

impl Outbox {
    /// The plans in force from the next fact on. Runs that go on do so as they were begun.
    pub fn set_plans(&mut self, plans: Arc<PlanSet>) {
        self.plans = plans;
    }

    /// Which plans are in force by the facts up to the cursor; `None` where those that were followed do not say.
    pub fn plans_version(&self) -> Option<Version> {
        self.plans_version
    }

    /// Says it of an outbox whose facts do not.
    ///
    /// # Errors
    /// SQLite's.
    pub fn begin_with_plans(&mut self, version: Version) -> Result<(), OutboxError> {
        self.connection.execute("UPDATE cursor SET plans = ?1", [version.to_string()])?;
        self.plans_version = Some(version);
        Ok(())
    }
}

impl Batch<'_> {
    /// Who is told of a version because of plans: it belongs to a run of theirs, or calls for one, which is made; those who have
    /// to do something by the run's own plan, too. And which plans these are, each as its run was begun.
    pub(super) fn called(
        &mut self,
        set: &PlanSet,
        t: &Transition,
        at: Timestamp,
    ) -> Result<(BTreeSet<String>, Vec<Covering>), OutboxError> {
        let (mut called, mut covering) = (BTreeSet::new(), Vec::new());
        if set.plans.is_empty() && !self.running()? {
            return Ok((called, covering));
        }
        let episode = t.episode.to_string();
        let mut statement = self.tx.prepare_cached(
            "SELECT run.id, plan, plans FROM run_alert JOIN run ON run.id = run_alert.run
             WHERE episode = ?1 AND ended_at IS NULL ORDER BY run.id",
        )?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let joined: Vec<(i64, String, Option<String>)> =
            statement.query_map([&episode], row)?.collect::<Result<_, _>>()?;
        let mut runs = Vec::new();
        for (run, plan, version) in joined {
            // One of a file of before has none.
            let version = version.as_deref().and_then(Version::parse).unwrap_or(set.version);
            covering.push(Covering { plan, version, covers: false });
            runs.push((run, version));
        }
        for plan in &set.plans {
            if let Some(known) = covering.iter_mut().find(|known| known.plan == plan.name) {
                called.extend(plan.receivers.iter().cloned());
                known.covers = plan.covers(t);
            } else if plan.covers(t) {
                called.extend(plan.receivers.iter().cloned());
                let (run, version) = self.run_of(plan, set.version, t, at)?;
                covering.push(Covering { plan: plan.name.clone(), version, covers: true });
                runs.push((run, version));
                self.tx
                    .prepare_cached(
                        // The body is of an earlier format, and empty.
                        "INSERT INTO run_alert (run, episode, version, level, slot, body, open)
                         SELECT ?1, ?2, ?3, ?4, 0, x'', 1
                         WHERE (SELECT count(*) FROM run_alert WHERE run = ?1) < ?5",
                    )?
                    .execute(params![run, episode, t.version, t.level as i64, RUN_ALERTS])?;
            }
        }
        for (run, _) in runs.into_iter().filter(|(_, version)| *version != set.version) {
            let mut owners = self.tx.prepare_cached("SELECT DISTINCT owner FROM task WHERE run = ?1")?;
            for owner in owners.query_map([run], |row| row.get(0))? {
                called.insert(owner?);
            }
        }
        Ok((called, covering))
    }

    /// The run of a plan on an alert's ground, and the plans that it was begun by; one is made where there is none.
    fn run_of(
        &mut self,
        plan: &Plan,
        version: Version,
        t: &Transition,
        at: Timestamp,
    ) -> Result<(i64, Version), OutboxError> {
        let ground = ground_of(t);
        let known: Option<(i64, i64, Option<String>)> = self
            .tx
            .prepare_cached("SELECT id, level, plans FROM run WHERE plan = ?1 AND ground = ?2 AND ended_at IS NULL")?
            .query_row(params![plan.name, ground], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        if let Some((run, level, begun)) = known {
            if t.peak as i64 > level {
                self.worse(run, t, at)?;
            }
            return Ok((run, begun.as_deref().and_then(Version::parse).unwrap_or(version)));
        }
        self.tx
            .prepare_cached("INSERT INTO run (plan, ground, level, made_at, plans) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![plan.name, ground, t.peak as i64, at.0, version.to_string()])?;
        let run = self.tx.last_insert_rowid();
        self.runs = Some(true);
        let mut task = self.tx.prepare_cached(
            "INSERT INTO task (run, seq, name, owner, done, within, escalate, ladder)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for (seq, one) in plan.tasks.iter().enumerate() {
            let (done, escalate, ladder) = (one.done as i64, one.escalate.join(" "), ladder::text(&one.then));
            task.execute(params![run, seq as i64, one.name, one.owner, done, one.within.0, escalate, ladder])?;
        }
        Ok((run, version))
    }

    /// A run got worse at `at`: the time of what was done or missed begins anew, where another file followed it at that time.
    fn worse(&mut self, run: i64, t: &Transition, at: Timestamp) -> Result<(), OutboxError> {
        let now = if self.past { at } else { self.now };
        self.tx.prepare_cached("UPDATE run SET level = ?2 WHERE id = ?1")?.execute(params![run, t.peak as i64])?;
        let anew = self
            .tx
            .prepare_cached(
                "UPDATE task SET open = 1, due_at = ?2 + within, done_at = NULL, done_by = NULL, missed_at = NULL, rung = 0,
                   deadline = NULL
                 WHERE run = ?1 AND (open = 0 OR rung > 0) AND due_at IS NOT NULL",
            )?
            .execute([run, now.0])?;
        if anew > 0 {
            note(self.tx, run, now, RunEventKind::Raised, None, Some(t.peak.as_str()))?;
        }
        Ok(())
    }

    /// Whether any run goes on, asked once.
    fn running(&mut self) -> Result<bool, OutboxError> {
        if let Some(runs) = self.runs {
            return Ok(runs);
        }
        let mut any = self.tx.prepare_cached("SELECT 1 FROM run WHERE ended_at IS NULL LIMIT 1")?;
        Ok(*self.runs.insert(any.exists([])?))
    }

    /// Takes to its runs what a version says: what is to be told of it, who answered, whether it is over.
    pub(super) fn came(&mut self, fact: &Fact, t: &Transition, letter: Option<&Letter>) -> Result<(), OutboxError> {
        if !self.running()? {
            return Ok(());
        }
        let episode = t.episode.to_string();
        let mut statement = self.tx.prepare_cached(
            "SELECT run.id, plan, run.level FROM run_alert JOIN run ON run.id = run_alert.run
             WHERE episode = ?1 AND ended_at IS NULL",
        )?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let runs: Vec<(i64, String, i64)> = statement.query_map([&episode], row)?.collect::<Result<_, _>>()?;
        let open = if t.silenced().is_some() { SILENCED } else { OPEN };
        for (run, plan, level) in runs {
            if t.peak as i64 > level {
                self.worse(run, t, fact.at)?;
            }
            self.tx
                .prepare_cached(
                    "UPDATE run_alert SET version = ?3, level = ?4, slot = ifnull(?5, slot), open = ?6
                     WHERE run = ?1 AND episode = ?2",
                )?
                .execute(params![run, episode, t.version, t.level as i64, letter.map(|l| l.slot), open])?;
            self.answered(run, fact, t)?;
            if let Some(missed) = t.missed().filter(|missed| *missed.plan == *plan) {
                self.missed(run, missed, fact.at)?;
            }
            if t.state == State::Resolved {
                self.over(run, &episode, fact.at)?;
            }
        }
        Ok(())
    }

    /// What an answer does, late ones too.
    fn answered(&mut self, run: i64, fact: &Fact, t: &Transition) -> Result<(), OutboxError> {
        let who = fact.actor.as_ref().and_then(|actor| Some((actor.at_receiver()?.0, actor.as_str())));
        let (Some((owner, actor)), Some(answered)) = (who, Answered::of(t)) else { return Ok(()) };
        let mut statement = self.tx.prepare_cached(
            "UPDATE task SET open = 0, done_at = ?4, done_by = ?5
             WHERE run = ?1 AND owner = ?2 AND done <= ?3 AND done_at IS NULL RETURNING name",
        )?;
        let values = params![run, owner, answered as i64, fact.at.0, actor];
        let done: Vec<String> = statement.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
        for task in done {
            note(self.tx, run, fact.at, RunEventKind::Done, Some(&task), Some(actor))?;
        }
        Ok(())
    }

    /// One alert of a run is over; with the last one the run is.
    fn over(&mut self, run: i64, episode: &str, at: Timestamp) -> Result<(), OutboxError> {
        self.tx
            .prepare_cached("UPDATE run_alert SET open = 0 WHERE run = ?1 AND episode = ?2")?
            .execute(params![run, episode])?;
        let ended = self
            .tx
            .prepare_cached(
                "UPDATE run SET ended_at = ?2
                 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM run_alert WHERE run = ?1 AND open > 0)",
            )?
            .execute([run, at.0])?;
        if ended == 1 {
            self.tx.prepare_cached("UPDATE task SET open = 0 WHERE run = ?1")?.execute([run])?;
            note(self.tx, run, at, RunEventKind::Ended, None, None)?;
        }
        Ok(())
    }

    /// Begins the runs of which somebody who has to do something is owed an alert; those without tasks too. Of what another
    /// file followed the time began when it was made.
    pub(super) fn begin_runs(&mut self) -> Result<(), OutboxError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT id, made_at FROM run INDEXED BY run_waiting
             WHERE began_at IS NULL AND ended_at IS NULL
               AND (NOT EXISTS (SELECT 1 FROM task WHERE run = run.id)
                 OR EXISTS (SELECT 1 FROM task JOIN run_alert ON run_alert.run = task.run
                   JOIN delivery ON delivery.receiver = task.owner AND delivery.episode = run_alert.episode
                   WHERE task.run = run.id AND state IN ('pending', 'delivered', 'superseded', 'dead')))",
        )?;
        let waiting: Vec<(i64, i64)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        for (run, made) in waiting {
            let at = if self.past { Timestamp(made) } else { self.now };
            self.tx.prepare_cached("UPDATE run SET began_at = ?2 WHERE id = ?1")?.execute([run, at.0])?;
            self.tx
                .prepare_cached(
                    // What was missed before another file was lost is on its ladder already.
                    "UPDATE task SET open = done_at IS NULL AND missed_at IS NULL, due_at = ?2 + within
                     WHERE run = ?1 AND rung = 0",
                )?
                .execute([run, at.0])?;
            note(self.tx, run, at, RunEventKind::Began, None, None)?;
        }
        Ok(())
    }
}

/// Forgets runs that were over long ago, and the oldest where there are too many.
pub(super) fn forget(tx: &Transaction<'_>, now: Timestamp) -> Result<(), OutboxError> {
    let mut statement = tx.prepare_cached(
        "SELECT id FROM run WHERE ended_at IS NOT NULL
           AND (ended_at < ?1 OR id IN (SELECT id FROM run WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT -1 OFFSET ?2))
         ORDER BY ended_at LIMIT ?3",
    )?;
    let values = params![(now - SETTLED_KEPT).0, RUNS_MAX as i64, PAGE_MAX as i64];
    let gone: Vec<i64> = statement.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
    for run in gone {
        for table in ["run_event", "run_alert", "task"] {
            tx.prepare_cached(&format!("DELETE FROM {table} WHERE run = ?1"))?.execute([run])?;
        }
        tx.prepare_cached("DELETE FROM run WHERE id = ?1")?.execute([run])?;
    }
    Ok(())
}

pub(super) fn note(
    tx: &Transaction<'_>,
    run: i64,
    at: Timestamp,
    kind: RunEventKind,
    task: Option<&str>,
    who: Option<&str>,
) -> Result<(), OutboxError> {
    tx.prepare_cached("INSERT INTO run_event (run, at, kind, task, who) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![run, at.0, kind.as_str(), task, who])?;
    Ok(())
}

/// Names have no spaces.
pub(super) fn names(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
