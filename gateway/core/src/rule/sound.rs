//! Whether the limits of a ladder make sense: they climb, values reach them, and values leave them.

use super::table::Reader;
use super::{Bound, Direction};
use crate::id::Quantity;
use crate::place::Level;
use crate::reading::quantity;

/// Each limit must lie further out than the one below it, and a band must survive the deadband.
pub(super) fn ladder(
    r: &mut Reader<'_>,
    at: &str,
    bounds: &[(Level, Bound)],
    direction: Direction,
    deadband: f64,
) -> bool {
    let mut good = true;
    for pair in bounds.windows(2) {
        let [(lower, a), (upper, b)] = pair else { continue };
        let further = match (*a, *b, direction) {
            (Bound::Value(a), Bound::Value(b), Direction::Below) => b < a,
            (Bound::Value(a), Bound::Value(b), _) => b > a,
            (Bound::Band { low: l1, high: h1 }, Bound::Band { low: l2, high: h2 }, _) => l2 < l1 && h2 > h1,
            _ => true,
        };
        if !further {
            let text = format!("does not lie further out than {}", lower.as_str());
            r.problem(&format!("{at}levels.{}", upper.as_str()), text);
            good = false;
        }
    }
    for (level, bound) in bounds {
        if let Bound::Band { low, high } = bound
            && low + deadband > high - deadband
        {
            r.problem(&format!("{at}levels.{}", level.as_str()), "the band is empty, or narrower than two deadbands");
            good = false;
        }
    }
    good
}

/// A limit that no plausible value reaches never fires: most likely it is in another unit.
pub(super) fn reachable(
    r: &mut Reader<'_>,
    at: &str,
    bounds: &[(Level, Bound)],
    direction: Direction,
    quantity: &Quantity,
) -> bool {
    let Some(spec) = quantity::lookup(quantity.as_str()) else { return true };
    let mut good = true;
    for (level, bound) in bounds {
        let reached = match (*bound, direction) {
            (Bound::Value(v), Direction::Below) => v >= spec.min,
            (Bound::Value(v), _) => v <= spec.max,
            (Bound::Band { low, high }, _) => low > spec.min || high < spec.max,
        };
        if !reached {
            let text =
                format!("is never reached: {} is plausible from {} to {} {}", spec.name, spec.min, spec.max, spec.unit);
            r.problem(&format!("{at}levels.{}", level.as_str()), text);
            good = false;
        }
    }
    good
}

/// A level that no plausible value is back behind never ends by itself: most likely its deadband is too wide.
pub(super) fn recoverable(
    r: &mut Reader<'_>,
    at: &str,
    bounds: &[(Level, Bound)],
    direction: Direction,
    deadband: f64,
    quantity: &Quantity,
) -> bool {
    let Some(spec) = quantity::lookup(quantity.as_str()) else { return true };
    let mut good = true;
    for (level, bound) in bounds {
        let back = match (*bound, direction) {
            (Bound::Value(v), Direction::Below) => spec.max > v + deadband,
            (Bound::Value(v), _) => spec.min < v - deadband,
            // An empty band is told as such.
            (Bound::Band { low, high }, _) => {
                low + deadband > high - deadband || (low + deadband <= spec.max && high - deadband >= spec.min)
            }
        };
        if !back {
            let text = format!(
                "never ends: no plausible value is back by the deadband; {} is plausible from {} to {} {}",
                spec.name, spec.min, spec.max, spec.unit
            );
            r.problem(&format!("{at}levels.{}", level.as_str()), text);
            good = false;
        }
    }
    good
}
