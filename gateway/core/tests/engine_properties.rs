//! What must hold for any inputs: restarts, batching and ticking change nothing, and memory stays bounded.

mod engine_world;

use std::collections::BTreeMap;

use engine_world::cases::cases;
use engine_world::model::missed;
use engine_world::{World, ZERO, absent, catalogue, depth, ladder, reading, s, source};
use maibo_core::fact::{Body, Fact, Reason, State};
use maibo_core::id::{Actor, DeviceId, EpisodeId, PartitionId};
use maibo_core::input::{Act, Batch, Command, Input, Stage};
use maibo_core::reading::{Liveness, Reading, Text};
use maibo_core::time::{Millis, Timestamp};
use proptest::prelude::*;

const DEVICES: [&str; 3] = ["a", "b", "c"];

/// One random thing, at most `after` milliseconds behind the one before.
#[derive(Clone, Debug)]
enum Deed {
    Value { device: usize, quantity: usize, age: i64, value: f64 },
    Untimed { device: usize, value: f64 },
    Alive { device: usize },
    Report { device: usize, identity: usize, code: usize, age: i64, end: Option<i64>, cancelled: bool },
    Tick,
    Deaf { back: i64, named: bool },
    Listening,
    ClockStep { by: i64 },
    Rules { which: usize },
    Catalogue { which: usize },
    Order { who: usize, seen: u32, nth: usize, act: Act },
}

#[derive(Clone, Debug)]
struct Event {
    after: i64,
    act: Deed,
}

fn act() -> impl Strategy<Value = Deed> {
    let value = prop_oneof![8 => (0..60_i32).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(-3.0)];
    let age = prop_oneof![6 => Just(0_i64), 3 => 0..120_000_i64, 1 => -60_000..700_000_000_i64];
    let one = (0..3_usize, 0..2_usize, age, value);
    prop_oneof![
        20 => one.prop_map(|(device, quantity, age, value)| Deed::Value { device, quantity, age, value }),
        3 => (0..3_usize, 0..60_i32).prop_map(|(device, v)| Deed::Untimed { device, value: f64::from(v) }),
        2 => (0..3_usize).prop_map(|device| Deed::Alive { device }),
        8 => report(),
        3 => Just(Deed::Tick),
        1 => (0..90_000_i64, any::<bool>()).prop_map(|(back, named)| Deed::Deaf { back, named }),
        2 => Just(Deed::Listening),
        1 => (-100_000..100_000_i64).prop_map(|by| Deed::ClockStep { by }),
        1 => (0..3_usize).prop_map(|which| Deed::Rules { which }),
        1 => (0..3_usize).prop_map(|which| Deed::Catalogue { which }),
        4 => (0..2_usize, 0..6_u32, 0..3_usize, order())
            .prop_map(|(who, seen, nth, act)| Deed::Order { who, seen, nth, act }),
    ]
}

/// What an operator does; the end of a silence is counted from the present.
fn order() -> impl Strategy<Value = Act> {
    let note = || prop_oneof![4 => Just(Text::from("why")), 1 => Just(Text::default())];
    let ahead = prop_oneof![6 => 1..600_000_i64, 1 => Just(0_i64), 1 => 600_000_000..610_000_000_i64];
    let stage = prop_oneof![Just(Stage::Responding), Just(Stage::FedBack)];
    prop_oneof![
        2 => note().prop_map(|note| Act::Acknowledge { note }),
        1 => note().prop_map(|note| Act::Assign { to: Text::from("crew 3"), note }),
        1 => note().prop_map(|note| Act::Comment { note }),
        3 => (ahead, note()).prop_map(|(ahead, note)| Act::Silence { until: Timestamp(ahead), note }),
        1 => Just(Act::Unsilence),
        3 => (note(), any::<bool>()).prop_map(|(note, forced)| Act::Close { note, forced }),
        1 => (stage, note()).prop_map(|(stage, note)| Act::Feedback { stage, note }),
        2 => (0..18_usize).prop_map(|to| missed("pumps", to)),
    ]
}

/// A report of one of few events, mostly new and mostly without an end of its own.
fn report() -> impl Strategy<Value = Deed> {
    let age = prop_oneof![6 => Just(0_i64), 3 => 0..120_000_i64, 1 => -60_000..700_000_000_i64];
    let end = prop_oneof![3 => Just(None), 2 => (-20_000..200_000_i64).prop_map(Some), 1 => Just(Some(-ZERO))];
    let cancelled = proptest::bool::weighted(0.2);
    let one = (0..3_usize, 0..3_usize, 0..4_usize, age, end, cancelled);
    one.prop_map(|(device, identity, code, age, end, cancelled)| Deed::Report {
        device,
        identity,
        code,
        age,
        end,
        cancelled,
    })
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let after = prop_oneof![3 => Just(0_i64), 6 => 0..15_000_i64, 1 => 0..200_000_i64];
    let event = (after, act()).prop_map(|(after, act)| Event { after, act });
    proptest::collection::vec(event, 1..120)
}

fn rules(which: usize) -> String {
    let cold = "when = { quantity = \"temperature\" }\nlevels = { yellow = 20, red = 10 }\ndirection = \"below\"\nfor = \"7s\"\nkeep_firing_for = \"20s\"";
    match which {
        0 => {
            let road = "when = { kind = \"k\" }\nevent = { codes = { \"a.1\" = \"red\", \"a*\" = \"blue\", \"b\" = \"orange\" }, expires_after = \"40s\" }";
            depth("for = \"12s\"\nkeep_firing_for = \"25s\"")
                + &ladder("cold", cold)
                + &absent()
                + &ladder("road", road)
                + &windows()
                + &periods()
                + &expressions("temperature - water_depth")
        }
        1 => {
            let per_level = "for = { blue = \"50s\", yellow = \"20s\", orange = \"5s\", red = \"0s\" }\nmin_samples = 1\nstale_after = \"45s\"";
            let road =
                "when = {}\nevent = { codes = { \"a.2\" = \"yellow\", \"b\" = \"blue\" }, expires_after = \"25s\" }";
            depth(per_level).replace("orange = 30", "orange = 35")
                + &absent()
                + &ladder("road", road)
                + &windows().replace("60", "90")
                + &expressions("temperature > water_depth ? temperature : 40 / water_depth")
        }
        _ => ladder("depth", "when = { quantity = \"temperature\" }\nlevels = { orange = 30 }\ndirection = \"above\""),
    }
}

/// Rules with windows, several terms, a run.
fn windows() -> String {
    let any = "when = { quantity = \"temperature\" }\ndirection = \"above\"\nfor = \"3s\"\nkeep_firing_for = \"5s\"\nany = [\n\
               { signal = \"sum\", window = \"30s\", levels = { blue = 60, red = 150 } },\n\
               { signal = \"mean\", window = \"50s\", levels = { yellow = 30 }, deadband = 3 },\n\
               { signal = \"stuck\", tolerance = 2, levels = { orange = 40 } } ]";
    let share = "when = { quantity = \"water_depth\" }\ndirection = \"below\"\nsignal = \"percentile\"\npercentile = 75\nwindow = \"40s\"\n\
                 levels = { blue = 12, yellow = 6 }\ndecimals = 0";
    let usual = "when = { quantity = \"temperature\" }\ndirection = \"outside\"\nsignal = \"baseline\"\nweeks = 1\nfloor = 2\n\
                 levels = { blue = [-4, 4], orange = [-9, 9] }\nfor = \"2s\"";
    ladder("any", any) + &ladder("share", share) + &ladder("usual", usual)
}

/// Rules on what two series give together, one with a window of the one and one on a window of the result.
fn expressions(of: &str) -> String {
    let both = format!(
        "when = {{ expression = \"{of}\", over = [\"temperature\", \"water_depth\"] }}\ndirection = \"above\"\n\
         levels = {{ blue = 10, orange = 25 }}\nfor = \"6s\"\nkeep_firing_for = \"9s\""
    );
    let wide = "when = { kind = \"k\", expression = \"now > 1.5 * before\", within = \"90s\", over = { now = \"water_depth\", \
                before = { quantity = \"temperature\", signal = \"mean\", window = \"20s\" } } }\ndirection = \"above\"\n\
                any = [ { levels = { yellow = 1 } }, { signal = \"mean\", window = \"30s\", levels = { red = 0.5 } } ]";
    ladder("both", &both) + &ladder("wide", wide)
}

/// A rule whose limits change within the minutes that a case takes, and which sleeps in between.
fn periods() -> String {
    let edges = "when = { quantity = \"water_depth\" }\ndirection = \"above\"\nlevels = { yellow = 25, red = 50 }\nfor = \"4s\"\n\
                 stale_after = \"90s\"\n[[rule.during]]\nname = \"one\"\nhours = \"16:00-16:02\"\n\
                 [[rule.during]]\nname = \"two\"\nhours = \"16:02-16:05\"\nlevels = { yellow = 15, orange = 30 }\n\
                 [[rule.during]]\nname = \"three\"\nhours = \"16:06-16:09\"\n";
    ladder("edges", edges)
}

fn catalogues(which: usize) -> String {
    match which {
        0 => catalogue(&[("a", "10s"), ("b", "60s"), ("c", "")]),
        1 => catalogue(&[("a", "5s"), ("b", "60s")]),
        _ => catalogue(&[("a", "10s"), ("b", "60s"), ("c", "")]).replace("b,k,", "b,other,"),
    }
}

/// A world with all versions known, the first ones in force.
fn world() -> World {
    let mut w = World::with(PartitionId(3), &rules(0), &catalogues(0));
    for which in 0..3 {
        w.know(&rules(which));
        w.know_catalogue(&catalogues(which));
    }
    w
}

/// The input of one event at `now`; `alerts` are the episodes known so far.
fn input(act: &Deed, now: i64, alerts: &[EpisodeId]) -> Option<Input> {
    let device = |i: usize| DeviceId::new(DEVICES[i]).expect("id");
    Some(match act {
        Deed::Value { device, quantity, age, value } => {
            let quantity = ["water_depth", "temperature"][*quantity];
            Input::Reading(reading(DEVICES[*device], quantity, now - age, now, *value))
        }
        Deed::Untimed { device, value } => {
            let timed = reading(DEVICES[*device], "water_depth", now, now, *value);
            Input::Reading(Reading { timed: false, ..timed })
        }
        Deed::Report { device: i, identity, code, age, end, cancelled } => Input::Event(maibo_core::reading::Event {
            device: device(*i),
            code: Text::from(["a.1", "a.2", "b", "c"][*code]),
            identity: Text::from(["1", "2", "3"][*identity]),
            at: Timestamp(ZERO + now - age),
            received: Timestamp(ZERO + now),
            expires: end.map(|end| Timestamp(ZERO + now + end)),
            cancelled: *cancelled,
            position: None,
            text: Text::default(),
            ahead: None,
        }),
        Deed::Alive { device: i } => {
            Input::Liveness(Liveness { device: device(*i), received: Timestamp(ZERO + now), alive: true })
        }
        Deed::Tick => return None,
        Deed::Deaf { back, named } => {
            Input::Deaf { source: named.then(|| source("s")), from: Timestamp(ZERO + now - back) }
        }
        Deed::Listening => Input::Listening { source: source("s") },
        Deed::ClockStep { by } => Input::ClockStep { by: Millis(*by) },
        Deed::Rules { which } => {
            let packs = rules(*which);
            let version = maibo_core::rule::RuleSet::compile(&[("test.toml", &packs)]).expect("good").version;
            Input::Rules { version, by: None }
        }
        Deed::Catalogue { which } => {
            let version = maibo_core::registry::Catalogue::parse(&catalogues(*which)).expect("good").version;
            Input::Catalogue { version }
        }
        Deed::Order { who, seen, nth, act } => Input::Command(Command {
            actor: Actor::new(["li", "wang"][*who]).expect("actor"),
            episode: *alerts.get(alerts.len().checked_sub(nth + 1)?)?,
            seen: *seen,
            act: match act.clone() {
                Act::Silence { until, note } => Act::Silence { until: Timestamp(ZERO + now + until.0), note },
                act => act,
            },
        }),
    })
}

fn episodes(facts: &[Fact]) -> Vec<EpisodeId> {
    engine_world::transitions(facts).iter().filter(|t| t.version == 1).map(|t| t.episode).collect()
}

/// What was decided about each rule and subject, in order, whatever batch it came in.
fn decisions(facts: &[Fact]) -> BTreeMap<String, Vec<(Timestamp, Body)>> {
    let mut by_subject: BTreeMap<String, Vec<(Timestamp, Body)>> = BTreeMap::new();
    for fact in facts {
        let key = match &fact.body {
            Body::Transition(t) => format!("{} {}", t.rule, t.subject.id()),
            _ => String::new(),
        };
        by_subject.entry(key).or_default().push((fact.at, fact.body.clone()));
    }
    by_subject
}

/// Versions within an episode are 1, 2, 3 … and its times never go back, but for the word that data went stale: values
/// measured before that can still come. What is resolved is over and out of the state.
fn check_episodes(w: &World) {
    let (mut last, mut latest) = (BTreeMap::new(), BTreeMap::new());
    for t in w.transitions() {
        let before = last.insert(t.episode, t);
        assert_eq!(t.version, before.map_or(1, |b| b.version + 1));
        assert!(before.is_none_or(|b| b.state == State::Firing && b.started_at == t.started_at));
        let latest = latest.entry(t.episode).or_insert(t.at);
        if t.reason.is_handling() {
            assert_eq!(before.map(|b| b.at), Some(t.at), "what people do moves no time");
        } else {
            assert!(*latest <= t.at);
            *latest = if t.reason == Reason::DataStale { *latest } else { t.at };
        }
        assert_eq!(t.peak, before.map_or(t.level, |b| b.peak.max(t.level)));
        assert_eq!(t.resolved_at.is_some(), t.state == State::Resolved);
        let risen = before.is_some_and(|b| t.level > b.level);
        assert!(t.silenced().is_none() || (t.state == State::Firing && !risen), "an end or a rise ends a silence");
    }
    let open: Vec<EpisodeId> = last.values().filter(|t| t.state == State::Firing).map(|t| t.episode).collect();
    assert_eq!(w.machine.open_alerts().map(|t| t.episode).collect::<Vec<_>>(), open);
    assert!(open.len() <= DEVICES.len() * (7 + 3), "at most one alert a rule and device, or event of it");
}

proptest! {
    #![proptest_config(cases(100))]

    // P3: a restart from a snapshot at any step changes nothing; nothing panics, and the state stays bounded.
    #[test]
    fn restarts_change_nothing(events in events()) {
        let (mut straight, mut restarted) = (world(), world());
        let mut now = 0;
        for event in &events {
            now += event.after;
            let alerts = episodes(&straight.facts);
            let inputs: Vec<Input> = input(&event.act, now, &alerts).into_iter().collect();
            straight.at(now).batch(inputs.clone());
            restarted.restart().at(now).batch(inputs);
            prop_assert_eq!(&straight.out, &restarted.out);
            prop_assert_eq!(straight.machine.next_deadline(), restarted.machine.next_deadline());
            let due = straight.machine.next_deadline().map(|d| d.at.0 - ZERO);
            prop_assert!(due.is_none_or(|d| d > now) || matches!(event.act, Deed::Deaf { .. }), "{:?} at {}", due, now);
        }
        check_episodes(&straight);
        prop_assert!(straight.machine.snapshot().len() < 20_000, "{} bytes", straight.machine.snapshot().len());
    }

    // The batch is a matter of speed: the same inputs at the same times in other batches, with or without ticks between,
    // give the same facts.
    #[test]
    fn batches_and_ticks_change_nothing(events in events(), ticks in any::<bool>()) {
        let (mut single, mut grouped) = (world(), world());
        let mut now = 0;
        let mut group: Vec<Input> = Vec::new();
        for event in &events {
            if event.after > 0 && !group.is_empty() {
                grouped.at(now).batch(std::mem::take(&mut group));
            }
            now += event.after;
            let act = match &event.act {
                // What lies between the deafness and the news of it depends on when the machine was last called.
                Deed::Deaf { named, .. } => Deed::Deaf { back: 0, named: *named },
                Deed::ClockStep { .. } => Deed::Tick,
                act => act.clone(),
            };
            let Some(input) = input(&act, now, &episodes(&single.facts)) else { continue };
            if ticks {
                single.run(now);
            }
            single.at(now).batch(vec![input.clone()]);
            group.push(input);
        }
        grouped.at(now).batch(group);
        single.at(now + s(10_000)).tick();
        grouped.at(now + s(10_000)).tick();
        prop_assert_eq!(decisions(&single.facts), decisions(&grouped.facts));
        prop_assert_eq!(single.machine.devices().collect::<Vec<_>>(), grouped.machine.devices().collect::<Vec<_>>());
        check_episodes(&grouped);
    }

    // With no timers and no deadband the episodes of a series are the runs of values at or above the lowest limit, gaps or
    // not, and their levels are those of the values.
    #[test]
    fn without_timers_episodes_are_runs(
        values in proptest::collection::vec((1..100_000_i64, 0..60_i32), 1..80),
    ) {
        let mut w = World::new(&depth("").replace("deadband = 2", "deadband = 0"));
        let (mut now, mut want, mut open) = (0, Vec::new(), None);
        for (after, value) in values {
            now += after;
            w.run(now).value(f64::from(value));
            let level = [40, 30, 20, 10].iter().position(|limit| value >= *limit);
            match (open, level) {
                (None, Some(_)) => want.push((now, None)),
                (Some(_), None) => want.last_mut().expect("open").1 = Some(now),
                _ => {}
            }
            open = level;
            let shown = w.machine.open_alerts().next().map(|t| 3 - t.level as usize);
            prop_assert_eq!(shown, level);
        }
        let mut found: BTreeMap<i64, Option<i64>> = BTreeMap::new();
        for t in w.transitions() {
            found.insert(t.started_at.0 - ZERO, t.resolved_at.map(|at| at.0 - ZERO));
        }
        prop_assert_eq!(found.into_iter().collect::<Vec<_>>(), want);
        check_episodes(&w);
    }

    // A snapshot that was cut or changed is refused or read, never a panic.
    #[test]
    fn damaged_snapshots_do_not_panic(events in events(), at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut w = world();
        let mut now = 0;
        for event in &events {
            now += event.after;
            let inputs: Vec<Input> = input(&event.act, now, &episodes(&w.facts)).into_iter().collect();
            w.at(now).batch(inputs);
        }
        let mut bytes = w.machine.snapshot();
        let i = at.index(bytes.len());
        let cut = bytes[..i].to_vec();
        prop_assert!(maibo_core::engine::Machine::restore(PartitionId(3), &cut, &w.versions).is_err());
        bytes[i] ^= flip;
        if let Ok(mut machine) = maibo_core::engine::Machine::restore(PartitionId(3), &bytes, &w.versions) {
            // Far enough for everything to be due; at the end of time every edge of a calendar would be passed on the way.
            let last = machine.now().unwrap_or_default();
            let batch = Batch { now: last + Millis::from_secs(40 * 86_400), inputs: Vec::new() };
            let position = maibo_core::id::Position(u64::MAX);
            let _ = machine.step(position, &batch, &w.versions, &mut maibo_core::engine::Output::default());
        }
    }
}
