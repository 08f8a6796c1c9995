//! Maintenance under way: what it withholds, and what is owed when it is over.

use maibo_core::fact::{Maintenance, MaintenanceScope, MaintenanceState};
use maibo_core::registry::place;
use rusqlite::{OptionalExtension, params};

use super::OutboxError;
use super::enqueue::Batch;
use super::hold::Hold;

impl Batch<'_> {
    /// The maintenance that is under way of a device or around a place.
    pub(super) fn maintenance(&self, device: Option<&str>, place: Option<&str>) -> Result<Option<String>, OutboxError> {
        let id = self
            .tx
            .prepare_cached(
                "SELECT id FROM maintenance
                 WHERE device = ?1 OR substr(?2, 1, length(place)) = place ORDER BY id LIMIT 1",
            )?
            .query_row(params![device, place], |row| row.get(0))
            .optional()?;
        Ok(id)
    }

    /// A maintenance begins, or is over: then what only it withheld is owed.
    pub(super) fn maintain(&mut self, m: &Maintenance) -> Result<(), OutboxError> {
        let id = m.id.to_string();
        match m.state {
            MaintenanceState::Planned | MaintenanceState::Refused => Ok(()),
            MaintenanceState::Running => {
                let (device, place) = match &m.scope {
                    MaintenanceScope::Device(device) => (Some(device.as_str()), None),
                    MaintenanceScope::Place(code) => (None, Some(place::stem(code.as_str()))),
                };
                let words = format!("under maintenance by {}: {}", m.by, &*m.reason);
                self.tx
                    .prepare_cached("INSERT OR REPLACE INTO maintenance VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![id, device, place, words])?;
                Ok(())
            }
            MaintenanceState::Over => self.maintenance_ends(&id),
        }
    }

    fn maintenance_ends(&mut self, id: &str) -> Result<(), OutboxError> {
        type Held = (String, Option<String>, Option<String>);
        self.tx.prepare_cached("DELETE FROM maintenance WHERE id = ?1")?.execute([id])?;
        let mut statement = self.tx.prepare_cached("SELECT episode, device, place FROM hold WHERE maintenance = ?1")?;
        let held: Vec<Held> =
            statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
        for (episode, device, place) in held {
            let Some(mut hold) = Hold::load(self.tx, &episode)? else { continue };
            hold.maintenance = self.maintenance(device.as_deref(), place.as_deref())?;
            hold.save(self.tx, &episode)?;
            self.look(&episode)?;
        }
        Ok(())
    }
}
