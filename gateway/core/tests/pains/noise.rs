//! Duplicates, flapping, noise.

use maibo_core::id::{PartitionId, PlaceCode};
use maibo_core::input::Input;
use maibo_core::place::Level;
use maibo_core::rule::{RuleSet, Signal};

use crate::changes;
use crate::engine_world::{World, ZERO, depth, ladder, line, reading, s};
use crate::wire::Wire;

// Pain 21, thingsboard/thingsboard#15583, #2986: two messages a millisecond apart, or the same twice, are one alert, and
// one value ends it; so it is with two reports of one event.
#[test]
fn two_messages_a_millisecond_apart_are_one_alert() {
    let of = |at, value| Input::Reading(reading("d", "water_depth", at, s(1), value));
    for batches in
        [vec![vec![of(998, 25.0), of(999, 25.0), of(999, 25.0)]], vec![vec![of(998, 25.0)], vec![of(999, 25.0)]]]
    {
        let mut w = World::new(&depth(""));
        w.at(s(1));
        for batch in batches {
            w.batch(batch);
        }
        w.expect(&["998 v1 firing yellow threshold"]);
        w.at(s(2)).value(0.0).expect(&["2000 v2 resolved yellow recovered"]);
        assert_eq!(w.machine.open_alerts().count(), 0);
    }
    let mut w = World::new(&ladder("road", "when = { kind = \"k\" }\nevent = { codes = { \"smoke\" = \"red\" } }"));
    let mut wire = Wire::new();
    let one = |at: i64| format!("{{\"t\":{},\"code\":\"smoke\",\"id\":1}}", ZERO + at);
    wire.send(w.at(s(1)), "maibo/v1/d/event", format!("[{},{},{}]", one(998), one(999), one(999)));
    w.expect(&["998 v1 firing red event"]);
    assert_eq!(w.machine.open_alerts().count(), 1);
}

// Pain 22, prometheus/alertmanager#952, prometheus/prometheus#5277: an open alert needs nobody to send it again: it stays
// without a value for as long as one may be late, and a copy that comes late ends and opens nothing.
#[test]
fn an_open_alert_needs_no_resending() {
    let mut w = World::every("10m", &depth(""));
    w.at(0).value(25.0).run(s(1799)).expect(&["0 v1 firing yellow threshold"]);
    w.value_at(0, 25.0).expect(&[]);
    assert_eq!(w.out.counts.duplicate, 1);
    w.run(s(9000)).value(25.0);
    let told =
        ["0 firing yellow threshold", "1800000 firing yellow data_stale stale", "9000000 firing yellow data_fresh"];
    assert_eq!(changes(&w), told);
    assert_eq!((w.last().episode, w.last().started_at.0), (w.transitions()[0].episode, ZERO), "still the first");
}

// Pain 23, prometheus/alertmanager#1063: each time is its own alert, with an id and a first version of its own, so that
// no receiver can take the second for the first. What is owed to receivers: `facts_are_enqueued_exactly_once` and
// `order_is_kept_per_episode` in the store's outbox/tests.rs.
#[test]
fn each_recurrence_is_an_alert_of_its_own() {
    let mut w = World::new(&depth(""));
    w.values(s(10), &[25.0, 0.0, 25.0, 0.0, 25.0, 0.0, 25.0, 0.0]);
    let opened: Vec<_> = w.transitions().into_iter().filter(|t| t.version == 1).map(|t| t.episode).collect();
    let different: std::collections::BTreeSet<_> = opened.iter().copied().collect();
    assert_eq!((opened.len(), different.len(), w.transitions().len()), (4, 4, 8));
}

// Pain 24, prometheus/alertmanager#204: an alert that opens and ends again and again says so, and says when it is over.
// Other cases: tests/engine_semantics/flapping.rs. Receivers get the mark and every version: nothing is collapsed.
#[test]
fn an_alert_that_flaps_says_so() {
    let mut w = World::every("2h", &depth(""));
    for at in [0, 300, 600, 1600] {
        w.run(s(at)).value(12.0).run(s(at + 10)).value(0.0);
    }
    let opened: Vec<String> = w.transitions().into_iter().filter(|t| t.version == 1).map(line).collect();
    let want = [
        "0 v1 firing blue threshold",
        "300000 v1 firing blue threshold",
        "600000 v1 firing blue threshold flapping",
        "1600000 v1 firing blue threshold",
    ];
    assert_eq!(opened, want);
}

// Pain 25, jetlinks/jetlinks-community#8: a value that jitters about the limit is one alert, by the deadband alone and
// by the hold alone; and every shipped ladder on single values has a hold, and a deadband where the value is more than yes
// and no. (A window's value moves slowly, an index once an hour.)
#[test]
fn a_value_that_jitters_on_the_limit_is_one_alert() {
    let about = |n: usize| if n.is_multiple_of(2) { 10.1 } else { 9.9 };
    let jitter: Vec<f64> = (0..200).map(about).collect();
    for (more, end) in [("", "2000000 v2"), ("deadband = 0\nkeep_firing_for = \"15s\"", "2005000 v2")] {
        let rules = depth(more);
        let rules = if more.is_empty() { rules } else { rules.replacen("deadband = 2\n", "", 1) };
        let mut w = World::new(&rules);
        w.values(s(10), &jitter).values(s(10), &[0.0, 0.0, 0.0]);
        w.expect(&["0 v1 firing blue threshold", &format!("{end} resolved blue recovered")]);
    }
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
    let paths = std::fs::read_dir(dir).expect("the packs").map(|entry| entry.expect("an entry").path());
    let packs = paths.filter(|p| p.extension().is_some_and(|e| e == "toml"));
    let packs = packs.map(|p| (p.display().to_string(), std::fs::read_to_string(&p).expect("a pack")));
    let packs: Vec<(String, String)> = packs.collect();
    let packs: Vec<(&str, &str)> = packs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let set = RuleSet::compile(&packs).unwrap_or_else(|p| panic!("{p:?}"));
    let mut ladders = 0;
    for rule in &set.rules {
        let Some(ladder) = rule.threshold().filter(|l| !l.quantity.as_str().starts_with("aqi_")) else { continue };
        for term in ladder.periods.iter().flatten().filter(|t| t.signal == Signal::Last) {
            let binary = ["smoke", "power", "intrusion"].contains(&ladder.quantity.as_str());
            assert!(term.steps.iter().all(|s| s.keep.0 > 0), "{} has no hold", rule.id);
            assert!(binary || term.deadband > 0.0, "{} has no deadband", rule.id);
            ladders += 1;
        }
    }
    assert!(ladders > 10, "{ladders}");
}

// Pain 26, jetlinks/jetlinks-community#311: an alert is about the device whose value it was, at that device's place; the
// values of others, also of those nobody knows and of those the rule does not select, open nothing.
#[test]
fn an_alert_is_about_the_device_that_reported() {
    let devices = "id,kind,name,place,domain,interval\na,k,,110105001,traffic,10s\nb,k,,110105002,traffic,10s\n\
                   c,other,,110105003,traffic,10s\n";
    let mut w = World::with(PartitionId(0), &depth(""), devices);
    let of = |device: &str, value| Input::Reading(reading(device, "water_depth", s(1), s(1), value));
    w.at(s(1)).batch(vec![of("a", 0.0), of("stranger", 45.0), of("c", 45.0), of("b", 45.0), of("a", 1.0)]);
    let [t] = w.transitions()[..] else { panic!("{:?}", w.transitions()) };
    assert_eq!((&*t.subject.id(), t.place.as_ref().map(PlaceCode::as_str)), ("b", Some("110105002")));
    w.device = "a".to_owned();
    w.at(s(2)).value(0.0).run(s(3));
    assert_eq!(w.machine.open_alerts().count(), 1, "and another's calm ends nothing");
}

// Pain 27, thingsboard/thingsboard#11434, #5561: an acknowledgement hides nothing that comes behind it: a rise is told
// again, with the acknowledgement on record, and the next time is a new alert that nobody acknowledged.
#[test]
fn what_comes_behind_an_acknowledgement_is_told() {
    let mut w = World::new(&depth(""));
    w.at(0).value(25.0);
    let first = w.last().episode;
    assert!(w.at(s(1)).acknowledge("li", 1).result.is_ok());
    w.at(s(10)).value(45.0).at(s(20)).value(0.0).at(s(30)).value(25.0).expect(&[
        "0 v1 firing yellow threshold",
        "0 v2 firing yellow acknowledged acknowledged",
        "10000 v3 firing red raised acknowledged",
        "20000 v4 resolved red recovered acknowledged",
        "30000 v1 firing yellow threshold",
    ]);
    assert_ne!(w.last().episode, first);
}

// Pain 28, thingsboard/thingsboard#11803, #7227: one alert goes up and down the levels, any of several conditions may raise
// it, and an expression joins conditions on several quantities of a device by "and", "or" and "not".
#[test]
fn severity_goes_both_ways_and_any_of_several_conditions_raises_it() {
    let mut w = World::new(&depth(""));
    w.values(s(10), &[12.0, 45.0, 25.0, 35.0, 12.0, 0.0]).expect(&[
        "0 v1 firing blue threshold",
        "10000 v2 firing red raised",
        "20000 v3 firing yellow lowered",
        "30000 v4 firing orange raised",
        "40000 v5 firing blue lowered",
        "50000 v6 resolved blue recovered",
    ]);
    assert_eq!((w.last().peak, w.last().level), (Level::Red, Level::Blue));
    let mut w = World::new(&ladder(
        "any",
        "when = { quantity = \"water_depth\", kind = \"k\" }\ndirection = \"above\"\nany = [ \
         { signal = \"last\", levels = { red = 50 } }, { signal = \"delta\", window = \"30s\", levels = { yellow = 8 } } ]",
    ));
    w.values(s(10), &[1.0, 2.0, 3.0, 12.0]).expect(&["30000 v1 firing yellow threshold"]);
    w.values(s(10), &[55.0]).expect(&["40000 v2 firing red raised"]);
    let mut w = World::new(&ladder(
        "both",
        "when = { kind = \"k\", expression = \"depth > 20 && !(road < 0 || road > 50)\", \
         over = { depth = \"water_depth\", road = \"temperature\" } }\ndirection = \"above\"\nlevels = { red = 1 }",
    ));
    for (at, depth, road) in [(0, 30.0, -1.0), (10, 10.0, 5.0), (20, 30.0, 5.0), (30, 30.0, 60.0)] {
        w.run(s(at));
        let at = w.now();
        let values = [("water_depth", depth), ("temperature", road)];
        w.batch(values.map(|(q, v)| Input::Reading(reading("d", q, at, at, v))).to_vec());
    }
    w.expect(&["20000 v1 firing red threshold", "30000 v2 resolved red recovered"]);
}
