//! Thirty complaints that users of other systems filed, and what this one does instead: one test for each.
//!
//! A complaint is named by its issue, as repository#number; the test is named after what it asked for. Where one is answered
//! in part outside the core, its comment names the test of the other part; what is not answered it says.

mod engine_world;
#[path = "pains/noise.rs"]
mod noise;
#[path = "pains/operators.rs"]
mod operators;
#[path = "pains/silence.rs"]
mod silence;
#[path = "pains/time.rs"]
mod time;
mod wire;

/// Number and test of every complaint.
const TESTS: [(usize, &str); 30] = [
    (1, "timers_survive_a_restart"),
    (2, "an_alert_with_a_recovery_hold_resolves_whenever_maibo_restarts"),
    (3, "a_restart_under_a_silence_resolves_and_floods_nothing"),
    (4, "a_two_second_rule_does_not_fire_below_two_seconds"),
    (5, "an_alert_opens_when_its_schedule_does"),
    (6, "the_latest_is_the_last_measured"),
    (7, "out_of_order_data_corrupt_no_state"),
    (8, "two_hours_in_one_message_are_judged_in_their_own_time"),
    (9, "one_future_reading_does_not_silence_the_series"),
    (10, "a_value_that_waited_does_not_look_fresh"),
    (11, "lagging_data_clear_nothing"),
    (12, "an_alert_says_when_it_was_measured_and_when_decided"),
    (13, "a_broken_link_resolves_nothing"),
    (14, "every_change_says_why_in_plain_words"),
    (15, "a_dead_source_is_one_alert"),
    (16, "no_false_alarm_of_a_dead_man"),
    (17, "a_lorawan_device_that_goes_silent_is_an_alert"),
    (18, "power_loss_is_noticed_within_three_intervals_and_a_will_is_no_life"),
    (19, "an_event_ends_when_it_was_not_seen_for_ten_minutes"),
    (20, "a_device_that_is_off_at_night_has_not_recovered"),
    (21, "two_messages_a_millisecond_apart_are_one_alert"),
    (22, "an_open_alert_needs_no_resending"),
    (23, "each_recurrence_is_an_alert_of_its_own"),
    (24, "an_alert_that_flaps_says_so"),
    (25, "a_value_that_jitters_on_the_limit_is_one_alert"),
    (26, "an_alert_is_about_the_device_that_reported"),
    (27, "what_comes_behind_an_acknowledgement_is_told"),
    (28, "severity_goes_both_ways_and_any_of_several_conditions_raises_it"),
    (29, "acknowledge_comment_assign_and_hand_over_are_on_record"),
    (30, "reminders_until_somebody_takes_notice"),
];

/// What was told, without the reminders between.
pub(crate) fn changes(w: &engine_world::World) -> Vec<String> {
    let reminder = |l: &String| l.contains("unacknowledged");
    let version = |l: String| l.split(' ').filter(|word| !word.starts_with('v')).collect::<Vec<_>>().join(" ");
    w.transitions().into_iter().map(engine_world::line).filter(|l| !reminder(l)).map(version).collect()
}

/// Number and name of each test of a file that runs: its comment begins `// Pain 7, owner/repository#123…`.
fn named(source: &str) -> Vec<(usize, String)> {
    let mut number = None;
    let mut all = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if let Some((n, issue)) = line.strip_prefix("// Pain ").and_then(|rest| rest.split_once(", ")) {
            let issue = issue.split([':', ',']).next().expect("an issue");
            let (repository, id) = issue.split_once('#').expect("repository#number");
            assert!(repository.contains('/') && id.parse::<u32>().is_ok(), "{line}");
            number = Some(n.parse().expect("a number"));
        } else if line == "#[test]" {
            let name = lines.next().and_then(|l| l.strip_prefix("fn ")?.strip_suffix("() {")).expect("a test");
            all.push((number.take().unwrap_or_else(|| panic!("{name} answers no complaint")), name.to_owned()));
        }
    }
    all
}

// The table is the files' contents: every number once, in order, with a test that runs.
#[test]
fn thirty_complaints_have_thirty_tests() {
    let files = [
        include_str!("pains/time.rs"),
        include_str!("pains/silence.rs"),
        include_str!("pains/noise.rs"),
        include_str!("pains/operators.rs"),
    ];
    let found: Vec<(usize, String)> = files.into_iter().flat_map(named).collect();
    let table: Vec<(usize, String)> = TESTS.iter().map(|(n, name)| (*n, (*name).to_owned())).collect();
    assert_eq!(found, table);
    assert!(TESTS.iter().map(|(n, _)| *n).eq(1..=30));
}
