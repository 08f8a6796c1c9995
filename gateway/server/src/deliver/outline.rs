//! Where districts are: their outlines out of the configured GeoJSON (RFC 7946), as CAP writes polygons.
//!
//! GeoJSON has longitude first, CAP latitude; both are in WGS 84. One outer ring becomes one polygon. CAP knows no holes, so
//! those are left out: what is told covers too much rather than too little.
//!
//! Limits: a file has [`FILE`] bytes, a ring [`POSITIONS`] positions; of a district the [`RINGS`] largest rings are kept, the
//! largest with [`POINTS`] points, each further one with [`POINTS_FURTHER`], the first that stands at the end again among them
//! (`thin`); the first [`NAMED`] problems are named.

use std::collections::BTreeMap;

use serde_json::Value;

mod thin;

/// Bytes of a file.
const FILE: usize = 16 << 20;
/// Positions of a ring as it is configured: more would make the start wait.
const POSITIONS: usize = 50_000;
/// Rings of a district.
const RINGS: usize = 16;
/// Points of its largest ring: of a district of 40 km across one every 700 m.
const POINTS: usize = 200;
/// Points of each further one.
const POINTS_FURTHER: usize = 40;
/// Problems that are named.
const NAMED: usize = 20;
/// Parts of a degree that are kept: a tenth of a metre.
const PARTS: f64 = 1e6;

/// Longitude and latitude in millionths of a degree, so that what is computed of them is exact.
type Point = (i64, i64);

/// Polygons as CAP writes them, by the code of a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlines(BTreeMap<String, Vec<String>>);

impl Outlines {
    /// Reads a collection of features; `code` of their properties says what they are the outline of. Features without a code or
    /// a geometry, and geometries that enclose nothing, have no outline.
    ///
    /// # Errors
    /// What is wrong, each with the feature that it is about.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        if text.len() > FILE {
            return Err(vec![format!("is longer than {FILE} bytes")]);
        }
        let root: Value = serde_json::from_str(text).map_err(|e| vec![format!("is not JSON: {e}")])?;
        let features = root.get("features").and_then(Value::as_array);
        let Some(features) = features.filter(|_| root["type"] == "FeatureCollection") else {
            return Err(vec!["is not a FeatureCollection of GeoJSON".to_owned()]);
        };
        let (mut rings, mut problems) = (BTreeMap::<String, Vec<Vec<Point>>>::new(), Vec::new());
        for (i, feature) in features.iter().enumerate() {
            let properties = &feature["properties"];
            match outer(feature) {
                Ok(found) if found.is_empty() => {}
                Ok(found) => {
                    if let Some(code) = properties["code"].as_str() {
                        rings.entry(code.to_owned()).or_default().extend(found);
                    }
                }
                Err(why) => problems.push(format!("features[{i}] ({}): {why}", name(properties))),
            }
        }
        if problems.len() > NAMED {
            let more = problems.len() - NAMED;
            problems.truncate(NAMED);
            problems.push(format!("and {more} more"));
        }
        if problems.is_empty() {
            Ok(Self(rings.into_iter().map(|(code, rings)| (code, polygons(rings))).collect()))
        } else {
            Err(problems)
        }
    }

    /// The polygons of a place: its own where it has some, else those of what it lies in, up to its district. A street has nine
    /// digits, a community twelve, the first six of either are those of the district (GB/T 2260, GB/T 10114).
    pub(super) fn of(&self, place: Option<&str>, district: Option<&str>) -> &[String] {
        let street = place.and_then(|code| code.get(..9));
        let within = place.and_then(|code| code.get(..6));
        let mut codes = [place, street, district, within].into_iter().flatten();
        codes.find_map(|code| self.0.get(code)).map_or(&[], Vec::as_slice)
    }
}

/// What a feature calls itself.
fn name(properties: &Value) -> String {
    let words = ["code", "name", "name_zh", "name_en"].map(|key| properties[key].as_str().unwrap_or_default());
    words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// The largest rings, thinned and written down.
fn polygons(mut rings: Vec<Vec<Point>>) -> Vec<String> {
    rings.sort_by_key(|ring| std::cmp::Reverse(thin::area(ring)));
    rings.truncate(RINGS);
    let most = std::iter::once(POINTS).chain(std::iter::repeat(POINTS_FURTHER));
    rings.iter().zip(most).map(|(ring, most)| written(&thin::thin(ring, most - 1))).collect()
}

/// `lat,lon` of each point, and the first again at the end (CAP 1.2, 3.2.4).
fn written(ring: &[Point]) -> String {
    let pair = |&(lon, lat): &Point| format!("{},{}", lat as f64 / PARTS, lon as f64 / PARTS);
    let pairs: Vec<String> = ring.iter().chain(ring.first()).map(pair).collect();
    pairs.join(" ")
}

/// The outer rings of a feature.
fn outer(feature: &Value) -> Result<Vec<Vec<Point>>, String> {
    if feature["type"] != "Feature" {
        return Err("is not a Feature".to_owned());
    }
    let geometry = &feature["geometry"];
    if geometry.is_null() {
        return Ok(Vec::new());
    }
    let coordinates = &geometry["coordinates"];
    match geometry["type"].as_str() {
        Some("Polygon") => Ok(polygon(coordinates)?.into_iter().collect()),
        Some("MultiPolygon") => {
            let polygons = coordinates.as_array().ok_or("geometry.coordinates is not a list of polygons")?;
            Ok(polygons.iter().map(polygon).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        }
        Some("Point" | "MultiPoint" | "LineString" | "MultiLineString" | "GeometryCollection") => Ok(Vec::new()),
        Some(other) => Err(format!("geometry.type `{other}` is none of GeoJSON")),
        None => Err("geometry.type is missing".to_owned()),
    }
}

/// The outer ring of a polygon; those of its holes are only checked. One without rings is empty.
fn polygon(rings: &Value) -> Result<Option<Vec<Point>>, String> {
    let rings = rings.as_array().ok_or("a polygon is not a list of rings")?;
    let rings: Vec<Vec<Point>> = rings.iter().map(ring).collect::<Result<_, _>>()?;
    Ok(rings.into_iter().next())
}

/// A ring without the point that ends it, and without points that stand where the one before does.
fn ring(positions: &Value) -> Result<Vec<Point>, String> {
    let positions = positions.as_array().ok_or("a ring is not a list of positions")?;
    if positions.len() > POSITIONS {
        return Err(format!("a ring has {} positions, and {POSITIONS} are the most", positions.len()));
    }
    let mut ring: Vec<Point> = positions.iter().map(point).collect::<Result<_, _>>()?;
    if ring.len() < 4 {
        return Err(format!("a ring has {} positions, and needs 4", ring.len()));
    }
    if ring.first() != ring.last() {
        return Err("a ring does not end where it begins".to_owned());
    }
    ring.dedup();
    ring.pop();
    if ring.len() < 3 || thin::area(&ring) == 0 {
        return Err("a ring encloses nothing".to_owned());
    }
    Ok(ring)
}

fn point(position: &Value) -> Result<Point, String> {
    let number = |i: usize| position.get(i).and_then(Value::as_f64);
    let (Some(lon), Some(lat)) = (number(0), number(1)) else {
        return Err("a position is not [longitude, latitude]".to_owned());
    };
    if lon.abs() > 180.0 || lat.abs() > 90.0 {
        return Err(format!("[{lon}, {lat}] is not longitude, then latitude, in degrees of WGS 84"));
    }
    Ok(((lon * PARTS).round() as i64, (lat * PARTS).round() as i64))
}

#[cfg(test)]
mod tests;
