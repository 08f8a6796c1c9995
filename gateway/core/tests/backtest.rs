//! Rules on recorded data: the same facts as stepped by hand, the same figures as counted by hand.

mod engine_world;
#[path = "backtest/figures.rs"]
mod figures;

use std::sync::Arc;

use engine_world::{World, ZERO, absent, catalogue, depth, ladder, reading, s, source, transitions};
use maibo_core::backtest::{Backtest, BacktestError, Episode, Outcome};
use maibo_core::fact::{Reason, State, Transition};
use maibo_core::id::{DeviceId, PartitionId, Subject};
use maibo_core::input::Input;
use maibo_core::place::Level;
use maibo_core::reading::Quality;
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use maibo_core::time::{Millis, Timestamp};

/// A backtest of these rules on devices that report every 10 s.
fn backtest(rules: &str, devices: &[&str]) -> Backtest {
    let set = RuleSet::compile(&[("test.toml", rules)]).unwrap_or_else(|p| panic!("{p:?}"));
    let devices: Vec<(&str, &str)> = devices.iter().map(|d| (*d, "10s")).collect();
    let catalogue = Catalogue::parse(&catalogue(&devices)).unwrap_or_else(|p| panic!("{p:?}"));
    Backtest::new(&Arc::new(set), &Arc::new(catalogue))
}

fn value(device: &str, at: i64, value: f64) -> (Timestamp, Input) {
    (Timestamp(ZERO + at), Input::Reading(reading(device, "water_depth", at, at, value)))
}

fn run(mut test: Backtest, inputs: impl IntoIterator<Item = (Timestamp, Input)>) -> Outcome {
    for (now, input) in inputs {
        test.take(now, input).unwrap_or_else(|e| panic!("take: {e}"));
    }
    test.finish().unwrap_or_else(|e| panic!("finish: {e}"))
}

/// Values of `d` every ten seconds.
fn outcome(rules: &str, values: &[f64]) -> Outcome {
    run(backtest(rules, &["d"]), values.iter().enumerate().map(|(n, v)| value("d", s(10) * n as i64, *v)))
}

/// An episode in one line.
fn line(e: &Episode) -> String {
    let end = e.ended_at.map_or("open".to_owned(), |t| (t.0 - ZERO).to_string());
    let opened = e.opened_at.0 - ZERO;
    format!("{} {} {opened}–{end} {} x{}", e.rule, e.subject.id(), e.peak.as_str(), e.transitions)
}

fn lines(outcome: &Outcome) -> Vec<String> {
    outcome.episodes.iter().map(line).collect()
}

/// A walk of three devices, with silences, the same every time: device, time, value.
fn walk() -> Vec<(&'static str, i64, f64)> {
    let (mut state, mut now) = (7_u64, 0);
    let mut depth = [0.0_f64; 3];
    let mut all = Vec::new();
    for _ in 0..900 {
        let mut next = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        // Often several at the same time, now and then a long silence.
        now += [0, 1_000, 4_000, 7_500, 90_000][(next(29) as usize) / 7];
        let n = next(3) as usize;
        depth[n] = (depth[n] + next(17) as f64 - 8.0).clamp(0.0, 50.0);
        all.push((["d", "e", "f"][n], now, depth[n]));
    }
    all
}

// P3: a backtest is the same machines on the same inputs. What it gives is what each device's machine tells when it is
// stepped by hand, reading by reading, with a tick at every deadline.
#[test]
fn a_backtest_equals_the_scenario_stepped_by_hand() {
    let rules = depth("for = \"8s\"\nkeep_firing_for = \"20s\"") + &absent();
    let walk = walk();
    let end = walk.last().map_or(0, |(_, at, _)| *at);
    let mut expected = Vec::new();
    for device in ["d", "e", "f"] {
        let id = PartitionId::of(&DeviceId::new(device).expect("id"));
        let mut world = World::with(id, &rules, &catalogue(&[(device, "10s")]));
        device.clone_into(&mut world.device);
        let mine: Vec<_> = walk.iter().filter(|(d, _, _)| *d == device).collect();
        for same in mine.chunk_by(|a, b| a.1 == b.1) {
            world.run(same[0].1);
            world.batch(same.iter().map(|(d, at, v)| value(d, *at, *v).1).collect());
        }
        world.run(end + s(1_000));
        // What nobody reports because the data end is neither silence nor staleness.
        let brought_about =
            |t: &&Transition| t.at.0 > ZERO + end && matches!(t.reason, Reason::Absent | Reason::DataStale);
        let told: Vec<_> = transitions(&world.facts)
            .into_iter()
            .filter(|t| !brought_about(t) && t.reason != Reason::Unacknowledged)
            .collect();
        for first in told.iter().filter(|t| t.version == 1) {
            let of: Vec<_> = told.iter().filter(|t| t.episode == first.episode).collect();
            let last = of[of.len() - 1];
            let ended = (last.state == State::Resolved).then_some(last.at);
            let (id, opened, peak) = (first.episode, first.at, last.peak);
            expected.push(format!("{} {id} {opened} {ended:?} {peak:?} x{}", first.rule, of.len()));
        }
    }
    let outcome = run(backtest(&rules, &["d", "e", "f"]), walk.iter().map(|(device, at, v)| value(device, *at, *v)));
    let line = |e: &Episode| {
        let ended = e.ended_at;
        format!("{} {} {} {ended:?} {:?} x{}", e.rule, e.id, e.opened_at, e.peak, e.transitions)
    };
    let mut found: Vec<String> = outcome.episodes.iter().map(line).collect();
    found.sort();
    expected.sort();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    let of_depth = found.iter().filter(|l| l.starts_with("depth")).count();
    assert!(of_depth > 20 && found.len() > of_depth + 20, "{of_depth} of {}", found.len());
    let counts = outcome.counts;
    assert_eq!((outcome.inputs, counts.judged + counts.duplicate + counts.conflict), (900, 900));
}

// The end of the data completes what needs no data, and invents nothing: a `for` that only waits is over, an alert stays
// open, and a device is not silent because the recording stops.
#[test]
fn the_end_of_the_data() {
    let rules = depth("for = \"25s\"\nkeep_firing_for = \"15s\"") + &absent();
    // Long above, back, and 15 s later it is over, after the last value.
    let over = outcome(&rules, &[12.0, 12.0, 12.0, 12.0, 1.0]);
    assert_eq!(lines(&over), ["depth d 25000–55000 blue x2"]);
    assert_eq!(over.cut_off, 1, "the silence after it");
    // Opens after the last value, and is not closed by what does not come.
    let open = outcome(&rules, &[1.0, 12.0, 12.0]);
    assert_eq!(lines(&open), ["depth d 35000–open blue x1"]);
    assert_eq!((open.begin, open.end), (Some(Timestamp(ZERO)), Some(Timestamp(ZERO + s(20)))));
    // A silence within the data is one: the other device goes on.
    let others = (0..10).map(|n| value("e", s(10) * n, 1.0));
    let silent = run(backtest(&rules, &["d", "e"]), std::iter::once(value("d", 0, 1.0)).chain(others));
    assert_eq!(lines(&silent), ["silent d 30000–open yellow x1"]);
    // A recording that went on listening heard the silence.
    let mut listened = backtest(&rules, &["d"]);
    let (now, input) = value("d", 0, 1.0);
    listened.take(now, input).expect("taken");
    listened.until(Timestamp(ZERO + s(31))).expect("later");
    let listened = listened.finish().expect("finishes");
    assert_eq!(
        (lines(&listened), listened.end),
        (vec!["silent d 30000–open yellow x1".to_owned()], Some(Timestamp(ZERO + s(31))))
    );
    assert_eq!(run(backtest(&rules, &["d"]), []).begin, None);
}

// What was recorded as deafness is deafness: no device is accused, and a timer does not complete in it. A gap that
// nobody spoke of is a gap.
#[test]
fn recorded_deafness_is_taken_a_gap_is_none() {
    let rules = absent();
    let deaf = |from, at| {
        let from = Timestamp(ZERO + from);
        [
            (Timestamp(ZERO + at), Input::Deaf { source: Some(source("s")), from }),
            (Timestamp(ZERO + at), Input::Listening { source: source("s") }),
        ]
    };
    let (before, after) = ([value("d", 0, 1.0)], [value("d", s(300), 1.0)]);
    let heard =
        |between: Vec<_>| run(backtest(&rules, &["d"]), before.iter().cloned().chain(between).chain(after.clone()));
    assert_eq!(lines(&heard(Vec::new())), ["silent d 30000–300000 yellow x2"]);
    assert_eq!(lines(&heard(deaf(s(5), s(290)).to_vec())), ["maibo-source s 290000–290000 orange x2"]);
    // A clock that was set forwards makes no time pass either.
    let step = (Timestamp(ZERO + s(290)), Input::ClockStep { by: Millis(s(285)) });
    assert_eq!(lines(&heard(vec![step])), [""; 0]);
}

// The furthest value lies where the rule looks, counts while the episode is open, and is never one that was not judged.
#[test]
fn the_furthest_value() {
    let above = outcome(&depth("for = \"0s\"\nkeep_firing_for = \"30s\""), &[11.0, 14.5, 12.0, 1.0, 2.0, 1.0, 1.0]);
    assert_eq!(above.episodes[0].furthest, Some(14.5));
    let low =
        ladder("low", "when = { quantity = \"water_depth\" }\nlevels = { blue = 20, red = 5 }\ndirection = \"below\"");
    let below = outcome(&low, &[30.0, 15.0, 12.0, 18.0, 30.0]);
    assert_eq!((below.episodes[0].furthest, below.episodes[0].peak), (Some(12.0), Level::Blue));
    let band =
        ladder("band", "when = { quantity = \"water_depth\" }\nlevels = { blue = [20, 30] }\ndirection = \"outside\"");
    assert_eq!(outcome(&band, &[25.0, 32.0, 17.0, 31.0, 25.0]).episodes[0].furthest, Some(17.0));
    let mut doubted = reading("d", "water_depth", s(20), s(20), 900.0);
    doubted.quality = Quality::Range;
    let late = reading("d", "water_depth", s(5), s(20), 49.0);
    let inputs = [value("d", 0, 11.0), value("d", s(10), 12.0)]
        .into_iter()
        .chain([doubted, late].map(|r| (Timestamp(ZERO + s(20)), Input::Reading(r))));
    let outcome = run(backtest(&depth(""), &["d"]), inputs);
    assert_eq!(outcome.episodes[0].furthest, Some(12.0));
    assert_eq!((outcome.counts.incomparable, outcome.counts.late, outcome.counts.late_exceeding), (1, 1, 1));
}

// Data out of order end it with an error that names both times; commands and activations of the recorded run are passed
// over; devices that nobody knows are counted.
#[test]
fn what_is_not_taken() {
    let mut test = backtest(&depth(""), &["d"]);
    test.take(Timestamp(ZERO), Input::Rules { version: maibo_core::id::Version(1), by: None }).expect("passed over");
    let (now, input) = value("d", s(10), 1.0);
    test.take(now, input).expect("taken");
    let (stranger_at, stranger) = value("stranger", s(10), 99.0);
    test.take(stranger_at, stranger).expect("taken");
    let (earlier, input) = value("d", s(9), 1.0);
    let error = test.take(earlier, input).expect_err("out of order");
    assert_eq!(error, BacktestError::Order { last: now, now: earlier });
    let outcome = test.finish().expect("finishes");
    assert_eq!((outcome.inputs, outcome.counts.judged, outcome.counts.unregistered), (2, 1, 1));
    assert!(outcome.episodes.is_empty());
}

// An episode is told from its first to its last change, and says of which device.
#[test]
fn levels_of_an_episode() {
    let outcome = outcome(&depth(""), &[1.0, 12.0, 25.0, 45.0, 25.0, 1.0]);
    let [episode] = &outcome.episodes[..] else { panic!("{:?}", outcome.episodes) };
    assert_eq!((episode.first, episode.peak, episode.raised, episode.transitions), (Level::Blue, Level::Red, 2, 5));
    assert_eq!((episode.reason, episode.furthest), (Reason::Recovered, Some(45.0)));
    assert_eq!(episode.subject, Subject::Device(DeviceId::new("d").expect("id")));
}
