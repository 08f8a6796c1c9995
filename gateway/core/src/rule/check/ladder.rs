//! The tables of one ladder: a limit for each level, a length of time for each level.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use super::level;
use crate::place::Level;
use crate::rule::table::Reader;
use crate::rule::{Bound, Direction};
use crate::time::Millis;

/// Reads `levels`, lowest level first.
pub(super) fn bounds(r: &mut Reader<'_>, value: Value, direction: Direction) -> Option<Vec<(Level, Bound)>> {
    let Value::Table(table) = value else {
        r.wrong("levels", "a table", &value);
        return None;
    };
    let mut bounds = BTreeMap::new();
    let mut good = true;
    for (name, value) in table {
        let key = format!("levels.{name}");
        let bound = match (direction, &value) {
            (Direction::Outside, Value::Array(pair)) if pair.len() == 2 => {
                let ends: Vec<f64> = pair.iter().filter_map(|v| r.number(&key, v)).collect();
                match ends[..] {
                    [low, high] => Some(Bound::Band { low, high }),
                    _ => None,
                }
            }
            (Direction::Outside, _) => {
                r.problem(&key, "is not a band [low, high], as `outside` needs");
                None
            }
            _ => r.number(&key, &value).map(Bound::Value),
        };
        match (level(r, &key, &name), bound) {
            (Some(level), Some(bound)) => drop(bounds.insert(level, bound)),
            _ => good = false,
        }
    }
    if good && bounds.is_empty() {
        r.problem("levels", "has no level");
        good = false;
    }
    good.then(|| bounds.into_iter().collect())
}

/// Reads one length of time for all levels, or a table with one for each.
pub(super) fn per_level(r: &mut Reader<'_>, key: &str, named: &[Level]) -> Option<BTreeMap<Level, Millis>> {
    match r.take(key) {
        None => Some(BTreeMap::new()),
        Some(Value::Table(table)) => {
            let mut times = BTreeMap::new();
            for (name, value) in table {
                let path = format!("{key}.{name}");
                if let (Some(level), Some(time)) = (level(r, &path, &name), r.duration(&path, value)) {
                    times.insert(level, time);
                }
            }
            let wanted: BTreeSet<Level> = named.iter().copied().collect();
            let found: BTreeSet<Level> = times.keys().copied().collect();
            // With levels that could not be read there is nothing to compare with.
            if wanted.is_empty() || wanted == found {
                return Some(times);
            }
            r.problem(key, "does not name exactly the levels of the ladder");
            None
        }
        Some(value) => r.duration(key, value).map(|time| Level::ALL.into_iter().map(|l| (l, time)).collect()),
    }
}
