//! §11, §16: what a rule set says of several devices at once. Sound sets only.

use toml::{Table, Value};

use super::News;
use crate::pack_read::{duration, tables, text, times, whole};
use crate::{Level, Ms};

/// What concerns the city of a rule set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set {
    pub(crate) quorums: Vec<Quorum>,
    pub(crate) inhibits: Vec<Inhibit>,
}

/// §16: alerts of some rules are told instead of those of others.
#[derive(Clone, Debug)]
pub(crate) struct Inhibit {
    pub(crate) parent: String,
    pub(crate) children: Vec<String>,
    pub(crate) within: Within,
    /// For each of the children.
    pub(crate) waits: Vec<Ms>,
}

/// What cause and consequence have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Within {
    Device,
    Place(Extent),
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
        let rules: Vec<Table> = texts.iter().flat_map(|pack| tables(pack, "rule")).collect();
        let absences: Vec<String> = rules.iter().filter(|r| r.contains_key("absent")).map(|r| text(&r["id"])).collect();
        for pack in texts {
            for one in tables(pack, "inhibit") {
                set.inhibits.push(Inhibit::read(&one, &absences));
            }
            for rule in tables(pack, "rule") {
                if let Some(of) = rule.get("quorum") {
                    set.quorums.push(Quorum::read(&rule, of.as_table().expect("a quorum")));
                }
            }
        }
        set
    }

    /// How long an alert of this rule waits for its cause. `None`: nothing is a cause of it.
    pub(crate) fn wait(&self, rule: &str) -> Option<Ms> {
        let of_child = |i: &Inhibit| Some(i.waits[i.children.iter().position(|c| c == rule)?]);
        self.inhibits.iter().filter_map(of_child).max()
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
                (None, Some(place)) => Extent::named(place),
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

impl Inhibit {
    fn read(one: &Table, absences: &[String]) -> Self {
        let children: Vec<String> = one["children"].as_array().expect("children").iter().map(text).collect();
        let usual = |child: &String| if absences.contains(child) { 15_000 } else { 0 };
        let named = one.get("wait").map(|v| duration(&text(v)));
        Self {
            parent: text(&one["parent"]),
            within: match text(&one["within"]).as_str() {
                "device" => Within::Device,
                place => Within::Place(Extent::named(place)),
            },
            waits: children.iter().map(|child| named.unwrap_or_else(|| usual(child))).collect(),
            children,
        }
    }
}

impl Within {
    /// Whether two alerts are of the same one.
    pub(crate) fn same(self, a: &News, b: &News) -> bool {
        let place = |news: &News, extent: Extent| news.place.as_deref().and_then(|p| extent.of(p));
        match self {
            Self::Device => a.device.is_some() && a.device == b.device,
            Self::Place(extent) => place(a, extent).is_some() && place(a, extent) == place(b, extent),
        }
    }
}

impl Extent {
    fn named(word: &str) -> Self {
        match word {
            "street" => Self::Street,
            "district" => Self::District,
            "city" => Self::City,
            other => panic!("extent `{other}`"),
        }
    }

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
