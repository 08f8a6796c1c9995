//! `substitute`, `substitute_after`: who is told in whose place.

use std::ops::RangeInclusive;

use maibo_core::rule::parse_duration;
use maibo_core::time::Millis;

use super::ReceiverSettings;

/// How long a receiver has, unless configured otherwise: long enough for a few attempts.
const AFTER: Millis = Millis::from_secs(30);
/// What can be configured.
const AFTERS: RangeInclusive<Millis> = Millis::from_secs(5)..=Millis::from_secs(3_600);

/// Who is told in somebody's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitute {
    /// The receiver.
    pub name: String,
    /// How long after the decision of what was not taken.
    pub after: Millis,
}

impl ReceiverSettings {
    /// `group_every`: so long it waits by itself, which must not look like not being taken.
    pub(super) fn substitute(&self, group_every: Option<Millis>, p: &mut Vec<String>) -> Option<Substitute> {
        let text = self.substitute_after.as_deref();
        let after = text.map_or(Ok(AFTER), parse_duration).ok().filter(|after| AFTERS.contains(after));
        if after.is_none() {
            p.push(format!("substitute_after: `{}` is not 5s to 1h", text.unwrap_or_default()));
        }
        if text.is_some() && self.substitute.is_none() {
            p.push("substitute_after: belongs to `substitute`".to_owned());
        }
        let substitute = Substitute { name: self.substitute.clone()?, after: after? };
        if group_every.is_some_and(|every| every >= substitute.after) {
            p.push("substitute_after: must be longer than `group_every`: so long nothing is tried".to_owned());
        }
        Some(substitute)
    }
}

/// What is wrong with who stands in for whom: unknown names, and rings in which everybody waits for the next.
pub(super) fn problems(entries: &[ReceiverSettings]) -> Vec<String> {
    let next = |name: &str| entries.iter().find(|e| e.name == name)?.substitute.as_deref();
    let problem = |(i, entry): (usize, &ReceiverSettings)| {
        let substitute = entry.substitute.as_deref()?;
        let of = |text: String| Some(format!("receiver[{i}].substitute: {text}"));
        if !entries.iter().any(|e| e.name == substitute) {
            return of(format!("there is no receiver `{substitute}`"));
        }
        let chain = std::iter::successors(Some(substitute), |name| next(name));
        if chain.take(entries.len() + 1).any(|name| name == entry.name) {
            return of(format!("`{substitute}` leads back to `{}`", entry.name));
        }
        None
    };
    entries.iter().enumerate().filter_map(problem).collect()
}
