//! Reports of one hour and classes.

use super::*;
use crate::reading::quantity;

fn means(values: [f64; 6]) -> [Mean; 6] {
    values.map(|v| Concentration::new(v).map(Mean::from).unwrap_or_default())
}

fn named(report: Report) -> Vec<&'static str> {
    report.primary.iter().map(Pollutant::as_str).collect()
}

// Protects the units: every pollutant is a quantity of the registry, in the unit of the tables.
#[test]
fn pollutants_are_quantities_in_the_units_of_the_tables() {
    for p in Pollutant::ALL {
        let unit = if p == Pollutant::Co { "mg/m3" } else { "ug/m3" };
        assert_eq!(quantity::lookup(p.as_str()).map(|q| q.unit), Some(unit));
        assert_eq!(Pollutant::of(p.as_str()), Some(p));
    }
    assert_eq!(Pollutant::of("temperature"), None);
}

// Protects trap 19: the bands are of integers, and neighbours meet.
#[test]
fn classes_meet_without_gaps() {
    use Class::{Excellent, Good, Heavy, Light, Moderate, Severe};
    let steps = [(0, Excellent), (50, Excellent), (51, Good), (100, Good), (101, Light), (150, Light), (151, Moderate)];
    for (index, class) in steps.into_iter().chain([(200, Moderate), (201, Heavy), (300, Heavy), (301, Severe)]) {
        assert_eq!(Class::of(index), class, "{index}");
    }
    assert_eq!((Class::of(500).zh(), Class::of(120).en()), ("严重污染", "lightly polluted"));
}

// Protects trap 19 where concentrations lie between two bands: 35.4 is 35, 35.6 is 36, and nothing falls through.
#[test]
fn no_concentration_falls_between_two_bands() {
    let mut last = 0;
    for hundredths in 0..60_000 {
        let c = f64::from(hundredths) / 100.0;
        let sub = sub_index(Edition::Hj633_2026, Pollutant::Pm25, Basis::Day, c).expect("an index");
        assert!(sub.index == last || (sub.index > last && sub.index - last <= 2), "{c}: {last} to {}", sub.index);
        last = sub.index;
    }
    assert_eq!(last, 500);
}

// Protects the names of the primary pollutants: none up to 50, all with the same index above.
#[test]
fn primary_pollutants_are_named_above_fifty_and_all_of_them() {
    let report = |values| hourly(Edition::Hj633_2026, &means(values), Mean::default());
    let clean = report([35.0, 50.0, 150.0, 100.0, 5.0, 160.0]).expect("a report");
    assert_eq!((clean.index, clean.class, named(clean).len()), (50, Class::Excellent, 0));
    let tie = report([60.0, 120.0, 10.0, 10.0, 1.0, 199.0]).expect("a report");
    assert_eq!((tie.index, tie.class, named(tie)), (100, Class::Good, vec!["pm25", "pm10"]));
    let one = report([36.0, 50.0, 10.0, 10.0, 1.0, 10.0]).expect("a report");
    assert_eq!((one.index, named(one)), (52, vec!["pm25"]));
    let least = report([35.0, 50.0, 10.0, 10.0, 5.1, 160.0]).expect("a report");
    assert_eq!((least.index, named(least)), (51, vec!["co"]));
    assert_eq!(report([f64::NAN; 6]), None);
}

// Protects the word `without`: a report of less than six pollutants says so.
#[test]
fn a_report_says_which_pollutants_it_lacks() {
    let sparse = hourly(Edition::Hj633_2026, &means([-2.0, f64::NAN, 801.0, f64::NAN, 1.0, 10.0]), Mean::default());
    let sparse = sparse.expect("a report");
    assert_eq!((sparse.index, sparse.beyond_scale), (200, false));
    assert_eq!(sparse.without.iter().collect::<Vec<_>>(), [Pollutant::Pm10, Pollutant::No2]);
    // In 2012 there is no index of so much sulphur dioxide.
    let old = hourly(Edition::Hj633_2012, &means([0.0, 0.0, 801.0, 0.0, 1.0, 10.0]), Mean::default());
    let old = old.expect("a report");
    assert_eq!((old.index, old.without.iter().collect::<Vec<_>>()), (10, vec![Pollutant::So2]));
    let far = hourly(Edition::Hj633_2012, &means([501.0, 0.0, 0.0, 0.0, 0.0, 0.0]), Mean::default());
    assert_eq!(far.map(|r| (r.index, r.beyond_scale, named(r))), Some((500, true, vec!["pm25"])));
}

// Protects the difference of the editions in the real-time report: 2012 also takes eight hours of ozone.
#[test]
fn only_2012_takes_eight_hours_of_ozone_into_the_hour() {
    let hour = means([0.0, 0.0, 0.0, 0.0, 0.0, 160.0]);
    let eight = |v| Concentration::new(v).map(Mean::from).unwrap_or_default();
    let index = |edition, v| hourly(edition, &hour, eight(v)).map(|r| r.index);
    assert_eq!(index(Edition::Hj633_2012, 160.0), Some(100));
    assert_eq!(index(Edition::Hj633_2026, 160.0), Some(50));
    assert_eq!(index(Edition::Hj633_2012, 801.0), Some(50));
    assert_eq!(index(Edition::Hj633_2012, 90.0), Some(50));
}
