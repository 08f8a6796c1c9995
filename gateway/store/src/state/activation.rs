//! When which rule set, and which response plans, came into force, and who brought them.

use maibo_core::fact::Fact;
use maibo_core::id::{Actor, Version};
use rusqlite::{Transaction, params};

use super::{PAGE_MAX, StateError, StateReader};

/// What came into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationOf {
    /// A rule set.
    Rules,
    /// A set of response plans.
    Plans,
}

impl ActivationOf {
    const fn table(self) -> &'static str {
        match self {
            Self::Rules => "activation",
            Self::Plans => "plan_activation",
        }
    }
}

/// A rule set or a set of response plans that came into force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Index of the fact; the cursor of the list.
    pub fact: u64,
    /// When, engine time, ms.
    pub at: i64,
    /// Which, as written everywhere.
    pub version: String,
    /// Who, where that is recorded.
    pub actor: Option<String>,
}

/// Notes an activation.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    fact: &Fact,
    of: ActivationOf,
    version: Version,
) -> Result<(), StateError> {
    let actor = fact.actor.as_ref().map(Actor::as_str);
    let insert = format!("INSERT INTO {} VALUES (?1, ?2, ?3, ?4)", of.table());
    transaction.prepare_cached(&insert)?.execute(params![fact.index as i64, fact.at.0, version.to_string(), actor])?;
    Ok(())
}

impl StateReader {
    /// At most `limit` activations before the cursor, newest first.
    ///
    /// # Errors
    /// SQLite's.
    pub fn activations(
        &self,
        of: ActivationOf,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Activation>, StateError> {
        let mut statement = self.connection().prepare_cached(&format!(
            "SELECT fact, at, version, actor FROM {} WHERE fact < ?1 ORDER BY fact DESC LIMIT ?2",
            of.table()
        ))?;
        let before = before.and_then(|b| i64::try_from(b).ok()).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![before, limit.min(PAGE_MAX) as i64], |row| {
            Ok(Activation {
                fact: row.get::<_, i64>(0)? as u64,
                at: row.get(1)?,
                version: row.get(2)?,
                actor: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
