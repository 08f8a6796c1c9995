//! §11, §16: what a rule set says of several devices at once. Sound sets only.

use toml::{Table, Value};

use crate::pack_read::{duration, tables, text, times, whole};
use crate::{Level, Ms};

/// What concerns the city of a rule set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set {
    pub(crate) quorums: Vec<Quorum>,
}

/// §11: so many devices at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quorum {
    pub(crate) id: String,
    /// The rule whose alerts count, and from which level on.
    pub(crate) watched: String,
    pub(crate) from: Level,
    pub(crate) count: usize,
    pub(crate) within: Ms,
    pub(crate) extent: Extent,
    /// The level of its own alert.
    pub(crate) level: Level,
    pub(crate) keep: Ms,
    pub(crate) shadow: bool,
}

/// How far apart the devices may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Street,
    District,
    City,
    /// So many metres from one of them.
    Radius(i64),
}

impl Set {
    /// All packs of a set.
    pub(crate) fn read(texts: &[&str]) -> Self {
        let mut set = Self::default();
        for pack in texts {
            for rule in tables(pack, "rule") {
                if let Some(of) = rule.get("quorum") {
                    set.quorums.push(Quorum::read(&rule, of.as_table().expect("a quorum")));
                }
            }
        }
        set
    }

    pub(crate) fn quorum(&self, id: &str) -> Option<&Quorum> {
        self.quorums.iter().find(|q| q.id == id)
    }
}

impl Quorum {
    fn read(rule: &Table, of: &Table) -> Self {
        let level = Level::of(&text(&rule["level"]));
        Self {
            id: text(&rule["id"]),
            watched: text(&of["rule"]),
            from: Level::of(&text(&of["level"])),
            count: whole(&of["count"]) as usize,
            within: duration(&text(&of["within"])),
            extent: match (of.get("radius"), of.get("of").map(text).as_deref()) {
                (Some(radius), None) => Extent::Radius(whole(radius)),
                (None, Some("street")) => Extent::Street,
                (None, Some("district")) => Extent::District,
                (None, Some("city")) => Extent::City,
                other => panic!("extent {other:?}"),
            },
            level,
            keep: times(rule.get("keep_firing_for")).get(&level).copied().unwrap_or(0),
            shadow: rule.get("shadow").and_then(Value::as_bool).unwrap_or(false),
        }
    }

    /// §12: whether it judges what `other` judges: the alerts of which rule, how far apart.
    pub(crate) fn judges_the_same(&self, other: &Self) -> bool {
        self.watched == other.watched && self.extent == other.extent
    }
}

impl Extent {
    /// The place of this extent in which a place lies: its code. None where the place is wider than that.
    pub(crate) fn of(self, place: &str) -> Option<String> {
        match self {
            Self::Street => place.get(..9).map(str::to_owned),
            Self::District => place.get(..6).map(str::to_owned),
            // open: of which rank a city is, the specification does not say; all of Beijing is one.
            Self::Radius(_) => None,
            Self::City => place.get(..2).map(|whole| format!("{whole}0000")),
        }
    }
}
