//! Who is told, and from whom.

use std::sync::Arc;

use maibo_core::notify::PlanSet;

use super::{Check, File};
use crate::deliver::{Outlines, ReceiverSettings, Sender, Target, validate};
use crate::plan::Named;

impl Check {
    pub(super) fn receivers(&mut self, file: &File, outlines: Outlines) -> Vec<Target> {
        let mut sender = file.sender.parse().unwrap_or_else(|problems| {
            for problem in problems {
                let (key, text) = problem.split_once(": ").unwrap_or(("", &problem));
                self.problem(format!("sender.{key}"), text);
            }
            Sender::default()
        });
        sender.outlines = outlines;
        validate(&file.receivers, &Arc::new(sender), &self.base).unwrap_or_else(|problems| {
            for problem in problems {
                let (path, text) = problem.split_once(": ").unwrap_or(("receiver", &problem));
                self.problem(path, text);
            }
            Vec::new()
        })
    }
}

impl Check {
    /// Plans, against the receivers as they are written: what is wrong with those is said of them.
    pub(super) fn plans(&mut self, file: &File) -> Arc<PlanSet> {
        let named = |r: &ReceiverSettings| Named { name: r.name.clone(), answers: r.answers };
        let known: Vec<Named> = file.receivers.iter().map(named).collect();
        let plans = crate::plan::validate(&file.plans, Some(&known)).unwrap_or_else(|problems| {
            for problem in problems {
                let (path, text) = problem.split_once(": ").unwrap_or(("plan", &problem));
                self.problem(path, text);
            }
            Vec::new()
        });
        Arc::new(crate::plan::set(plans))
    }
}

/// Names under which this Maibo is asked for: those that are configured, and the one in the links of messages.
pub(super) fn names(file: &File, receivers: &[Target]) -> Vec<String> {
    let mut names = file.http.names.clone();
    let page = receivers.iter().find(|r| r.answers).and_then(|r| r.sender.page.as_deref());
    let url = page.and_then(|page| reqwest::Url::parse(page).ok());
    // An address needs no name.
    if let Some(name) = url.as_ref().and_then(|url| url.domain())
        && !names.iter().any(|n| n.eq_ignore_ascii_case(name))
    {
        names.push(name.to_owned());
    }
    names
}
