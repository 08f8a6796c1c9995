//! Randomness without state: hashes that stand in for random draws.
//!
//! Every draw is a function of what it is for (seed, device, quantity, time step), so that a value can be derived again
//! at any later time and in any order.

/// Coefficient of the autoregression in [`wander`].
const PHI: f64 = 0.8;
/// Terms kept of it; the rest weighs less than 3 %.
const TERMS: u32 = 16;

/// Mixes the parts into 64 evenly spread bits.
pub fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0x51ab_9c36_e4d0_7f25, |h, part| finish(h ^ finish(part.wrapping_add(0x9e37_79b9_7f4a_7c15))))
}

/// The finaliser of SplitMix64: a bijection that spreads every bit.
const fn finish(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A hash as a number in `0.0 .. 1.0`.
pub fn unit(h: u64) -> f64 {
    (h >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number below `n` (0 where `n` is 0).
pub fn below(h: u64, n: u64) -> u64 {
    ((u128::from(h) * u128::from(n)) >> 64) as u64
}

/// Bounded autoregressive noise of first order in `-1.0 ..= 1.0`: what a calm sensor does around its mean.
///
/// `key` names the series, `step` the time step. The recursion is cut after `TERMS` terms, which makes the value a
/// pure function of the step.
pub fn wander(key: u64, step: i64) -> f64 {
    let (mut sum, mut weight, mut weights) = (0.0, 1.0, 0.0);
    for back in 0..TERMS {
        let draw = unit(hash(&[key, step.wrapping_sub(i64::from(back)).cast_unsigned()]));
        sum += weight * (2.0 * draw - 1.0);
        weights += weight;
        weight *= PHI;
    }
    sum / weights
}

#[cfg(test)]
mod tests {
    use super::*;

    // Protects the calm baseline: noise stays in its bounds, is centred and remembers its past.
    #[test]
    fn wander_is_bounded_centred_and_correlated() {
        let xs: Vec<f64> = (0..20_000).map(|n| wander(7, n)).collect();
        assert!(xs.iter().all(|x| x.abs() <= 1.0));
        let mean = xs.iter().sum::<f64>() / xs.len() as f64;
        assert!(mean.abs() < 0.02, "{mean}");
        let var = xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let lag = xs.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>() / var;
        assert!((0.7..0.9).contains(&lag), "{lag}");
    }

    // Protects even spreading of devices over districts, faults and phases.
    #[test]
    fn below_is_even_and_in_range() {
        let mut counts = [0_u32; 16];
        for n in 0..16_000_u64 {
            counts[below(hash(&[1, n]), 16) as usize] += 1;
        }
        assert!(counts.iter().all(|c| (850..1150).contains(c)), "{counts:?}");
        assert_eq!(below(u64::MAX, 0), 0);
    }
}
