//! A schematic map of the districts: every point belongs to the district one of whose circles is nearest.
//!
//! It shows where things happen, not where borders run; a legal map is the operator's own file. The circles of
//! [`DISTRICTS`] keep their distance from every border, so that a device is drawn inside its district.
//!
//! Each border is made once and used by both neighbours, so that there is neither gap nor overlap between them.

mod curve;
mod division;

use serde_json::{Value, json};

use super::district::{DISTRICTS, District};

/// An outline of the city, drawn by hand and counter-clockwise: degrees east and north.
const OUTLINE: [(f64, f64); 68] = [
    (116.55, 41.00),
    (116.48, 40.97),
    (116.45, 40.88),
    (116.46, 40.79),
    (116.36, 40.77),
    (116.26, 40.78),
    (116.17, 40.73),
    (116.11, 40.63),
    (116.01, 40.60),
    (115.90, 40.61),
    (115.79, 40.58),
    (115.75, 40.50),
    (115.78, 40.42),
    (115.87, 40.35),
    (115.94, 40.26),
    (115.88, 40.22),
    (115.85, 40.15),
    (115.78, 40.16),
    (115.72, 40.13),
    (115.60, 40.10),
    (115.51, 40.05),
    (115.44, 39.95),
    (115.43, 39.86),
    (115.48, 39.76),
    (115.47, 39.67),
    (115.54, 39.61),
    (115.62, 39.57),
    (115.74, 39.51),
    (115.86, 39.55),
    (115.97, 39.55),
    (116.08, 39.56),
    (116.20, 39.56),
    (116.26, 39.49),
    (116.33, 39.44),
    (116.42, 39.46),
    (116.47, 39.53),
    (116.60, 39.60),
    (116.73, 39.60),
    (116.85, 39.61),
    (116.90, 39.70),
    (116.94, 39.79),
    (116.89, 39.87),
    (116.80, 39.95),
    (116.80, 40.02),
    (116.93, 40.03),
    (117.05, 40.03),
    (117.19, 40.06),
    (117.28, 40.11),
    (117.38, 40.16),
    (117.40, 40.24),
    (117.36, 40.32),
    (117.28, 40.36),
    (117.22, 40.40),
    (117.25, 40.47),
    (117.35, 40.53),
    (117.47, 40.58),
    (117.50, 40.66),
    (117.40, 40.68),
    (117.32, 40.66),
    (117.24, 40.69),
    (117.15, 40.70),
    (117.07, 40.75),
    (116.93, 40.78),
    (116.82, 40.84),
    (116.77, 40.89),
    (116.70, 40.93),
    (116.69, 41.00),
    (116.62, 41.06),
];

/// Length of a degree of longitude against one of latitude, at the city's latitude.
const SQUEEZE: f64 = 0.766;
/// Grid steps of a degree: ten metres are enough for a schematic map.
const STEPS: f64 = 1e4;

/// A point on the plane in degrees of latitude.
type Flat = (f64, f64);

/// A vertex of the map, in grid steps east and north. Vertices are equal or not, without tolerance.
type Vertex = (i32, i32);

fn flat_of(lon: f64, lat: f64) -> Flat {
    (lon * SQUEEZE, lat)
}

fn vertex(p: Flat) -> Vertex {
    ((p.0 / SQUEEZE * STEPS).round() as i32, (p.1 * STEPS).round() as i32)
}

fn flat(v: Vertex) -> Flat {
    (f64::from(v.0) / STEPS * SQUEEZE, f64::from(v.1) / STEPS)
}

/// A circle in which devices may stand.
#[derive(Clone, Copy, Debug)]
struct Circle {
    /// Position in [`DISTRICTS`].
    district: usize,
    centre: Flat,
    radius: f64,
}

fn circles() -> Vec<Circle> {
    let of = |(district, d): (usize, &'static District)| {
        d.areas.iter().map(move |a| Circle { district, centre: flat_of(a.lon, a.lat), radius: a.radius })
    };
    DISTRICTS.iter().enumerate().flat_map(of).collect()
}

/// The districts as GeoJSON, with `code`, `name_zh` and `name_en`.
pub fn districts_geojson() -> String {
    let circles = circles();
    let outline: Vec<Flat> = OUTLINE.iter().map(|(lon, lat)| flat_of(*lon, *lat)).collect();
    let borders = division::borders(&circles, &outline);
    let curves = curve::bend(&borders, &circles);
    let feature =
        |(number, district): (usize, &District)| feature(district, &division::ring(number, &borders, &curves));
    let features: Vec<Value> = DISTRICTS.iter().enumerate().map(feature).collect();
    json!({"type": "FeatureCollection", "schematic": true, "features": features}).to_string()
}

fn feature(district: &District, ring: &[Vertex]) -> Value {
    let degrees = |v: &Vertex| [f64::from(v.0) / STEPS, f64::from(v.1) / STEPS];
    let ring: Vec<[f64; 2]> = ring.iter().map(degrees).collect();
    json!({
        "type": "Feature",
        "properties": {"code": district.code, "name_zh": district.zh, "name_en": district.en},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    })
}
