//! Where alerts are, and which of them are near one another: what a quorum over a radius looks at.
//!
//! A grid of squares about as high as the radius, so that whoever asks for neighbours reads few of them however many alerts
//! a city has. Near is by the great circle on a sphere of the Earth's mean radius; against the ellipsoid that is off by at
//! most half a per cent. Not across the 180th meridian.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::id::{DeviceId, EpisodeId};
use crate::time::{Millis, Timestamp};

/// Metres; the arithmetic mean of the three axes of WGS-84.
const EARTH: f64 = 6_371_008.8;

/// Degrees of longitude and latitude, WGS-84.
type Position = (f64, f64);

/// An alert in time.
pub(super) type One = (Timestamp, EpisodeId);

/// The alerts that count for one rule and have a position.
#[derive(Debug)]
pub(super) struct Field {
    /// Metres.
    radius: f64,
    /// By row and column.
    grid: BTreeMap<(i32, i32), BTreeSet<One>>,
    spots: BTreeMap<EpisodeId, (DeviceId, Position)>,
}

impl Field {
    pub(super) const fn new(radius: f64) -> Self {
        Self { radius, grid: BTreeMap::new(), spots: BTreeMap::new() }
    }

    /// Height and width of a square, degrees.
    fn step(&self) -> f64 {
        (self.radius / EARTH).to_degrees()
    }

    fn square(&self, (lon, lat): Position) -> (i32, i32) {
        ((lat / self.step()).floor() as i32, (lon / self.step()).floor() as i32)
    }

    pub(super) fn insert(&mut self, one: One, device: &DeviceId, at: Position) {
        self.grid.entry(self.square(at)).or_default().insert(one);
        self.spots.insert(one.1, (device.clone(), at));
    }

    pub(super) fn remove(&mut self, one: One) {
        let Some((_, at)) = self.spots.remove(&one.1) else { return };
        let square = self.square(at);
        if let Some(there) = self.grid.get_mut(&square) {
            there.remove(&one);
            if there.is_empty() {
                self.grid.remove(&square);
            }
        }
    }

    /// Whose alert it is, and where.
    pub(super) fn spot(&self, episode: EpisodeId) -> Option<(&DeviceId, Position)> {
        self.spots.get(&episode).map(|(device, at)| (device, *at))
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = One> + '_ {
        self.grid.values().flatten().copied()
    }

    /// The alerts at most a radius away from `at` that reached the level from `from` to `until`, in the order of those times.
    pub(super) fn near(&self, at: Position, (from, until): (Timestamp, Timestamp)) -> BTreeSet<One> {
        let (row, _) = self.square(at);
        // A degree of longitude is shorter by the cosine of the latitude: of the row's edge that is nearer to the pole.
        let widest = (at.1.abs() + self.step()).min(90.0).to_radians().cos().max(1e-6);
        let reach = self.step() / widest;
        let column = |lon: f64| (lon / self.step()).floor() as i32;
        let (west, east) = (column(at.0 - reach), column(at.0 + reach));
        let rows = row.saturating_sub(1)..=row.saturating_add(1);
        let squares = rows.flat_map(|row| self.grid.range((row, west)..=(row, east)));
        let behind = Bound::Excluded((until + Millis(1), EpisodeId::LEAST));
        let times = (Bound::Included((from, EpisodeId::LEAST)), behind);
        let in_time = squares.flat_map(|(_, there)| there.range(times));
        in_time.filter(|one| self.spot(one.1).is_some_and(|(_, p)| metres(at, p) <= self.radius)).copied().collect()
    }
}

/// The way from one to the other on the Earth.
pub(super) fn metres(a: Position, b: Position) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let between = a.1.to_radians().cos() * b.1.to_radians().cos() * half(a.0, b.0) + half(a.1, b.1);
    2.0 * EARTH * between.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{RuleId, Subject};

    fn episode(n: u32) -> EpisodeId {
        let subject = Subject::Device(DeviceId::new("d").expect("id"));
        EpisodeId::derive(&RuleId::new("r").expect("id"), &subject, Timestamp(0), n)
    }

    // Beijing to Shanghai along the great circle of the mean sphere: 1,067.3 km by the spherical law of cosines, which is
    // another formula.
    #[test]
    fn distances() {
        let (beijing, shanghai): (Position, Position) = ((116.4074, 39.9042), (121.4737, 31.2304));
        let law_of_cosines = {
            let (a, b) = (beijing.1.to_radians(), shanghai.1.to_radians());
            let lon = (shanghai.0 - beijing.0).to_radians();
            (a.sin() * b.sin() + a.cos() * b.cos() * lon.cos()).acos() * EARTH
        };
        assert!((metres(beijing, shanghai) - law_of_cosines).abs() < 0.01, "{law_of_cosines}");
        assert!((metres(beijing, shanghai) - 1_067_000.0).abs() < 1_500.0);
        // A hundredth of a degree to the north is 1,112 m, to the east here a cosine of that.
        assert!((metres(beijing, (116.4074, 39.9142)) - 1_111.95).abs() < 0.01);
        assert!((metres(beijing, (116.4174, 39.9042)) - 852.97).abs() < 0.05);
    }

    // Whatever the latitude, the grid finds what measuring each would find.
    #[test]
    fn the_grid_hides_nobody() {
        for (lon, lat) in [(116.4, 39.9), (-0.001, 0.001), (25.0, 71.2), (10.0, -83.9), (0.0, 89.99)] {
            let mut field = Field::new(500.0);
            let device = DeviceId::new("d").expect("id");
            let mut all = Vec::new();
            for n in 0..400_u32 {
                // Steps of 60 m to the north; to the east so many degrees that the poles are crowded.
                let (east, north) = (f64::from(n % 20) - 10.0, f64::from(n / 20) - 10.0);
                let at = (lon + east * 0.0011, (lat + north * 0.000_54).min(90.0));
                let one = (Timestamp(i64::from(n)), episode(n));
                field.insert(one, &device, at);
                all.push((one, at));
            }
            for (_, at) in &all {
                let found: Vec<One> = field.near(*at, (Timestamp(7), Timestamp(390))).into_iter().collect();
                let want = all.iter().filter(|((t, _), p)| (7..=390).contains(&t.0) && metres(*at, *p) <= 500.0);
                assert_eq!(found, want.map(|(one, _)| *one).collect::<Vec<_>>(), "{at:?}");
            }
            for (one, _) in all {
                field.remove(one);
            }
            assert!(field.grid.is_empty() && field.spots.is_empty());
        }
    }
}
