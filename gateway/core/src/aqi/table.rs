//! Concentrations at the index's breakpoints: HJ 633-2012 table 1 and HJ 633-2026 table 3.
//!
//! Widely copied programs carry a wrong row for SO2, 24 h; a test holds the right one.

use super::{Basis, Edition, Pollutant, SubIndex};

/// The index at the breakpoints, the same in all rows and both editions.
const INDEX: [u16; 8] = [0, 50, 100, 150, 200, 300, 400, 500];

/// What a row says above its last breakpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Above {
    /// Nothing, and the last breakpoint is the scale's end: 500 and a flag, as it is done everywhere.
    Scale,
    /// This index.
    Fixed(u16),
    /// That there is no index of this basis.
    None,
}

/// One row.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// Concentrations in the canonical unit (µg/m³, CO mg/m³), at [`INDEX`]; a short row ends earlier.
    limits: &'static [u64],
    above: Above,
}

const fn full(limits: &'static [u64; 8]) -> Row {
    Row { limits, above: Above::Scale }
}

fn row(edition: Edition, pollutant: Pollutant, basis: Basis) -> Option<Row> {
    use Edition::{Hj633_2012, Hj633_2026};
    Some(match (pollutant, basis) {
        (Pollutant::So2, Basis::Day) => full(&[0, 50, 150, 475, 800, 1600, 2100, 2620]),
        (Pollutant::So2, Basis::Hour) => Row {
            limits: &[0, 150, 500, 650, 800],
            above: match edition {
                Hj633_2012 => Above::None,
                Hj633_2026 => Above::Fixed(200),
            },
        },
        (Pollutant::No2, Basis::Day) => full(&[0, 40, 80, 180, 280, 565, 750, 940]),
        (Pollutant::No2, Basis::Hour) => full(&[0, 100, 200, 700, 1200, 2340, 3090, 3840]),
        // Real-time reports judge particles of one hour by the table of the day.
        (Pollutant::Pm10, Basis::Day | Basis::Hour) => match edition {
            Hj633_2012 => full(&[0, 50, 150, 250, 350, 420, 500, 600]),
            Hj633_2026 => full(&[0, 50, 120, 250, 350, 420, 500, 600]),
        },
        (Pollutant::Pm25, Basis::Day | Basis::Hour) => match edition {
            Hj633_2012 => full(&[0, 35, 75, 115, 150, 250, 350, 500]),
            Hj633_2026 => full(&[0, 35, 60, 115, 150, 250, 350, 500]),
        },
        (Pollutant::Co, Basis::Day) => full(&[0, 2, 4, 14, 24, 36, 48, 60]),
        (Pollutant::Co, Basis::Hour) => full(&[0, 5, 10, 35, 60, 90, 120, 150]),
        (Pollutant::O3, Basis::Hour) => full(&[0, 160, 200, 300, 400, 800, 1000, 1200]),
        (Pollutant::O3, Basis::EightHours) => Row {
            limits: &[0, 100, 160, 215, 265, 800],
            above: match edition {
                Hj633_2012 => Above::None,
                Hj633_2026 => Above::Fixed(300),
            },
        },
        (Pollutant::O3, Basis::Day)
        | (Pollutant::So2 | Pollutant::No2 | Pollutant::Pm10 | Pollutant::Pm25 | Pollutant::Co, Basis::EightHours) => {
            return None;
        }
    })
}

/// The index of a rounded concentration in tenths of the unit: linear between breakpoints, every fraction up. All in
/// integers, so that a breakpoint has its own index and not the next one.
pub(super) fn index(edition: Edition, pollutant: Pollutant, basis: Basis, tenths: u64) -> Option<SubIndex> {
    let row = row(edition, pollutant, basis)?;
    let pieces = row.limits.windows(2).zip(INDEX.windows(2));
    for (limits, index) in pieces {
        let (&[low, high], &[from, to]) = (limits, index) else { continue };
        if tenths <= high * 10 {
            let risen = ((tenths - low * 10) * u64::from(to - from)).div_ceil((high - low) * 10);
            // At most `to - from`, for `tenths` is at most `high`.
            return Some(SubIndex { index: from + risen as u16, beyond_scale: false });
        }
    }
    match row.above {
        Above::Scale => Some(SubIndex { index: 500, beyond_scale: true }),
        Above::Fixed(index) => Some(SubIndex { index, beyond_scale: false }),
        Above::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aqi::sub_index;

    const EDITIONS: [Edition; 2] = [Edition::Hj633_2012, Edition::Hj633_2026];

    /// Every row as the standards print it, once more: concentrations at 0, 50, 100, 150, 200, 300, 400, 500.
    const PRINTED: [(&str, Pollutant, Basis, &str); 12] = [
        ("both", Pollutant::So2, Basis::Day, "0 50 150 475 800 1600 2100 2620"),
        ("both", Pollutant::So2, Basis::Hour, "0 150 500 650 800"),
        ("both", Pollutant::No2, Basis::Day, "0 40 80 180 280 565 750 940"),
        ("both", Pollutant::No2, Basis::Hour, "0 100 200 700 1200 2340 3090 3840"),
        ("2012", Pollutant::Pm10, Basis::Day, "0 50 150 250 350 420 500 600"),
        ("2026", Pollutant::Pm10, Basis::Day, "0 50 120 250 350 420 500 600"),
        ("2012", Pollutant::Pm25, Basis::Day, "0 35 75 115 150 250 350 500"),
        ("2026", Pollutant::Pm25, Basis::Day, "0 35 60 115 150 250 350 500"),
        ("both", Pollutant::Co, Basis::Day, "0 2 4 14 24 36 48 60"),
        ("both", Pollutant::Co, Basis::Hour, "0 5 10 35 60 90 120 150"),
        ("both", Pollutant::O3, Basis::Hour, "0 160 200 300 400 800 1000 1200"),
        ("both", Pollutant::O3, Basis::EightHours, "0 100 160 215 265 800"),
    ];

    fn printed() -> impl Iterator<Item = (Edition, Pollutant, Basis, Vec<f64>)> {
        EDITIONS.into_iter().flat_map(|edition| {
            let of_edition = move |of: &str| of == "both" || edition.as_str().ends_with(of);
            PRINTED.iter().filter(move |(of, ..)| of_edition(of)).map(move |(_, pollutant, basis, row)| {
                let limits = row.split(' ').map(|n| n.parse().expect("number")).collect();
                (edition, *pollutant, *basis, limits)
            })
        })
    }

    // Protects every breakpoint: it has exactly its index, and one step of the rounding below or above the neighbour's.
    #[test]
    fn breakpoints_have_exactly_their_index() {
        for (edition, pollutant, basis, limits) in printed() {
            let step = if pollutant == Pollutant::Co { 0.1 } else { 1.0 };
            let at = |c: f64| sub_index(edition, pollutant, basis, c).map(|s| (s.index, s.beyond_scale));
            for (n, limit) in limits.iter().enumerate() {
                let what = format!("{edition:?} {pollutant:?} {basis:?} {limit}");
                assert_eq!(at(*limit), Some((INDEX[n], false)), "{what}");
                // One step below a breakpoint the index has fallen by that piece's slope, the fraction rounded up.
                if n > 0 {
                    let slope = f64::from(INDEX[n] - INDEX[n - 1]) / (limit - limits[n - 1]) * step;
                    let expected = f64::from(INDEX[n]) - (slope + 1e-9).floor();
                    assert_eq!(at(limit - step).map(|s| f64::from(s.0)), Some(expected), "below {what}");
                }
                if let Some(next) = limits.get(n + 1) {
                    let slope = f64::from(INDEX[n + 1] - INDEX[n]) / (next - limit) * step;
                    let expected = f64::from(INDEX[n]) + (slope - 1e-9).ceil();
                    assert_eq!(at(limit + step).map(|s| f64::from(s.0)), Some(expected), "above {what}");
                }
                // Less than half a step is rounded away.
                assert_eq!(at(limit + step * 0.49), at(*limit), "{what}");
            }
        }
    }

    // Protects the ends: 500 and a flag where the standard says nothing, and the edition's own word where it speaks.
    #[test]
    fn above_the_last_breakpoint_the_edition_decides() {
        for (edition, pollutant, basis, limits) in printed() {
            let last = limits.last().copied().expect("a limit");
            for c in [last + 1.0, last * 10.0, 1e300] {
                let expected = match (edition, limits.len()) {
                    (_, 8) => Some((500, true)),
                    (Edition::Hj633_2026, 5) => Some((200, false)),
                    (Edition::Hj633_2026, 6) => Some((300, false)),
                    _ => None,
                };
                let got = sub_index(edition, pollutant, basis, c).map(|s| (s.index, s.beyond_scale));
                assert_eq!(got, expected, "{edition:?} {pollutant:?} {basis:?} {c}");
            }
        }
    }

    // Protects the row that a well-known program has wrong.
    #[test]
    fn sulphur_dioxide_of_a_day_has_the_printed_row() {
        let day = |c: f64| sub_index(Edition::Hj633_2026, Pollutant::So2, Basis::Day, c).map(|s| s.index);
        let expected =
            [(50.0, 50), (150.0, 100), (151.0, 101), (475.0, 150), (800.0, 200), (801.0, 201), (1600.0, 300)];
        for (c, index) in expected.into_iter().chain([(2100.0, 400), (2620.0, 500)]) {
            assert_eq!(day(c), Some(index), "{c}");
        }
    }

    // Protects real-time reports: particles of one hour are judged by the day's table.
    #[test]
    fn particles_of_an_hour_use_the_table_of_the_day() {
        for (edition, pollutant) in EDITIONS.into_iter().flat_map(|e| [(e, Pollutant::Pm25), (e, Pollutant::Pm10)]) {
            for c in 0..700 {
                let of = |basis| sub_index(edition, pollutant, basis, f64::from(c));
                assert_eq!(of(Basis::Hour), of(Basis::Day));
            }
        }
    }

    // Protects from nonsense: no value or no such basis, no index; drift below zero is zero.
    #[test]
    fn what_has_no_index_gets_none() {
        for edition in EDITIONS {
            for c in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert_eq!(sub_index(edition, Pollutant::Pm25, Basis::Day, c), None);
            }
            assert_eq!(sub_index(edition, Pollutant::Pm25, Basis::Day, -4.0).map(|s| s.index), Some(0));
            assert_eq!(sub_index(edition, Pollutant::O3, Basis::Day, 1.0), None);
            for pollutant in Pollutant::ALL.into_iter().filter(|p| *p != Pollutant::O3) {
                assert_eq!(sub_index(edition, pollutant, Basis::EightHours, 1.0), None);
            }
        }
    }
}
