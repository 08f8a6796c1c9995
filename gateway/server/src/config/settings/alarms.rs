//! Whose alarms come in.

use maibo_core::registry::Catalogue;

use super::{Check, File};
use crate::alarms::{AlarmSource, validate};

impl Check {
    pub(super) fn alarms(&mut self, file: &File, catalogue: Option<&Catalogue>) -> Vec<AlarmSource> {
        if file.clock == "replay" && !file.alarms.is_empty() {
            self.problem("alarms", "do not go with clock = \"replay\": what comes in by HTTP has no place in a stream");
        }
        for (i, entry) in file.alarms.iter().enumerate() {
            if file.sources.iter().any(|source| source.id == entry.name) {
                self.problem(format!("alarms[{i}].name"), format!("`{}` is the name of a source", entry.name));
            }
        }
        validate(&file.alarms, catalogue, &self.base).unwrap_or_else(|problems| {
            for problem in problems {
                let (path, text) = problem.split_once(": ").unwrap_or(("alarms", &problem));
                self.problem(path, text);
            }
            Vec::new()
        })
    }
}
