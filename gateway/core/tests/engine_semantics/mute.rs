//! Hours at which a rule's alerts are not told.

use maibo_core::id::RuleId;
use maibo_core::place::Level::{self, Red, Yellow};
use maibo_core::rule::RuleSet;
use maibo_core::time::Timestamp;

use crate::engine_world::depth;

fn rules(mute: &str) -> Result<RuleSet, Vec<String>> {
    let set = RuleSet::compile(&[("p.toml", &depth(&format!("mute = {{ {mute} }}")))]);
    set.map_err(|found| found.iter().map(ToString::to_string).collect())
}

/// The end of the muted period at a local time of Shanghai, as minutes since 2026-03-02 (a Monday) there.
fn until(mute: &str, level: Level, minute: i64) -> Option<i64> {
    const MONDAY: i64 = 1_772_380_800_000;
    let set = rules(mute).expect("good");
    let rule = set.get(&RuleId::new("depth").expect("id")).expect("the rule");
    let mute = rule.mute.as_ref().expect("a mute");
    mute.until(level, Timestamp(MONDAY + minute * 60_000)).map(|at| (at.0 - MONDAY) / 60_000)
}

// inside the hours, to their end; half open.
#[test]
fn to_the_end_of_the_hours() {
    let night = "during = [{ name = \"night\", hours = \"22:00-06:00\" }]";
    let at = |minute| until(night, Yellow, minute);
    assert_eq!((at(22 * 60 - 1), at(22 * 60), at(29 * 60), at(30 * 60)), (None, Some(1_800), Some(1_800), None));
}

// red is told at any hour, unless the rule says otherwise.
#[test]
fn red_is_told() {
    let night = "during = [{ name = \"night\", hours = \"22:00-06:00\" }]";
    assert_eq!(until(night, Red, 0), None);
    assert_eq!(until(&format!("red = true, {night}"), Red, 0), Some(360));
}

// periods that touch are one; days and zones are those of the schedule language.
#[test]
fn periods_that_touch_are_one() {
    let two = "during = [{ name = \"a\", hours = \"00:00-06:00\" }, { name = \"b\", hours = \"06:00-08:00\", days = [\"mon\"] }]";
    assert_eq!((until(two, Yellow, 10), until(two, Yellow, 1_440)), (Some(480), Some(1_800)));
    let tokyo = "zone = \"Asia/Tokyo\", during = [{ name = \"a\", hours = \"00:00-06:00\" }]";
    assert_eq!((until(tokyo, Yellow, -30), until(tokyo, Yellow, 300)), (Some(300), None));
}

// what is wrong is said with its place.
#[test]
fn problems() {
    let of = |mute: &str| rules(mute).expect_err("problems").join("; ");
    assert!(of("").starts_with("depth.mute.during: is missing"), "{}", of(""));
    assert!(of("red = 1, during = [{ name = \"a\" }]").contains("mute.red: is a number, not true or false"));
    let ever = of("during = [{ name = \"a\", hours = \"00:00-24:00\" }]");
    assert!(ever.contains("never ends"), "{ever}");
    let unknown = of("colour = 1, during = [{ name = \"a\", hours = \"25:00-06:00\" }]");
    assert!(unknown.contains("depth.mute.colour: unknown key") && unknown.contains("during[0].hours"), "{unknown}");
}
