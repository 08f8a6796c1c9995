//! When to try again.

use super::answer::Ladder;
use crate::time::Millis;

/// Longest wait that a receiver may ask for; a longer wish is cut to this.
pub const RETRY_AFTER_MAX: Millis = Millis::from_secs(3_600);

/// Seconds to wait after the first, second, … failure; the last step is repeated.
const STEPS: [i64; 7] = [1, 2, 4, 8, 15, 30, 60];
/// Where a person has to act, haste is of no use: the waits go on growing.
const SLOW: [i64; 2] = [120, 300];
/// The jitter takes away up to this share of a step, in percent, so that a wait is never longer than its step.
const JITTER: i64 = 20;

/// The wait after the failure of attempt number `attempt` (from 1).
///
/// Jitter comes from `seed`, which should differ between deliveries: those that failed together then do not all come
/// back together. A wish of the receiver (`Retry-After`) is kept where it is longer, up to [`RETRY_AFTER_MAX`].
pub fn delay(ladder: Ladder, attempt: u32, seed: u64, wish: Option<Millis>) -> Millis {
    let steps = STEPS.iter().chain(if ladder == Ladder::Slow { &SLOW[..] } else { &[] });
    let failures = usize::try_from(attempt.max(1)).unwrap_or(usize::MAX);
    let step = Millis::from_secs(steps.take(failures).last().copied().unwrap_or(1));
    let most = step.0 * JITTER / 100;
    let jittered = Millis(step.0 - (mix(seed ^ u64::from(attempt)) % (most as u64 + 1)) as i64);
    wish.map_or(jittered, |w| jittered.max(Millis(w.0.clamp(0, RETRY_AFTER_MAX.0))))
}

/// Spreads the bits of a seed (the finaliser of splitmix64).
const fn mix(seed: u64) -> u64 {
    let a = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let c = (b ^ (b >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    c ^ (c >> 31)
}
