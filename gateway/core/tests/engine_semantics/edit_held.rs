//! Rules and catalogues edited, and what the held value says to them: whether it counts is a matter of each rule.

use maibo_core::id::PartitionId;

use crate::engine_world::{World, ZERO, absent, catalogue, depth, ladder, s};

/// Of orange alone.
fn orange(limit: i32, more: &str) -> String {
    let levels = format!("levels = {{ orange = {limit} }}\ndirection = \"above\"\n{more}");
    ladder("depth", &format!("when = {{ quantity = \"water_depth\" }}\n{levels}"))
}

// a new rule does not judge a value that is too old for it, however young that is for the device.
#[test]
fn a_new_rule_judges_no_value_that_is_old_for_it() {
    let mut w = World::every("60s", "");
    w.at(0).value(45.0).run(s(50)).edit(&depth("stale_after = \"45s\"")).run(s(170)).expect(&[]);
    w.value(45.0).expect(&["170000 v1 firing red threshold"]);
}

// it judges one that is young enough for it, although it is too old for another rule.
#[test]
fn a_new_rule_judges_a_value_that_is_old_for_another() {
    let other = orange(90, "stale_after = \"5s\"");
    let mut w = World::every("60s", &other);
    w.at(0).value(45.0).run(s(20)).edit(&(other + &depth("").replace("\"depth\"", "\"second\"")));
    w.expect(&["20000 v1 firing red threshold"]);
}

// the same rule, by which the value was stale when it came: a longer stale_after makes it count.
#[test]
fn a_longer_stale_after_makes_the_value_count() {
    let mut w = World::every("60s", &orange(30, "stale_after = \"20s\"\nfor = \"40s\""));
    w.at(0).value(45.0).run(s(25)).expect(&[]);
    w.edit(&orange(30, "stale_after = \"100s\"\nfor = \"40s\"")).run(s(65) - 1).expect(&[]);
    w.run(s(65)).expect(&["65000 v1 firing orange threshold"]);
    assert_eq!(w.last().started_at.0 - ZERO, s(25), "the edit raised it");
}

// a value that came so late that it was stale for the rule is not, once the rule waits longer: what is pending on it goes on.
#[test]
fn what_is_pending_on_a_late_value_goes_on() {
    let mut w = World::every("60s", &orange(30, "stale_after = \"5s\"\nmin_samples = 2"));
    w.at(s(5)).value_at(0, 45.0).expect(&[]);
    w.edit(&orange(30, "min_samples = 1")).expect(&["0 v1 firing orange threshold"]);
    assert_eq!(w.last().started_at.0, ZERO);
}

// what was reached by another limit, and is not by the new one, never fires: the value counts, and says so.
#[test]
fn a_value_that_counts_again_for_the_edited_rule() {
    let mut w = World::new(&orange(30, "for = \"12s\""));
    w.at(0).value(30.0).run(s(24)).deaf(s(24)).run(s(30)).listening();
    w.edit(&orange(35, "for = \"5s\"\nstale_after = \"45s\"")).run(s(60)).expect(&[]);
}

// an edit that was not heard is judged with the next one that is, also where that one moves no limit.
#[test]
fn an_edit_in_deaf_time_is_judged_with_the_next() {
    let mut w = World::new(&orange(30, "stale_after = \"10s\""));
    w.at(0).value(32.0).run(s(5)).deaf(s(5)).edit(&orange(35, "stale_after = \"10s\"")).run(s(12)).listening();
    w.expect(&["0 v1 firing orange threshold", "5000 v2 firing orange rule_changed"]);
    w.edit(&orange(35, "stale_after = \"1m\"")).expect(&["12000 v3 resolved orange rule_changed"]);
}

// a clock that stepped makes no value late: it counts again after a deafness, and is judged by what was edited in it.
#[test]
fn a_clock_step_makes_no_value_late() {
    let mut w = World::every("60s", &orange(50, ""));
    w.at(0).value(45.0).at(s(3601)).clock_step(s(3600)).deaf(s(3601)).restart().edit(&orange(30, "")).expect(&[]);
    w.at(s(3602)).listening().expect(&["2000 v1 firing orange threshold historic"]);
}

// what is over by the device's new interval is told at the edit, as what is over by an edit of the rule.
#[test]
fn what_another_interval_ends_is_told_at_the_edit() {
    let mut w = World::every("5s", &depth("for = \"7s\""));
    w.at(0).value(12.0).at(7_001).edit_catalogue(&catalogue(&[("d", "10s")]));
    w.expect(&["7001 v1 firing blue threshold"]);
}

// a level that an edit of `for` brought on by the held value is contradicted by a reading from before the edit.
#[test]
fn an_edit_can_be_contradicted() {
    let mut w = World::every("60s", &orange(30, "for = \"20s\"\nkeep_firing_for = \"1m\""));
    w.at(0).value(45.0).at(s(8)).edit(&orange(30, "for = \"5s\"\nkeep_firing_for = \"1m\"")).restart();
    w.expect(&["8000 v1 firing orange threshold"]);
    w.at(s(9)).value_at(s(7), 0.0).expect(&["8000 v2 resolved orange contradicted"]);
}

// the next episode is pending since its level was reached, whatever time was lost to deafness; its `for` ends later by that.
#[test]
fn lost_time_moves_no_beginning() {
    let mut w =
        World::every("1h", &depth("for = { blue = \"60s\", yellow = \"60s\", orange = \"60s\", red = \"0s\" }"));
    w.at(0).value(45.0).at(s(1)).deaf(s(1)).at(s(3)).listening().at(s(10)).value(12.0).restart();
    w.expect(&["0 v1 firing red threshold", "10000 v2 resolved red recovered"]);
    w.run(s(62) - 1).expect(&[]);
    w.run(s(62)).expect(&["62000 v1 firing blue threshold"]);
    assert_eq!(w.last().started_at.0, ZERO);
}

// a transition is historic by the event time that it gets, not by one that lies before the episode's last.
#[test]
fn historic_is_asked_of_the_time_that_is_told() {
    let mut w = World::every("60s", &depth(""));
    w.at(0).value(30.0).expect(&["0 v1 firing orange threshold"]);
    w.at(s(165)).edit(&depth("stale_after = \"45s\"").replace("orange = 30", "orange = 35"));
    w.expect(&["165000 v2 firing orange rule_changed", "165000 v3 firing orange data_stale stale"]);
}

// a band has two ends: that the value went from one to the other is no edit of the limit.
#[test]
fn the_other_end_of_a_band_is_no_other_limit() {
    let band = |blue: &str| {
        let levels = format!("levels = {{ blue = {blue}, red = [18, 22] }}\ndirection = \"outside\"");
        ladder("band", &format!("when = {{ quantity = \"water_depth\" }}\n{levels}"))
    };
    let mut w = World::every("60s", &band("[19, 21]"));
    w.at(0).value(0.0).at(s(1)).value(40.0).expect(&["0 v1 firing red threshold"]);
    w.at(s(2)).edit(&band("[19.5, 20.5]")).expect(&[]);
}

// a recovery that an edit ends leaves the levels that are still reached: the highest of them goes on, whatever its `for`.
#[test]
fn an_edit_that_ends_a_recovery_keeps_what_is_reached() {
    let rule = |keep: &str| {
        let each = format!("{{ blue = \"0s\", yellow = \"0s\", orange = \"0s\", red = \"{keep}\" }}");
        depth(&format!(
            "for = {{ blue = \"60s\", yellow = \"60s\", orange = \"60s\", red = \"0s\" }}\nkeep_firing_for = {each}"
        ))
    };
    let mut w = World::every("60s", &rule("60s"));
    w.at(0).value(45.0).at(s(1)).value(12.0).at(s(5)).edit(&rule("2s"));
    w.expect(&["0 v1 firing red threshold", "5000 v2 firing blue rule_changed"]);
    assert_eq!(w.machine.open_alerts().count(), 1);
}

// where nothing is known the episode takes the nearest level of any term, not only of the one that was shown.
#[test]
fn the_nearest_level_is_looked_for_in_all_terms() {
    let rule = |last: &str, least: &str| {
        let of = |levels: &str| format!("levels = {{ {levels} }}, direction = \"above\"");
        let terms = format!(
            "any = [ {{ {}, signal = \"last\" }}, {{ {}, signal = \"min\", window = \"1m\" }} ]",
            of(last),
            of(least)
        );
        ladder("terms", &format!("when = {{ quantity = \"water_depth\" }}\n{terms}"))
    };
    let mut w = World::new(&rule("red = 40", "blue = 60"));
    w.at(0).value(45.0).at(s(1)).deaf(s(1)).edit(&rule("blue = 40", "yellow = 60"));
    w.expect(&["0 v1 firing red threshold", "1000 v2 firing yellow rule_changed"]);
}

// an edit of the level alone ends no absence, even where a moment of deafness made the silence shorter again.
#[test]
fn an_edit_of_the_level_ends_no_absence() {
    let mut w = World::with(PartitionId(0), &absent(), &catalogue(&[("d", "1s")]));
    w.at(0).alive().run(s(3)).deaf(2_999).listening().edit(&absent().replace("yellow", "blue"));
    w.expect(&["3000 v1 firing yellow absent", "3000 v2 firing blue rule_changed"]);
}

// only the next reading contradicts a level that came on by itself, also where the term says nothing of that one.
#[test]
fn a_reading_that_says_nothing_contradicts_nothing_later() {
    let lines = "when = { quantity = \"water_depth\" }\nlevels = { red = 40 }\ndirection = \"above\"\nsignal = \"mean\"\n\
                 window = \"20s\"\nfor = \"50s\"\nstale_after = \"100s\"";
    let mut w = World::new(&ladder("mean", lines));
    w.values(s(10), &[45.0, 45.0, 45.0]).run(s(65)).expect(&["60000 v1 firing red threshold"]);
    w.at(s(66)).value_at(s(50), 0.0).restart().expect(&[]);
    w.value_at(s(58), 0.0).expect(&["60000 v2 resolved red recovered"]);
}

// where the interval was not known a minute counted: saying so changes nothing.
#[test]
fn an_interval_that_becomes_known_as_it_counted_ends_no_absence() {
    let rule = absent().replace("intervals = 3", "intervals = 1");
    let mut w = World::every("", &rule);
    w.at(0).alive().run(s(60)).deaf(s(60) - 1).listening().edit_catalogue(&catalogue(&[("d", "60s")]));
    w.expect(&["60000 v1 firing yellow absent"]);
}
