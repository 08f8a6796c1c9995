//! Databases in a copy: whole, and not ahead of the logs they follow.

use std::collections::BTreeMap;
use std::path::Path;

use maibo_core::id::{PartitionId, Position};
use maibo_store::database::{self, DatabaseError};

use super::super::UpkeepError;
use crate::Chain;

/// Checks the databases in `dir`, whose logs hold `facts` facts and end at `ends`.
///
/// # Errors
/// [`UpkeepError::Refused`] with the first that is damaged or ahead.
pub fn check_databases(dir: &Path, facts: u64, ends: &BTreeMap<PartitionId, Position>) -> Result<(), UpkeepError> {
    let refused = |error: &DatabaseError| UpkeepError::Refused(Chain(error).to_string());
    let at = |name: &str| Some(dir.join(name)).filter(|path| path.exists());
    for path in ["state.db", "outbox.db"].into_iter().filter_map(at) {
        database::check(&path).map_err(|e| refused(&e))?;
        if let Some(next) = database::facts_wanted(&path).map_err(|e| refused(&e))?.filter(|next| *next > facts) {
            let path = path.display();
            return Err(UpkeepError::Refused(format!(
                "{path} wants fact {next}, and the facts log ends before {facts}"
            )));
        }
    }
    if let Some(path) = at("history.db") {
        database::check(&path).map_err(|e| refused(&e))?;
        let had = database::inputs_had(&path).map_err(|e| refused(&e))?;
        if let Some((partition, position)) = had.iter().find(|(p, position)| ends.get(p) < Some(position)) {
            let (path, partition, position) = (path.display(), partition.0, position.0);
            let text = format!("{path} has input {position} of partition {partition}, which the inputs log has not");
            return Err(UpkeepError::Refused(text));
        }
    }
    Ok(())
}
