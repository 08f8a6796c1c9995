//! Rules and catalogues edited while alerts are open.

use maibo_core::id::PartitionId;

use crate::engine_world::{World, absent, catalogue, depth, ladder, s};

fn levels(text: &str) -> String {
    ladder(
        "depth",
        &format!(
            "when = {{ quantity = \"water_depth\", kind = \"k\" }}\nlevels = {text}\ndirection = \"above\"\nkeep_firing_for = \"1m\""
        ),
    )
}

// rule edited while firing, same id and signal: the same episode, judged by the new version at activation.
#[test]
fn an_edited_rule_judges_its_open_episode_at_once() {
    let mut w = World::new(&levels("{ blue = 10, yellow = 20 }"));
    w.at(0).value(25.0).expect(&["0 v1 firing yellow threshold"]);
    let episode = w.last().episode;
    w.at(s(5)).edit(&levels("{ blue = 10, yellow = 30 }")).expect(&["5000 v2 firing blue rule_changed"]);
    w.at(s(6)).edit(&levels("{ blue = 15, yellow = 30 }")).expect(&["6000 v3 firing blue rule_changed"]);
    assert_eq!(w.last().threshold, Some(15.0));
    w.at(s(7)).edit(&levels("{ orange = 20 }")).expect(&["7000 v4 firing orange rule_changed"]);
    w.at(s(8)).edit(&levels("{ orange = 26 }")).expect(&["8000 v5 resolved orange rule_changed"]);
    assert!(w.transitions().iter().all(|t| t.episode == episode));
    assert_eq!(w.machine.open_alerts().count(), 0);
}

// an edit that changes nothing that is judged says nothing; facts name the rule set in force.
#[test]
fn an_edit_of_words_says_nothing() {
    let mut w = World::new(&levels("{ blue = 10 }"));
    w.at(0).value(12.0).expect(&["0 v1 firing blue threshold"]);
    let words = levels("{ blue = 10 }").replace("甲", "丙");
    let version = w.know(&words);
    w.at(s(5)).edit(&words).expect(&[]);
    w.at(s(6)).value(13.0).run(s(50)).expect(&["36000 v2 firing blue data_stale stale"]);
    assert_eq!(w.facts.last().map(|f| f.rules), Some(version));
}

// rule removed, or its signal changed: resolved with that reason.
#[test]
fn a_removed_rule_ends_its_episodes() {
    let mut w = World::new(&levels("{ blue = 10 }"));
    w.at(0).value(12.0).at(s(5)).edit("").expect(&["0 v1 firing blue threshold", "5000 v2 resolved blue rule_removed"]);
    let mut w = World::new(&levels("{ blue = 10 }"));
    let other = levels("{ blue = 10 }").replace("water_depth", "wind_speed");
    w.at(0).value(12.0).at(s(5)).edit(&other);
    w.expect(&["0 v1 firing blue threshold", "5000 v2 resolved blue rule_changed"]);
    let mut w = World::new(&absent());
    w.at(0)
        .alive()
        .run(s(30))
        .edit("")
        .expect(&["30000 v1 firing yellow absent", "30000 v2 resolved yellow rule_removed"]);
}

// a new rule judges held fresh values at activation; its `for` begins there.
#[test]
fn a_new_rule_judges_held_values() {
    let mut w = World::every("60s", "");
    w.at(0).value(12.0).at(s(5)).edit(&depth("")).expect(&["5000 v1 firing blue threshold"]);
    let mut w = World::every("60s", "");
    w.at(0).value(12.0).at(s(5)).edit(&depth("for = \"20s\"")).run(s(24)).expect(&[]);
    w.run(s(25)).expect(&["25000 v1 firing blue threshold"]);
    let mut w = World::new("");
    w.at(0).value(12.0).run(s(31)).edit(&depth("")).expect(&[]);
}

// pending levels keep their time through an edit of other levels.
#[test]
fn a_pending_level_keeps_its_time() {
    let rule = |red: i32| depth("for = \"20s\"\nmin_samples = 1").replace("red = 40", &format!("red = {red}"));
    let mut w = World::every("60s", &rule(40));
    w.at(0).value(35.0).at(s(5)).edit(&rule(35)).run(s(60));
    w.expect(&["20000 v1 firing orange threshold", "25000 v2 firing red raised"]);
}

// an open episode on stale data is not ended by an edit; the next reading decides.
#[test]
fn an_edit_does_not_end_a_stale_episode() {
    let mut w = World::new(&levels("{ blue = 10, yellow = 20 }"));
    w.at(0).value(25.0).run(s(40)).expect(&["0 v1 firing yellow threshold", "30000 v2 firing yellow data_stale stale"]);
    w.edit(&levels("{ red = 50 }")).expect(&["40000 v3 firing red rule_changed stale"]);
    w.at(s(41)).value(25.0).expect(&["41000 v4 firing red data_fresh"]);
    w.run(s(61)).value(25.0).run(s(81)).value(25.0).run(s(110)).expect(&["101000 v5 resolved red recovered"]);
}

// catalogue edited: the place of an open episode is frozen, the device is judged on.
#[test]
fn the_place_is_frozen_at_the_opening() {
    let mut w = World::new(&depth(""));
    w.at(0).value(12.0);
    w.at(s(1))
        .edit_catalogue(&catalogue(&[("d", "10s")]).replace("110105003", "110106001"))
        .expect(&["0 v1 firing blue threshold"]);
    w.at(s(2)).value(0.0).expect(&["2000 v2 resolved blue recovered"]);
    assert_eq!(w.last().place.as_ref().map(maibo_core::id::PlaceCode::as_str), Some("110105003"));
    w.at(s(3)).value(12.0).expect(&["3000 v1 firing blue threshold"]);
    assert_eq!(w.last().place.as_ref().map(maibo_core::id::PlaceCode::as_str), Some("110106001"));
}

// device removed, or no longer selected: resolved with subject_gone, and its state is gone.
#[test]
fn a_removed_device_ends_its_episodes() {
    let mut w = World::with(PartitionId(0), &depth(""), &catalogue(&[("d", "10s"), ("e", "10s")]));
    w.at(0).value(12.0).at(s(1)).edit_catalogue(&catalogue(&[("e", "10s")]));
    w.expect(&["0 v1 firing blue threshold", "1000 v2 resolved blue subject_gone"]);
    assert_eq!(w.machine.devices().count(), 0);
    let mut w = World::new(&(depth("") + &absent()));
    w.at(0).value(12.0).at(s(1)).edit_catalogue(&catalogue(&[("d", "10s")]).replace(",k,", ",other,"));
    w.expect(&["0 v1 firing blue threshold", "1000 v2 resolved blue subject_gone"]);
}

// an edit that makes something due is decided at the edit, not in the past.
#[test]
fn what_an_edit_makes_due_is_decided_now() {
    let mut w = World::every("60s", "");
    w.at(0).alive().at(s(600)).edit(&absent()).expect(&["600000 v1 firing yellow absent"]);
}

// a rule that goes and comes back in the same silence opens another episode: equal triples are counted on.
#[test]
fn a_rule_that_comes_back_counts_on() {
    let mut w = World::new(&absent());
    w.at(0).alive().run(s(30)).at(s(40)).edit("").restart().at(s(41)).edit(&absent());
    let told: Vec<_> = w.transitions().iter().map(|t| (t.started_at.0, t.version, t.reason.as_str())).collect();
    let zero = crate::engine_world::ZERO;
    assert_eq!(told, [(zero, 1, "absent"), (zero, 2, "rule_removed"), (zero, 1, "absent")]);
    assert_ne!(w.transitions()[0].episode, w.last().episode);
}

// a silence has no end of its own: however long it lasts, and however long the rule is gone, no identity is given twice.
#[test]
fn a_silence_of_weeks_gets_no_identity_twice() {
    let day = 86_400_000;
    let mut w = World::new(&absent());
    w.at(0).alive().run(s(30)).at(8 * day).edit("").at(8 * day + s(60)).edit(&absent());
    w.at(9 * day).edit("").restart().at(10 * day).edit(&depth("")).at(30 * day).edit("").edit(&absent());
    let opened: Vec<_> = w.transitions().iter().filter(|t| t.version == 1).map(|t| (t.started_at, t.episode)).collect();
    assert_eq!(opened.len(), 3);
    assert!(opened.iter().all(|(since, _)| *since == opened[0].0), "one silence");
    let ids: std::collections::BTreeSet<_> = opened.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids.len(), 3, "{opened:?}");
}

// what is remembered of a rule that went is forgotten a week after it went, not a week after its last episode began.
#[test]
fn what_is_spent_is_forgotten_by_when_it_went() {
    let day = 86_400_000;
    let mut w = World::new(&absent());
    w.at(0).alive().run(s(30)).at(5 * day).edit("").at(5 * day + 1).alive();
    let kept = w.machine.snapshot().len();
    w.at(11 * day).edit(&depth("")).edit("");
    assert!(w.machine.snapshot().len() >= kept, "six days");
    w.at(13 * day).edit(&depth("")).edit("");
    assert!(w.machine.snapshot().len() < kept, "eight days, and the silence is over");
}

fn recovering(keep: &str) -> World {
    let mut w = World::every("60s", &depth(&format!("keep_firing_for = \"{keep}\"")));
    w.at(0).value(12.0).at(s(10)).value(0.0).at(s(15)).expect(&["0 v1 firing blue threshold"]);
    w
}

// only timers edited: a recovery goes on by its new length, and is over at the edit only where that is over.
#[test]
fn an_edit_of_timers_ends_no_recovery() {
    let keep = |time: &str| depth(&format!("keep_firing_for = \"{time}\""));
    let mut w = recovering("60s");
    w.edit(&keep("90s")).restart().run(s(99)).expect(&[]);
    w.run(s(100)).expect(&["100000 v2 resolved blue recovered"]);
    let mut w = recovering("60s");
    w.edit(&keep("30s")).run(s(39)).expect(&[]);
    w.run(s(40)).expect(&["40000 v2 resolved blue recovered"]);
    recovering("60s").edit(&keep("2s")).expect(&["15000 v2 resolved blue rule_changed"]);
    let mut w = recovering("60s");
    w.edit(&(keep("60s") + "for = \"10s\"\nstale_after = \"170s\"")).run(s(69)).expect(&[]);
    w.run(s(70)).expect(&["70000 v2 resolved blue recovered"]);
}

// another level's limit edited: a recovery of the others goes on too; its own limit edited is a judgement at once.
#[test]
fn an_edit_of_another_limit_ends_no_recovery() {
    let rule = |from: &str, to: &str| depth("keep_firing_for = \"60s\"").replace(from, to);
    let mut w = recovering("60s");
    w.edit(&rule("red = 40", "red = 50")).run(s(69)).expect(&[]);
    w.run(s(70)).expect(&["70000 v2 resolved blue recovered"]);
    recovering("60s").edit(&rule("blue = 10", "blue = 9")).expect(&["15000 v2 resolved blue rule_changed"]);
}

// an absence rule edited while it fires: by the new one the silence is not too long yet, and the episode ends; it comes
// back as another when it is.
#[test]
fn an_edited_absence_is_judged_anew() {
    let after = |n: i32| absent().replace("intervals = 3", &format!("intervals = {n}"));
    let mut w = World::new(&absent());
    w.at(0).alive().run(s(40)).expect(&["30000 v1 firing yellow absent"]);
    let first = w.last().episode;
    w.edit(&after(2)).expect(&[]);
    w.edit(&after(6)).restart().expect(&["40000 v2 resolved yellow rule_changed"]);
    w.run(s(59)).expect(&[]);
    w.run(s(60)).expect(&["60000 v1 firing yellow absent"]);
    assert_ne!(w.last().episode, first);
    w.edit(&after(6).replace("yellow", "red")).expect(&["60000 v2 firing red rule_changed"]);
}

// the device's interval edited: the same.
#[test]
fn an_edited_interval_is_judged_anew() {
    let mut w = World::new(&absent());
    w.at(0).alive().run(s(40)).expect(&["30000 v1 firing yellow absent"]);
    w.edit_catalogue(&catalogue(&[("d", "11s")])).expect(&[]);
    w.edit_catalogue(&catalogue(&[("d", "1m")])).expect(&["40000 v2 resolved yellow rule_changed"]);
    w.run(s(180)).expect(&["180000 v1 firing yellow absent"]);
}

// while Maibo is deaf an edit ends no absence, and the grace after it is none of the rule's.
#[test]
fn an_edit_and_deafness_end_no_absence() {
    let words = |w: &str| absent().replace("\"a\"", &format!("\"{w}\""));
    let mut w = World::new(&absent());
    w.at(0).alive().run(s(40)).expect(&["30000 v1 firing yellow absent"]);
    w.deaf(s(40)).edit(&words("b").replace("intervals = 3", "intervals = 9")).expect(&[]);
    let mut w = World::new(&absent());
    w.at(0).alive().run(s(40)).deaf(s(40)).run(s(50)).listening().at(s(55)).edit(&words("b"));
    w.edit(&words("b").replace("intervals = 3", "intervals = 2")).expect(&["30000 v1 firing yellow absent"]);
}
