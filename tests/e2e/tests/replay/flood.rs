//! Street floods, each a device on one replayed clock.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use maibo_e2e::fixtures;
use maibo_e2e::maibo::{CATALOGUE_HEAD, Setup};
use maibo_sim::replay;

use super::run::{HOUR, Run, Series, rows};

/// One recorded flood, read plainly.
struct Flood {
    device: String,
    /// Published minutes above 4 and 12 inches.
    published: [f64; 2],
    /// Depth in cm by ms since the begin.
    profile: Series,
}

/// The floods of the recording that reach 4 inches by the profile or by what is published: the others say nothing about
/// durations, and take a third of the time. Left out are those whose published figures contradict themselves.
fn flood_truth(folder: &Path) -> Vec<Flood> {
    let list = |text: &str| serde_json::from_str::<Vec<f64>>(text).expect("a list");
    let mut floods = Vec::new();
    for (n, row) in rows(&folder.join("floodnet/flood-events-2020-2023.csv.gz")).into_iter().enumerate() {
        let number = |column: &str| row[column].parse::<f64>().expect("a number");
        // One record says that the water rose for 957 days of its 13 hours; its other figures are no better.
        if number("onset_time_mins") > number("duration_mins") {
            continue;
        }
        let seconds = list(&row["flood_profile_time_secs"]).into_iter().map(|s| replay::FLOOD_BASE + s as i64 * 1000);
        let depths = list(&row["flood_profile_depth_inches"]).into_iter().map(|inches| inches * 2.54);
        let mut profile: Series = seconds.zip(depths).collect();
        profile.dedup();
        let published = ["duration_above_4_inches_mins", "duration_above_12_inches_mins"].map(number);
        if published[0] == 0.0 && profile.iter().all(|(_, depth)| *depth < 4.0 * 2.54) {
            continue;
        }
        floods.push(Flood { device: format!("flood-{n:04}"), published, profile });
    }
    floods
}

/// Minutes above a limit, each value held until the next; and the longest time between two values on either side of it,
/// which is what a count from samples cannot know.
fn above(series: &Series, limit: f64) -> (f64, f64) {
    let (mut minutes, mut unknown) = (0.0, 0.0_f64);
    for pair in series.windows(2) {
        let between = (pair[1].0 - pair[0].0) as f64 / 60_000.0;
        if pair[0].1 >= limit {
            minutes += between;
        }
        if (pair[0].1 >= limit) != (pair[1].1 >= limit) {
            unknown = unknown.max(between);
        }
    }
    (minutes, unknown)
}

// P2, P7: hundreds of devices on one replayed clock. History has every depth, and the time under water counted from it
// is the time that the sensors' owners published, within what the samples leave open.
#[test]
#[allow(clippy::print_stdout, reason = "prints the distribution of differences")]
fn floods_as_published() {
    let Some(folder) = fixtures() else { return };
    let floods = flood_truth(&folder);
    let told: BTreeSet<&str> = floods.iter().map(|f| &*f.device).collect();
    let mut events = replay::read_flood(&folder.join("floodnet/flood-events-2020-2023.csv.gz")).expect("readable");
    assert_eq!(events.len(), 564);
    events.retain(|e| told.contains(&*e.device()));
    let messages = replay::flood_messages(&events);
    let mut setup = Setup { catalogue: CATALOGUE_HEAD.to_owned(), ..Setup::default() };
    for event in &events {
        let id = event.device();
        let _ = writeln!(setup.catalogue, "{id},waterlogging,{id},110105001,116.4,39.9,traffic,,1m,,,");
    }
    assert_eq!((events.len(), floods.len()), (333, 333));
    let started = Instant::now();
    let run = Run::of(setup, &messages, messages.len());
    println!("{} messages in {:?}", messages.len(), started.elapsed());
    let mut differences: [Vec<(f64, f64)>; 2] = [Vec::new(), Vec::new()];
    for flood in &floods {
        let (from, to) = (replay::FLOOD_BASE, replay::FLOOD_BASE + 48 * HOUR);
        let kept = run.history_of(&flood.device, "water_depth", from, to, flood.profile.len());
        assert_eq!(kept, flood.profile, "{}", flood.device);
        for ((inches, published), differences) in [4.0, 12.0].into_iter().zip(flood.published).zip(&mut differences) {
            let (minutes, unknown) = above(&kept, inches * 2.54);
            // A flood that stayed below for both says nothing about agreement.
            if minutes > 0.0 || published > 0.0 {
                differences.push((minutes - published, unknown));
            }
        }
    }
    println!("history compared after {:?}", started.elapsed());
    // Measured on this recording: medians 1.07 and 1.96 min, shares 97.9 % and 94.0 %.
    for ((inches, median_most, share_least), mut differences) in
        [(4, 1.2, 0.97), (12, 2.1, 0.93)].into_iter().zip(differences)
    {
        differences.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
        let count = differences.len();
        let at = |part: usize| differences[(count - 1) * part / 100].0.abs();
        // Published figures are rounded to a hundredth of a minute.
        let within = differences.iter().filter(|(d, unknown)| d.abs() <= unknown + 0.011).count();
        let share = within as f64 / count as f64;
        let mean = differences.iter().map(|(d, _)| d).sum::<f64>() / count as f64;
        println!(
            "above {inches} in: {count} floods, |difference| p50 {:.2} p75 {:.2} p90 {:.2} p95 {:.2} max {:.2} min, \
             mean {mean:+.2} min, {within} ({:.1} %) within one sampling interval",
            at(50),
            at(75),
            at(90),
            at(95),
            at(100),
            100.0 * share
        );
        assert!(at(50) <= median_most, "median difference above {inches} in: {:.2} min", at(50));
        assert!(share >= share_least, "within one sampling interval above {inches} in: {share:.3}");
    }
    assert_eq!(run.facts().iter().filter(|f| f["kind"] == "transition").count(), 0, "no rule, no alert");
}
