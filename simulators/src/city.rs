//! A city of devices, the same for the same seed.
//!
//! Sensors are spread over kinds by [`Kind::share`] and over districts by [`District::weight`], and stand in circles that
//! lie inside their district. Roadside units follow the sensors. The catalogue is what the gateway reads; everything
//! else about a device follows from its own seed.

mod district;
mod kind;
mod map;

pub use district::{Area, DISTRICTS, District, district};
pub use kind::{KINDS, Kind, ROADSIDE_UNIT};
pub use map::districts_geojson;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::noise;

/// Sensors by default.
pub const SENSORS: u32 = 5000;
/// Roadside units by default.
pub const ROADSIDE_UNITS: u32 = 60;
/// Most devices of one city; more are not built.
pub const MAX_DEVICES: u32 = 1_000_000;

/// One device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its id, such as `wl-00017`; the serial number of a roadside unit.
    pub id: String,
    /// What it is.
    pub kind: &'static Kind,
    /// Chinese name.
    pub name: String,
    /// Where it stands.
    pub district: &'static District,
    /// Nine digits: the district's six and a street's three.
    pub place: String,
    /// Degrees east.
    pub lon: f64,
    /// Degrees north.
    pub lat: f64,
    /// From which all its values follow.
    pub seed: u64,
}

impl Device {
    /// Whether it speaks OpenV2X.
    pub fn is_roadside_unit(&self) -> bool {
        self.kind.name == ROADSIDE_UNIT.name
    }

    /// Reporting interval in milliseconds.
    pub fn interval_ms(&self) -> i64 {
        i64::from(self.kind.interval_s) * 1000
    }

    /// A lasting trait in `0.0 .. 1.0`: what makes this place differ from others of its kind.
    pub fn bias(&self) -> f64 {
        noise::unit(noise::hash(&[self.seed, 1]))
    }

    /// Labels of the catalogue, `k=v` joined with `;`.
    pub fn labels(&self) -> String {
        match self.kind.name {
            "waterlogging" => {
                format!("site={};battery=reported", if self.bias() < 0.4 { "underpass" } else { "road" })
            }
            "manhole" | "smoke" => "battery=reported".to_owned(),
            // Its calm speeds are those of an expressway.
            "traffic-flow" => "road=expressway".to_owned(),
            "noise" => format!("noise_class={}", if self.at_main_road() { "4a" } else { "2" }),
            "rsu" => "format=openv2x".to_owned(),
            _ => String::new(),
        }
    }

    /// Noise meters: whether it stands at a main road, where other limits hold.
    pub fn at_main_road(&self) -> bool {
        self.bias() > 0.6
    }
}

/// The city.
#[derive(Clone, Debug, PartialEq)]
pub struct City {
    seed: u64,
    devices: Vec<Device>,
}

impl City {
    /// Builds the city of this seed with at most [`MAX_DEVICES`] devices.
    pub fn new(seed: u64, sensors: u32, roadside_units: u32) -> Self {
        let sensors = sensors.min(MAX_DEVICES);
        let roadside_units = roadside_units.min(MAX_DEVICES - sensors);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut devices = Vec::with_capacity((sensors + roadside_units) as usize);
        for (kind, count) in quotas(sensors) {
            devices.extend((1..=count).map(|number| device(&mut rng, kind, number)));
        }
        devices.extend((1..=roadside_units).map(|number| device(&mut rng, &ROADSIDE_UNIT, number)));
        Self { seed, devices }
    }

    /// The default city of this seed.
    pub fn default_size(seed: u64) -> Self {
        Self::new(seed, SENSORS, ROADSIDE_UNITS)
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// All devices, sensors first; a device's number is its position here.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The catalogue: a header and one line for each device.
    pub fn catalogue_csv(&self) -> String {
        let mut out = String::with_capacity(self.devices.len() * 140);
        out.push_str("id,kind,name,place,lon,lat,domain,owner,interval,power,labels,data_class\n");
        for d in &self.devices {
            let k = d.kind;
            let row = format!(
                "{},{},{},{},{:.6},{:.6},{},{},{}s,{},{},{}\n",
                d.id,
                k.name,
                d.name,
                d.place,
                d.lon,
                d.lat,
                k.domain,
                k.owner,
                k.interval_s,
                k.power,
                d.labels(),
                k.data_class
            );
            out.push_str(&row);
        }
        out
    }
}

/// How many of each kind: by share, and what rounding leaves goes to the first kinds.
fn quotas(sensors: u32) -> Vec<(&'static Kind, u32)> {
    let total: u64 = KINDS.iter().map(|k| u64::from(k.share)).sum();
    let mut quotas: Vec<(&'static Kind, u32)> =
        KINDS.iter().map(|k| (k, (u64::from(sensors) * u64::from(k.share) / total) as u32)).collect();
    let given: u32 = quotas.iter().map(|(_, n)| n).sum();
    let kinds = quotas.len();
    for extra in 0..(sensors - given) as usize {
        quotas[extra % kinds].1 += 1;
    }
    quotas
}

fn device(rng: &mut ChaCha8Rng, kind: &'static Kind, number: u32) -> Device {
    let district = pick_district(rng);
    let n = pick_area(rng, district);
    let area = district.areas[n];
    // The square root spreads points evenly over the circle; 0.98 keeps them off its edge.
    let (r, angle) = (0.98 * area.radius * rng.random::<f64>().sqrt(), rng.random::<f64>() * core::f64::consts::TAU);
    let (east, north) = (angle.cos() * r, angle.sin() * r);
    // A street is a quarter of a circle, so that neighbours share it.
    let street = n * 4 + usize::from(east < 0.0) * 2 + usize::from(north < 0.0) + 1;
    Device {
        id: format!("{}-{number:05}", kind.prefix),
        kind,
        name: format!("{}{}{number}", district.zh, kind.zh),
        district,
        place: format!("{}{street:03}", district.code),
        lon: area.lon + east / area.lat.to_radians().cos(),
        lat: area.lat + north,
        seed: rng.random(),
    }
}

fn pick_district(rng: &mut ChaCha8Rng) -> &'static District {
    let total: u32 = DISTRICTS.iter().map(|d| d.weight).sum();
    let mut at = rng.random_range(0..total);
    for d in DISTRICTS {
        match at.checked_sub(d.weight) {
            Some(rest) => at = rest,
            None => return d,
        }
    }
    &DISTRICTS[0]
}

/// By radius, not by surface: small circles are the denser parts.
fn pick_area(rng: &mut ChaCha8Rng, district: &District) -> usize {
    let total: f64 = district.areas.iter().map(|a| a.radius).sum();
    let mut at = rng.random::<f64>() * total;
    for (n, a) in district.areas.iter().enumerate() {
        at -= a.radius;
        if at < 0.0 {
            return n;
        }
    }
    0
}
