//! What a device scores in the index: 0 to 100, by how far its value is from the limits it is judged by.
//!
//! | the value | score |
//! |---|---|
//! | on the calm side, half a limit away from the lowest level or further | 100 |
//! | at blue, yellow, orange, red | 95, 80, 60, 40 |
//! | between two of these | on the straight line between them; a level that the rule does not have is passed over |
//! | beyond the highest level | as at that level |
//!
//! Half a limit is half of the lowest limit's size, so 10 for a limit of 20, whichever side is calm. Of a band it is half of
//! the way from the middle to the edge. The score never rises while a value moves towards its limits and beyond.
//!
//! Only limits on the last value count, and only those that hold at all times: a sum over an hour says nothing about how far
//! this value is from anything.
//!
//! Computed when a value changes, not when it is asked for.

use maibo_core::place::Level;
use maibo_core::rule::{Bound, Direction, Signal, Term, Threshold};

/// The score at a level's limit, and the most that a device with an alert of this level has.
pub(super) const fn cap(level: Level) -> f64 {
    match level {
        Level::Blue => 95.0,
        Level::Yellow => 80.0,
        Level::Orange => 60.0,
        Level::Red => 40.0,
    }
}

/// From a value to its score, by all ladders about one quantity of one kind of device: the worst counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scale(Vec<Side>);

/// One side of a ladder: bad is up. Of a ladder where bad is down, everything is negated.
#[derive(Clone, Debug, PartialEq)]
struct Side {
    negated: bool,
    /// Value and score, from the calm side outwards.
    points: Vec<(f64, f64)>,
}

impl Scale {
    /// The scale of these ladders; of none, everything scores 100.
    pub(super) fn new<'a>(ladders: impl IntoIterator<Item = &'a Threshold>) -> Self {
        let always = ladders.into_iter().filter(|l| l.is_lasting());
        let last = always.flat_map(Threshold::first).filter(|t| t.signal == Signal::Last);
        Self(last.flat_map(sides).collect())
    }

    /// The score of a value; of none that can be compared, 100.
    pub(super) fn score(&self, value: f64) -> f64 {
        self.0.iter().map(|side| side.score(value)).fold(100.0, f64::min)
    }

    /// The limit that a value has reached, else the first one ahead of it, with its level: of the side that it scores least
    /// on. `None` where there are no limits.
    pub(super) fn limit(&self, value: f64) -> Option<(Level, f64)> {
        let worst = self.0.iter().min_by(|a, b| a.score(value).total_cmp(&b.score(value)))?;
        worst.limit(value)
    }
}

/// The level whose cap is a point's score.
fn level(score: f64) -> Option<Level> {
    Level::ALL.into_iter().find(|l| cap(*l).total_cmp(&score).is_eq())
}

/// The sides that a ladder has limits on.
fn sides(ladder: &Term) -> Vec<Side> {
    let mut up = Side { negated: false, points: Vec::new() };
    let mut down = Side { negated: true, points: Vec::new() };
    for step in &ladder.steps {
        match step.bound {
            Bound::Value(limit) => {
                let side = if ladder.direction == Direction::Below { &mut down } else { &mut up };
                side.add(limit, limit.abs() / 2.0, step.level);
            }
            Bound::Band { low, high } => {
                let half = (high - low) / 4.0;
                up.add(high, half, step.level);
                down.add(low, half, step.level);
            }
        }
    }
    [up, down].into_iter().filter(|side| !side.points.is_empty()).collect()
}

impl Side {
    /// Adds the next level; the first one brings the point where the score begins to fall, `far` before its limit.
    fn add(&mut self, limit: f64, far: f64, level: Level) {
        let limit = if self.negated { -limit } else { limit };
        if self.points.is_empty() {
            self.points.push((limit - far, 100.0));
        }
        self.points.push((limit, cap(level)));
    }

    fn limit(&self, value: f64) -> Option<(Level, f64)> {
        let value = if self.negated { -value } else { value };
        let limits = self.points.get(1..).unwrap_or_default();
        let (at, score) = limits.iter().rev().find(|(at, _)| value >= *at).or(limits.first())?;
        Some((level(*score)?, if self.negated { -at } else { *at }))
    }

    fn score(&self, value: f64) -> f64 {
        let value = if self.negated { -value } else { value };
        // The first point that lies further out. NaN lies behind none and is as good as far.
        let next = self.points.iter().position(|(at, _)| value < *at);
        match next {
            None if value.is_nan() => 100.0,
            None => self.points.last().map_or(100.0, |(_, score)| *score),
            Some(0) => 100.0,
            Some(n) => {
                let ((near, above), (out, below)) = (self.points[n - 1], self.points[n]);
                // Limits so far apart that the way between them is no number are no reason for a score that is none.
                let share = ((value - near) / (out - near)).clamp(0.0, 1.0);
                if share.is_nan() { above } else { above + (below - above) * share }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use maibo_core::rule::{RuleKind, RuleSet};

    use super::*;

    fn scale(levels: &str, direction: &str) -> Scale {
        let text = format!(
            "[[rule]]\nid = \"r\"\ntitle = {{ zh = \"r\", en = \"r\" }}\ndomain = \"traffic\"\n\
             when = {{ quantity = \"temperature\" }}\nlevels = {{ {levels} }}\ndirection = \"{direction}\"\n\
             deadband = 0\nfor = \"0s\"\nkeep_firing_for = \"0s\"\nsource = \"s\"\nadvice = {{ zh = \"a\", en = \"a\" }}\n"
        );
        let set = RuleSet::compile(&[("test.toml", &text)]).expect("rules");
        let RuleKind::Threshold(ladder) = &set.rules[0].kind else { panic!("a ladder") };
        Scale::new([ladder])
    }

    fn scores(scale: &Scale, values: &[f64]) -> Vec<f64> {
        values.iter().map(|v| (scale.score(*v) * 10.0).round() / 10.0).collect()
    }

    // P: the score is 100 far from the limits, falls on straight lines through the levels' scores, and ends at the last.
    #[test]
    fn piecewise() {
        let up = scale("blue = 20, yellow = 30, orange = 40, red = 60", "above");
        assert_eq!(scores(&up, &[-50.0, 10.0, 15.0, 20.0, 25.0, 30.0]), [100.0, 100.0, 97.5, 95.0, 87.5, 80.0]);
        assert_eq!(scores(&up, &[40.0, 50.0, 60.0, 1e300, f64::INFINITY]), [60.0, 50.0, 40.0, 40.0, 40.0]);
        assert_eq!(scores(&up, &[f64::NAN]), [100.0]);
        // Levels that the rule does not have are passed over.
        let few = scale("blue = 10, red = 20", "above");
        assert_eq!(scores(&few, &[5.0, 10.0, 15.0, 20.0]), [100.0, 95.0, 67.5, 40.0]);
        let one = scale("orange = 10", "above");
        assert_eq!(scores(&one, &[5.0, 7.5, 10.0, 99.0]), [100.0, 80.0, 60.0, 60.0]);
    }

    // P: a limit from below is the same in the mirror, also below zero and at zero; a band has both sides.
    #[test]
    fn sides() {
        let down = scale("blue = 10, red = 2", "below");
        assert_eq!(scores(&down, &[15.0, 12.5, 10.0, 6.0, 2.0, -9.0]), [100.0, 97.5, 95.0, 67.5, 40.0, 40.0]);
        let frost = scale("blue = -10, red = -20", "below");
        assert_eq!(scores(&frost, &[0.0, -5.0, -10.0, -15.0, -20.0]), [100.0, 100.0, 95.0, 67.5, 40.0]);
        let zero = scale("blue = 0, red = 10", "above");
        assert_eq!(scores(&zero, &[-0.1, 0.0, 10.0]), [100.0, 95.0, 40.0]);
        let band = scale("blue = [10, 30], red = [0, 40]", "outside");
        assert_eq!(scores(&band, &[20.0, 15.0, 12.5, 10.0, 5.0, 0.0]), [100.0, 100.0, 97.5, 95.0, 67.5, 40.0]);
        assert_eq!(scores(&band, &[25.0, 30.0, 35.0, 40.0]), [100.0, 95.0, 67.5, 40.0]);
    }

    // P: the limit beside a value is the highest that it has reached, else the first ahead, of the side it is worst on.
    #[test]
    fn limits() {
        let up = scale("blue = 20, red = 60", "above");
        let of = |scale: &Scale, value| scale.limit(value).expect("a limit");
        assert_eq!([of(&up, 1.0), of(&up, 19.9), of(&up, 20.0)], [(Level::Blue, 20.0); 3]);
        assert_eq!([of(&up, 60.0), of(&up, 1e9)], [(Level::Red, 60.0); 2]);
        let down = scale("blue = 10, red = -2", "below");
        assert_eq!(
            [of(&down, 30.0), of(&down, 10.0), of(&down, -2.0)],
            [(Level::Blue, 10.0), (Level::Blue, 10.0), (Level::Red, -2.0)]
        );
        let band = scale("blue = [10, 30], red = [0, 40]", "outside");
        assert_eq!(
            [of(&band, 12.0), of(&band, 28.0), of(&band, -1.0)],
            [(Level::Blue, 10.0), (Level::Blue, 30.0), (Level::Red, 0.0)]
        );
        assert_eq!(Scale::default().limit(5.0), None);
    }

    // P: towards the limits the score never rises, whatever the ladder.
    #[test]
    fn monotone() {
        for (levels, direction) in [
            ("blue = 1, red = 3", "above"),
            ("yellow = -3, orange = 0, red = 8", "above"),
            ("blue = 4, red = -4", "below"),
        ] {
            let scale = scale(levels, direction);
            let sign = if direction == "above" { 1.0 } else { -1.0 };
            let all: Vec<f64> = (-200..200).map(|n| scale.score(sign * f64::from(n) / 10.0)).collect();
            assert!(all.windows(2).all(|w| w[0] >= w[1]), "{levels}: {all:?}");
            assert!(all.iter().all(|s| (40.0..=100.0).contains(s)));
        }
    }
}
