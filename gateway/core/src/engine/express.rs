//! Expressions over the series of a device: their results are values of a series of their own, judged like any other.
//!
//! ```text
//! accepted reading of a named series ─▶ values of all of them, heard and close together ─▶ program ─▶ result series
//! ```
//!
//! A result has the time of the newest value in it. The other values may be older by `within` at most, so that what a
//! device sends of one moment in several readings is computed with once it is all there, and never with a part of the
//! moment before. What is missing, too old, not heard or undefined gives no result; the one held grows old and is then
//! unknown, like every value.
//!
//! **State:** the result series alone, under a name made of rule and expression ([`Expression::quantity`]): another
//! expression is another series, and the old one ends with its cells. At most [`crate::limit::MAX_EXPRESSIONS`] a device.
//!
//! [`Expression::quantity`]: crate::rule::Expression

use super::Counts;
use super::device::DeviceState;
use super::ladder::stale_after;
use super::level::Held;
use super::series::{Scene, Series, ladder};
use super::sight::COVERED;
use crate::limit::MAX_INPUTS;
use crate::reading::Reading;
use crate::rule::expression::is_result;
use crate::rule::{Expression, ExpressionInput, RuleSet};
use crate::time::{Millis, Timestamp};

impl DeviceState {
    /// Finds the expressions among the rules numbered in `about`, and forgets results that no rule judges any more.
    pub(super) fn select_expressions(&mut self, about: &[u32], rules: &RuleSet) {
        let of = |n: &&u32| {
            rules.rules.get(**n as usize).and_then(|r| r.threshold()).is_some_and(|t| t.expression.is_some())
        };
        self.expressions = about.iter().filter(of).copied().collect();
        self.expressions.shrink_to_fit();
        self.series.retain(|s| !is_result(&s.quantity) || !s.cells.is_empty());
    }

    /// Computes with an accepted reading what the rules make of it, and judges it.
    pub(super) fn express(&mut self, scene: &mut Scene<'_>, reading: &Reading, now: Timestamp, counts: &mut Counts) {
        let (rules, own) = (scene.rules, scene.own);
        for i in 0..self.expressions.len() {
            let Some(number) = self.expressions.get(i) else { return };
            let Some(threshold) = ladder(rules, own, *number) else { continue };
            let Some(expression) = threshold.expression.as_deref().filter(|e| e.reads(&reading.quantity)) else {
                continue;
            };
            let within = expression.within(stale_after(threshold, scene.device), scene.device);
            let Some((at, values)) = self.values(expression, within) else { continue };
            let Some(value) = expression.value(&values) else {
                counts.undefined += 1;
                continue;
            };
            let quantity = &threshold.quantity;
            match self.series.binary_search_by(|s| s.quantity.cmp(quantity)) {
                Ok(i) => {
                    let Some(series) = self.series.get_mut(i) else { continue };
                    // Of one moment there can be several where old values may be used: each is behind the one before.
                    let at = at.max(series.held.at + Millis(1));
                    series.observe(scene, Held { at, value, claimed: None }, now, false, reading.timed);
                    series.learn(scene, reading.quality);
                }
                Err(i) => {
                    let held = Held { at, value, claimed: None };
                    let mut series = Series::new(quantity, held, &rules.about(scene.device), scene);
                    series.observe(scene, held, now, true, reading.timed);
                    series.learn(scene, reading.quality);
                    self.missing.retain(|q| q != quantity);
                    self.series.insert(i, series);
                }
            }
        }
    }

    /// The values that an expression is computed with now and the time of the newest; `None` where one is missing, cannot
    /// be heard, or lies further back than `within`.
    fn values(&mut self, expression: &Expression, within: Millis) -> Option<(Timestamp, [f64; MAX_INPUTS])> {
        let mut values = [f64::NAN; MAX_INPUTS];
        let (mut oldest, mut newest) = (Timestamp::MAX, Timestamp(i64::MIN));
        for (input, value) in expression.inputs.iter().zip(&mut values) {
            let i = self.series.binary_search_by(|s| s.quantity.cmp(&input.quantity)).ok()?;
            let series = self.series.get_mut(i).filter(|s| !s.mute.is_deaf())?;
            *value = value_of(series, input)?;
            (oldest, newest) = (oldest.min(series.held.at), newest.max(series.held.at));
        }
        (newest.since(oldest) <= within).then_some((newest, values))
    }
}

/// The value of a named series. A window counts only when it is full and covered: what an expression makes of it may grow
/// or fall with more data.
fn value_of(series: &mut Series, input: &ExpressionInput) -> Option<f64> {
    if input.window == Millis::ZERO {
        return Some(series.held.value);
    }
    let (value, coverage, full) = series.memories.value(input.signal, input.window)?;
    (full && coverage >= COVERED).then_some(value)
}
