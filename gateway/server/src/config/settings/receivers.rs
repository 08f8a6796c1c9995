//! Who is told, and from whom.

use std::sync::Arc;

use super::{Check, File};
use crate::deliver::{Sender, Target, validate};

impl Check {
    pub(super) fn receivers(&mut self, file: &File) -> Vec<Target> {
        let sender = file.sender.parse().unwrap_or_else(|problems| {
            for problem in problems {
                let (key, text) = problem.split_once(": ").unwrap_or(("", &problem));
                self.problem(format!("sender.{key}"), text);
            }
            Sender::default()
        });
        validate(&file.receivers, &Arc::new(sender), &self.base).unwrap_or_else(|problems| {
            for problem in problems {
                let (path, text) = problem.split_once(": ").unwrap_or(("receiver", &problem));
                self.problem(path, text);
            }
            Vec::new()
        })
    }
}
