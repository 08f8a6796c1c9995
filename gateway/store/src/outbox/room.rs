//! How much waits for each receiver.

use std::collections::BTreeMap;

use maibo_core::notify::Receiver;
use rusqlite::{Transaction, params};

use super::OutboxError;

/// How many rows wait for each receiver at most. They are counted only where `known`, which nothing is taken off that is
/// settled, leaves no room for `more`: counting for every batch would make each alert dearer the more of them wait.
pub(super) fn rooms(
    tx: &Transaction<'_>,
    receivers: &[Receiver],
    known: &BTreeMap<String, usize>,
    max: usize,
    more: usize,
) -> Result<Vec<usize>, OutboxError> {
    let enough = |n: &&usize| n.saturating_add(more) < max;
    receivers
        .iter()
        .map(|r| known.get(&r.name).filter(enough).map_or_else(|| waiting(tx, r, max), |n| Ok(*n)))
        .collect()
}

/// How many rows are pending and how many held for a receiver, each counted up to `max`.
pub(super) fn waiting(tx: &Transaction<'_>, receiver: &Receiver, max: usize) -> Result<usize, OutboxError> {
    // Left to itself SQLite takes an index that has the settled rows too.
    let mut count = tx.prepare_cached(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_pending
                  WHERE receiver = ?1 AND state = 'pending' LIMIT ?2))
              + (SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_held
                  WHERE receiver = ?1 AND state = 'held' LIMIT ?2))",
    )?;
    Ok(count.query_row(params![receiver.name, max as i64], |row| row.get::<_, i64>(0))? as usize)
}
