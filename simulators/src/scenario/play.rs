//! A scenario bound to a city: which device notices which act, and what that does to its values.

use super::{Act, ActKind};
use crate::city::{City, Device};
use crate::noise;

/// What the acts do to one device at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// Acts under way here.
    active: Vec<Active>,
}

/// One act under way.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Active {
    kind: ActKind,
    strength: f64,
    /// Milliseconds after the start of the scenario.
    begun_ms: i64,
}

impl Effect {
    /// Whether nothing happens here.
    pub fn is_calm(&self) -> bool {
        self.active.is_empty()
    }

    /// Whether the device has no power, and so says nothing.
    pub fn is_dark(&self, device: &Device) -> bool {
        self.strength(ActKind::CabinetPowerCut) > 0.0 && device.kind.name != "light-cabinet"
    }

    /// Strength of this kind of act, 0 where it is not under way.
    pub fn strength(&self, kind: ActKind) -> f64 {
        self.active.iter().filter(|a| a.kind == kind).map(|a| a.strength).fold(0.0, f64::max)
    }

    /// When the first act of this kind under way here began, in milliseconds after the start of the scenario.
    pub fn begun(&self, kind: ActKind) -> Option<i64> {
        self.active.iter().filter(|a| a.kind == kind).map(|a| a.begun_ms).min()
    }

    /// The value of a quantity under all acts, from the calm one.
    pub fn apply(&self, quantity: &str, calm: f64) -> f64 {
        self.active.iter().fold(calm, |value, a| alter(a.kind, quantity, value, a.strength))
    }
}

/// What one act of strength `s` does to one quantity.
fn alter(kind: ActKind, quantity: &str, value: f64, s: f64) -> f64 {
    match (kind, quantity) {
        // Since the report before, which was three seconds ago: 240 mm an hour at the worst.
        (ActKind::Cloudburst, "rain") => value + 0.2 * s,
        (ActKind::Cloudburst, "water_depth") => value + 58.0 * s,
        (ActKind::Cloudburst, "level_percent") => (value + 75.0 * s).min(100.0),
        (ActKind::Cloudburst, "humidity") => (value + 45.0 * s).min(100.0),
        (ActKind::Cloudburst, "temperature") => value - 5.0 * s,
        (ActKind::Cloudburst, "mean_speed") => value * (1.0 - 0.4 * s),
        (ActKind::Cloudburst, "visibility") => value * (1.0 - 0.8 * s),
        (ActKind::Cloudburst, "wind_speed") => value + 8.0 * s,
        (ActKind::HeavyPollution, "pm25") => value + 250.0 * s,
        (ActKind::HeavyPollution, "pm10") => value + 330.0 * s,
        (ActKind::HeavyPollution, "no2") => value + 90.0 * s,
        (ActKind::HeavyPollution, "so2") => value + 30.0 * s,
        (ActKind::HeavyPollution, "co") => value + 3.5 * s,
        (ActKind::HeavyPollution, "visibility") => value * (1.0 - 0.92 * s),
        (ActKind::GasLeak, "gas_ch4") => (value + 62.0 * s).min(100.0),
        (ActKind::GasLeak, "oxygen") => value - 1.2 * s,
        (ActKind::CabinetPowerCut, "power" | "voltage" | "light_on") if s > 0.0 => 0.0,
        (ActKind::TrafficAccident, "mean_speed") => value * (1.0 - 0.88 * s),
        (ActKind::TrafficAccident, "occupancy") => (value + 55.0 * s).min(100.0),
        (ActKind::TrafficAccident, "queue_length") => value + 700.0 * s,
        (ActKind::TrafficAccident, "traffic_flow") => value * (1.0 - 0.6 * s),
        (ActKind::CrowdSurge, "crowd_density") => value + 6.0 * s,
        (ActKind::CrowdSurge, "crowd_count") => value + 2400.0 * s,
        (ActKind::ManholeShift, "manhole_tilt") => value + 72.0 * s,
        (ActKind::PipeBurst, "water_pressure") => value * (1.0 - 0.95 * s),
        (ActKind::Fire, "smoke") if s > 0.0 => 1.0,
        (ActKind::Gale, "wind_speed") => value + 29.0 * s,
        (ActKind::ChlorineLoss, "chlorine") => value * (1.0 - s).powi(2),
        (ActKind::TurbidWater, "turbidity") => value + 4.5 * s,
        (ActKind::RiverSpill, "dissolved_oxygen") => value * (1.0 - 0.85 * s),
        (ActKind::RiverSpill, "nh3n") => value + 3.0 * s,
        (ActKind::LoudSite, "noise") => value + (92.0 - value).max(0.0) * s,
        _ => value,
    }
}

/// Whether a device of this kind can notice such an act.
fn notices(kind: ActKind, device: &Device) -> bool {
    let name = device.kind.name;
    match kind {
        ActKind::Cloudburst => matches!(name, "waterlogging" | "weather" | "manhole" | "traffic-flow"),
        ActKind::HeavyPollution => name == "air-station",
        ActKind::GasLeak => name == "gas-well",
        ActKind::CabinetPowerCut => name == "light-cabinet",
        ActKind::TrafficAccident => matches!(name, "traffic-flow" | "rsu"),
        ActKind::CrowdSurge => name == "crowd",
        ActKind::ManholeShift => name == "manhole",
        ActKind::PipeBurst => name == "water-network",
        ActKind::Fire => name == "smoke",
        ActKind::Gale => name == "weather",
        ActKind::ChlorineLoss | ActKind::TurbidWater => name == "tap-water",
        ActKind::RiverSpill => name == "river",
        ActKind::LoudSite => name == "noise",
    }
}

/// A scenario bound to a city.
#[derive(Clone, Debug)]
pub struct Play {
    acts: Vec<Act>,
    /// For each act the devices that notice, with how much of it: sorted by device.
    cast: Vec<Vec<(u32, f64)>>,
    /// For each device its acts.
    by_device: Vec<Vec<u16>>,
}

impl Play {
    pub(super) fn new(acts: &[Act], roams: bool, city: &City) -> Self {
        let acts = acts[..acts.len().min(super::MAX_ACTS)].to_vec();
        let cast: Vec<_> = acts.iter().enumerate().map(|(n, act)| cast(n, act, city, roams)).collect();
        let mut by_device = vec![Vec::new(); city.devices().len()];
        for (n, members) in cast.iter().enumerate() {
            for (device, _) in members {
                by_device[*device as usize].push(n as u16);
            }
        }
        Self { acts, cast, by_device }
    }

    /// What happens at a device, `at_ms` after the start.
    pub fn effect(&self, device: u32, at_ms: i64) -> Effect {
        let mut effect = Effect::default();
        let Some(acts) = self.by_device.get(device as usize) else { return effect };
        for n in acts {
            let (act, members) = (&self.acts[usize::from(*n)], &self.cast[usize::from(*n)]);
            let intensity = act.intensity(at_ms);
            if intensity > 0.0
                && let Some(begun_ms) = act.begun(at_ms)
                && let Ok(found) = members.binary_search_by_key(&device, |(d, _)| *d)
            {
                let strength = intensity * members[found].1;
                effect.active.push(Active { kind: act.kind, strength, begun_ms });
            }
        }
        effect
    }

    /// The devices of all acts that begin or end in `(after_ms, until_ms]`: they report at once.
    pub fn roused(&self, after_ms: i64, until_ms: i64) -> Vec<u32> {
        let mut devices: Vec<u32> = self
            .acts
            .iter()
            .zip(&self.cast)
            .filter(|(act, _)| act.turns(after_ms, until_ms))
            .flat_map(|(_, members)| members.iter().map(|(device, _)| *device))
            .collect();
        devices.sort_unstable();
        devices.dedup();
        devices
    }
}

/// The devices that notice an act: fitting ones of the district in a random order, the first so many. A staged act
/// (`roams`) goes elsewhere where a small city has none of them there.
fn cast(n: usize, act: &Act, city: &City, roams: bool) -> Vec<(u32, f64)> {
    let fitting = |anywhere: bool| -> Vec<(u64, u32)> {
        let devices = city.devices().iter().enumerate();
        let chosen = devices.filter(|(_, d)| (anywhere || d.district == act.district) && notices(act.kind, d));
        chosen.map(|(number, d)| (noise::hash(&[city.seed(), n as u64, d.seed]), number as u32)).collect()
    };
    let mut ranked = fitting(false);
    if roams && ranked.is_empty() {
        ranked = fitting(true);
    }
    ranked.sort_unstable();
    if act.devices < usize::MAX {
        prefer_the_telling_kind(act.kind, &mut ranked, city);
    }
    // Where no roadside unit sees an accident, nobody takes its place: its part is an event, not a queue.
    let is_unit = |(_, number): &(u64, u32)| city.devices()[*number as usize].is_roadside_unit();
    let missing = usize::from(act.kind == ActKind::TrafficAccident && !ranked.iter().any(is_unit));
    ranked.truncate(act.devices.saturating_sub(missing).max(act.devices.min(1)));
    // Where few notice, they do so fully; a whole district is hit unevenly.
    let share = |h: u64| if act.devices < usize::MAX { 1.0 } else { 0.15 + 0.85 * noise::unit(h) };
    let mut members: Vec<(u32, f64)> = ranked.iter().map(|(h, number)| (*number, share(*h))).collect();
    if act.kind == ActKind::CabinetPowerCut {
        members.extend(darkened(&ranked, city));
    }
    members.sort_unstable_by_key(|(device, _)| *device);
    members.dedup_by_key(|(device, _)| *device);
    members
}

/// A small act is seen by the devices whose values speak of it, the bystanders come last. An accident is seen by one
/// roadside unit and by detectors.
fn prefer_the_telling_kind(kind: ActKind, ranked: &mut [(u64, u32)], city: &City) {
    let name = |number: u32| city.devices()[number as usize].kind.name;
    match kind {
        ActKind::Cloudburst => ranked.sort_by_key(|(_, n)| name(*n) != "waterlogging"),
        ActKind::TrafficAccident => {
            let witness = ranked.iter().position(|(_, n)| name(*n) == "rsu");
            if let Some(witness) = witness {
                ranked[..=witness].rotate_right(1);
            }
            let others = usize::from(witness.is_some());
            ranked[others..].sort_by_key(|(_, n)| name(*n) == "rsu");
        }
        _ => {}
    }
}

/// Mains-powered devices of the cabinets' streets: they lose power.
fn darkened(cabinets: &[(u64, u32)], city: &City) -> Vec<(u32, f64)> {
    const MOST: usize = 8;
    let devices = city.devices();
    let of_street = |d: &Device| cabinets.iter().any(|(_, c)| devices[*c as usize].place == d.place);
    let hit = devices.iter().enumerate().filter(|(_, d)| {
        d.kind.power == "mains" && matches!(d.kind.name, "noise" | "crowd" | "rsu" | "traffic-flow") && of_street(d)
    });
    hit.take(MOST).map(|(number, _)| (number as u32, 1.0)).collect()
}
