#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn feature(code: &str, geometry: &str) -> String {
    format!(r#"{{"type":"Feature","properties":{{"code":"{code}","name_en":"North"}},"geometry":{geometry}}}"#)
}

fn collection(features: &[String]) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

fn polygon_of(rings: &str) -> String {
    format!(r#"{{"type":"Polygon","coordinates":{rings}}}"#)
}

const SQUARE: &str = "[[116,39],[117,39],[117,40],[116,40],[116,39]]";

// Longitude comes first, latitude goes first; each outer ring is a polygon, the largest first, and holes are left out.
#[test]
fn rings_become_polygons() {
    let hole = "[[116.2,39.2],[116.4,39.2],[116.4,39.4],[116.2,39.2]]";
    let island = "[[118,38.5,12.0],[118.1234567,38.5],[118,38.6],[118,38.5]]";
    let many = format!(r#"{{"type":"MultiPolygon","coordinates":[[{island}],[{SQUARE},{hole}]]}}"#);
    let text = collection(&[
        feature("110105", &many),
        feature("110106", "null"),
        feature("110107", r#"{"type":"Point","coordinates":[116,39]}"#),
        feature("110108", &polygon_of("[]")),
        feature("110105003", &polygon_of(&format!("[{island}]"))),
        r#"{"type":"Feature","properties":{},"geometry":null}"#.to_owned(),
    ]);
    let outlines = Outlines::parse(&text).unwrap();
    let square = "39,116 39,117 40,117 40,116 39,116";
    let triangle = "38.5,118 38.5,118.123457 38.6,118 38.5,118";
    assert_eq!(outlines.of(None, Some("110105")), [square, triangle]);
    assert_eq!(outlines.of(Some("110105001"), Some("110105")), [square, triangle]);
    assert_eq!(outlines.of(Some("110105003012"), Some("110105")), [triangle], "its street has an outline of its own");
    for code in ["110106", "110107", "110108", "11", ""] {
        assert!(outlines.of(Some(code), None).is_empty(), "{code}");
    }
}

// P11: what is wrong is said, with the feature it is wrong with; all of it at once, within bounds.
#[test]
fn bad_shapes_are_named() {
    let bad = [
        (polygon_of("[[[116,39],[117,39],[116,39]]]"), "has 3 positions"),
        (polygon_of("[[[116,39],[117,39],[117,40],[116,40]]]"), "does not end where it begins"),
        (polygon_of("[[[116,39],[117,40],[118,41],[116,39]]]"), "encloses nothing"),
        (polygon_of("[[[39,116],[39,117],[40,117],[39,116]]]"), "[39, 116] is not longitude, then latitude"),
        (polygon_of("[[[4400000,450000],[1,2],[2,3],[4400000,450000]]]"), "degrees"),
        (polygon_of(r#"[[["116",39],[117,39],[117,40],["116",39]]]"#), "a position is not"),
        (polygon_of("[[116,39],[117,39]]"), "a position is not"),
        (polygon_of("7"), "a polygon is not a list of rings"),
        (polygon_of("[7]"), "a ring is not a list of positions"),
        (format!(r#"{{"type":"MultiPolygon","coordinates":[{SQUARE}]}}"#), "a position is not"),
        (r#"{"type":"Circle","coordinates":[]}"#.to_owned(), "`Circle`"),
        (r#"{"coordinates":[]}"#.to_owned(), "geometry.type is missing"),
        (r#""null""#.to_owned(), "geometry.type is missing"),
    ];
    let features: Vec<String> = bad.iter().map(|(geometry, _)| feature("110105", geometry)).collect();
    let problems = Outlines::parse(&collection(&features)).unwrap_err();
    assert_eq!(problems.len(), bad.len(), "{problems:#?}");
    for (i, (problem, (_, word))) in problems.iter().zip(&bad).enumerate() {
        let name = format!("features[{i}] (110105 North): ");
        assert!(problem.starts_with(&name) && problem.contains(word), "{word}: {problem}");
    }
    let many = vec![feature("1", &bad[0].0); 50];
    let problems = Outlines::parse(&collection(&many)).unwrap_err();
    assert_eq!((problems.len(), problems.last().map(String::as_str)), (NAMED + 1, Some("and 30 more")));
    for text in ["", "[]", "{}", r#"{"type":"Feature","features":[]}"#, r#"{"type":"FeatureCollection"}"#] {
        assert_eq!(Outlines::parse(text).unwrap_err().len(), 1, "{text}");
    }
    let long = polygon_of(&format!("[[{}]]", vec!["[116,39]"; POSITIONS + 1].join(",")));
    let problems = Outlines::parse(&collection(&[feature("110105", &long)])).unwrap_err();
    assert!(problems[0].contains("a ring has 50001 positions"), "{problems:?}");
    let text = collection(&["7".to_owned()]);
    assert_eq!(Outlines::parse(&text).unwrap_err(), ["features[0] (): is not a Feature"]);
}

// Many rings and points: the largest rings stay, each with its number of points.
#[test]
fn outlines_are_bounded() {
    let circle = |at: f64, radius: f64, points: usize| -> String {
        let corner = |i: usize| {
            let angle = std::f64::consts::TAU * (i % points) as f64 / points as f64;
            format!("[{:.6},{:.6}]", at + radius * angle.cos(), 40.0 + radius * angle.sin())
        };
        format!("[[{}]]", (0..=points).map(corner).collect::<Vec<_>>().join(","))
    };
    let rings: Vec<String> = (0..30).map(|n| circle(100.0 + f64::from(n), 0.01 * f64::from(n + 1), 1_000)).collect();
    let many = format!(r#"{{"type":"MultiPolygon","coordinates":[{}]}}"#, rings.join(","));
    let outlines = Outlines::parse(&collection(&[feature("110105", &many)])).unwrap();
    let found = outlines.of(Some("110105"), None);
    let points: Vec<usize> = found.iter().map(|polygon| polygon.split(' ').count()).collect();
    assert_eq!((points.len(), points[0], points[1]), (RINGS, POINTS, POINTS_FURTHER));
    assert!(points[1..].iter().all(|n| *n == POINTS_FURTHER), "{points:?}");
    assert!(found[0].contains(",129.29") && found[1].contains(",128.28"), "the largest first");
}

/// Whether two edges have a point in common.
fn meet(a: Point, b: Point, c: Point, d: Point) -> bool {
    let side = |a: Point, b: Point, p: Point| ((b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0)).signum();
    let on = |a: Point, b: Point, p: Point| {
        let within = |a: i64, b: i64, p: i64| a.min(b) <= p && p <= a.max(b);
        side(a, b, p) == 0 && within(a.0, b.0, p.0) && within(a.1, b.1, p.1)
    };
    let apart = side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
    apart || on(a, b, c) || on(a, b, d) || on(c, d, a) || on(c, d, b)
}

/// Whether a ring neither crosses nor touches itself.
fn is_simple(ring: &[Point]) -> bool {
    let n = ring.len();
    let end = |i: usize| ring[(i + 1) % n];
    (0..n).all(|i| (i + 2..n).filter(|j| (j + 1) % n != i).all(|j| !meet(ring[i], end(i), ring[j], end(j))))
}

// The point whose triangle is smallest stays where a bay of the ring reaches into that triangle.
#[test]
fn a_point_before_a_bay_stays() {
    let ring: [Point; 8] = [(0, 0), (50, -2), (100, 0), (100, 60), (80, 60), (50, -1), (20, 60), (0, 60)];
    let thinned = thin::thin(&ring, 7);
    assert!(is_simple(&ring) && is_simple(&thinned), "{thinned:?}");
    assert!(thinned.len() == 7 && thinned.contains(&(50, -2)), "{thinned:?}");
}

// Recorded outlines, where they are given: hundreds of points a ring become few enough, the area is the same but for a
// hundredth, and no ring comes to cross itself.
#[test]
fn the_districts_of_a_city() {
    let Some(folder) = std::env::var_os("MAIBO_FIXTURES").map(std::path::PathBuf::from) else { return };
    let text = std::fs::read_to_string(folder.join("geo/beijing-districts.geojson")).unwrap();
    let mut root: Value = serde_json::from_str(&text).unwrap();
    let features = root["features"].as_array_mut().unwrap();
    assert_eq!(features.len(), 16);
    let mut longest = 0;
    for (i, feature) in features.iter_mut().enumerate() {
        feature["properties"]["code"] = Value::from(format!("1101{:02}", i + 1));
        for ring in outer(feature).unwrap() {
            let thinned = thin::thin(&ring, POINTS - 1);
            let (before, after) = (thin::area(&ring), thin::area(&thinned));
            assert!((before - after).abs() * 100 < before, "{i}: {before} {after}");
            assert!(!is_simple(&ring) || is_simple(&thinned), "{i}");
            longest = longest.max(ring.len());
        }
    }
    assert!(longest > 5 * POINTS, "{longest}");
    let outlines = Outlines::parse(&root.to_string()).unwrap();
    for n in 1..=16 {
        let found = outlines.of(Some(&format!("1101{n:02}001")), None);
        assert!(!found.is_empty() && found.iter().all(|polygon| polygon.split(' ').count() <= POINTS), "{n}");
    }
}

proptest! {
    // A ring that does not cross itself does not after it was thinned, whatever its shape; its points are some of the old ones.
    #[test]
    fn thinned_rings_are_valid(radii in prop::collection::vec(50_i64..1_000, 3..120), most in 3_usize..40) {
        let n = radii.len() as f64;
        let corner = |(i, r): (usize, &i64)| {
            let angle = std::f64::consts::TAU * i as f64 / n;
            ((*r as f64 * 1e3 * angle.cos()) as i64, (*r as f64 * 1e3 * angle.sin()) as i64)
        };
        let ring: Vec<Point> = radii.iter().enumerate().map(corner).collect();
        prop_assume!(is_simple(&ring));
        let thinned = thin::thin(&ring, most);
        prop_assert_eq!(thinned.len(), ring.len().min(most));
        prop_assert!(is_simple(&thinned), "{:?}", thinned);
        prop_assert!(thin::area(&thinned) > 0);
        let mut old = ring.iter();
        prop_assert!(thinned.iter().all(|p| old.any(|q| p == q)), "in the old order");
    }

    // One that crosses itself is thinned as well.
    #[test]
    fn any_ring_is_bounded(ring in prop::collection::vec((-9_i64..9, -9_i64..9), 3..200), most in 3_usize..20) {
        prop_assert_eq!(thin::thin(&ring, most).len(), ring.len().min(most));
    }

    // P11: whatever is configured is read or refused.
    #[test]
    fn anything_can_be_configured(text in "\\PC{0,80}", at in 0_usize..300) {
        let _ = Outlines::parse(&text);
        let mut whole = collection(&[feature("110105", &polygon_of(&format!("[{SQUARE}]")))]);
        let at = at.min(whole.len());
        whole.insert_str(at, &text);
        let _ = Outlines::parse(&whole);
    }
}
