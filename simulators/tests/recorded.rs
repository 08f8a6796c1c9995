//! Recorded data against a second, naive reading of the same files. Needs the folder named by `MAIBO_FIXTURES`.

use std::io::Read as _;
use std::path::PathBuf;

use maibo_sim::replay::{FLOOD_BASE, air_messages, flood_messages, read_air, read_flood};

#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn fixtures() -> Option<PathBuf> {
    let folder = std::env::var_os("MAIBO_FIXTURES").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: MAIBO_FIXTURES is not set");
    }
    folder
}

fn unzip(path: &PathBuf) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("the file");
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text
}

// Protects the replay of air quality: as many values per column as a naive count, first times and units by hand.
#[test]
fn air_quality_is_read_completely() {
    let Some(folder) = fixtures() else { return };
    for station in ["Dongsi", "Gucheng", "Huairou"] {
        let path = folder.join(format!("beijing-air/PRSA_{station}_20130301-20150228.csv.gz"));
        let records = read_air(&path).expect("readable");
        assert_eq!(records.len(), 17_520);
        // 2013-03-01 00:00 in Beijing is 16:00 UTC of the day before.
        assert_eq!(records[0].t, 1_362_067_200_000);
        assert!(records.windows(2).all(|w| w[1].t - w[0].t == 3_600_000));
        let text = unzip(&path);
        let names = [
            "pm25",
            "pm10",
            "so2",
            "no2",
            "co",
            "o3",
            "temperature",
            "pressure",
            "",
            "rain",
            "wind_direction",
            "wind_speed",
        ];
        for (n, quantity) in names.iter().enumerate() {
            let column = |line: &str| line.split(',').nth(5 + n).map(|f| f.trim_matches('"').to_owned());
            let cells: Vec<String> = text.lines().skip(1).filter_map(column).filter(|f| f != "NA").collect();
            let ours = match *quantity {
                "" => records.iter().filter(|r| r.dew_point.is_some()).count(),
                q => records.iter().filter(|r| r.value(q).is_some()).count(),
            };
            assert_eq!(ours, cells.len(), "{station} column {n}");
            if !["", "wind_direction"].contains(quantity) {
                let naive: f64 = cells.iter().filter_map(|c| c.parse::<f64>().ok()).sum();
                let sum: f64 = records.iter().filter_map(|r| r.value(quantity)).sum();
                assert!((naive - sum).abs() < 1e-6 * naive.abs(), "{station} {quantity}: {sum} for {naive}");
            }
        }
        let first: serde_json::Value = serde_json::from_str(&air_messages(records)[0].payload).expect("json");
        assert!(first["co"]["u"] == "ug/m3" && first["pm25"].is_number() && first["t"] == 1_362_067_200_000_i64);
    }
}

// Protects the replay of floods: all events, their deepest points as published, messages in order of time.
#[test]
fn floods_are_read_completely() {
    let Some(folder) = fixtures() else { return };
    let path = folder.join("floodnet/flood-events-2020-2023.csv.gz");
    let events = read_flood(&path).expect("readable");
    assert_eq!(events.len(), 564);
    for e in &events {
        let deepest = e.profile.iter().map(|(_, inches)| *inches).fold(0.0, f64::max);
        // The published maximum of one event differs from its profile by 0.04 inches.
        assert!((deepest - e.max_depth).abs() < 0.05, "event {}: {deepest} for {}", e.number, e.max_depth);
    }
    let messages = flood_messages(&events);
    assert_eq!(messages.len(), events.iter().map(|e| e.profile.len()).sum::<usize>());
    assert!(messages.windows(2).all(|w| w[0].t <= w[1].t));
    assert!(messages[0].t >= FLOOD_BASE && messages[0].payload.contains("[in_i]"));
}
