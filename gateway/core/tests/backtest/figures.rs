//! What is counted from episodes: the operators' load, each rule's part, the difference of two sets.

use super::*;
use maibo_core::backtest::{Detection, Difference, Load, Strain, summaries};
use maibo_core::engine::Counts;
use maibo_core::id::{EpisodeId, RuleId};

const MINUTE: i64 = 60_000;

/// An episode of device `d` by `rule`, in minutes since 1970.
fn episode(rule: &str, opened: i64, ended: Option<i64>) -> Episode {
    let rule = RuleId::new(rule).expect("id");
    let subject = Subject::Device(DeviceId::new("d").expect("id"));
    let at = Timestamp(opened * MINUTE);
    Episode {
        id: EpisodeId::derive(&rule, &subject, at, 0),
        rule,
        subject,
        quantity: None,
        started_at: at,
        opened_at: at,
        ended_at: ended.map(|m| Timestamp(m * MINUTE)),
        first: Level::Blue,
        peak: Level::Blue,
        furthest: None,
        transitions: 1,
        raised: 0,
        reason: Reason::Threshold,
    }
}

/// Episodes within so many minutes from minute 0.
fn over(minutes: i64, episodes: Vec<Episode>) -> Outcome {
    let (begin, end) = (Some(Timestamp(0)), Some(Timestamp(minutes * MINUTE)));
    Outcome { begin, end, inputs: 1, counts: Counts::default(), episodes, cut_off: 0 }
}

fn openings(minutes: impl IntoIterator<Item = i64>) -> Vec<Episode> {
    minutes.into_iter().map(|m| episode("r", m, Some(m))).collect()
}

// The figures of EEMUA 191, counted on openings made by hand: 1 + 2 + 3 + 6 + 11 + 12 in a day's spans.
#[test]
fn spans_above_the_figures() {
    let spans = [(0, 1), (3, 2), (5, 3), (7, 6), (100, 11), (101, 12)];
    let minutes = spans.into_iter().flat_map(|(span, n)| (0..n).map(move |i| span * 10 + i % 10));
    let outcome = over(1440 - 1, openings(minutes));
    let load = Load::of(&outcome, 1);
    assert_eq!((load.openings, load.spans, load.over), (35, 144, [5, 4, 3, 2]));
    assert_eq!((load.floods, load.worst), (1, Some((Timestamp(1010 * MINUTE), 12))), "two flood spans in a row");
    assert_eq!(load.worst_day, Some((Timestamp(0), 35)));
    assert!((load.shares()[3] - 2.0 / 144.0).abs() < 1e-12);
    // Two operators bear twice as much.
    let shared = Load::of(&outcome, 2);
    assert_eq!((shared.over, shared.floods), ([4, 3, 2, 0], 0));
    assert!((shared.per_day * 2.0 - load.per_day).abs() < 1e-9);
}

// An average of up to 144 a day is acceptable, up to 288 manageable, up to 1,440 too much, beyond it unacceptable; each
// figure belongs to the milder side.
#[test]
fn strain_of_the_average() {
    let strain = |n: i64, operators| Load::of(&over(1440, openings((0..n).map(|i| i * 1440 / n))), operators).strain;
    assert_eq!(
        [144, 145, 288, 289].map(|n| strain(n, 1)),
        [Strain::Acceptable, Strain::Manageable, Strain::Manageable, Strain::OverDemanding]
    );
    assert_eq!([1440, 1441].map(|n| strain(n, 1)), [Strain::OverDemanding, Strain::Unacceptable]);
    assert_eq!(strain(1441, 11), Strain::Acceptable);
    // No data at all, and a single moment of them, are no division by zero.
    let per_day = |n: i64| Load::of(&over(0, openings(0..n)), 0).per_day;
    assert!(per_day(0).abs() < 1e-9 && (per_day(1) - 144.0).abs() < 1e-9);
    assert_eq!(Load::of(&over(5, openings([25])), 1).spans, 3, "a timer completed after the data");
}

// A rule that tells nothing has a line too; flaps are reopenings within ten minutes of the same subject; lengths are of
// those that ended.
#[test]
fn each_rules_part() {
    let set = RuleSet::compile(&[("p.toml", &(depth("") + &absent()))]).expect("compiles");
    let mut other = episode("depth", 41, None);
    other.subject = Subject::Device(DeviceId::new("e").expect("id"));
    other.peak = Level::Red;
    let episodes = vec![
        episode("depth", 0, Some(10)),
        episode("depth", 20, Some(40)),
        episode("depth", 51, Some(52)),
        other,
        episode("maibo-clock", 60, None),
    ];
    let all = summaries(&over(100, episodes), &set, None);
    let names: Vec<&str> = all.iter().map(|s| s.rule.as_str()).collect();
    assert_eq!(names, ["depth", "maibo-clock", "silent"]);
    let depth = &all[0];
    assert_eq!((depth.episodes, depth.open, depth.flaps, depth.peaks), (4, 1, 1, [3, 0, 0, 1]));
    assert_eq!((depth.median, depth.longest), (Some(Millis(10 * MINUTE)), Some(Millis(20 * MINUTE))));
    assert_eq!((depth.first, &depth.detection), (Some(Timestamp(0)), &None));
    assert_eq!((all[2].episodes, all[2].first, all[2].median), (0, None, None));
}

// Events that are known to have been: detected by what is open, or by what opens before the next one.
#[test]
fn first_detection() {
    let set = RuleSet::default();
    let episodes = vec![episode("r", 5, Some(30)), episode("r", 53, Some(54)), episode("r", 90, Some(91))];
    let truth = [50, 20, 60, 80].map(|m| Timestamp(m * MINUTE));
    let all = summaries(&over(100, episodes), &set, Some(&truth));
    let detection =
        Detection { events: 4, detected: 3, median: Some(Millis(3 * MINUTE)), longest: Some(Millis(10 * MINUTE)) };
    assert_eq!(all[0].detection, Some(detection));
}

// Two sets on the same data: what only one tells, what both tell otherwise, what both tell alike.
#[test]
fn two_sets_on_the_same_data() {
    let values = [1.0, 12.0, 1.0, 1.0, 25.0, 25.0, 25.0, 1.0, 1.0, 45.0, 45.0, 1.0];
    let before = outcome(&depth(""), &values);
    let after = outcome(&depth("").replace("blue = 10", "blue = 15").replace("red = 40", "red = 44.5"), &values);
    let difference = Difference::of(&before.episodes, &after.episodes);
    let shown = |list: &[Episode]| list.iter().map(line).collect::<Vec<_>>();
    assert_eq!(shown(&difference.gone), ["depth d 10000–20000 blue x2"]);
    assert!(difference.new.is_empty() && difference.changed.is_empty() && difference.same == 2);
    // A longer `for` opens later and tears apart what was one.
    let slow = outcome(&depth("for = \"15s\""), &values);
    let back = Difference::of(&slow.episodes, &before.episodes);
    assert_eq!(shown(&back.new), ["depth d 10000–20000 blue x2"]);
    let changed: Vec<_> = back.changed.iter().map(|c| (line(&c.before), line(&c.after))).collect();
    let wanted = [
        ("depth d 55000–70000 yellow x2", "depth d 40000–70000 yellow x2"),
        ("depth d 105000–110000 red x2", "depth d 90000–110000 red x2"),
    ];
    assert_eq!(changed, wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
    // One that falls apart into two is one change and one more; nothing is told of what is the same.
    let whole = [episode("r", 0, None)];
    let halves = [episode("r", 0, Some(10)), episode("r", 20, Some(30))];
    let apart = Difference::of(&whole, &halves);
    assert_eq!((apart.gone.len(), apart.new.len(), apart.changed.len()), (0, 1, 1));
    assert!(Difference::of(&halves, &halves).is_empty());
}
