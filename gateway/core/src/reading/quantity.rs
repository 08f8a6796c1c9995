//! The registry of quantities: what can be measured, in which unit, and which values are believable.
//!
//! Decoders ask it for every value, before anything is stored: it converts to the canonical unit and marks what lies
//! outside the plausible range. The ranges are wide on purpose: record pollution, record rain and a turbidity probe that
//! drifts just below zero are real and pass; fillers such as -9999 and readings off by a factor of 1,000 do not.
//!
//! **Invariant:** a unit nobody listed is refused, never guessed. The registry is fixed at compile time, sorted by
//! name, and has at most 128 entries ([`QuantitySpec::index`] fits a 128-bit set).

use crate::id::Quantity;
use crate::reading::Quality;

/// Who may see values of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataClass {
    /// May be published as open data.
    Public,
    /// For the city's own operation.
    Internal,
    /// Says something about people; shown by need only.
    Sensitive,
}

impl DataClass {
    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Sensitive => "sensitive",
        }
    }
}

/// Another accepted unit: `canonical = value × scale + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversion {
    /// Its code, UCUM where UCUM has one.
    pub unit: &'static str,
    /// Factor to the canonical unit.
    pub scale: f64,
    /// Added after scaling, in the canonical unit.
    pub offset: f64,
}

/// One quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantitySpec {
    /// Its name in payloads, rules and interfaces.
    pub name: &'static str,
    /// The canonical unit, UCUM where UCUM has one; `1` for counts and yes/no values.
    pub unit: &'static str,
    /// Smallest believable value, in the canonical unit.
    pub min: f64,
    /// Largest believable value, in the canonical unit.
    pub max: f64,
    /// Who may see it.
    pub class: DataClass,
    /// Other accepted units.
    pub also: &'static [Conversion],
}

/// A unit that the quantity does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{quantity} is not accepted in this unit; canonical is {canonical}")]
pub struct UnknownUnit {
    /// Of which quantity.
    pub quantity: &'static str,
    /// Its canonical unit.
    pub canonical: &'static str,
}

impl QuantitySpec {
    /// Position in [`all`], below 128.
    pub fn index(&self) -> usize {
        REGISTRY.partition_point(|q| q.name < self.name)
    }

    /// The name as an identifier.
    pub fn quantity(&self) -> Option<Quantity> {
        Quantity::new(self.name).ok()
    }

    /// Whether it is a yes/no value (0 or 1), which payloads may also write as `false` and `true`.
    pub fn is_binary(&self) -> bool {
        self.unit == "1" && self.min.to_bits() == 0 && self.max.to_bits() == 1.0_f64.to_bits()
    }

    /// Converts `value` to the canonical unit; no unit means canonical.
    ///
    /// # Errors
    /// Where the unit is not one of the quantity's.
    pub fn convert(&self, value: f64, unit: Option<&str>) -> Result<f64, UnknownUnit> {
        match unit {
            None => Ok(value),
            Some(unit) if unit == self.unit => Ok(value),
            Some(unit) => self
                .also
                .iter()
                .find(|c| c.unit == unit)
                .map(|c| value * c.scale + c.offset)
                .ok_or(UnknownUnit { quantity: self.name, canonical: self.unit }),
        }
    }

    /// What to think of `value`, in the canonical unit: [`Quality::Range`] outside the plausible range, NaN and
    /// infinities included.
    pub fn judge(&self, value: f64) -> Quality {
        // Written so that NaN, which compares with nothing, falls to the second branch.
        if value >= self.min && value <= self.max { Quality::Good } else { Quality::Range }
    }
}

/// All quantities, sorted by name.
pub fn all() -> &'static [QuantitySpec] {
    REGISTRY
}

/// The quantity of this name.
pub fn lookup(name: &str) -> Option<&'static QuantitySpec> {
    REGISTRY.binary_search_by(|q| q.name.cmp(name)).ok().map(|i| &REGISTRY[i])
}

const fn by(unit: &'static str, scale: f64) -> Conversion {
    Conversion { unit, scale, offset: 0.0 }
}

const fn shifted(unit: &'static str, scale: f64, offset: f64) -> Conversion {
    Conversion { unit, scale, offset }
}

const fn public(
    name: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
    also: &'static [Conversion],
) -> QuantitySpec {
    QuantitySpec { name, unit, min, max, class: DataClass::Public, also }
}

const fn internal(
    name: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
    also: &'static [Conversion],
) -> QuantitySpec {
    QuantitySpec { name, unit, min, max, class: DataClass::Internal, also }
}

const fn sensitive(
    name: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
    also: &'static [Conversion],
) -> QuantitySpec {
    QuantitySpec { name, unit, min, max, class: DataClass::Sensitive, also }
}

const NONE: &[Conversion] = &[];
/// Micrograms per cubic metre are canonical; milligrams and the typographic spellings are accepted.
const MICROGRAMS: &[Conversion] = &[by("mg/m3", 1000.0), by("µg/m3", 1.0), by("μg/m3", 1.0), by("µg/m³", 1.0)];
/// Milligrams per cubic metre are canonical; many stations report carbon monoxide in micrograms.
const MILLIGRAMS: &[Conversion] = &[by("ug/m3", 0.001), by("µg/m3", 0.001), by("μg/m3", 0.001)];
const CELSIUS: &[Conversion] = &[by("°C", 1.0), shifted("[degF]", 5.0 / 9.0, -160.0 / 9.0), shifted("K", 1.0, -273.15)];
const CENTIMETRES: &[Conversion] = &[by("m", 100.0), by("mm", 0.1), by("[in_i]", 2.54)];
const MILLIMETRES: &[Conversion] = &[by("cm", 10.0), by("m", 1000.0), by("[in_i]", 25.4)];
const METRES: &[Conversion] = &[by("cm", 0.01), by("mm", 0.001), by("km", 1000.0)];
const PERCENT: &[Conversion] = &[by("1", 100.0)];
const PPM: &[Conversion] = &[by("[ppm]", 1.0)];
const MG_PER_L: &[Conversion] = &[by("ug/L", 0.001), by("g/m3", 1.0)];
const KM_PER_H: &[Conversion] = &[by("m/s", 3.6)];
const COUNT: &[Conversion] = NONE;

/// Sorted by name; a test holds it so.
static REGISTRY: &[QuantitySpec] = &[
    // Derived from the pollutants by the engine (engine/derive.rs), by HJ 633-2012 and HJ 633-2026.
    public("aqi_day_2012", "1", 0.0, 500.0, NONE),
    public("aqi_day_2026", "1", 0.0, 500.0, NONE),
    public("aqi_hour_2012", "1", 0.0, 500.0, NONE),
    public("aqi_hour_2026", "1", 0.0, 500.0, NONE),
    internal("battery", "%", 0.0, 100.0, PERCENT),
    internal("beds_used", "%", 0.0, 200.0, PERCENT),
    public("chlorine", "mg/L", -0.1, 20.0, MG_PER_L),
    public("co", "mg/m3", -1.0, 200.0, MILLIGRAMS),
    public("cod", "mg/L", -1.0, 5000.0, MG_PER_L),
    // The permanganate index of GB 3838-2002, mg/L of oxygen.
    public("codmn", "mg/L", -0.5, 500.0, MG_PER_L),
    internal("count_motor", "1", 0.0, 10_000.0, COUNT),
    internal("count_non_motor", "1", 0.0, 10_000.0, COUNT),
    internal("count_pedestrian", "1", 0.0, 10_000.0, COUNT),
    internal("count_unknown", "1", 0.0, 10_000.0, COUNT),
    sensitive("crowd_count", "1", 0.0, 1_000_000.0, COUNT),
    sensitive("crowd_density", "/m2", 0.0, 15.0, &[by("1/m2", 1.0)]),
    internal("current", "A", -5000.0, 5000.0, &[by("mA", 0.001)]),
    public("dissolved_oxygen", "mg/L", -0.5, 60.0, MG_PER_L),
    public("dissolved_oxygen_saturation", "%", -5.0, 400.0, PERCENT),
    sensitive("fever_visits", "1", 0.0, 100_000.0, COUNT),
    internal("gas_ch4", "%LEL", -5.0, 150.0, NONE),
    internal("gas_co", "ppm", -20.0, 5000.0, PPM),
    internal("gas_h2s", "ppm", -5.0, 1000.0, PPM),
    public("humidity", "%", -1.0, 105.0, PERCENT),
    sensitive("intrusion", "1", 0.0, 1.0, NONE),
    internal("level_percent", "%", -5.0, 150.0, PERCENT),
    internal("light_on", "%", 0.0, 100.0, PERCENT),
    internal("manhole_tilt", "deg", -180.0, 180.0, &[by("rad", 57.295_779_513_082_32)]),
    public("mean_speed", "km/h", 0.0, 250.0, KM_PER_H),
    internal("mean_speed_motor", "km/h", 0.0, 250.0, KM_PER_H),
    internal("mean_speed_non_motor", "km/h", 0.0, 150.0, KM_PER_H),
    internal("mean_speed_pedestrian", "km/h", 0.0, 60.0, KM_PER_H),
    public("nh3n", "mg/L", -0.1, 500.0, MG_PER_L),
    public("no2", "ug/m3", -20.0, 5000.0, MICROGRAMS),
    public("noise", "dB(A)", 0.0, 160.0, &[by("dB", 1.0)]),
    public("o3", "ug/m3", -20.0, 2500.0, MICROGRAMS),
    public("occupancy", "%", 0.0, 100.0, PERCENT),
    internal("oxygen", "%", 0.0, 30.0, PERCENT),
    public("ph", "[pH]", 0.0, 14.0, &[by("1", 1.0), by("pH", 1.0)]),
    public("pm10", "ug/m3", -10.0, 12_000.0, MICROGRAMS),
    public("pm25", "ug/m3", -10.0, 3000.0, MICROGRAMS),
    internal("power", "1", 0.0, 1.0, NONE),
    public("pressure", "hPa", 500.0, 1100.0, &[by("Pa", 0.01), by("kPa", 10.0), by("mbar", 1.0)]),
    public("queue_length", "m", 0.0, 10_000.0, METRES),
    internal("queue_vehicles", "1", 0.0, 10_000.0, COUNT),
    // What fell since the report before: sums over a window are the rain of that time.
    public("rain", "mm", 0.0, 1000.0, MILLIMETRES),
    public("road_temperature", "Cel", -60.0, 95.0, CELSIUS),
    sensitive("room_temperature", "Cel", -40.0, 70.0, CELSIUS),
    internal("rssi", "dBm", -200.0, 50.0, NONE),
    internal("rsu_cpu", "%", 0.0, 100.0, PERCENT),
    internal("rsu_disk", "%", 0.0, 100.0, PERCENT),
    internal("rsu_mem", "%", 0.0, 100.0, PERCENT),
    internal("settlement", "mm", -5000.0, 5000.0, MILLIMETRES),
    internal("smoke", "1", 0.0, 1.0, NONE),
    internal("snr", "dB", -60.0, 60.0, NONE),
    public("so2", "ug/m3", -20.0, 5000.0, MICROGRAMS),
    public("temperature", "Cel", -60.0, 70.0, CELSIUS),
    internal("tilt", "deg", -180.0, 180.0, &[by("rad", 57.295_779_513_082_32)]),
    // Total phosphorus.
    public("tp", "mg/L", -0.05, 100.0, MG_PER_L),
    public("traffic_flow", "/h", 0.0, 30_000.0, &[by("1/h", 1.0), by("/min", 60.0)]),
    public("traffic_index", "1", 0.0, 10.0, NONE),
    public("turbidity", "NTU", -10.0, 5000.0, &[by("[NTU]", 1.0), by("FNU", 1.0)]),
    internal("vibration", "mm/s", 0.0, 1000.0, &[by("m/s", 1000.0), by("cm/s", 10.0)]),
    public("visibility", "m", 0.0, 100_000.0, METRES),
    internal("voltage", "V", -2000.0, 1_000_000.0, &[by("mV", 0.001), by("kV", 1000.0)]),
    public("water_depth", "cm", -5.0, 1000.0, CENTIMETRES),
    public("water_level", "m", -500.0, 6000.0, METRES),
    internal(
        "water_pressure",
        "MPa",
        -0.1,
        10.0,
        // A metre of water column is 9.80665 kPa.
        &[by("kPa", 0.001), by("bar", 0.1), by("m", 0.009_806_65), by("Pa", 1e-6)],
    ),
    public("wind_direction", "deg", 0.0, 360.0, NONE),
    public("wind_speed", "m/s", 0.0, 120.0, &[by("km/h", 1.0 / 3.6), by("[kn_i]", 0.514_444_444_444_444_5)]),
];

#[cfg(test)]
mod tests {
    use super::*;

    // Protects lookup: it is a binary search, and the duplicate check packs indexes into 128 bits.
    #[test]
    fn registry_is_sorted_unique_valid_and_small() {
        assert!(all().windows(2).all(|w| w[0].name < w[1].name));
        assert!(all().len() <= 128);
        for (i, q) in all().iter().enumerate() {
            assert!(q.quantity().is_some(), "{} is no identifier", q.name);
            assert_eq!(q.index(), i);
            assert!(lookup(q.name).is_some_and(|found| found.name == q.name));
            assert!(q.min < q.max && q.also.iter().all(|c| c.unit != q.unit && c.scale.is_finite()));
        }
        assert!(lookup("pm2.5").is_none());
    }

    // Protects trap 16: real extremes are kept as good, fillers are marked.
    #[test]
    fn real_extremes_pass_and_fillers_do_not() {
        let good = |name: &str, v: f64| assert_eq!(lookup(name).map(|q| q.judge(v)), Some(Quality::Good), "{name} {v}");
        good("pm25", 994.0);
        good("pm10", 9985.0);
        good("rain", 72.5);
        good("turbidity", -0.8);
        good("dissolved_oxygen_saturation", 140.0);
        good("temperature", -41.0);
        good("co", 10.0);
        for q in all() {
            for bad in [-9999.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert_eq!(q.judge(bad), Quality::Range, "{} {bad}", q.name);
            }
        }
    }

    // Protects trap 9: units are converted by the table, an unknown one is refused.
    #[test]
    fn units_convert_or_are_refused() {
        let check = |name: &str, v: f64, unit: &str, expected: f64| {
            let got = lookup(name).map(|q| q.convert(v, Some(unit)));
            assert!(
                matches!(got, Some(Ok(got)) if (got - expected).abs() < 1e-9 * expected.abs().max(1.0)),
                "{name} {v} {unit}: {got:?}"
            );
        };
        check("water_depth", 12.0, "[in_i]", 30.48);
        check("water_depth", 0.27, "m", 27.0);
        check("water_depth", 270.0, "mm", 27.0);
        check("co", 1800.0, "ug/m3", 1.8);
        check("temperature", 212.0, "[degF]", 100.0);
        check("temperature", 273.15, "K", 0.0);
        check("water_pressure", 10.0, "m", 0.098_066_5);
        check("water_pressure", 3.0, "bar", 0.3);
        check("wind_speed", 36.0, "km/h", 10.0);
        check("pm25", 35.0, "ug/m3", 35.0);
        for q in all() {
            assert!(q.convert(1.0, Some("furlong")).is_err());
            assert!(q.convert(1.0, Some("")).is_err());
        }
    }
}
