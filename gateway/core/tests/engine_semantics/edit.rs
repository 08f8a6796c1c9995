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
