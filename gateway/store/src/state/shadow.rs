//! What rules on trial would have told: their episodes, for whoever counts them.
//!
//! Limit: the newest [`SHADOW_EPISODES`] of a rule, and up to [`SLACK`] more; how many there were in all is kept.

use maibo_core::backtest::Episode;
use maibo_core::fact::{Fact, Reason, State, Transition};
use maibo_core::id::RuleId;
use maibo_core::place::Level;
use maibo_core::time::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{StateError, StateReader};

/// Episodes kept of a rule.
pub const SHADOW_EPISODES: usize = 10_000;
/// Openings between two looks at the limit.
const SLACK: i64 = 64;

/// What is kept of a rule on trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shadow {
    /// The newest episodes, in the order of their openings.
    pub episodes: Vec<Episode>,
    /// Level in force of those that are open.
    pub open: Vec<Level>,
    /// Openings in all, also before the present trial.
    pub total: u64,
}

/// Takes in what a rule on trial would have told.
pub(super) fn apply(transaction: &Transaction<'_>, fact: &Fact, t: &Transition) -> Result<(), StateError> {
    transaction
        .prepare_cached(
            "INSERT INTO shadow VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7)
             ON CONFLICT (episode) DO UPDATE SET transitions = transitions + 1, raised = raised + excluded.raised,
               body = excluded.body",
        )?
        .execute(params![
            fact.index as i64,
            t.episode.to_string(),
            t.rule.as_str(),
            fact.at.0,
            t.level.as_str(),
            t.reason == Reason::Raised,
            maibo_core::codec::encode(t),
        ])?;
    if t.version > 1 {
        return Ok(());
    }
    let total: i64 = transaction
        .prepare_cached(
            "INSERT INTO shadow_total VALUES (?1, 1) ON CONFLICT (rule) DO UPDATE SET total = total + 1 RETURNING total",
        )?
        .query_row([t.rule.as_str()], |row| row.get(0))?;
    if total % SLACK == 0 {
        transaction
            .prepare_cached(
                "DELETE FROM shadow WHERE rule = ?1 AND opened <=
                   (SELECT opened FROM shadow WHERE rule = ?1 ORDER BY opened DESC LIMIT 1 OFFSET ?2)",
            )?
            .execute(params![t.rule.as_str(), SHADOW_EPISODES as i64])?;
    }
    Ok(())
}

impl StateReader {
    /// What a rule would have told from engine time `since` on.
    ///
    /// # Errors
    /// SQLite's, or a damaged row.
    pub fn shadow(&self, rule: &RuleId, since: Timestamp) -> Result<Shadow, StateError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT recorded, first, transitions, raised, body FROM shadow
             WHERE rule = ?1 AND recorded >= ?2 ORDER BY opened",
        )?;
        let mut rows = statement.query(params![rule.as_str(), since.0])?;
        let (mut episodes, mut open) = (Vec::new(), Vec::new());
        let damaged = || StateError::Damaged { table: "shadow" };
        while let Some(row) = rows.next()? {
            let body: Vec<u8> = row.get(4)?;
            let t: Transition = maibo_core::codec::decode(&body).map_err(|_| damaged())?;
            let first: String = row.get(1)?;
            open.extend((t.state == State::Firing).then_some(t.level));
            episodes.push(Episode {
                id: t.episode,
                started_at: t.started_at,
                opened_at: Timestamp(row.get(0)?),
                ended_at: (t.state == State::Resolved).then(|| t.resolved_at.unwrap_or(t.at)),
                first: Level::parse(&first).ok_or_else(damaged)?,
                peak: t.peak,
                furthest: None,
                transitions: row.get(2)?,
                raised: row.get(3)?,
                reason: t.reason,
                rule: t.rule,
                subject: t.subject,
                quantity: t.quantity,
            });
        }
        let mut total = self.connection().prepare_cached("SELECT total FROM shadow_total WHERE rule = ?1")?;
        let total: Option<i64> = total.query_row([rule.as_str()], |row| row.get(0)).optional()?;
        Ok(Shadow { episodes, open, total: total.unwrap_or_default() as u64 })
    }
}
