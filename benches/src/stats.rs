//! Rounds of a figure, and how they are told: the median with the range.

use std::fmt;

/// One figure, once a round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn add(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_by(f64::total_cmp);
    }

    /// The middle one; 0 without rounds.
    pub(crate) fn median(&self) -> f64 {
        let n = self.0.len();
        if n == 0 {
            return 0.0;
        }
        f64::midpoint(self.0[(n - 1) / 2], self.0[n / 2])
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(least), Some(most)) = (self.0.first(), self.0.last()) else { return f.write_str("not measured") };
        let digits = match self.median().abs() {
            m if m >= 100.0 => 0,
            m if m >= 10.0 => 1,
            m if m >= 1.0 => 2,
            _ => 3,
        };
        write!(f, "{:.digits$} ({least:.digits$}–{most:.digits$})", self.median())
    }
}

/// A table in Markdown.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) {
    println!("| {} |", head.join(" | "));
    println!("|{}", "---|".repeat(head.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
    println!();
}

#[cfg(test)]
mod tests {
    use super::*;

    // A figure is the middle of its rounds, whichever order they came in.
    #[test]
    fn median_and_range() {
        let mut rounds = Rounds::default();
        for figure in [3.0, 1.0, 2.0, 9.0] {
            rounds.add(figure);
        }
        assert_eq!(rounds.to_string(), "2.50 (1.00–9.00)");
    }
}
