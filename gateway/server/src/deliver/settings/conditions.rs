//! What a receiver wants to hear of: level, domains, places, rules, kinds, hours, reminders.

use maibo_core::id::{PlaceCode, RuleId, Subject};
use maibo_core::limit::MAX_REMINDERS;
use maibo_core::notify::Matcher;
use maibo_core::place::{Domain, Level};
use maibo_core::rule::Schedule;

use super::{LIST_MAX, ReceiverSettings, each, word};

impl ReceiverSettings {
    /// Its conditions; what is wrong with them is added to the problems.
    pub(super) fn conditions(&self, p: &mut Vec<String>) -> Matcher {
        let Self { domains, districts, rules, kinds, .. } = self;
        for (key, list) in [("domains", domains), ("districts", districts), ("rules", rules), ("kinds", kinds)] {
            if list.len() > LIST_MAX {
                p.push(format!("{key}: more than {LIST_MAX} entries"));
            }
        }
        let level = word(p, "min_level", self.min_level.as_deref(), Level::parse, "blue, yellow, orange, red");
        let (from_reminder, planned) = self.waits(p);
        let all = Subject::KINDS.join(", ");
        let kind = |k: &String| word(p, "kinds", Some(k), |k| Subject::KINDS.into_iter().find(|x| *x == k), &all);
        let kinds = kinds.iter().filter_map(kind).collect();
        Matcher {
            from_reminder,
            planned,
            kinds,
            min_level: level.unwrap_or(Level::Blue),
            domains: each(p, "domains", domains, |d| Domain::parse(d).ok_or("is not a domain")),
            districts: each(p, "districts", districts, |d| PlaceCode::new(d).map_err(|_| "is not a place code")),
            rules: each(p, "rules", rules, |r| RuleId::new(r).map_err(|_| "is not the name of a rule")),
            hours: self.hours(p),
        }
    }

    /// When it is told.
    fn hours(&self, p: &mut Vec<String>) -> Option<Schedule> {
        let Some(during) = &self.during else {
            if self.zone.is_some() {
                p.push("zone: belongs to `during`".to_owned());
            }
            return None;
        };
        let mut table = toml::Table::new();
        table.insert("during".to_owned(), during.clone());
        if let Some(zone) = &self.zone {
            table.insert("zone".to_owned(), zone.clone().into());
        }
        let problems = match Schedule::read(table) {
            Ok(schedule) => return schedule,
            Err(problems) => problems,
        };
        p.extend(problems.iter().map(|problem| problem.to_string().trim_start_matches('.').to_owned()));
        None
    }

    /// The reminder from which on it hears of an episode, 0: from its opening on; and whether only plans call it.
    fn waits(&self, p: &mut Vec<String>) -> (u32, bool) {
        let waits = |w: &str| ["always", "unacknowledged", "planned"].iter().position(|x| *x == w);
        let waits = word(p, "when", self.when.as_deref(), waits, "always, unacknowledged, planned").unwrap_or_default();
        match self.reminders {
            Some(_) if waits != 1 => p.push("reminders: belongs to `when = \"unacknowledged\"`".to_owned()),
            Some(n) if !(1..=MAX_REMINDERS).contains(&n) => {
                p.push(format!("reminders: {n} is not 1 to {MAX_REMINDERS}: so often is reminded of an alert"));
            }
            _ => {}
        }
        (if waits == 1 { self.reminders.unwrap_or(1) } else { 0 }, waits == 2)
    }
}
