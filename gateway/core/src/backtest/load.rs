//! How much the openings ask of an operator, by the figures of the process industry.
//!
//! EEMUA Publication 191, *Alarm systems: a guide to design, management and procurement*: the average rate of alarms for
//! one operator is very likely acceptable up to one in ten minutes (144 a day, often rounded to 150), manageable up to two
//! (288 a day, often rounded to 300), likely over-demanding at five and very likely unacceptable above ten; more than ten
//! in ten minutes is a flood. It was written for control rooms of plants: for a city's desk it is a yardstick, no law.
//! The guide leaves a gap between two and five; here everything above two is over-demanding.

use super::Outcome;
use crate::time::{Millis, Timestamp};

/// Length of the spans that openings are counted in; they begin at whole multiples of it since 1970.
pub const SPAN: Millis = Millis::from_secs(600);
/// Openings in one span and for one operator, above which [`Load::over`] counts the span; the last is a flood.
pub const LIMITS: [u64; 4] = [1, 2, 5, 10];
/// Spans in a day.
const DAY: f64 = 144.0;

/// What the average rate asks of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strain {
    /// At most 1 in 10 minutes.
    Acceptable,
    /// At most 2 in 10 minutes.
    Manageable,
    /// At most 10 in 10 minutes.
    OverDemanding,
    /// More.
    Unacceptable,
}

impl Strain {
    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acceptable => "acceptable",
            Self::Manageable => "manageable",
            Self::OverDemanding => "over_demanding",
            Self::Unacceptable => "unacceptable",
        }
    }
}

/// The openings of an outcome over time. Everything "each" is for one operator where so many share the work evenly.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Operators on shift.
    pub operators: u32,
    /// Episodes that opened.
    pub openings: u64,
    /// Length of the data in days, at least one span.
    pub days: f64,
    /// Openings a day for each operator.
    pub per_day: f64,
    /// What that asks of them.
    pub strain: Strain,
    /// Spans of ten minutes in the data.
    pub spans: u64,
    /// Spans with more openings for each operator than [`LIMITS`] says.
    pub over: [u64; 4],
    /// Rows of consecutive flood spans.
    pub floods: u64,
    /// The span with most openings: its begin, and how many for all operators together.
    pub worst: Option<(Timestamp, u64)>,
    /// The 24 hours with most openings, counted from the beginning of the data: their begin, and how many for all.
    pub worst_day: Option<(Timestamp, u64)>,
}

impl Load {
    /// Counts the openings of an outcome for so many operators (at least one).
    pub fn of(outcome: &Outcome, operators: u32) -> Self {
        let operators = operators.max(1);
        let mut times: Vec<Timestamp> = outcome.episodes.iter().map(|e| e.opened_at).collect();
        times.sort_unstable();
        let begin = outcome.begin.unwrap_or_default();
        // A timer may complete after the data.
        let end = outcome.end.unwrap_or_default().max(times.last().copied().unwrap_or_default());
        let days = (end.since(begin).0 as f64 / SPAN.0 as f64).max(1.0) / DAY;
        let per_day = times.len() as f64 / days / f64::from(operators);
        let number = |t: Timestamp| t.0.div_euclid(SPAN.0);
        let mut load = Self {
            operators,
            openings: times.len() as u64,
            days,
            per_day,
            strain: strain(per_day / DAY),
            spans: number(end).abs_diff(number(begin)) + 1,
            over: [0; 4],
            floods: 0,
            worst: None,
            worst_day: None,
        };
        let mut last_flood = None;
        for (span, count) in rows(times.iter().map(|t| number(*t))) {
            for (over, limit) in load.over.iter_mut().zip(LIMITS) {
                *over += u64::from(count > limit * u64::from(operators));
            }
            if count > LIMITS[3] * u64::from(operators) {
                load.floods += u64::from(last_flood != Some(span - 1));
                last_flood = Some(span);
            }
            if load.worst.is_none_or(|(_, most)| count > most) {
                load.worst = Some((Timestamp(span.saturating_mul(SPAN.0)), count));
            }
        }
        let day = SPAN.times(144);
        for (n, count) in rows(times.iter().map(|t| t.since(begin).0.div_euclid(day.0))) {
            if load.worst_day.is_none_or(|(_, most)| count > most) {
                load.worst_day = Some((begin + day.times(n), count));
            }
        }
        load
    }

    /// The share of spans above each of [`LIMITS`], 0 to 1.
    pub fn shares(&self) -> [f64; 4] {
        self.over.map(|n| n as f64 / self.spans as f64)
    }
}

fn strain(in_ten_minutes: f64) -> Strain {
    match in_ten_minutes {
        r if r <= 1.0 => Strain::Acceptable,
        r if r <= 2.0 => Strain::Manageable,
        r if r <= 10.0 => Strain::OverDemanding,
        _ => Strain::Unacceptable,
    }
}

/// Equal neighbours, each with how many there are.
fn rows(sorted: impl Iterator<Item = i64>) -> Vec<(i64, u64)> {
    let mut rows: Vec<(i64, u64)> = Vec::new();
    for n in sorted {
        match rows.last_mut() {
            Some((last, count)) if *last == n => *count += 1,
            _ => rows.push((n, 1)),
        }
    }
    rows
}
