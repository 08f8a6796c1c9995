use super::*;
use crate::codec;

mod model;

const EVERY_SECOND: Millis = Millis(1_000);
const WHOLE: Option<(f64, f64)> = Some((-50.0, 100.0));

/// A window with a value every second, from 1 s on.
fn seconds(length: i64, values: impl IntoIterator<Item = f64>) -> Window {
    let mut window = Window::new(Millis::from_secs(length), WHOLE);
    for (i, value) in (1..).zip(values) {
        window.push(Timestamp(i * 1_000), value, EVERY_SECOND);
    }
    window
}

fn value(window: &Window, signal: Signal) -> Option<f64> {
    window.clone().value(signal, &mut Vec::new())
}

#[track_caller]
fn near(found: Option<f64>, wanted: f64) {
    assert!(found.is_some_and(|f| (f - wanted).abs() < 0.005), "{found:?} is not {wanted}");
}

#[test]
fn leq_is_an_energy_mean() {
    let window = seconds(2, [60.0, 70.0]);
    near(value(&window, Signal::Leq), 67.40);
    assert_eq!(value(&window, Signal::Mean), Some(65.0));
    let window = seconds(600, (0..600).map(|i| if i < 300 { 60.0 } else { 70.0 }));
    assert!(matches!(window.form, Form::Coarse(_)));
    near(value(&window, Signal::Leq), 67.40);
}

#[test]
fn percentile_is_the_nearest_rank() {
    // Five values: 20 % of them is exactly one, 21 % more than one.
    let window = seconds(5, [40.0, 15.0, 50.0, 20.0, 35.0]);
    let percentiles = [1, 5, 20, 21, 40, 41, 50, 60, 61, 80, 81, 99];
    let found = percentiles.map(|p| value(&window, Signal::Percentile(p)));
    let wanted = [15.0, 15.0, 15.0, 20.0, 20.0, 35.0, 35.0, 35.0, 40.0, 40.0, 50.0, 50.0];
    assert_eq!(found, wanted.map(Some));
}

#[test]
fn rate_and_delta_need_two_readings() {
    let per = Millis::from_secs(60);
    let mut window = seconds(4, [10.0]);
    window.push(Timestamp(3_000), 11.0, Millis(2_000));
    window.push(Timestamp(5_000), 12.0, Millis(2_000));
    // 1 s has left: (1 s, 5 s] holds 3 s and 5 s.
    assert_eq!(value(&window, Signal::Delta), Some(1.0));
    assert_eq!(value(&window, Signal::Rate { per }), Some(30.0));
    assert_eq!(value(&window, Signal::Count), Some(2.0));
    let one = seconds(1, [5.0, 10.0]);
    assert_eq!((value(&one, Signal::Delta), value(&one, Signal::Rate { per })), (None, None));
    assert_eq!(value(&one, Signal::Mean), Some(10.0));
}

#[test]
fn no_window_tells_how_long_a_value_is_stuck() {
    assert_eq!(value(&seconds(2, [1.0, 1.0]), Signal::Stuck { tolerance: 0.0 }), None);
}

#[test]
fn below_three_quarters_only_what_needs_no_cover_is_told() {
    let per = Millis(1);
    let covered = [Signal::Mean, Signal::Percentile(50), Signal::Leq, Signal::Delta, Signal::Rate { per }];
    let always = [Signal::Last, Signal::Sum, Signal::Max, Signal::Min, Signal::Count, Signal::Range];
    for (readings, coverage, told) in [(1, 0.25, false), (2, 0.5, false), (3, 0.75, true), (4, 1.0, true)] {
        let mut window = seconds(4, (0..readings).map(f64::from));
        assert_eq!(window.coverage().to_bits(), f64::to_bits(coverage));
        assert_eq!(covered.map(|s| value(&window, s).is_some()), [told; 5], "{readings} readings");
        assert_eq!(always.map(|s| value(&window, s).is_some()), [true; 6], "{readings} readings");
        assert_eq!(window.is_full(), readings == 4);
    }
    assert_eq!(always.map(|s| value(&Window::new(EVERY_SECOND, None), s)), [None; 6]);
    // One millisecond short of three quarters.
    let mut window = Window::new(Millis(4_000), None);
    window.push(Timestamp(10_000), 1.0, Millis(2_999));
    assert_eq!(value(&window, Signal::Mean), None);
}

#[test]
fn a_hole_lowers_the_coverage_until_it_has_left() {
    let mut window = seconds(4, [1.0; 4]);
    let coverage = [7_000, 8_000, 10_000, 11_000, 12_000].map(|at| {
        window.push(Timestamp(at), 1.0, EVERY_SECOND);
        window.coverage()
    });
    // Covered: (3 s, 4 s] and (6 s, 7 s]; (6 s, 8 s]; (6 s, 8 s] and (9 s, 10 s]; from then on 8 s to 9 s is missing.
    assert_eq!(coverage.map(f64::to_bits), [0.5, 0.5, 0.75, 0.75, 0.75].map(f64::to_bits));
    assert!(window.is_full(), "a hole is no new beginning");
}

#[test]
fn a_jittering_interval_covers_no_more_than_itself() {
    // Early readings cover what they can, late ones one interval: of 4 × 1.0 s here 1.0 + 0.9 + 1.0 + 0.8.
    let mut window = Window::new(Millis(4_000), None);
    for at in [1_000, 1_900, 3_200, 4_000] {
        window.push(Timestamp(at), 1.0, EVERY_SECOND);
    }
    assert_eq!(window.coverage().to_bits(), (3_700.0_f64 / 4_000.0).to_bits());
    // The oldest reading's span is clipped at the window's edge, 0.4 s.
    window.push(Timestamp(4_400), 1.0, EVERY_SECOND);
    assert_eq!(window.coverage().to_bits(), ((600.0 + 900.0 + 1_000.0 + 800.0 + 400.0) / 4_000.0_f64).to_bits());
}

#[test]
fn a_window_that_ends_on_a_panes_edge_is_exact() {
    // 10 minutes have panes of 9.375 s; every 75 s a second is a pane's edge.
    let ramp = |to: i32| seconds(600, (1..=to).map(|i| f64::from(i % 100)));
    for edge in [600, 675, 1_200] {
        let mut window = ramp(edge);
        assert!(matches!(window.form, Form::Coarse(_)));
        assert_eq!(value(&window, Signal::Count), Some(600.0), "at {edge} s");
        assert_eq!(value(&window, Signal::Sum), Some(6.0 * 4_950.0));
        assert_eq!(window.coverage().to_bits(), 1.0_f64.to_bits());
        assert_eq!(value(&ramp(edge + 1), Signal::Count), Some(601.0));
    }
    // The most it can be wrong by: 10 readings, which is what a pane can hold.
    let counts = (600..675).filter_map(|to| value(&ramp(to), Signal::Count));
    assert_eq!(counts.fold(0.0, f64::max).to_bits(), 610.0_f64.to_bits());
}

#[test]
fn the_513th_reading_makes_it_coarse_and_only_a_restart_exact() {
    let mut window = seconds(513, (0..512).map(f64::from));
    assert!(matches!(window.form, Form::Exact(_)));
    let exact = window.bytes();
    window.push(Timestamp(513_000), 0.0, EVERY_SECOND);
    assert!(matches!(window.form, Form::Coarse(_)));
    window.push(Timestamp(90_000_000), 7.0, EVERY_SECOND);
    assert!(matches!(window.form, Form::Coarse(_)), "also when few readings are left");
    assert_eq!(value(&window, Signal::Count), Some(1.0));
    let own = size_of::<Window>();
    assert_eq!((exact, window.bytes()), (own + 8_192, own + 5_808 + 8_448));
    window.restart();
    assert_eq!(window, Window::new(Millis::from_secs(513), WHOLE));
    assert_eq!(window.bytes(), own);
    // 512 in the window are exact however many came.
    assert!(matches!(seconds(512, (0..2_000).map(f64::from)).form, Form::Exact(_)));
}

#[test]
fn memory_stays_where_it_is_once_filled() {
    for length in [512, 3_600] {
        let mut window = seconds(length, (0..4_000).map(f64::from));
        let bytes = window.bytes();
        for i in 4_001..12_000 {
            window.push(Timestamp(i * 1_000), 1.0, EVERY_SECOND);
            assert_eq!(window.bytes(), bytes);
        }
    }
}

#[test]
fn without_a_range_a_coarse_window_has_no_percentile() {
    let mut window = Window::new(Millis::from_secs(600), None);
    (1..=600).for_each(|i| window.push(Timestamp(i * 1_000), 1.0, EVERY_SECOND));
    assert_eq!((value(&window, Signal::Percentile(50)), value(&window, Signal::Mean)), (None, Some(1.0)));
}

#[test]
fn a_full_bin_stops_counting() {
    let mut window = Window::new(Millis::from_secs(86_400), Some((0.0, 64.0)));
    // 70,000 low and 66,000 high in one pane of 1,350 s: both bins stop at 65,535.
    (1..=136_000).for_each(|i| {
        window.push(Timestamp(i), if i <= 70_000 { 3.2 } else { 60.0 }, Millis::from_secs(86_400));
    });
    assert_eq!(value(&window, Signal::Count), Some(136_000.0));
    assert_eq!(value(&window, Signal::Percentile(50)), Some(3.5));
    assert_eq!(value(&window, Signal::Percentile(51)), Some(60.5));
}

#[test]
fn times_at_the_ends_of_the_scale_do_not_overflow() {
    for coarse in [false, true] {
        let mut window = Window::new(Millis(1_000), WHOLE);
        let start = i64::MIN + 1;
        for i in 0..if coarse { 600 } else { 3 } {
            window.push(Timestamp(start + i), 1.0, Millis(i64::MAX));
        }
        window.push(Timestamp(i64::MAX - 1), 2.0, Millis(i64::MAX));
        window.push(Timestamp(i64::MAX), 3.0, Millis(i64::MAX));
        assert_eq!(value(&window, Signal::Sum), Some(5.0));
        assert_eq!(window.coverage().to_bits(), 1.0_f64.to_bits());
        assert!(window.is_full());
    }
}

#[test]
fn stuck_counts_from_the_first_reading_of_the_run() {
    let mut stuck = Stuck::begin(Timestamp(1_000), 20.0);
    assert_eq!(stuck.observe(Timestamp(2_500), 20.5, 0.5, false).to_bits(), 1.5_f64.to_bits());
    assert_eq!(stuck.observe(Timestamp(4_000), 19.5, 0.5, false).to_bits(), 3.0_f64.to_bits());
    // 20.6 is within half a degree of the newest value's neighbour, not of the first: a new run.
    assert_eq!(stuck.observe(Timestamp(5_000), 20.6, 0.5, false).to_bits(), 0.0_f64.to_bits());
    assert_eq!(stuck, Stuck { since: Timestamp(5_000), value: 20.6 });
    assert_eq!(stuck.observe(Timestamp(8_000), 20.6, 0.0, false).to_bits(), 3.0_f64.to_bits());
    assert_eq!(stuck.observe(Timestamp(9_000), 20.6, 0.0, true).to_bits(), 0.0_f64.to_bits(), "behind a gap");
    assert_eq!(stuck.observe(Timestamp(9_500), 20.6_f64.next_up(), 0.0, false).to_bits(), 0.0_f64.to_bits());
    let mut zero = Stuck::begin(Timestamp(0), 0.0);
    assert_eq!(zero.observe(Timestamp(1_000), -0.0, 0.0, false).to_bits(), 1.0_f64.to_bits());
    let bytes = codec::encode(&zero);
    assert_eq!(codec::decode::<Stuck>(&bytes).ok(), Some(zero));
}
