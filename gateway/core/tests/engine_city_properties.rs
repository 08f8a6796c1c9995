//! What must hold of the city machine for anything that partitions may tell it.

mod engine_world;

use std::collections::{BTreeMap, BTreeSet};

use engine_world::block::{Block, flood, lines};
use engine_world::cases::cases;
use engine_world::{ZERO, depth, s};
use maibo_core::id::{Actor, DrillId, PlaceCode};
use maibo_core::input::{Drill, Found, Input, Told};
use maibo_core::place::{Domain, Level};
use maibo_core::time::Millis;
use proptest::prelude::*;

const DEVICES: [&str; 6] = ["110105003-a", "110105003-b", "110105004-c", "110105004-d", "110106001-e", "110106001-f"];

/// One random thing.
#[derive(Clone, Debug)]
enum Deed {
    Fires { device: usize, level: usize, historic: bool },
    Ends { device: usize },
    Tick,
    Again { back: usize },
    ClockStep { by: i64 },
    Stopped { back: i64 },
    Deaf,
    Listening,
    Rules { which: usize },
    Drill { name: usize, level: usize, seconds: i64 },
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        12 => (0..6_usize, 0..4_usize, prop::bool::weighted(0.1))
            .prop_map(|(device, level, historic)| Deed::Fires { device, level, historic }),
        8 => (0..6_usize).prop_map(|device| Deed::Ends { device }),
        3 => Just(Deed::Tick),
        2 => (1..6_usize).prop_map(|back| Deed::Again { back }),
        1 => (-100_000..100_000_i64).prop_map(|by| Deed::ClockStep { by }),
        1 => (0..90_000_i64).prop_map(|back| Deed::Stopped { back }),
        1 => Just(Deed::Deaf),
        1 => Just(Deed::Listening),
        1 => (0..3_usize).prop_map(|which| Deed::Rules { which }),
        2 => (0..3_usize, 0..4_usize, 0..900_i64)
            .prop_map(|(name, level, seconds)| Deed::Drill { name, level, seconds }),
    ]
}

fn script() -> impl Strategy<Value = Vec<(i64, Deed)>> {
    let after = prop_oneof![3 => Just(0_i64), 6 => 0..60_000_i64, 2 => 0..900_000_i64];
    proptest::collection::vec((after, deed()), 1..100)
}

/// The alerts of the devices are consequences of the quorum's.
const INHIBIT: &str =
    "\n[[inhibit]]\nid = \"i\"\nparent = \"flood\"\nchildren = [\"depth\"]\nwithin = \"city\"\nwait = \"15s\"\n";

fn rules(which: usize) -> String {
    match which {
        0 => flood() + INHIBIT,
        1 => flood().replace("count = 3", "count = 2").replace("district", "city").replace("\"2m\"", "\"0s\""),
        _ => String::new(),
    }
}

fn block() -> Block {
    let mut b = Block::new(&rules(0));
    for which in 0..3 {
        b.w.know(&(depth("") + &rules(which)));
    }
    b
}

/// What a deed puts in; `told` is all that was told so far.
fn inputs(b: &mut Block, deed: &Deed, told: &mut Vec<Told>) -> Vec<Input> {
    let tell = |items: Vec<Told>| {
        let (first, next) = (items.first().map_or(0, |t| t.index), items.last().map_or(0, |t| t.index + 1));
        vec![Input::Told { first, next, items }]
    };
    match deed {
        Deed::Fires { device, level, historic } => {
            let mut one = b.fires(DEVICES[*device], Level::ALL[*level]);
            one.historic = *historic;
            told.push(one.clone());
            tell(vec![one])
        }
        Deed::Ends { device } if b.is_open(DEVICES[*device]) => {
            let one = b.ends(DEVICES[*device]);
            told.push(one.clone());
            tell(vec![one])
        }
        Deed::Again { back } => tell(told[told.len().saturating_sub(*back)..].to_vec()),
        Deed::ClockStep { by } => vec![Input::ClockStep { by: Millis(*by) }],
        Deed::Stopped { back } => {
            let from = maibo_core::time::Timestamp(ZERO + b.w.now() - back);
            vec![Input::Deaf { source: None, from }]
        }
        Deed::Deaf => {
            let from = maibo_core::time::Timestamp(ZERO + b.w.now());
            vec![Input::Deaf { source: Some(engine_world::source("s")), from }]
        }
        Deed::Listening => vec![Input::Listening { source: engine_world::source("s") }],
        Deed::Rules { which } => {
            let version = b.w.know(&(depth("") + &rules(*which)));
            vec![Input::Rules { version, by: None }]
        }
        Deed::Drill { name, level, seconds } => vec![Input::Drill(Box::new(Drill {
            name: DrillId::new(&format!("d{name}")).expect("id"),
            title: Found::new("内涝", "flood"),
            domain: Domain::Traffic,
            place: PlaceCode::new("110105").ok(),
            level: Level::ALL[*level],
            lasts: Millis(s(*seconds)),
            by: Actor::new("li").expect("actor"),
        }))],
        Deed::Ends { .. } | Deed::Tick => Vec::new(),
    }
}

/// A quorum of three in ten minutes with two minutes to end, computed as plainly as it can be.
#[derive(Default)]
struct Plain {
    since: BTreeMap<usize, i64>,
    firing: bool,
    lost: Option<i64>,
}

impl Plain {
    fn pass(&mut self, now: i64) {
        if self.lost.is_some_and(|at| at + s(120) <= now) {
            (self.firing, self.lost) = (false, None);
        }
    }

    fn look(&mut self, now: i64, came: bool) {
        let mut times: Vec<i64> = self.since.values().copied().collect();
        times.sort_unstable();
        if self.firing {
            self.lost = (times.len() < 3).then(|| self.lost.unwrap_or(now));
        } else if came {
            self.firing = times.windows(3).any(|w| w[2] - w[0] <= s(600));
        }
    }
}

proptest! {
    #![proptest_config(cases(100))]

    // P3: a restart from a snapshot at any step changes nothing, every alert but drills is in one incident, and when all is over
    // nothing is left.
    #[test]
    fn restarts_change_nothing(script in script()) {
        let (mut straight, mut restarted) = (block(), block());
        let (mut told, mut now) = (Vec::new(), 0);
        for (after, deed) in &script {
            now += after;
            straight.w.at(now);
            let inputs = inputs(&mut straight, deed, &mut told);
            straight.w.batch(inputs.clone());
            restarted.w.restart().at(now).batch(inputs);
            prop_assert_eq!(&straight.w.out, &restarted.w.out);
            prop_assert_eq!(straight.w.machine.next_deadline(), restarted.w.machine.next_deadline());
            let due = straight.w.machine.next_deadline().map(|d| d.at.0 - ZERO);
            prop_assert!(due.is_none_or(|d| d > now), "{:?} at {}", due, now);
            let open: BTreeMap<_, _> = straight.w.machine.open_alerts().map(|t| (t.episode, t.level)).collect();
            for (child, cause) in straight.w.machine.inhibited() {
                let level = told.iter().rev().find(|t| t.episode == child).map(|t| t.level);
                prop_assert!(level <= open.get(&cause).copied() && level.is_some(), "{} by {}", child, cause);
            }
        }
        for device in DEVICES {
            if straight.is_open(device) {
                let end = straight.ends(device);
                straight.tell(vec![end]);
            }
        }
        straight.w.listening();
        straight.at(now + s(3_000));
        prop_assert_eq!(straight.w.machine.open_alerts().count(), 0, "{:?}", lines(&straight));
        prop_assert!(straight.w.machine.snapshot().len() < 2_000, "{} bytes", straight.w.machine.snapshot().len());
        let all: BTreeSet<_> = told.iter().map(|t| t.episode).collect();
        straight.check_grouped(&all);
        prop_assert_eq!(straight.w.machine.inhibited().count(), 0);
    }

    // The quorum is open when a plain count says so.
    #[test]
    fn a_quorum_is_what_a_plain_count_says(
        script in proptest::collection::vec((0..200_000_i64, 0..4_usize, 0..4_usize), 1..80),
    ) {
        let (mut b, mut plain, mut now) = (Block::new(&flood()), Plain::default(), 0);
        for (after, device, act) in script {
            now += after;
            b.at(now);
            plain.pass(now);
            let before = plain.since.get(&device).copied();
            match act {
                // Blue is below the level that counts.
                0 if b.is_open(DEVICES[device]) => {
                    b.end(DEVICES[device]);
                    plain.since.remove(&device);
                }
                0 => continue,
                1 => {
                    b.fire(DEVICES[device], Level::Blue);
                    plain.since.remove(&device);
                }
                level => {
                    b.fire(DEVICES[device], Level::ALL[level - 1]);
                    plain.since.entry(device).or_insert(now);
                }
            }
            plain.look(now, before.is_none());
            prop_assert_eq!(b.w.machine.open_alerts().count() == 1, plain.firing, "at {}", now);
        }
    }

    // Around a radius: at any time there are enough around every open centre, or too few for less than the time they are
    // given, and nobody else has enough around; and a restart changes nothing.
    #[test]
    fn surroundings_are_what_measuring_says(
        places in proptest::collection::vec((0..14_i32, 0..14_i32), 12),
        script in proptest::collection::vec((0..90_000_i64, 0..12_usize, any::<bool>()), 1..80),
        restarts in any::<bool>(),
    ) {
        let names: Vec<String> = (0..12).map(|i| format!("11010500{}-{i:02}", i % 4 + 1)).collect();
        // On a grid of 130 m, so that nobody stands at just 500 m of another.
        let metres = |i: usize| (f64::from(places[i].0) * 130.0, f64::from(places[i].1) * 130.0);
        let devices: Vec<(&str, f64, f64)> = (0..12).map(|i| (&*names[i], metres(i).0, metres(i).1)).collect();
        let near = |a: usize, b: usize| (metres(a).0 - metres(b).0).hypot(metres(a).1 - metres(b).1) <= 500.0;
        let rules = flood().replace("of = \"district\"", "radius = 500");
        let mut b = Block::placed(&rules, &devices);
        let (mut since, mut now): (BTreeMap<usize, i64>, i64) = (BTreeMap::new(), 0);
        // Since when an open centre has too few.
        let mut lost: BTreeMap<usize, i64> = BTreeMap::new();
        for (after, device, ends) in script {
            now += after;
            b.at(now);
            if restarts {
                b.w.restart();
            }
            if ends && since.remove(&device).is_some() {
                b.end(&names[device]);
            } else if !ends {
                since.entry(device).or_insert(now);
                b.fire(&names[device], Level::Yellow);
            }
            let centres: Vec<usize> = b
                .w
                .machine
                .open_alerts()
                .map(|t| names.iter().position(|n| *n == t.subject.id()).expect("a centre is a device"))
                .collect();
            lost.retain(|centre, _| centres.contains(centre));
            for centre in &centres {
                let around = since.keys().filter(|d| near(*centre, **d)).count();
                if around < 3 {
                    let from = *lost.entry(*centre).or_insert(now);
                    prop_assert!(now < from + s(120), "{} ends", centre);
                } else {
                    lost.remove(centre);
                }
            }
            for one in since.keys().filter(|one| !centres.iter().any(|c| near(*c, **one))) {
                let mut times: Vec<i64> = since.iter().filter(|(d, _)| near(*one, **d)).map(|(_, at)| *at).collect();
                times.sort_unstable();
                let enough = times.windows(3).any(|w| w[2] - w[0] <= s(600) && w.contains(&since[one]));
                prop_assert!(!enough, "{} is in the middle of enough", one);
            }
        }
    }

    // The batch is a matter of speed: the same in one input or in many leaves the same open.
    #[test]
    fn batches_change_nothing(script in proptest::collection::vec((0..6_usize, 0..4_usize, any::<bool>()), 1..60)) {
        let (mut single, mut whole) = (Block::new(&flood()), Block::new(&flood()));
        let mut told = Vec::new();
        for (device, level, ends) in script {
            if !ends {
                told.push(single.fires(DEVICES[device], Level::ALL[level]));
            } else if single.is_open(DEVICES[device]) {
                told.push(single.ends(DEVICES[device]));
            }
        }
        for one in &told {
            single.tell(vec![one.clone()]);
        }
        whole.tell(told);
        single.at(s(5));
        whole.at(s(5));
        prop_assert_eq!(lines(&single), lines(&whole));
        prop_assert_eq!(single.grouped(), whole.grouped());
    }
}
