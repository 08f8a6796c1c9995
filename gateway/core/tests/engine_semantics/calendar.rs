//! Calendars, effective dates, limits of one device.

use crate::engine_world::{World, ZERO, depth, ladder, s};
use maibo_core::id::PartitionId;

// ZERO is 2027-01-15T08:00:00Z, which is 16:00 in Beijing: the night begins six hours later.
const NIGHT: i64 = s(6 * 3600);
const MORNING: i64 = s(14 * 3600);

fn rule(more: &str) -> String {
    ladder("c", &format!("when = {{ quantity = \"water_depth\", kind = \"k\" }}\ndirection = \"above\"\n{more}"))
}

fn by_night(more: &str) -> String {
    rule(&format!(
        "levels = {{ yellow = 60 }}\n{more}\n[[rule.during]]\nname = \"day\"\nhours = \"06:00-22:00\"\n\
         [[rule.during]]\nname = \"night\"\nhours = \"22:00-06:00\"\nlevels = {{ yellow = 50 }}\n"
    ))
}

// The scenarios below stand on this.
#[test]
fn zero_is_four_in_the_afternoon_in_beijing() {
    assert_eq!(ZERO, 1_800_000_000_000);
    assert_eq!((ZERO / 1000 + 8 * 3600) % 86_400, 16 * 3600);
}

// a schedule's edge re-judges the held value: what was quiet enough by day is too loud from the first moment of the night.
#[test]
fn the_night_begins_with_the_held_value() {
    let mut w = World::every("12h", &by_night(""));
    w.at(NIGHT - s(60)).value(55.0).run(NIGHT - 1).expect(&[]);
    w.run(NIGHT).expect(&["21600000 v1 firing yellow threshold"]);
    assert_eq!(w.last().threshold, Some(50.0));
    w.restart().run(NIGHT + s(600)).value(55.0).expect(&[]);
    w.run(MORNING - s(60)).value(55.0).run(MORNING - 1).expect(&[]);
    w.run(MORNING).expect(&["50400000 v2 resolved yellow calendar"]);
}

// `for` that begins at the edge runs from the edge.
#[test]
fn for_runs_from_the_edge() {
    let mut w = World::every("1h", &by_night("for = \"5m\"\nmin_samples = 1"));
    w.at(NIGHT - s(60)).value(55.0).run(NIGHT + s(299)).expect(&[]);
    w.run(NIGHT + s(300)).expect(&["21900000 v1 firing yellow threshold"]);
    assert_eq!(w.last().started_at.0 - ZERO, NIGHT, "pending since the night began");
}

// a value is judged by the limits of the time it was measured at, whenever it comes.
#[test]
fn a_late_sender_is_judged_by_its_own_time() {
    let mut w = World::new(&by_night(""));
    w.at(NIGHT + s(300)).value_at(NIGHT - s(100), 55.0).expect(&[]);
    w.value_at(NIGHT + s(1), 55.0).expect(&["21601000 v1 firing yellow threshold stale historic"]);
}

// asleep: nothing opens, what is open ends, and what is held is judged when the rule wakes.
#[test]
fn a_sleeping_rule_judges_nothing() {
    let rules = rule("levels = { red = 50 }\n[[rule.during]]\nname = \"day\"\nhours = \"06:00-22:00\"\n");
    let mut w = World::every("1h", &rules);
    w.at(NIGHT - s(60)).value(55.0).expect(&["21540000 v1 firing red threshold"]);
    w.run(NIGHT).expect(&["21600000 v2 resolved red calendar"]);
    w.run(NIGHT + s(60)).value(70.0).run(MORNING - s(60)).value(70.0).expect(&[]);
    w.restart().run(MORNING).expect(&["50400000 v1 firing red threshold"]);
}

// an alert on stale data ends too when its rule falls asleep: nobody judges it any more.
#[test]
fn a_stale_alert_ends_with_its_period() {
    let rules = rule("levels = { red = 50 }\n[[rule.during]]\nname = \"day\"\nhours = \"06:00-22:00\"\n");
    let mut w = World::new(&rules);
    w.at(NIGHT - s(60)).value(55.0).run(NIGHT).expect(&[
        "21540000 v1 firing red threshold",
        "21570000 v2 firing red data_stale stale",
        "21600000 v3 resolved red calendar stale",
    ]);
}

// batching: one late tick over the end of freshness and an edge tells the same as a tick at each.
#[test]
fn one_late_tick_tells_the_same() {
    let rules = rule("levels = { red = 50 }\n[[rule.during]]\nname = \"day\"\nhours = \"06:00-22:00\"\n");
    let mut w = World::new(&rules);
    w.at(NIGHT - s(60)).value(55.0).at(NIGHT + s(5)).tick().expect(&[
        "21540000 v1 firing red threshold",
        "21570000 v2 firing red data_stale stale",
        "21600000 v3 resolved red calendar stale",
    ]);
}

// effective dates: a limit that is not in force yet judges nothing, and begins at local midnight.
#[test]
fn a_limit_comes_into_force_at_local_midnight() {
    let rules = rule("levels = { red = 50 }\nin_force = { from = 2027-01-16 }\n");
    let midnight = s(8 * 3600);
    let mut w = World::every("1h", &rules);
    w.at(midnight - s(60)).value(55.0).run(midnight - 1).expect(&[]);
    w.run(midnight).expect(&["28800000 v1 firing red threshold"]);
}

// what sleeps for good does so after a restart too, although the value it held is of a time when it was awake.
#[test]
fn a_limit_that_is_over_stays_so() {
    let midnight = s(8 * 3600);
    let mut w = World::every("1h", &rule("levels = { red = 50 }\nin_force = { until = 2027-01-16 }\n"));
    w.at(midnight - s(60)).value(45.0).run(midnight + s(60)).tick().restart().run(midnight + s(120)).expect(&[]);
}

// what the calendar moved while Maibo was deaf is its doing, not that of whoever edits rules.
#[test]
fn an_edge_in_deaf_time_says_so() {
    let mut w =
        World::every("1h", &by_night("").replace("levels = { yellow = 60 }", "levels = { blue = 40, yellow = 60 }"));
    w.at(NIGHT - s(60)).value(55.0).expect(&["21540000 v1 firing blue threshold"]);
    w.at(NIGHT - s(10)).deaf(NIGHT - s(10)).run(NIGHT + s(60)).listening();
    let reasons: Vec<&str> = w.transitions().into_iter().skip(1).map(|t| t.reason.as_str()).collect();
    assert!(!reasons.is_empty() && reasons.iter().all(|r| *r == "calendar"), "{reasons:?}");
}

// an edge that passes while Maibo is deaf is judged when the value counts again.
#[test]
fn an_edge_in_deaf_time_is_judged_afterwards() {
    let mut w = World::every("1h", &by_night(""));
    w.at(NIGHT - s(60)).value(55.0).at(NIGHT - s(10)).deaf(NIGHT - s(10)).run(NIGHT + s(60)).expect(&[]);
    w.listening().expect(&["21660000 v1 firing yellow threshold"]);
}

// of several rules it is the one that they name whose limits a device has for itself.
#[test]
fn limits_of_one_device_are_of_one_rule() {
    let rules = depth("") + &rule("levels = { yellow = 20, red = 40 }\n");
    let catalogue = "id,kind,place,domain,interval,limits\nd,k,110105003,traffic,10s,depth=yellow:15\n";
    let mut w = World::with(PartitionId(0), &rules, catalogue);
    w.at(0).value(16.0).expect(&["0 v1 firing yellow threshold"]);
    assert_eq!((w.last().rule.as_str(), w.last().threshold), ("depth", Some(15.0)));
    w.at(s(10)).value(18.0).expect(&[]);
}

// one device has a limit of its own; moved by an edit of the catalogue it is judged anew.
#[test]
fn limits_of_one_device() {
    let rules = rule("levels = { yellow = 20, red = 40 }\n");
    let catalogue = |limits: &str| {
        format!(
            "id,kind,place,domain,interval,limits\nd,k,110105003,traffic,10s,{limits}\ne,k,110105003,traffic,10s,\n"
        )
    };
    let mut w = World::with(PartitionId(0), &rules, &catalogue("c=yellow:15"));
    w.at(0).value(16.0).expect(&["0 v1 firing yellow threshold"]);
    assert_eq!(w.last().threshold, Some(15.0));
    w.device = "e".to_owned();
    w.value(16.0).expect(&[]);
    w.device = "d".to_owned();
    w.edit_catalogue(&catalogue("c=yellow:17")).expect(&["0 v2 resolved yellow rule_changed"]);
    w.edit_catalogue(&catalogue("c=yellow:12 red:16")).expect(&["0 v1 firing red threshold"]);
    // Limits that do not climb are not used: the rule's own hold.
    w.restart().edit_catalogue(&catalogue("c=yellow:50")).expect(&["0 v2 resolved red rule_changed"]);
}

// batching: a value that comes as old as `stale_after` is stale from the start, and no edge makes it known, whenever the tick comes.
#[test]
fn what_comes_stale_is_judged_by_no_edge() {
    let rules = rule(
        "levels = { yellow = 25, red = 50 }\nfor = \"4s\"\nstale_after = \"90s\"\n\
         [[rule.during]]\nname = \"three\"\nhours = \"16:06-16:09\"\n",
    );
    for ticks in [false, true] {
        let mut w = World::new(&rules);
        w.at(s(380)).value_at(s(290), 25.0);
        if ticks {
            w.at(s(390)).tick();
        }
        w.at(s(10_000)).tick().expect(&[]);
    }
}
