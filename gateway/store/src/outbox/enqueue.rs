//! From facts to rows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use maibo_core::fact::{Body, Delivery, Fact, State, Transition};
use maibo_core::notify::{Manners, Mode, Receiver, message_id};
use maibo_core::time::Timestamp;
use rusqlite::{Transaction, params};

use super::hold::Because;
use super::letter::{Letter, Row, tenths};
use super::plan::Covering;
use super::room::rooms;
use super::{Outbox, OutboxError, SETTLED_COLUMNS, delivery};

impl Outbox {
    /// [`Self::follow_by`] where rules say nothing about telling.
    ///
    /// # Errors
    /// As there.
    pub fn follow(
        &mut self,
        facts: &[Fact],
        receivers: &[Receiver],
        now: Timestamp,
        mut body: impl FnMut(&Transition) -> Vec<u8>,
    ) -> Result<Vec<Delivery>, OutboxError> {
        self.follow_by(facts, receivers, now, |_, _| Manners::default(), |t, _| body(t))
    }

    /// Takes in facts in the order of their index; those already taken are passed over. `now` is the driver's time;
    /// `manners` is what the rules say about telling a transition; `body` makes the message, asked once for each that
    /// somebody wants, with the plans that cover it. Gives what was settled thereby.
    ///
    /// Behind a fact that puts other plans in force it stops: [`Self::plans_version`] says which, and who calls gives them by
    /// [`Self::set_plans`] and calls again.
    ///
    /// # Errors
    /// [`OutboxError::Skipped`] where facts were left out, or SQLite's; then nothing of this call is kept.
    pub fn follow_by(
        &mut self,
        facts: &[Fact],
        receivers: &[Receiver],
        now: Timestamp,
        mut manners: impl FnMut(&Fact, &Transition) -> Manners,
        mut body: impl FnMut(&Transition, &[Covering]) -> Vec<u8>,
    ) -> Result<Vec<Delivery>, OutboxError> {
        let mut next = self.next;
        if facts.iter().all(|f| f.index < next) {
            return Ok(Vec::new());
        }
        // See the module on why this needs no sync of its own.
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        let transaction = self.connection.transaction()?;
        let mut batch = Batch::new(&transaction, &self.in_flight, &mut self.alone, self.slot, now);
        batch.past = self.past.is_some();
        let mut plans_version = self.plans_version;
        let mut waiting = rooms(&transaction, receivers, &self.waiting, self.pending_max, facts.len())?;
        for fact in facts.iter().filter(|f| f.index >= self.next) {
            if fact.index != next {
                return Err(OutboxError::Skipped { wanted: next, found: fact.index });
            }
            let past = self.past.as_ref().filter(|past| fact.index < past.until);
            match &fact.body {
                Body::Transition(t) if past.is_some_and(|past| !past.concerns(t.episode)) => {}
                Body::Transition(t) => {
                    let mut letter = None;
                    let hold = batch.hold(t, manners(fact, t))?;
                    let (called, covering) = batch.called(&self.plans, t, fact.at)?;
                    if !called.is_empty() {
                        letter = Some(Letter { at: fact.at, slot: batch.slot(fact.at), body: body(t, &covering) });
                    }
                    for (receiver, waiting) in receivers.iter().zip(&mut waiting) {
                        let fate = past.and_then(|past| past.fate(receiver, t));
                        let escalated = is_escalated_to(t, &receiver.name);
                        let called = escalated || called.contains(&receiver.name) || fate.is_some();
                        if !called && !receiver.wants(t, false) && !receiver.wants(t, batch.told(receiver, t)?) {
                            continue;
                        }
                        if let Some(fate) = fate {
                            batch.insert(receiver, t, &Letter::known(fact.at), &Row::known(fate))?;
                            continue;
                        }
                        let because = match t.silenced() {
                            Some(silence) => Some(Because::silenced(silence)),
                            None if hold.nothing() => None,
                            None => hold.because(&transaction, batch.heard(receiver, t)?, t.state)?,
                        };
                        let letter = letter.get_or_insert_with(|| Letter {
                            at: fact.at,
                            slot: batch.slot(fact.at),
                            body: body(t, &covering),
                        });
                        // Who is told what was missed has room: there are not more of these than tasks.
                        let room = escalated || *waiting < self.pending_max;
                        let more = if let Some(because) = because {
                            batch.withhold(receiver, t, letter, &because, room)?
                        } else {
                            batch.settle_held(&receiver.name, &t.episode.to_string(), None)?;
                            batch.tell(receiver, t, letter, room)?
                        };
                        *waiting += usize::from(more);
                    }
                    if t.state == State::Resolved {
                        batch.settle_rest(&t.episode.to_string())?;
                    }
                    batch.came(fact, t, letter.as_ref())?;
                    if batch.past {
                        // What comes next may say that one of its tasks was done or missed, or that it got worse.
                        batch.begin_runs()?;
                    }
                }
                Body::Delivery(d) => batch.reported(d)?,
                Body::Inhibition { episode, by } => batch.decided(*episode, *by)?,
                Body::Released { episodes, .. } => episodes.iter().try_for_each(|e| batch.decided(*e, None))?,
                Body::Maintenance(m) => batch.maintain(m)?,
                Body::PlansActivated { version } => {
                    // Runs of a file of before say no set: they were begun by the one that ends here.
                    transaction.execute(
                        "UPDATE run SET plans = ?1 WHERE plans IS NULL AND ended_at IS NULL",
                        [self.plans.version.to_string()],
                    )?;
                    transaction.execute("UPDATE cursor SET plans = ?1", [version.to_string()])?;
                    (plans_version, next) = (Some(*version), next + 1);
                    break;
                }
                Body::RulesActivated { .. }
                | Body::CatalogueActivated { .. }
                | Body::ClockStepped { .. }
                | Body::Source { .. }
                | Body::Gap { .. }
                | Body::Refused { .. }
                | Body::Incident(_)
                | Body::Grouped(_)
                | Body::Shadow(_) => {}
            }
            next += 1;
        }
        batch.begin_runs()?;
        let (settled, slot) = (batch.settled, batch.slot);
        transaction.prepare_cached("UPDATE cursor SET next = ?1, slot = ?2")?.execute([next as i64, slot])?;
        transaction.commit()?;
        (self.next, self.slot, self.plans_version) = (next, slot, plans_version);
        self.past.take_if(|past| past.until <= next);
        self.waiting = receivers.iter().map(|r| r.name.clone()).zip(waiting).collect();
        Ok(settled)
    }

    /// Makes owed what nothing withholds any more by `now`. Gives what was settled thereby.
    ///
    /// # Errors
    /// SQLite's; then nothing of this call is kept.
    pub fn lift(&mut self, now: Timestamp) -> Result<Vec<Delivery>, OutboxError> {
        if self.next_lift()?.is_none_or(|at| at > now) {
            return Ok(Vec::new());
        }
        let transaction = self.connection.transaction()?;
        let mut batch = Batch::new(&transaction, &self.in_flight, &mut self.alone, self.slot, now);
        batch.lift()?;
        batch.begin_runs()?;
        let settled = batch.settled;
        transaction.commit()?;
        Ok(settled)
    }

    /// When [`Self::lift`] is wanted next.
    ///
    /// # Errors
    /// SQLite's.
    pub fn next_lift(&self) -> Result<Option<Timestamp>, OutboxError> {
        let mut statement =
            self.connection.prepare_cached("SELECT min(look_at) FROM hold WHERE look_at IS NOT NULL")?;
        Ok(statement.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp))
    }
}

/// One call's work.
pub(super) struct Batch<'a> {
    pub(super) tx: &'a Transaction<'a>,
    in_flight: &'a BTreeSet<i64>,
    pub(super) now: Timestamp,
    /// The last one given.
    slot: i64,
    settled: Vec<Delivery>,
    pub(super) alone: &'a mut BTreeMap<String, VecDeque<Timestamp>>,
    /// Whether any run of a plan goes on; not there where nobody has asked yet.
    pub(super) runs: Option<bool>,
    /// Whether it takes in facts that were followed by another file.
    pub(super) past: bool,
}

impl<'a> Batch<'a> {
    fn new(
        tx: &'a Transaction<'a>,
        in_flight: &'a BTreeSet<i64>,
        alone: &'a mut BTreeMap<String, VecDeque<Timestamp>>,
        slot: i64,
        now: Timestamp,
    ) -> Self {
        Self { tx, in_flight, now, slot, settled: Vec::new(), alone, runs: None, past: false }
    }
}

impl Batch<'_> {
    /// A slot for a version decided at `at`: the tenth of a second, or the next that is free.
    fn slot(&mut self, at: Timestamp) -> i64 {
        self.slot = tenths(at).max(self.slot.saturating_add(1));
        self.slot
    }

    /// Whether the receiver has been told of an earlier version.
    fn told(&self, receiver: &Receiver, t: &Transition) -> Result<bool, OutboxError> {
        let mut statement =
            self.tx.prepare_cached("SELECT 1 FROM delivery WHERE receiver = ?1 AND episode = ?2 LIMIT 1")?;
        Ok(statement.exists(params![receiver.name, t.episode.to_string()])?)
    }

    /// Whether the receiver has heard of the episode, or is owed some of it already.
    fn heard(&self, receiver: &Receiver, t: &Transition) -> Result<bool, OutboxError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT 1 FROM delivery WHERE receiver = ?1 AND episode = ?2
               AND state IN ('pending', 'delivered', 'superseded', 'dead') LIMIT 1",
        )?;
        Ok(statement.exists(params![receiver.name, t.episode.to_string()])?)
    }

    /// Enqueues one version for one receiver; true where it waits in addition to what waited before.
    fn tell(&mut self, receiver: &Receiver, t: &Transition, letter: &Letter, room: bool) -> Result<bool, OutboxError> {
        let episode = t.episode.to_string();
        let superseded = if receiver.mode == Mode::Latest || !room {
            self.supersede(&receiver.name, &episode, t.version)?
        } else {
            0
        };
        let closed = (t.state == State::Resolved).then_some(self.now.0);
        if closed.is_some() {
            self.tx
                .prepare_cached(
                    "UPDATE delivery SET closed_at = ?3
                     WHERE receiver = ?1 AND episode = ?2 AND state = 'pending' AND closed_at IS NULL",
                )?
                .execute(params![receiver.name, episode, closed])?;
        }
        // An episode that has a version under way may always have one more behind it: the end must not get lost.
        let refused = !room && superseded == 0 && !self.waits(&receiver.name, &episode)?;
        let row = if refused { Row::refused() } else { Row { state: "pending", held: None, words: None, known: None } };
        if !self.insert(receiver, t, letter, &row)? || refused {
            return Ok(false);
        }
        if is_escalated_to(t, &receiver.name) {
            self.hurry(&receiver.name, &episode)?;
        }
        promote(self.tx, &receiver.name, &episode, self.now)?;
        Ok(superseded == 0)
    }

    /// Adds a version to a receiver's list; false where it stands there already. One that nobody waits for is settled.
    pub(super) fn insert(
        &mut self,
        receiver: &Receiver,
        t: &Transition,
        letter: &Letter,
        row: &Row<'_>,
    ) -> Result<bool, OutboxError> {
        let waits = matches!(row.state, "pending" | "held");
        let group = if waits { self.group(receiver, t, row.held.is_some()) } else { None };
        let inserted = self
            .tx
            .prepare_cached(
                "INSERT INTO delivery (message, receiver, episode, version, latest, urgency, created_at, body, state,
                   held, next_at, last_error, settled_at, closed_at, attempts, reported, slot, grp)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                message_id(&receiver.name, t.episode, t.version),
                receiver.name,
                t.episode.to_string(),
                t.version,
                receiver.mode == Mode::Latest,
                t.level as i64,
                letter.at.0,
                // What is dead can be told after all, by hand.
                if waits || row.state == "dead" { &letter.body } else { &[][..] },
                row.state,
                row.held,
                self.now.0,
                row.words,
                (!waits).then_some(self.now.0),
                (t.state == State::Resolved).then_some(self.now.0),
                row.known.unwrap_or_default(),
                row.known.is_some(),
                letter.slot,
                group,
            ])?;
        if inserted == 1 && !waits && row.known.is_none() {
            self.note_settled(self.tx.last_insert_rowid())?;
        }
        Ok(inserted == 1)
    }

    /// Whether a version of the episode is pending or held.
    pub(super) fn waits(&self, receiver: &str, episode: &str) -> Result<bool, OutboxError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT 1 FROM delivery WHERE receiver = ?1 AND episode = ?2 AND state IN ('pending', 'held') LIMIT 1",
        )?;
        Ok(statement.exists(params![receiver, episode])?)
    }

    /// Settles the versions before `version` that are not under way; gives how many.
    pub(super) fn supersede(&mut self, receiver: &str, episode: &str, version: u32) -> Result<usize, OutboxError> {
        let ids: Vec<i64> = self
            .tx
            .prepare_cached(
                "SELECT id FROM delivery WHERE receiver = ?1 AND episode = ?2 AND version < ?3 AND state = 'pending'",
            )?
            .query_map(params![receiver, episode, version], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut count = 0;
        for id in ids.into_iter().filter(|id| !self.in_flight.contains(id)) {
            self.tx
                .prepare_cached(
                    "UPDATE delivery SET state = 'superseded', head = 0, settled_at = ?2, last_error = ?3, body = x''
                     WHERE id = ?1",
                )?
                .execute(params![id, self.now.0, superseded_by(version)])?;
            self.note_settled(id)?;
            count += 1;
        }
        Ok(count)
    }

    pub(super) fn note_settled(&mut self, id: i64) -> Result<(), OutboxError> {
        self.settled.push(settled(self.tx, id)?);
        Ok(())
    }

    /// Notes that an outcome is in the facts log.
    fn reported(&self, d: &Delivery) -> Result<(), OutboxError> {
        self.tx
            .prepare_cached(
                "UPDATE delivery SET reported = 1
                 WHERE receiver = ?1 AND episode = ?2 AND version = ?3 AND state = ?4",
            )?
            .execute(params![&*d.receiver, d.episode.to_string(), d.version, &*d.outcome])?;
        Ok(())
    }
}

/// Whether a version says that a task was missed, and names this receiver as one to be told.
pub(super) fn is_escalated_to(t: &Transition, receiver: &str) -> bool {
    t.missed().is_some_and(|missed| missed.to.iter().any(|name| **name == *receiver))
}

/// The reason of a superseded version.
pub(super) fn superseded_by(version: u32) -> String {
    format!("superseded by version {version}")
}

/// Makes the earliest pending version of an episode its head, due at once or when its group may be told again, and gives it
/// the urgency of all that wait.
pub(super) fn promote(tx: &Transaction<'_>, receiver: &str, episode: &str, now: Timestamp) -> Result<(), OutboxError> {
    tx.prepare_cached(
        "UPDATE delivery SET
           next_at = iif(head = 1, next_at, max(?3, ifnull((SELECT min(open_at, ?3 + every) FROM grouping
                       WHERE grouping.receiver = ?1 AND grouping.grp = delivery.grp), ?3))),
           head = 1,
           urgency = (SELECT max(urgency) FROM delivery WHERE receiver = ?1 AND episode = ?2 AND state = 'pending')
         WHERE id = (SELECT id FROM delivery WHERE receiver = ?1 AND episode = ?2 AND state = 'pending'
                     ORDER BY version LIMIT 1)",
    )?
    .execute(params![receiver, episode, now.0])?;
    Ok(())
}

/// What is put on record about a settled row.
pub(super) fn settled(tx: &Transaction<'_>, id: i64) -> Result<Delivery, OutboxError> {
    let mut statement = tx.prepare_cached(&format!("SELECT {SETTLED_COLUMNS} FROM delivery WHERE id = ?1"))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map_or(Err(OutboxError::Damaged { id }), delivery)
}
