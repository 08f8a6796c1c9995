//! Where an alert is, in CAP: a point, or the outline of its district.

use oasiscap::v1dot2::{Alert, Area};

use super::*;

fn area(told: &Told) -> Area {
    let xml = String::from_utf8(rendered(Format::Cap, &letter(told, stamp(1, 0), None)).body).unwrap();
    let alert: Alert = xml.parse().unwrap_or_else(|e| panic!("{e}: {xml}"));
    let mut areas = alert.info.into_iter().map(|info| info.areas);
    let (zh, en) = (areas.next().unwrap(), areas.next().unwrap());
    assert_eq!((zh.len(), zh[0].polygons.len()), (en.len(), en[0].polygons.len()));
    zh.into_iter().next().unwrap()
}

fn placed(place: Option<&str>, district: Option<&str>) -> Told {
    let mut told = told_of(1);
    (told.alert.lat, told.alert.lon) = (None, None);
    (told.alert.place, told.alert.district) = (place.map(str::to_owned), district.map(str::to_owned));
    told
}

// A position is told as such, and of nothing else the outline is known.
#[test]
fn a_point_or_the_outline() {
    let point = area(&told_of(1));
    assert_eq!((point.circles.len(), point.polygons.len()), (1, 0));
    for (place, district) in [
        (Some("110105"), Some("110105")),
        (Some("110105001"), None),
        (Some("110105001012"), None),
        (None, Some("110105")),
    ] {
        let found = area(&placed(place, district));
        assert_eq!((found.circles.len(), found.polygons.len()), (0, 1), "{place:?} {district:?}");
    }
    for (place, district) in [(Some("110106"), Some("110106")), (Some("110000"), None), (None, None)] {
        assert_eq!(area(&placed(place, district)).polygons.len(), 0, "{place:?} {district:?}");
    }
}

// CAP 1.2, 3.2.4: pairs of latitude and longitude with space between, four or more, the last being the first.
#[test]
fn polygons_are_those_of_the_standard() {
    let told = placed(Some("110105"), Some("110105"));
    let xml = String::from_utf8(rendered(Format::Cap, &letter(&told, stamp(1, 0), None)).body).unwrap();
    let text = xml.split("<polygon>").nth(1).and_then(|rest| rest.split("</polygon>").next()).unwrap();
    assert_eq!(text, "39.8,116.4 39.8,116.6 40.1,116.6 40.1,116.4 39.8,116.4");
    assert_eq!(xml.matches("<polygon>").count(), 2, "one a language");
}
