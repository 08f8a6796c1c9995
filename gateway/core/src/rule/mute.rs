//! Hours at which the alerts of a rule are not told: `mute` in a rule.
//!
//! The rule judges on, and what it finds is shown and recorded. What was decided in a muted period is told at its end, if
//! it still fires. Red is told at any hour unless the rule says otherwise.

use toml::Value;

use super::table::Reader;
use super::{Schedule, schedule};
use crate::limit;
use crate::place::Level;
use crate::time::Timestamp;

/// When the alerts of a rule are not told.
#[derive(Clone, Debug, PartialEq)]
pub struct Mute {
    schedule: Schedule,
    /// Whether red is muted too.
    red: bool,
}

impl Mute {
    /// The end of the muted period in which a version of this level was decided, if it was in one. Periods that touch are
    /// one.
    pub fn until(&self, level: Level, decided: Timestamp) -> Option<Timestamp> {
        if level == Level::Red && !self.red {
            return None;
        }
        self.schedule.at(decided)?;
        let mut at = decided;
        // In a day each period has two edges at most, and the end of some is the beginning of others.
        for _ in 0..4 * limit::MAX_PERIODS {
            at = self.schedule.next_edge(at);
            if at == Timestamp::MAX || self.schedule.at(at).is_none() {
                break;
            }
        }
        Some(at)
    }
}

/// Reads `mute`, where there is one.
///
/// # Errors
/// Where anything is wrong; the problems say what.
pub(super) fn read(r: &mut Reader<'_>) -> Result<Option<Mute>, ()> {
    let Some(value) = r.take("mute") else { return Ok(None) };
    let mut sub = r.table("mute", value).ok_or(())?;
    let red = match sub.take("red") {
        None => Some(false),
        Some(Value::Boolean(red)) => Some(red),
        Some(other) => {
            sub.wrong("red", "true or false", &other);
            None
        }
    };
    if !sub.has("during") {
        sub.problem("during", "is missing: a list of periods such as { name = \"night\", hours = \"22:00-06:00\" }");
    }
    let schedule = schedule::read(&mut sub, |_, _| {});
    // Not the end of 400 days in which nothing changed: a season is shorter, so this one is for ever.
    let endless = |s: &Schedule| s.at(Timestamp(0)).is_some() && s.next_edge(Timestamp(0)) == Timestamp::MAX;
    let for_ever = schedule.as_ref().is_some_and(endless);
    if for_ever {
        sub.problem("during", "never ends: a rule that nobody is told of needs no receiver");
    }
    sub.finish();
    match (schedule, red) {
        (Some(schedule), Some(red)) if !for_ever => Ok(Some(Mute { schedule, red })),
        _ => Err(()),
    }
}
