//! A schematic map of the districts: every point belongs to the district whose largest circle is nearest.
//!
//! It shows where things happen, not where borders run; a legal map is the operator's own file.

use serde_json::{Value, json};

use super::district::{Area, DISTRICTS, District};

/// An outline of the city, drawn by hand: degrees east and north.
const OUTLINE: [(f64, f64); 46] = [
    (116.63, 41.05),
    (116.70, 40.98),
    (116.71, 40.88),
    (116.81, 40.82),
    (116.92, 40.76),
    (117.06, 40.72),
    (117.14, 40.66),
    (117.22, 40.64),
    (117.38, 40.66),
    (117.49, 40.65),
    (117.46, 40.58),
    (117.33, 40.52),
    (117.23, 40.45),
    (117.24, 40.36),
    (117.35, 40.32),
    (117.39, 40.22),
    (117.29, 40.14),
    (117.19, 40.07),
    (116.98, 40.04),
    (116.77, 40.03),
    (116.76, 39.95),
    (116.88, 39.86),
    (116.93, 39.80),
    (116.90, 39.70),
    (116.82, 39.61),
    (116.60, 39.61),
    (116.43, 39.52),
    (116.32, 39.46),
    (116.22, 39.52),
    (115.98, 39.57),
    (115.75, 39.52),
    (115.57, 39.60),
    (115.48, 39.74),
    (115.44, 39.88),
    (115.42, 39.98),
    (115.53, 40.08),
    (115.75, 40.14),
    (115.86, 40.14),
    (115.93, 40.24),
    (115.80, 40.42),
    (115.76, 40.52),
    (115.92, 40.62),
    (116.10, 40.62),
    (116.24, 40.78),
    (116.45, 40.80),
    (116.48, 40.98),
];

/// Length of a degree of longitude against one of latitude, at the city's latitude.
const SQUEEZE: f64 = 0.766;

/// The districts as GeoJSON, with `code`, `name_zh` and `name_en`.
pub fn districts_geojson() -> String {
    let features: Vec<Value> = DISTRICTS.iter().map(feature).collect();
    json!({"type": "FeatureCollection", "schematic": true, "features": features}).to_string()
}

fn feature(district: &District) -> Value {
    let mut area: Vec<(f64, f64)> = OUTLINE.to_vec();
    if let Some(mine) = district.areas.first() {
        for other in DISTRICTS.iter().filter(|d| d.code != district.code).filter_map(|d| d.areas.first()) {
            area = nearer(&area, mine, other);
        }
    }
    let mut ring: Vec<[f64; 2]> = area.iter().map(|(lon, lat)| [round(*lon), round(*lat)]).collect();
    ring.extend(ring.first().copied());
    json!({
        "type": "Feature",
        "properties": {"code": district.code, "name_zh": district.zh, "name_en": district.en},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    })
}

/// The part of a polygon that is nearer to one circle than to another, by the length of the tangent: cut along the line
/// on which both tangents are equally long, which leaves each circle on its own side.
fn nearer(polygon: &[(f64, f64)], mine: &Area, other: &Area) -> Vec<(f64, f64)> {
    let flat = |lon: f64, lat: f64| (lon * SQUEEZE, lat);
    let ((mx, my), (ox, oy)) = (flat(mine.lon, mine.lat), flat(other.lon, other.lat));
    let bound = (ox * ox + oy * oy - other.radius * other.radius) - (mx * mx + my * my - mine.radius * mine.radius);
    let side = |p: (f64, f64)| 2.0 * ((ox - mx) * p.0 * SQUEEZE + (oy - my) * p.1) - bound;
    let mut kept = Vec::new();
    for (p, q) in polygon.iter().zip(polygon.iter().cycle().skip(1)) {
        let (a, b) = (side(*p), side(*q));
        if a <= 0.0 {
            kept.push(*p);
        }
        if (a < 0.0) != (b < 0.0) && (a - b).abs() > f64::EPSILON {
            let t = a / (a - b);
            kept.push((p.0 + (q.0 - p.0) * t, p.1 + (q.1 - p.1) * t));
        }
    }
    kept
}

/// Ten metres are enough for a schematic map.
fn round(degrees: f64) -> f64 {
    (degrees * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    // Every district has an area that holds its own centre's neighbourhood, and none is empty.
    #[test]
    fn every_district_has_an_area() {
        let map: Value = serde_json::from_str(&districts_geojson()).expect("JSON");
        let features = map["features"].as_array().expect("features");
        assert_eq!(features.len(), DISTRICTS.len());
        for feature in features {
            let ring = feature["geometry"]["coordinates"][0].as_array().expect("ring");
            assert!(ring.len() > 3, "{feature}");
            assert_eq!(ring.first(), ring.last());
        }
    }
}
