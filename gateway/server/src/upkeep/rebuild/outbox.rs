//! `outbox.db`: begun at the first fact of an episode of which something may be owed.

use std::collections::BTreeMap;
use std::path::Path;

use maibo_core::fact::Body;
use maibo_core::id::EpisodeId;
use maibo_store::outbox::{Outbox, Owing, owing};

use super::super::figure;
use super::{Logs, Place, RebuildError};
use crate::Chain;

const NAME: &str = "outbox.db";

/// Makes `outbox.db` anew.
pub(super) fn rebuild(data: &Path, logs: &Logs, said: &mut dyn FnMut(String)) -> Result<(), RebuildError> {
    let place = Place::new(data, NAME)?;
    let owed = match owing(&place.old()) {
        Ok(owed) => owed,
        Err(error) if error.is_damaged() => {
            said(format!("{NAME}: what was owed of alerts that are over cannot be read: {}", Chain(&error)));
            Owing::default()
        }
        Err(error) => return Err(RebuildError::build(NAME)(error)),
    };
    let first = first_of(logs, &owed)?;
    drop(Outbox::open(&place.fresh, first).map_err(RebuildError::build(NAME))?);
    place.take()?;
    let facts = logs.facts.next_index() - first;
    said(format!(
        "{NAME}: made anew from the last {} facts; receivers hear what these do not say was delivered, under the same keys",
        figure(facts)
    ));
    Ok(())
}

/// The first fact of an episode that is open or owed, or the first that the old outbox has not seen; the next one where
/// there is none.
fn first_of(logs: &Logs, owing: &Owing) -> Result<u64, RebuildError> {
    let mut waiting: BTreeMap<EpisodeId, u64> = BTreeMap::new();
    let mut facts = logs.facts.reader(0);
    while let Some(fact) = facts.next().map_err(RebuildError::build(NAME))? {
        let Body::Transition(t) = &fact.body else { continue };
        if t.resolved_at.is_none() || owing.episodes.contains(&t.episode) {
            waiting.entry(t.episode).or_insert(fact.index);
        } else {
            waiting.remove(&t.episode);
        }
    }
    let next = logs.facts.next_index();
    Ok(waiting.into_values().chain(owing.next).min().unwrap_or(next).min(next))
}
