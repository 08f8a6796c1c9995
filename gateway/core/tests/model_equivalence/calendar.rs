//! Random periods of rules, and limits of single devices.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;

use crate::terms::LEVELS;

/// Periods with edges in the minutes that a case takes: it begins at 16:00 in Beijing, on Friday, 2027-01-15.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calendar {
    pub(crate) periods: Vec<Period>,
    in_force: &'static str,
    tokyo: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Period {
    /// In minutes behind 16:00 in Beijing, and how many; `None`: the whole day.
    hours: Option<(i32, i32)>,
    days: &'static str,
    /// Limits of its own: how far from the rule's, and of which levels.
    pub(crate) own: Option<(i32, [bool; 4])>,
}

pub(crate) fn calendar() -> impl Strategy<Value = Calendar> {
    let in_force = prop_oneof![
        12 => Just(""),
        2 => select(vec!["{ from = 2027-01-15 }", "{ until = 2027-01-16 }", "{ from = 2027-01-01, until = 2027-01-15 }"]),
    ];
    let some = (proptest::collection::vec(period(), 1..4), in_force, proptest::bool::weighted(0.1));
    prop_oneof![
        3 => Just(Calendar::default()),
        2 => some.prop_map(|(periods, in_force, tokyo)| Calendar { periods, in_force, tokyo }),
    ]
}

fn period() -> impl Strategy<Value = Period> {
    let length = prop_oneof![6 => 1..8_i32, 1 => 8..60_i32, 1 => 1300..1430_i32];
    let hours = prop_oneof![8 => (-2..20_i32, length).prop_map(Some), 1 => Just(None)];
    let days = prop_oneof![
        8 => Just(""),
        2 => select(vec![
            "days = [\"fri\"]",
            "days = [\"thu\", \"sat\"]",
            "dates = \"01-15..01-15\"",
            "dates = \"11-15..03-15\"",
            "dates = \"01-16..12-31\"",
        ]),
    ];
    let levels = any::<[bool; 4]>().prop_map(|l| if l == [false; 4] { [true, false, false, false] } else { l });
    let own = prop_oneof![2 => Just(None), 3 => (-3..14_i32, levels).prop_map(Some)];
    (hours, days, own).prop_map(|(hours, days, own)| Period { hours, days, own })
}

impl Calendar {
    /// The lines of a rule; `levels` makes limits of a period.
    pub(crate) fn text(&self, levels: impl Fn(i32, [bool; 4]) -> Option<String>) -> String {
        let mut text = String::new();
        if !self.in_force.is_empty() {
            let _ = writeln!(text, "in_force = {}", self.in_force);
        }
        if self.tokyo {
            text += "zone = \"Asia/Tokyo\"\n";
        }
        for (i, period) in self.periods.iter().enumerate() {
            let _ = writeln!(text, "[[rule.during]]\nname = \"p{i}\"");
            if let Some((from, minutes)) = period.hours {
                let zero = if self.tokyo { 17 } else { 16 } * 60;
                let clock = |minute: i32| {
                    let minute = (zero + minute).rem_euclid(24 * 60);
                    format!("{:02}:{:02}", minute / 60, minute % 60)
                };
                let _ = writeln!(text, "hours = \"{}-{}\"", clock(from), clock(from + minutes));
            }
            let _ = writeln!(text, "{}", period.days);
            if let Some(own) = period.own.and_then(|(further, of)| levels(further, of)) {
                let _ = writeln!(text, "{own}");
            }
        }
        text
    }
}

/// Limits of one device, most of them for none.
pub(crate) fn limits() -> impl Strategy<Value = String> {
    let rule = select(vec!["r0", "r0", "r1", "r2"]);
    let one = (0..4_usize, 0..90_i32, 1..20_i32);
    let some = (rule, one, any::<[bool; 2]>()).prop_map(|(rule, (level, first, apart), [two, down])| {
        let half = |n: i32| f64::from(n) / 2.0;
        let mut text = format!("{rule}={}:{}", LEVELS[level], half(first));
        if two && level < 3 {
            let next = if down { first - apart } else { first + apart };
            let _ = write!(text, " {}:{}", LEVELS[level + 1], half(next));
        }
        text
    });
    prop_oneof![3 => Just(String::new()), 1 => some]
}
