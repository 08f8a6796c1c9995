//! Measurement and tags of every series, made once.
//!
//! | part | from |
//! |---|---|
//! | measurement | the quantity |
//! | `device`, `quality` | the reading |
//! | `kind`, `place`, `district`, `domain` | the catalogue that was in force when the reading came in; of unknown devices none |
//! | further tags | the configuration |
//!
//! **Limit:** [`ROOM`] series; then all are forgotten and made again as they come.

use std::collections::HashMap;

use maibo_core::id::{DeviceId, Quantity, Version};
use maibo_core::reading::{Quality, Reading};
use maibo_core::registry::{Catalogue, place};

use super::line::{self, LineError};

/// Series kept; about 200 bytes each.
pub(super) const ROOM: usize = 100_000;

/// Tags that every point carries besides its own.
pub(super) const OWN_TAGS: [&str; 6] = ["device", "district", "domain", "kind", "place", "quality"];

struct Entry {
    quantity: Quantity,
    quality: Quality,
    catalogue: Version,
    prefix: Result<Box<[u8]>, LineError>,
}

/// The cache.
pub(super) struct Prefixes {
    /// A device has few series: its list is looked through.
    devices: HashMap<DeviceId, Vec<Entry>>,
    series: usize,
    room: usize,
    further: Vec<(String, String)>,
}

impl Prefixes {
    /// Empty; every point gets the `further` tags.
    pub(super) fn new(further: Vec<(String, String)>, room: usize) -> Self {
        Self { devices: HashMap::new(), series: 0, room, further }
    }

    /// What stands before the value of a reading of this quality. `version` and `catalogue` belong together.
    pub(super) fn get(
        &mut self,
        reading: &Reading,
        quality: Quality,
        version: Version,
        catalogue: Option<&Catalogue>,
    ) -> &Result<Box<[u8]>, LineError> {
        if self.series >= self.room {
            self.devices.clear();
            self.series = 0;
        }
        if !self.devices.contains_key(&reading.device) {
            self.devices.insert(reading.device.clone(), Vec::new());
        }
        let list = self.devices.entry(reading.device.clone()).or_default();
        let same = |e: &Entry| e.quality == quality && e.quantity == reading.quantity;
        let found = list.iter().position(same);
        let at = match found {
            Some(at) if list.get(at).is_some_and(|e| e.catalogue == version) => at,
            _ => {
                let prefix = make(reading, quality, catalogue, &self.further);
                let entry = Entry { quantity: reading.quantity.clone(), quality, catalogue: version, prefix };
                if let Some(at) = found {
                    list.remove(at);
                } else {
                    self.series += 1;
                }
                list.push(entry);
                list.len() - 1
            }
        };
        &list[at].prefix
    }
}

fn make(
    reading: &Reading,
    quality: Quality,
    catalogue: Option<&Catalogue>,
    further: &[(String, String)],
) -> Result<Box<[u8]>, LineError> {
    let device = catalogue.and_then(|c| c.get(&reading.device));
    let mut tags: Vec<(&str, &str)> = vec![("device", reading.device.as_str()), ("quality", quality.as_str())];
    if let Some(device) = device {
        tags.push(("kind", &device.kind));
        tags.push(("place", device.place.as_str()));
        tags.push(("district", place::district(&device.place).unwrap_or_default()));
        tags.push(("domain", device.domain.as_str()));
    }
    tags.extend(further.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    line::prefix(reading.quantity.as_str(), &tags)
}

#[cfg(test)]
mod tests {
    use maibo_core::time::Timestamp;

    use super::*;

    const HEAD: &str = "id,kind,name,place,lon,lat,domain\n";

    fn reading(device: &str) -> Reading {
        Reading {
            device: DeviceId::new(device).expect("device"),
            quantity: Quantity::new("water_depth").expect("quantity"),
            at: Timestamp(1),
            received: Timestamp(1),
            value: 1.0,
            quality: Quality::Good,
            timed: true,
        }
    }

    fn text(found: &Result<Box<[u8]>, LineError>) -> String {
        String::from_utf8(found.as_ref().expect("a prefix").to_vec()).expect("UTF-8")
    }

    // The tags are those of the schema, and follow the catalogue; unknown devices have what the reading says.
    #[test]
    fn tags_follow_the_catalogue() {
        let before =
            Catalogue::parse(&format!("{HEAD}d1,water logging,Bridge,110105001,116.4,39.9,traffic\n")).expect("ok");
        let after = Catalogue::parse(&format!("{HEAD}d1,gauge,Bridge,110106001,116.4,39.9,emergency\n")).expect("ok");
        let mut prefixes = Prefixes::new(vec![("city".to_owned(), "北京".to_owned())], 10);
        let first = text(prefixes.get(&reading("d1"), Quality::Good, before.version, Some(&before)));
        let expected = "water_depth,city=北京,device=d1,district=110105,domain=traffic,kind=water\\ logging,\
                        place=110105001,quality=good value=";
        assert_eq!(first, expected);
        let second = text(prefixes.get(&reading("d1"), Quality::Good, after.version, Some(&after)));
        assert!(second.contains("district=110106,domain=emergency,kind=gauge,place=110106001"), "{second}");
        assert_eq!(prefixes.series, 1, "it takes the place of the old one");
        let unknown = text(prefixes.get(&reading("d2"), Quality::Clock, after.version, Some(&after)));
        assert_eq!(unknown, "water_depth,city=北京,device=d2,quality=clock value=");
    }

    // P8: strangers can invent names for ever; the cache does not grow for ever, and says the same afterwards.
    #[test]
    fn it_is_bounded() {
        let mut prefixes = Prefixes::new(Vec::new(), 3);
        for n in 0..100 {
            let found = text(prefixes.get(&reading(&format!("d{n}")), Quality::Good, Version(1), None));
            assert_eq!(found, format!("water_depth,device=d{n},quality=good value="));
            assert!(prefixes.series <= 3 && prefixes.devices.len() <= 3);
        }
    }
}
