//! Concentrations, their means and the rounding of GB/T 8170, exactly.
//!
//! Values are taken in millionths of their unit, so that a mean is a quotient of integers: a tie such as 0.85 mg/m³ is a
//! tie, which binary fractions would decide by chance.

use minicbor::{Decode, Encode};

use super::Pollutant;

/// Millionths in a unit.
const MILLIONTHS: u64 = 1_000_000;
/// Largest concentration in units; what is larger counts as this. Far above every table and every real value.
const MOST: f64 = 1e6;

/// A concentration in millionths of the pollutant's canonical unit, not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Concentration(#[n(0)] u64);

impl Concentration {
    /// Takes a value in the canonical unit. Below zero is drift of the instrument and counts as zero; NaN and infinities
    /// are no concentration.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self((value.clamp(0.0, MOST) * MILLIONTHS as f64).round() as u64))
    }
}

/// An arithmetic mean that grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Mean {
    /// In millionths.
    #[n(0)]
    sum: u64,
    #[n(1)]
    count: u32,
}

impl Mean {
    /// Adds a value. One that no longer fits (more than ten million values) changes nothing.
    pub fn add(&mut self, value: Concentration) {
        if let (Some(sum), Some(count)) = (self.sum.checked_add(value.0), self.count.checked_add(1)) {
            *self = Self { sum, count };
        }
    }

    /// How many values it is the mean of.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// The mean to the nearest millionth; nothing without values.
    pub fn value(self) -> Option<Concentration> {
        (self.count > 0).then(|| Concentration(half_even(self.sum, u64::from(self.count))))
    }

    /// The mean in tenths of the unit, rounded as HJ 633 asks before the index is computed: to a whole number, carbon
    /// monoxide to one decimal. Nothing without values.
    pub(super) fn tenths(self, pollutant: Pollutant) -> Option<u64> {
        let step = if pollutant == Pollutant::Co { 1 } else { 10 };
        (self.count > 0).then(|| half_even(self.sum, u64::from(self.count) * step * (MILLIONTHS / 10)) * step)
    }
}

impl From<Concentration> for Mean {
    fn from(value: Concentration) -> Self {
        Self { sum: value.0, count: 1 }
    }
}

/// The quotient by GB/T 8170-2008: to the nearest, of two equally near to the even one.
const fn half_even(dividend: u64, divisor: u64) -> u64 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    if rest > divisor - rest || (rest == divisor - rest && quotient % 2 == 1) { quotient + 1 } else { quotient }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenths(pollutant: Pollutant, values: &[f64]) -> Option<u64> {
        let mut mean = Mean::default();
        values.iter().filter_map(|v| Concentration::new(*v)).for_each(|c| mean.add(c));
        mean.tenths(pollutant)
    }

    // Protects the rounding: half to even, on the mean itself and not on its binary neighbour.
    #[test]
    fn ties_go_to_the_even_number() {
        let whole = |v: f64| tenths(Pollutant::Pm25, &[v]);
        assert_eq!(
            [34.5, 35.5, 35.4, 35.6, 36.5, 0.5, 0.500_001].map(whole),
            [340, 360, 350, 360, 360, 0, 10].map(Some)
        );
        let decimal = |v: f64| tenths(Pollutant::Co, &[v]);
        assert_eq!([0.85, 0.95, 2.05, 2.15, 0.04, 1.150_001].map(decimal), [8, 10, 20, 22, 0, 12].map(Some));
        // 0.1 + 0.2 + 0.45 in binary is above 0.75, and its third above 0.25: the mean is exactly 0.25.
        assert_eq!(tenths(Pollutant::Co, &[0.1, 0.2, 0.45]), Some(2));
        assert_eq!(tenths(Pollutant::O3, &[1.0, 2.0]), Some(20));
        assert_eq!(tenths(Pollutant::O3, &[1.0, 1.0, 2.0]), Some(10));
    }

    // Protects the index from what instruments say at night: drift below zero is zero, nonsense is nothing.
    #[test]
    fn drift_is_zero_and_nonsense_is_nothing() {
        assert_eq!(tenths(Pollutant::So2, &[-3.0]), Some(0));
        assert_eq!(tenths(Pollutant::So2, &[-3.0, 10.0]), Some(50));
        assert_eq!(tenths(Pollutant::So2, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]), None);
        assert_eq!(tenths(Pollutant::So2, &[f64::MAX]), Some(10_000_000));
    }

    // Protects from overflow: what does not fit is left out.
    #[test]
    fn a_full_mean_stays() {
        let full = Mean { sum: u64::MAX, count: 7 };
        let mut mean = full;
        mean.add(Concentration(1));
        assert_eq!(mean, full);
        let mut many = Mean { sum: 5, count: u32::MAX };
        many.add(Concentration(1));
        assert_eq!(many.value(), Some(Concentration(0)));
    }
}
