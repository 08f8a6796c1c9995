//! The schematic map: whole, seamless, natural, and true to where the devices stand.

use std::collections::{BTreeMap, BTreeSet};

use maibo_sim::City;
use maibo_sim::city::{DISTRICTS, districts_geojson};
use serde_json::Value;

/// Ten-thousandths of a degree east and north.
type Vertex = (i64, i64);

/// For each district, by code, its closed ring without the repeated last vertex.
fn rings() -> BTreeMap<String, Vec<Vertex>> {
    let map: Value = serde_json::from_str(&districts_geojson()).expect("JSON");
    assert_eq!(map["schematic"], true);
    let of = |feature: &Value| {
        let rings = feature["geometry"]["coordinates"].as_array().expect("rings");
        assert_eq!((rings.len(), &feature["geometry"]["type"]), (1, &Value::from("Polygon")));
        let grid = |v: &Value| (v.as_f64().expect("degrees") * 1e4).round() as i64;
        let ring = rings[0].as_array().expect("a ring").iter().map(|p| (grid(&p[0]), grid(&p[1])));
        let mut ring: Vec<Vertex> = ring.collect();
        let last = ring.pop().expect("a vertex");
        assert_eq!(ring.first(), Some(&last), "the ring is closed");
        (feature["properties"]["code"].as_str().expect("a code").to_owned(), ring)
    };
    let rings: BTreeMap<_, _> = map["features"].as_array().expect("features").iter().map(of).collect();
    assert_eq!(rings.len(), DISTRICTS.len());
    rings
}

fn edges(ring: &[Vertex]) -> impl Iterator<Item = (Vertex, Vertex)> + '_ {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

fn turn(p: Vertex, q: Vertex, r: Vertex) -> i64 {
    ((q.0 - p.0) * (r.1 - p.1) - (q.1 - p.1) * (r.0 - p.0)).signum()
}

fn touch((a, b): (Vertex, Vertex), (c, d): (Vertex, Vertex)) -> bool {
    turn(a, b, c) * turn(a, b, d) <= 0 && turn(c, d, a) * turn(c, d, b) <= 0
}

fn holds(ring: &[Vertex], x: f64, y: f64) -> bool {
    let crossed = edges(ring).filter(|(a, b)| {
        let ((ax, ay), (bx, by)) = ((a.0 as f64, a.1 as f64), (b.0 as f64, b.1 as f64));
        (ay > y) != (by > y) && x < ax + (bx - ax) * (y - ay) / (by - ay)
    });
    crossed.count() % 2 == 1
}

// Protects the drawing: every outline runs counter-clockwise and touches itself nowhere.
#[test]
fn every_district_is_a_simple_polygon() {
    for (code, ring) in rings() {
        let area: i64 = edges(&ring).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum();
        assert!(area > 0, "{code} runs clockwise");
        assert_eq!(ring.iter().collect::<BTreeSet<_>>().len(), ring.len(), "{code} comes back to a vertex");
        let edges: Vec<_> = edges(&ring).collect();
        for (n, e) in edges.iter().enumerate() {
            for (m, f) in edges.iter().enumerate().skip(n + 2) {
                let neighbours = n == 0 && m + 1 == edges.len();
                assert!(neighbours || !touch(*e, *f), "{code} crosses itself at {e:?} {f:?}");
            }
        }
    }
}

// Protects the seams: every edge inside the city belongs to exactly two districts, vertex by vertex, in opposite
// directions; the others are one closed outline around the city, so that there is no gap either.
#[test]
fn neighbours_share_their_border_vertex_by_vertex() {
    let mut owners: BTreeMap<(Vertex, Vertex), String> = BTreeMap::new();
    for (code, ring) in rings() {
        for edge in edges(&ring) {
            let twice = owners.insert(edge, code.clone());
            assert_eq!(twice, None, "{edge:?} runs the same way in two districts");
        }
    }
    let outer: BTreeMap<Vertex, Vertex> =
        owners.keys().filter(|(a, b)| !owners.contains_key(&(*b, *a))).copied().collect();
    assert!((300..owners.len() / 2).contains(&outer.len()), "{} of {} edges are outer", outer.len(), owners.len());
    let start = *outer.keys().next().expect("an outer edge");
    let (mut at, mut steps) = (outer[&start], 1);
    while at != start {
        at = outer[&at];
        steps += 1;
    }
    assert_eq!(steps, outer.len(), "the outer edges are more than one outline: there is a gap");
}

// Protects the look: no border is drawn with a ruler, at any scale that can be seen.
#[test]
fn borders_wind() {
    for (code, ring) in rings() {
        let length = |(a, b): (Vertex, Vertex)| ((b.0 - a.0) as f64 * 0.766).hypot((b.1 - a.1) as f64);
        let longest = edges(&ring).map(length).fold(0.0, f64::max);
        assert!(longest < 400.0, "{code} has an edge of {longest}");
        let mut straight: f64 = 0.0;
        let mut run = 0.0;
        for (n, edge) in edges(&ring).enumerate() {
            let before = ring[(n + ring.len() - 1) % ring.len()];
            run = if turn(before, edge.0, edge.1) == 0 { run + length(edge) } else { length(edge) };
            straight = straight.max(run);
        }
        assert!(straight < 500.0, "{code} runs straight for {straight}");
    }
}

// Protects "where": every device is drawn inside its own district and no other.
#[test]
fn every_device_is_drawn_inside_its_district() {
    let rings = rings();
    for seed in [1, 7, 2023] {
        for d in City::default_size(seed).devices() {
            let held: Vec<&str> = rings
                .iter()
                .filter(|(_, ring)| holds(ring, d.lon * 1e4, d.lat * 1e4))
                .map(|(code, _)| code.as_str())
                .collect();
            assert_eq!(held, [d.district.code], "{} at {} {}", d.id, d.lon, d.lat);
        }
    }
}

// Protects it for any seed: the circles that devices stand in keep clear of every border.
#[test]
fn borders_keep_out_of_the_circles() {
    for ring in rings().values() {
        for area in DISTRICTS.iter().flat_map(|d| d.areas) {
            for v in ring {
                let (x, y) = ((v.0 as f64 / 1e4 - area.lon) * 0.766, v.1 as f64 / 1e4 - area.lat);
                assert!(x.hypot(y) >= area.radius, "{v:?} lies in {area:?}");
            }
        }
    }
}
