//! The city machine and its reference model say the same, whatever partitions and people tell it. The comparison itself is
//! in `engine_world/city_model.rs`: it follows every batch of every city in every test.

mod engine_world;

use std::collections::BTreeMap;

use engine_world::block::{Block, placed};
use engine_world::cases::cases;
use engine_world::{ZERO, depth, ladder, s, source};
use maibo_core::fact::{Maintenance, MaintenanceScope, MaintenanceState};
use maibo_core::id::{Actor, DeviceId, EpisodeId, MaintenanceId, PlaceCode, Subject};
use maibo_core::input::{Act, Command, Input, Told};
use maibo_core::place::Level;
use maibo_core::reading::Text;
use maibo_core::time::{Millis, Timestamp};
use proptest::prelude::*;

const DEVICES: [&str; 7] =
    ["110105003-a", "110105003-b", "110105004-c", "110105004-d", "110106001-e", "110106001-f", "110105003-g"];

/// Of the first two also a second alert of the same rule, as of another event.
const ALERTS: usize = DEVICES.len() + 2;

/// The rules of devices.
const RULES: [&str; 3] = ["depth", "power", "silent"];

/// What is told of one device.
#[derive(Clone, Debug)]
struct Say {
    rule: usize,
    device: usize,
    /// Its level; `None`: it ends.
    level: Option<usize>,
    /// How long ago it happened, and how much longer it had been pending.
    ago: i64,
    pending: i64,
    historic: bool,
}

/// One random thing.
#[derive(Clone, Debug)]
enum Deed {
    Say(Vec<Say>),
    Again { back: usize },
    Tick,
    Restart,
    ClockStep { by: i64 },
    Stopped { back: i64 },
    Deaf { back: i64 },
    Listening,
    Rules(Rule),
    Catalogue { which: usize },
    Maintain { of: usize, n: u32, from: i64, length: i64 },
    EndMaintenance { n: u32 },
    Act { which: usize, who: usize, seen: u32, back: usize },
}

/// A quorum rule as it can be edited.
#[derive(Clone, Debug)]
struct Rule {
    there: bool,
    extent: usize,
    count: usize,
    within: usize,
    from: usize,
    level: usize,
    keep: usize,
    shadow: bool,
    second: bool,
    causes: usize,
}

/// `[[inhibit]]` of a set.
fn inhibit(parent: &str, children: &str, within: &str, wait: &str) -> String {
    format!(
        "\n[[inhibit]]\nid = \"{parent}-{within}\"\nparent = \"{parent}\"\nchildren = [{children}]\nwithin = \"{within}\"\n{wait}\n"
    )
}

impl Rule {
    fn text(&self) -> String {
        let one = |id: &str, extent: &str, count: usize| {
            ladder(
                id,
                &format!(
                    "quorum = {{ rule = \"depth\", level = \"{}\", count = {count}, within = \"{}\", {extent} }}\n\
                     level = \"{}\"\nkeep_firing_for = \"{}\"\nshadow = {}",
                    ["yellow", "orange"][self.from],
                    ["60s", "10m"][self.within],
                    ["red", "orange", "blue"][self.level],
                    ["0s", "30s", "2m"][self.keep],
                    self.shadow,
                ),
            )
        };
        let extents = ["of = \"street\"", "of = \"district\"", "of = \"city\"", "radius = 500"];
        let absent = "when = { kind = \"k\" }\nabsent = { intervals = 3 }\nlevel = \"yellow\"";
        let mut text = depth("") + &ladder("power", absent) + &ladder("silent", absent);
        if self.there {
            text += &one("flood", extents[self.extent], self.count);
        }
        if self.second {
            text += &one("another", extents[(self.extent + 1) % 4], 2);
        }
        text + &match (self.causes, self.there) {
            (0, _) => inhibit("power", "\"depth\"", "street", ""),
            (1, _) => inhibit("power", "\"depth\", \"silent\"", "district", ""),
            (2, _) => {
                inhibit("depth", "\"silent\"", "device", "wait = \"0s\"")
                    + &inhibit("power", "\"silent\"", "street", "wait = \"40s\"")
            }
            (3, true) => inhibit("flood", "\"depth\"", "city", "wait = \"15s\""),
            (4, true) => inhibit("flood", "\"depth\"", "city", ""),
            (5, true) => inhibit("power", "\"flood\", \"depth\"", "city", "wait = \"10s\""),
            _ => String::new(),
        }
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let numbers = (2..4_usize, 0..2_usize, 0..2_usize, 0..3_usize, 0..3_usize);
    let flags = (prop::bool::weighted(0.9), prop::bool::weighted(0.1), prop::bool::weighted(0.2));
    (0..4_usize, 0..7_usize, numbers, flags).prop_map(
        |(extent, causes, (count, within, from, level, keep), (there, shadow, second))| Rule {
            there,
            extent,
            count,
            within,
            from,
            level,
            keep,
            shadow,
            second,
            causes,
        },
    )
}

fn say() -> impl Strategy<Value = Say> {
    let ago = prop_oneof![4 => Just(0_i64), 2 => 0..40_000_i64, 1 => 0..400_000_i64];
    let pending = prop_oneof![2 => Just(0_i64), 1 => 0..60_000_i64];
    let level = prop_oneof![2 => (0..4_usize).prop_map(Some), 1 => Just(None)];
    let rule = prop_oneof![4 => Just(0_usize), 1 => Just(1), 1 => Just(2)];
    (rule, 0..ALERTS, level, ago, pending, prop::bool::weighted(0.1))
        .prop_map(|(rule, device, level, ago, pending, historic)| Say { rule, device, level, ago, pending, historic })
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        20 => proptest::collection::vec(say(), 1..5).prop_map(Deed::Say),
        3 => Just(Deed::Tick),
        3 => Just(Deed::Restart),
        2 => (1..6_usize).prop_map(|back| Deed::Again { back }),
        1 => (-100_000..100_000_i64).prop_map(|by| Deed::ClockStep { by }),
        1 => (0..90_000_i64).prop_map(|back| Deed::Stopped { back }),
        1 => (0..90_000_i64).prop_map(|back| Deed::Deaf { back }),
        1 => Just(Deed::Listening),
        3 => rule().prop_map(Deed::Rules),
        1 => (0..3_usize).prop_map(|which| Deed::Catalogue { which }),
        2 => (0..2_usize, 0..4_u32, -100_000..200_000_i64, -1_000..300_000_i64)
            .prop_map(|(of, n, from, length)| Deed::Maintain { of, n, from, length }),
        1 => (0..4_u32).prop_map(|n| Deed::EndMaintenance { n }),
        3 => (0..6_usize, 0..2_usize, 1..5_u32, 1..4_usize)
            .prop_map(|(which, who, seen, back)| Deed::Act { which, who, seen, back }),
    ]
}

fn script() -> impl Strategy<Value = (usize, Rule, Vec<(i64, Deed)>)> {
    let after = prop_oneof![3 => Just(0_i64), 6 => 0..60_000_i64, 2 => 0..900_000_i64];
    (0..4_usize, rule(), proptest::collection::vec((after, deed()), 1..80))
}

/// One of few, so that some are asked for twice.
fn work(n: u32) -> MaintenanceId {
    MaintenanceId::derive(&Actor::new("li").expect("an actor"), "d", "pump", Timestamp(ZERO), n)
}

/// Where the devices stand: in a row, some of them moved, some without a position.
fn catalogue(which: usize) -> String {
    let metres = |i: usize| 400.0 * i as f64;
    let moved = |i: usize| if i == 2 { 5_000.0 } else { metres(i) };
    let row = |at: &dyn Fn(usize) -> f64| placed(&std::array::from_fn::<_, 7, _>(|i| (DEVICES[i], at(i), 0.0)));
    match which {
        0 => row(&metres),
        1 => row(&moved),
        _ => row(&metres).replace("110105003-b,k,,110105003,traffic,116.4", "110105003-b,k,,110105003,traffic,,\n#"),
    }
}

/// The city, and what the partitions know.
struct Play {
    b: Block,
    told: Vec<Told>,
    /// Event time last told of each device's alert.
    latest: BTreeMap<(usize, usize), i64>,
}

impl Play {
    fn new(rule: &Rule) -> Self {
        let row: [(&str, f64, f64); 7] = std::array::from_fn(|i| (DEVICES[i], 400.0 * i as f64, 0.0));
        let mut b = Block::placed("", &row);
        b.w.edit(&rule.text());
        Self { b, told: Vec::new(), latest: BTreeMap::new() }
    }

    fn say(&mut self, say: &Say) -> Option<Told> {
        let of_event = say.device.checked_sub(DEVICES.len()).map(|n| DEVICES[n]);
        let named = of_event.map_or_else(|| DEVICES[say.device].to_owned(), |device| format!("{device}2"));
        let device = named.as_str();
        let rule = RULES[say.rule];
        let opens = !self.b.is_open_by(rule, device);
        let mut one = match say.level {
            Some(level) => self.b.fires_by(rule, device, Level::ALL[level]),
            None if opens => return None,
            None => self.b.ends_by(rule, device),
        };
        let at = self.b.w.now() - say.ago;
        let at = if opens { at } else { at.max(self.latest[&(say.rule, say.device)]) };
        self.latest.insert((say.rule, say.device), at);
        one.at = Timestamp(ZERO + at);
        one.resolved_at = one.resolved_at.map(|_| one.at);
        if opens {
            one.started_at = Timestamp(ZERO + at - say.pending);
        }
        if let Some(device) = of_event {
            let (device, identity) = (DeviceId::new(device).expect("id"), Text::from("2"));
            one.subject = Subject::Event { device, identity };
        }
        one.historic = say.historic;
        self.told.push(one.clone());
        Some(one)
    }

    fn inputs(&mut self, deed: &Deed, fixed: usize) -> Vec<Input> {
        let now = ZERO + self.b.w.now();
        let tell = |items: Vec<Told>| {
            let (first, next) = (items.first().map_or(0, |t| t.index), items.last().map_or(0, |t| t.index + 1));
            vec![Input::Told { first, next, items }]
        };
        match deed {
            Deed::Say(all) => {
                // open: within a radius the machine knows the device by another of its alerts where two centres are equal.
                let of = |device: usize| if fixed < 2 { device } else { device % DEVICES.len() };
                let items =
                    all.iter().filter_map(|say| self.say(&Say { device: of(say.device), ..say.clone() })).collect();
                tell(items)
            }
            Deed::Again { back } => tell(self.told[self.told.len().saturating_sub(*back)..].to_vec()),
            Deed::Tick => Vec::new(),
            Deed::Restart => {
                self.b.w.restart();
                Vec::new()
            }
            Deed::ClockStep { by } => vec![Input::ClockStep { by: Millis(*by) }],
            Deed::Stopped { back } => vec![Input::Deaf { source: None, from: Timestamp(now - back) }],
            Deed::Deaf { back } => vec![Input::Deaf { source: Some(source("s")), from: Timestamp(now - back) }],
            Deed::Listening => vec![Input::Listening { source: source("s") }],
            Deed::Rules(rule) => {
                // Mostly an edit of what is judged already.
                let rule = Rule { extent: if rule.extent == 0 { 0 } else { fixed }, ..rule.clone() };
                let version = self.b.w.know(&rule.text());
                vec![Input::Rules { version, by: None }]
            }
            Deed::Catalogue { which } => {
                let version = self.b.w.know_catalogue(&catalogue(*which));
                vec![Input::Catalogue { version }]
            }
            Deed::Maintain { of, n, from, length } => {
                let from = Timestamp(now + from);
                let scope = match of {
                    0 => MaintenanceScope::Device(DeviceId::new(DEVICES[0]).expect("an id")),
                    _ => MaintenanceScope::Place(PlaceCode::new("110105").expect("a code")),
                };
                let (by, reason) = (Actor::new("li").expect("an actor"), Text::from("pump"));
                let until = Timestamp(from.0 + length);
                let state = MaintenanceState::Refused;
                vec![Input::Maintain(Box::new(Maintenance {
                    id: work(*n),
                    scope,
                    from,
                    until,
                    by,
                    reason,
                    state,
                    ended_by: None,
                }))]
            }
            Deed::EndMaintenance { n } => {
                vec![Input::EndMaintenance { id: work(*n), by: Actor::new("wang").expect("an actor") }]
            }
            Deed::Act { which, who, seen, back } => self.command(*which, *who, *seen, *back),
        }
    }

    /// An act on one of the city's last alerts, by somebody who saw one of its versions.
    fn command(&self, which: usize, who: usize, seen: u32, back: usize) -> Vec<Input> {
        let mut own: Vec<EpisodeId> = self.b.w.transitions().iter().map(|t| t.episode).collect();
        own.dedup();
        let Some(episode) = own.len().checked_sub(back).and_then(|i| own.get(i)) else { return Vec::new() };
        let note = Text::from("why");
        let until = Timestamp(ZERO + self.b.w.now() + 100_000);
        let act = match which {
            0 => Act::Acknowledge { note },
            1 => Act::Comment { note },
            2 => Act::Silence { until, note },
            3 => Act::Unsilence,
            4 => Act::Close { note, forced: false },
            _ => Act::Close { note, forced: true },
        };
        let actor = Actor::new(["li", "wang"][who]).expect("an actor");
        vec![Input::Command(Command { actor, episode: *episode, seen, act })]
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn city((fixed, first, script) in script()) {
        let mut play = Play::new(&Rule { extent: fixed, ..first });
        let mut now = 0;
        for (after, deed) in &script {
            now += after;
            play.b.at(now);
            let inputs = play.inputs(deed, fixed);
            play.b.w.batch(inputs);
        }
        play.b.at(now + s(3_000));
    }
}
