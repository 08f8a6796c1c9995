//! Quorum rules: so many devices of one place in alert at about the same time.

use std::collections::BTreeMap;

use super::table::{Problems, Reader};
use super::{Rule, RuleKind};
use crate::id::{PlaceCode, RuleId};
use crate::limit;
use crate::place::Level;
use crate::registry::place;
use crate::time::Millis;

/// Keys of other kinds of rules.
const FOREIGN: [&str; 7] = ["when", "levels", "direction", "deadband", "for", "min_samples", "stale_after"];

/// How far the devices of one quorum may be apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// All in one place.
    Place(Extent),
    /// All at most so many metres from one of them.
    Radius(u32),
}

/// How large the one place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// In one street.
    Street,
    /// In one district.
    District,
    /// In one city.
    City,
}

impl Extent {
    /// All, the smallest first.
    pub const ALL: [Self; 3] = [Self::Street, Self::District, Self::City];

    /// The word in packs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Street => "street",
            Self::District => "district",
            Self::City => "city",
        }
    }

    /// The place of this extent that `place` lies in; `None` where its code does not say so much.
    pub fn around(self, place: &PlaceCode) -> Option<PlaceCode> {
        match self {
            Self::Street => {
                let street = place::stem(place.as_str()).get(..9)?;
                PlaceCode::new(street).ok()
            }
            Self::District => PlaceCode::new(place::district(place)?).ok(),
            Self::City => {
                let mut city = place.clone();
                while let Some(up) = place::parent(&city) {
                    city = up;
                }
                Some(city)
            }
        }
    }
}

/// So many devices with an open alert of another rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// The other rule.
    pub rule: RuleId,
    /// The least level at which its alerts count.
    pub reached: Level,
    /// How many devices are enough, at least 2.
    pub count: u32,
    /// They must have reached the level within this time of one another.
    pub within: Millis,
    /// How far they may be apart.
    pub of: Spread,
    /// The alert's level.
    pub level: Level,
    /// How long there must be fewer before the alert ends (`keep_firing_for`).
    pub keep: Millis,
}

/// Reads what is judged. What `when` would say, the other rule says.
pub(super) fn read(r: &mut Reader<'_>) -> Option<RuleKind> {
    for key in FOREIGN {
        if r.take(key).is_some() {
            r.problem(key, "does not belong to a quorum rule: whom it is about the other rule says");
        }
    }
    let quorum = r.need_table("quorum").map(table);
    let level = r.need_text("level").and_then(|t| super::check::level(r, "level", &t));
    let keep = match r.take("keep_firing_for") {
        None => Some(Millis::ZERO),
        Some(value) => r.duration("keep_firing_for", value),
    };
    let (level, keep) = (level?, keep?);
    Some(RuleKind::Quorum(Quorum { level, keep, ..quorum?? }))
}

fn table(mut r: Reader<'_>) -> Option<Quorum> {
    let rule = r.need_text("rule").and_then(|t| RuleId::new(&t).map_err(|e| r.problem("rule", e)).ok());
    let reached = r.need_text("level").and_then(|t| super::check::level(&mut r, "level", &t));
    if !r.has("count") {
        r.problem("count", "is missing");
    }
    let count = r.opt_count("count").filter(|n| {
        let good = *n >= 2;
        if !good {
            r.problem("count", "is below 2: one device is the other rule's own alert");
        }
        good
    });
    let within = r.need("within").and_then(|value| r.duration("within", value)).filter(|d| {
        let good = *d > Millis::ZERO;
        if !good {
            r.problem("within", "is zero: no two devices reach a level in the same millisecond");
        }
        good
    });
    let of = spread(&mut r);
    if matches!(of, Some(Spread::Radius(_))) && count.is_some_and(|n| n > limit::MAX_RADIUS_COUNT) {
        r.problem("count", format_args!("is above {}, the most that goes with `radius`", limit::MAX_RADIUS_COUNT));
    }
    r.finish();
    let reached = reached?;
    Some(Quorum { rule: rule?, reached, count: count?, within: within?, of: of?, level: reached, keep: Millis::ZERO })
}

/// `of` or `radius`.
fn spread(r: &mut Reader<'_>) -> Option<Spread> {
    if !r.has("radius") {
        if !r.has("of") {
            r.problem("of", "is missing: street, district or city; or say `radius`, in metres");
            return None;
        }
        let text = r.need_text("of")?;
        let of = Extent::ALL.into_iter().find(|e| e.as_str() == text);
        if of.is_none() {
            r.problem("of", format_args!("`{text}` is not one of street, district, city"));
        }
        return of.map(Spread::Place);
    }
    if r.take("of").is_some() {
        r.problem("of", "does not go with `radius`: say one of them");
    }
    let metres = r.take("radius")?.as_integer().and_then(|n| u32::try_from(n).ok());
    let good = metres.filter(|n| (1..=limit::MAX_RADIUS).contains(n));
    if good.is_none() {
        r.problem("radius", format_args!("is not a whole number of metres from 1 to {}", limit::MAX_RADIUS));
    }
    good.map(Spread::Radius)
}

/// Whether each quorum rule watches something that can happen. `rules` are all that compiled, with their packs.
pub(super) fn watched(rules: &BTreeMap<RuleId, (&str, Rule)>, problems: &mut Problems) {
    for (pack, rule) in rules.values() {
        let Some(quorum) = rule.quorum() else { continue };
        let path = |key: &str| format!("{pack}: {}.quorum.{key}", rule.id);
        match rules.get(&quorum.rule).map(|(_, r)| &r.kind) {
            None => problems.add(path("rule"), format_args!("`{}` is no rule, or one with problems", quorum.rule)),
            Some(RuleKind::Quorum(_)) => {
                problems
                    .add(path("rule"), format_args!("`{}` is a quorum itself: name a rule of devices", quorum.rule));
            }
            Some(RuleKind::Event(_)) => {
                let text = format!("`{}` is about events: a device can have several at once", quorum.rule);
                problems.add(path("rule"), text);
            }
            Some(kind) if !has_level(kind, quorum.reached) => {
                let text = format!("`{}` has no level {}", quorum.rule, quorum.reached.as_str());
                problems.add(path("level"), text);
            }
            Some(_) => {}
        }
    }
}

fn has_level(kind: &RuleKind, level: Level) -> bool {
    match kind {
        RuleKind::Threshold(t) => t.periods.iter().flatten().any(|term| term.step(level).is_some()),
        RuleKind::Absence(absence) => absence.level == level,
        // Told as a mistake of their own.
        RuleKind::Quorum(_) | RuleKind::Event(_) => false,
    }
}

/// The numbers of alerts that are enough, for windows over their times.
impl Quorum {
    /// [`Self::count`] as a length.
    pub(crate) const fn enough(&self) -> usize {
        debug_assert!(self.count as i64 <= limit::MAX_COUNT, "checked when compiled");
        self.count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The place of an extent, whichever rank a device's code has.
    #[test]
    fn extents() {
        let around = |extent: Extent, code: &str| {
            extent.around(&PlaceCode::new(code).expect("a code")).map_or(String::new(), |p| p.to_string())
        };
        for (code, street, district, city) in [
            ("110105003012", "110105003", "110105", "110000"),
            ("110105003", "110105003", "110105", "110000"),
            ("110105003000", "110105003", "110105", "110000"),
            ("110105000", "", "110105", "110000"),
            ("110105", "", "110105", "110000"),
            ("110000", "", "", "110000"),
            ("320203", "", "320203", "320200"),
        ] {
            let found = Extent::ALL.map(|e| around(e, code));
            assert_eq!(found, [street, district, city], "{code}");
        }
    }
}
