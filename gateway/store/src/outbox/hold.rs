//! What withholds versions, for every reason in the same way.
//!
//! Of an episode a row of `hold` says what withholds it. A version that a receiver wants is then not owed but *held*: only
//! the latest one, because what is told in the end is the present; those before it are settled with the reason. While it
//! is not decided whether there is a reason at all, every version waits, in order. When nothing withholds the episode any
//! more, what is held is owed.
//!
//! What lies in the past (*historic*) waits a moment for more of it, so that a backlog of hours that drains in seconds is told
//! once. A version that lies in the present ends that.
//!
//! Invariants: what is held is of an episode with a row in `hold`, or of one that is over and being decided. What a person
//! silenced is never held: the version that ends a silence is one of its own.

use maibo_core::fact::{Reason, Silenced, State, Transition};
use maibo_core::id::{DeviceId, EpisodeId, PlaceCode};
use maibo_core::notify::{BACKLOG_SETTLES, DECISION_LATE, Manners, Receiver, Why};
use maibo_core::time::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::OutboxError;
use super::enqueue::{Batch, promote};
use super::letter::{Letter, Row};

/// What withholds an episode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hold {
    parent: Option<String>,
    expires: Option<i64>,
    muted_until: Option<i64>,
    pub(super) maintenance: Option<String>,
    settles: Option<i64>,
}

/// Why a version is withheld, with the words for the list.
pub(super) struct Because {
    pub(super) why: Why,
    words: String,
}

impl Because {
    /// A silence.
    pub(super) fn silenced(silence: &Silenced) -> Self {
        Self { why: Why::Silenced, words: format!("silenced by {}: {}", silence.by, &*silence.note) }
    }
}

impl Hold {
    pub(super) fn load(tx: &Transaction<'_>, episode: &str) -> Result<Option<Self>, OutboxError> {
        let mut statement = tx
            .prepare_cached("SELECT parent, expires, muted_until, maintenance, settles FROM hold WHERE episode = ?1")?;
        let found = statement.query_row([episode], |row| {
            Ok(Self {
                parent: row.get(0)?,
                expires: row.get(1)?,
                muted_until: row.get(2)?,
                maintenance: row.get(3)?,
                settles: row.get(4)?,
            })
        });
        Ok(found.optional()?)
    }

    pub(super) fn save(&self, tx: &Transaction<'_>, episode: &str) -> Result<(), OutboxError> {
        let look_at = self.expires.into_iter().chain(self.muted_until).chain(self.settles).min();
        tx.prepare_cached(
            "INSERT INTO hold (episode, parent, expires, muted_until, maintenance, settles, look_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET
               parent = ?2, expires = ?3, muted_until = ?4, maintenance = ?5, settles = ?6, look_at = ?7",
        )?
        .execute(params![
            episode,
            self.parent,
            self.expires,
            self.muted_until,
            self.maintenance,
            self.settles,
            look_at
        ])?;
        Ok(())
    }

    /// Lets go what is over by `now`.
    fn pass(&mut self, now: Timestamp) {
        if self.expires.is_some_and(|at| at <= now.0) {
            (self.expires, self.parent) = (None, None);
        }
        self.muted_until = self.muted_until.filter(|at| *at > now.0);
        self.settles = self.settles.filter(|at| *at > now.0);
    }

    const fn undecided(&self) -> bool {
        self.parent.is_none() && self.expires.is_some()
    }

    /// Whether what it holds is told in the end although the episode is over.
    const fn outlasts_the_end(&self) -> bool {
        self.undecided() || self.settles.is_some()
    }

    pub(super) fn nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Everything that withholds it, what says most first.
    fn reasons(&self) -> impl Iterator<Item = Why> {
        let all = [
            (self.maintenance.is_some(), Why::Maintenance),
            (self.parent.is_some(), Why::Inhibited),
            (self.undecided(), Why::Undecided),
            (self.muted_until.is_some(), Why::Muted),
            (self.settles.is_some(), Why::Historic),
        ];
        all.into_iter().filter_map(|(is, why)| is.then_some(why))
    }

    /// Why a version is withheld from a receiver, if so.
    pub(super) fn because(
        &self,
        tx: &Transaction<'_>,
        heard: bool,
        state: State,
    ) -> Result<Option<Because>, OutboxError> {
        let Some(why) = self.reasons().find(|why| why.holds_for(heard, state)) else { return Ok(None) };
        Ok(Some(Because { why, words: self.words(tx, why)? }))
    }

    fn words(&self, tx: &Transaction<'_>, why: Why) -> Result<String, OutboxError> {
        Ok(match why {
            Why::Maintenance => {
                let words: Option<String> = tx
                    .prepare_cached("SELECT words FROM maintenance WHERE id = ?1")?
                    .query_row([&self.maintenance], |row| row.get(0))
                    .optional()?;
                words.unwrap_or_default()
            }
            Why::Inhibited => format!("inhibited by {}", self.parent.as_deref().unwrap_or_default()),
            Why::Undecided => "whether its cause is told instead is not decided yet".to_owned(),
            Why::Muted => "decided in a muted period of its rule".to_owned(),
            Why::Historic => "it lies in the past: told as it stands when no more of it comes".to_owned(),
            Why::Silenced => String::new(),
        })
    }
}

impl Batch<'_> {
    /// What withholds a version that comes now; the default where nothing does.
    pub(super) fn hold(&mut self, t: &Transition, manners: Manners) -> Result<Hold, OutboxError> {
        let episode = t.episode.to_string();
        let known = Hold::load(self.tx, &episode)?;
        let mut hold = known.clone().unwrap_or_default();
        let late = (self.now + DECISION_LATE).0;
        if let Some(wait) = manners.wait.filter(|_| known.is_none()) {
            hold.expires = Some((self.now + wait).0.saturating_add(DECISION_LATE.0));
        }
        // The city machine frees what becomes worse than its cause. It should have by then.
        if t.reason == Reason::Raised && hold.parent.is_some() && hold.expires.is_none() {
            hold.expires = Some(late);
        }
        hold.muted_until = manners.muted_until.map(|at| at.0);
        hold.settles = t.historic.then(|| (self.now + BACKLOG_SETTLES).0);
        // Of a drill people are to hear, whatever is worked on where it plays.
        let place = t.place.as_ref().filter(|_| !t.is_drill()).map(PlaceCode::as_str);
        hold.maintenance = self.maintenance(t.subject.device().map(DeviceId::as_str), place)?;
        hold.pass(self.now);
        if t.state == State::Resolved {
            // The end of a cause frees what it inhibits, by a fact of the city machine.
            self.tx
                .prepare_cached(
                    "UPDATE hold SET expires = ?2, look_at = min(?2, ifnull(look_at, ?2))
                     WHERE parent = ?1 AND expires IS NULL",
                )?
                .execute(params![episode, late])?;
        }
        if hold.nothing() || (t.state == State::Resolved && !hold.outlasts_the_end()) {
            if known.is_some() {
                self.tx.prepare_cached("DELETE FROM hold WHERE episode = ?1")?.execute([&episode])?;
            }
        } else {
            hold.save(self.tx, &episode)?;
            let device = t.subject.device().map(DeviceId::as_str);
            self.tx.prepare_cached("UPDATE hold SET device = ?2, place = ?3, over = ?4 WHERE episode = ?1")?.execute(
                params![episode, device, t.place.as_ref().map(PlaceCode::as_str), t.state == State::Resolved],
            )?;
        }
        Ok(hold)
    }

    /// Lists one version as not told to one receiver; true where it waits in addition to what waited before. What was owed
    /// before stays owed.
    pub(super) fn withhold(
        &mut self,
        receiver: &Receiver,
        t: &Transition,
        letter: &Letter,
        because: &Because,
        room: bool,
    ) -> Result<bool, OutboxError> {
        let (episode, why) = (t.episode.to_string(), because.why);
        // As of what is owed: behind one that waits there is always room for one more.
        let waited = self.waits(&receiver.name, &episode)?;
        if why != Why::Undecided {
            self.settle_held(&receiver.name, &episode, Some(because))?;
        }
        let held = why.outlasts_the_end() || (why != Why::Silenced && t.state != State::Resolved);
        let words = Some(&*because.words);
        let row = match (held, room || waited) {
            (false, _) => Row { state: why.as_str(), held: None, words, known: None },
            (true, true) => Row { state: "held", held: Some(why.as_str()), words, known: None },
            (true, false) => Row::refused(),
        };
        let inserted = self.insert(receiver, t, letter, &row)?;
        Ok(inserted && row.held.is_some() && (why == Why::Undecided || !waited))
    }

    /// Settles what is held of an episode for a receiver, because something newer comes. What was not decided yet gets the
    /// new reason; where there is none, it is owed.
    pub(super) fn settle_held(
        &mut self,
        receiver: &str,
        episode: &str,
        because: Option<&Because>,
    ) -> Result<(), OutboxError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT id, held = 'pending' FROM delivery WHERE episode = ?2 AND receiver = ?1 AND state = 'held'",
        )?;
        let held: Vec<(i64, bool)> = statement
            .query_map(params![receiver, episode], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (id, undecided) in held {
            if undecided && because.is_none() {
                self.tx
                    .prepare_cached(
                        "UPDATE delivery SET state = 'pending', held = NULL, last_error = NULL, next_at = ?2 WHERE id = ?1",
                    )?
                    .execute(params![id, self.now.0])?;
            } else {
                self.settle_one(id, because)?;
            }
        }
        Ok(())
    }

    /// Settles what is held of an episode that is over and decided, for receivers that do not want it any more.
    pub(super) fn settle_rest(&mut self, episode: &str) -> Result<(), OutboxError> {
        if Hold::load(self.tx, episode)?.is_some() {
            return Ok(());
        }
        let mut statement =
            self.tx.prepare_cached("SELECT DISTINCT receiver FROM delivery WHERE episode = ?1 AND state = 'held'")?;
        let left: Vec<String> = statement.query_map([episode], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for receiver in left {
            self.settle_held(&receiver, episode, None)?;
        }
        Ok(())
    }

    fn settle_one(&mut self, id: i64, because: Option<&Because>) -> Result<(), OutboxError> {
        let (new, words) = because.map_or(("superseded", ""), |b| (b.why.as_str(), &*b.words));
        self.tx
            .prepare_cached(
                "UPDATE delivery SET state = iif(held = 'pending', ?2, held), held = NULL, settled_at = ?4, body = x'',
                   last_error = iif(held = 'pending', ?3, last_error) WHERE id = ?1",
            )?
            .execute(params![id, new, words, self.now.0])?;
        self.note_settled(id)
    }

    /// The city machine said of an alert whether it is a consequence.
    pub(super) fn decided(&mut self, episode: EpisodeId, by: Option<EpisodeId>) -> Result<(), OutboxError> {
        let episode = episode.to_string();
        let mut hold = Hold::load(self.tx, &episode)?.unwrap_or_default();
        (hold.parent, hold.expires) = (by.map(|e| e.to_string()), None);
        hold.save(self.tx, &episode)?;
        self.look(&episode)
    }

    /// Looks at everything of which some reason is over by now.
    pub(super) fn lift(&mut self) -> Result<(), OutboxError> {
        let mut statement = self.tx.prepare_cached("SELECT episode FROM hold WHERE look_at <= ?1 ORDER BY look_at")?;
        let due: Vec<String> = statement.query_map([self.now.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for episode in due {
            self.look(&episode)?;
        }
        Ok(())
    }

    /// Makes what is held of an episode what its row in `hold` says by now.
    pub(super) fn look(&mut self, episode: &str) -> Result<(), OutboxError> {
        let Some(mut hold) = Hold::load(self.tx, episode)? else { return Ok(()) };
        hold.pass(self.now);
        let over: bool = self
            .tx
            .prepare_cached("SELECT over FROM hold WHERE episode = ?1")?
            .query_row([episode], |row| row.get(0))?;
        let mut statement = self.tx.prepare_cached(
            "SELECT receiver, max(latest) FROM delivery WHERE episode = ?1 AND state = 'held' GROUP BY receiver",
        )?;
        let receivers: Vec<(String, bool)> =
            statement.query_map([episode], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let because = hold.because(self.tx, false, State::Firing)?;
        for (receiver, latest) in receivers {
            match &because {
                None => self.release(&receiver, episode, latest)?,
                Some(because) if because.why == Why::Undecided => {}
                Some(because) => self.narrow(&receiver, episode, because)?,
            }
        }
        if hold.nothing() || (over && !hold.outlasts_the_end()) {
            self.tx.prepare_cached("DELETE FROM hold WHERE episode = ?1")?.execute([episode])?;
            return Ok(());
        }
        hold.save(self.tx, episode)
    }

    /// What is held is owed.
    fn release(&mut self, receiver: &str, episode: &str, latest: bool) -> Result<(), OutboxError> {
        self.tx
            .prepare_cached(
                "UPDATE delivery SET state = 'pending', held = NULL, last_error = NULL, next_at = ?3
                 WHERE episode = ?2 AND receiver = ?1 AND state = 'held'",
            )?
            .execute(params![receiver, episode, self.now.0])?;
        if latest {
            let newest: Option<u32> = self
                .tx
                .prepare_cached(
                    "SELECT max(version) FROM delivery WHERE receiver = ?1 AND episode = ?2 AND state = 'pending'",
                )?
                .query_row(params![receiver, episode], |row| row.get(0))?;
            self.supersede(receiver, episode, newest.unwrap_or_default())?;
        }
        promote(self.tx, receiver, episode, self.now)
    }

    /// Leaves the latest of what is held, where the episode goes on; all that is held has this reason now.
    fn narrow(&mut self, receiver: &str, episode: &str, because: &Because) -> Result<(), OutboxError> {
        let rows: Vec<(i64, bool)> = self
            .tx
            .prepare_cached(
                "SELECT id, closed_at IS NOT NULL FROM delivery
                 WHERE episode = ?2 AND receiver = ?1 AND state = 'held' ORDER BY version",
            )?
            .query_map(params![receiver, episode], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let last = rows.last().filter(|(_, over)| !over || because.why.outlasts_the_end()).map(|(id, _)| *id);
        for (id, _) in rows {
            if Some(id) == last {
                self.tx
                    .prepare_cached("UPDATE delivery SET held = ?2, last_error = ?3 WHERE id = ?1")?
                    .execute(params![id, because.why.as_str(), because.words])?;
            } else {
                self.settle_one(id, Some(because))?;
            }
        }
        Ok(())
    }
}
