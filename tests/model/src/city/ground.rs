//! §11: where devices stand, and how far apart.

use std::collections::BTreeMap;

/// Radius of the earth taken as a sphere, in metres.
const EARTH: f64 = 6_371_008.8;

/// Longitude and latitude in degrees.
type Spot = (f64, f64);

/// Where the devices of a catalogue stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ground {
    spots: BTreeMap<String, Spot>,
    /// In which place each device is registered.
    pub(crate) places: BTreeMap<String, String>,
}

impl Ground {
    /// Reads the positions of a catalogue.
    pub(crate) fn read(text: &str) -> Self {
        let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
        let names = table.headers().expect("a header").clone();
        let (mut spots, mut places) = (BTreeMap::new(), BTreeMap::new());
        for line in table.records() {
            let line = line.expect("a line of the catalogue");
            let cell = |name: &str| names.iter().position(|n| n == name).and_then(|i| line.get(i)).unwrap_or_default();
            places.insert(cell("id").to_owned(), cell("place").to_owned());
            if let (Ok(lon), Ok(lat)) = (cell("lon").parse(), cell("lat").parse()) {
                spots.insert(cell("id").to_owned(), (lon, lat));
            }
        }
        Self { spots, places }
    }

    /// Whether two devices stand at most so many metres apart. One without a position is near to nobody.
    pub(crate) fn near(&self, a: &str, b: &str, metres: f64) -> bool {
        let spots = (self.spots.get(a), self.spots.get(b));
        matches!(spots, (Some(a), Some(b)) if distance(*a, *b) <= metres)
    }
}

/// Metres along the great circle.
fn distance(a: Spot, b: Spot) -> f64 {
    let half = |x: f64, y: f64| ((y - x).to_radians() / 2.0).sin().powi(2);
    let h = half(a.1, b.1) + a.1.to_radians().cos() * b.1.to_radians().cos() * half(a.0, b.0);
    2.0 * EARTH * h.sqrt().min(1.0).asin()
}
