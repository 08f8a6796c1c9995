//! The air quality index of a device, judged like any other quantity.
//!
//! A device has this state only while a rule about it judges an index. Its pollutants' accepted values go in; an hour or a
//! day that closes comes out as a value of the derived quantity, and is judged with the time of the hour's or day's last
//! millisecond. Nobody waits for an index: a device whose hour has not closed yet is not unknown for it.

use super::derive::DERIVED;
use super::device::DeviceState;
use super::level::Held;
use super::series::{Scene, Series};
use crate::id::Quantity;
use crate::reading::Quality;
use crate::rule::RuleSet;
use crate::time::{Millis, Timestamp};

const HOUR: Millis = Millis::from_secs(3_600);
const DAY: Millis = Millis::from_secs(86_400);

/// How often a derived quantity has a value; `None` for those that are measured.
pub(super) fn interval(quantity: &Quantity) -> Option<Millis> {
    let name = DERIVED.into_iter().find(|name| *name == quantity.as_str())?;
    Some(if name.starts_with("aqi_day") { DAY } else { HOUR })
}

impl DeviceState {
    /// Gives the device the state of an index where one of the rules numbered in `about` judges one, and only there.
    pub(super) fn select_air(&mut self, about: &[u32], rules: &RuleSet) {
        let mut judged = about.iter().filter_map(|n| rules.rules.get(*n as usize)?.threshold()).map(|t| &t.quantity);
        if judged.find_map(interval).is_none() {
            self.air = None;
        } else if self.air.is_none() {
            self.air = Some(Box::default());
        }
    }

    /// Takes an accepted value of a pollutant, and judges the indices that it closes.
    pub(super) fn derive(&mut self, scene: &mut Scene<'_>, measured: &Quantity, held: Held, now: Timestamp) {
        let Some(air) = &mut self.air else { return };
        for closed in air.observe(measured.as_str(), held.at, held.value).derived.into_iter().flatten() {
            let Ok(quantity) = Quantity::new(closed.quantity) else { continue };
            let held = Held { at: closed.at, value: closed.value(), claimed: None };
            match self.series.binary_search_by(|s| s.quantity.cmp(&quantity)) {
                Ok(i) => {
                    if let Some(series) = self.series.get_mut(i).filter(|s| s.held.at < held.at) {
                        series.observe(scene, held, now, false, true);
                        series.learn(scene, Quality::Good);
                    }
                }
                Err(i) => {
                    let about = scene.rules.about(scene.device);
                    let mut series = Series::new(&quantity, held, &about, scene);
                    // An index that no rule judges is not kept.
                    if !series.cells.is_empty() {
                        series.observe(scene, held, now, true, true);
                        series.learn(scene, Quality::Good);
                        self.series.insert(i, series);
                    }
                }
            }
        }
    }
}
