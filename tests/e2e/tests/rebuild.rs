//! `maibo rebuild`: databases made anew from the logs are those that were kept up live, and nothing that the logs do not
//! have any more is thrown away unasked.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup, command};
use maibo_e2e::publisher::publish;
use maibo_e2e::{free_port, until};
use maibo_sim::{Sink, SinkOptions};
use rusqlite::Connection;
use rusqlite::types::Value;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const DEVICES: i64 = 7;

/// A data directory with three lives: alerts that came and went and some that are open, readings over three hours, and a
/// receiver that never was there.
fn lived() -> (Maibo, u16) {
    let chief = free_port();
    let mut setup = Setup::default();
    let _ = write!(
        setup.rules,
        "[[rule]]\nid = \"deep\"\ntitle = {{ zh = \"积水\", en = \"Deep\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"water_depth\" }}\nlevels = {{ yellow = 50, red = 70 }}\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
    );
    let _ = write!(
        setup.tables,
        "[[receiver]]\nname = \"chief\"\nurl = \"http://127.0.0.1:{chief}/hook\"\nsecret_file = \"secret\"\ngroup_every = \"0s\"\n\
         allow = [\"127.0.0.1/32\"]\n"
    );
    for n in 0..DEVICES {
        setup.device(&format!("w{n}"), "1m");
    }
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    for life in 0..3 {
        maibo.start();
        let messages: Vec<(String, Vec<u8>)> = (0..210_i64)
            .map(|n| {
                let (t, value) = (now - (3 - life) * 3_600_000 + n * 10_000, (n * 13 + life) % 90);
                let device = n % DEVICES;
                (format!("maibo/v1/w{device}/telemetry"), format!("{{\"t\":{t},\"water_depth\":{value}}}").into_bytes())
            })
            .collect();
        let sent = publish(port, &format!("life{life}"), &messages, Duration::from_secs(20));
        assert_eq!(sent, messages.len());
        assert_eq!(maibo.terminate().code(), Some(0));
    }
    (maibo, chief)
}

fn rebuild(data: &Path, more: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["rebuild", "--data", data.to_str().expect("path")], more].concat();
    let (code, out, err) = command(&arguments, Path::new("."));
    (code, out + &err)
}

/// Every row of every table, in order.
fn rows(path: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let connection = Connection::open(path).expect("opens");
    let mut names =
        connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").expect("reads");
    let names: Vec<String> = names.query_map([], |row| row.get(0)).expect("reads").flatten().collect();
    let all = names.into_iter().map(|table| {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("reads");
        let n = statement.column_count();
        let read = statement.query_map([], |row| (0..n).map(|i| row.get(i)).collect::<Result<Vec<Value>, _>>());
        let mut rows: Vec<Vec<Value>> = read.expect("reads").collect::<Result<_, _>>().expect("reads");
        rows.sort_by_key(|row| format!("{row:?}"));
        (table, rows)
    });
    all.collect()
}

/// Count and sum of each device's readings, as the interface gives them.
fn sums(maibo: &Maibo) -> Vec<(usize, f64)> {
    let read = |n: i64| {
        let points = maibo.get(&format!("/api/v1/devices/w{n}/series/water_depth?points=0&from=0&to=4000000000000"));
        let values: Vec<f64> =
            points["points"].as_array().expect("points").iter().filter_map(|p| p[1].as_f64()).collect();
        (values.len(), values.iter().sum())
    };
    (0..DEVICES).map(read).collect()
}

fn episodes(maibo: &Maibo) -> Vec<String> {
    let page = maibo.get("/api/v1/alerts?limit=1000");
    page["items"].as_array().expect("items").iter().map(|a| format!("{} {}", a["id"], a["version"])).collect()
}

#[test]
fn what_is_made_anew_is_what_was_kept_up() {
    let (mut maibo, chief) = lived();
    let data = maibo.data();
    maibo.start();
    let (before, alerts) = (sums(&maibo), episodes(&maibo));
    assert_eq!(before.iter().map(|s| s.0).sum::<usize>(), 630);
    assert!(alerts.len() > 8, "{alerts:?}");
    assert_eq!(rebuild(&data, &[]).0, Some(69), "a running Maibo is left alone");
    assert_eq!(maibo.terminate().code(), Some(0));

    // The alerts: row by row.
    let kept = rows(&data.join("state.db"));
    assert!(kept.iter().any(|(table, rows)| table == "alert_version" && rows.len() > 20), "{kept:?}");
    let (code, said) = rebuild(&data, &["state"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(rows(&data.join("state.db")), kept);
    assert_eq!(rows(&data.join("state.db.replaced")), kept);

    // History: with the old file, without it, and with one that cannot be read; the log is whole.
    for change in ["keep", "remove", "spoil"] {
        let file = data.join("history.db");
        match change {
            "remove" => std::fs::remove_file(&file).expect("remove"),
            "spoil" => std::fs::write(&file, "no database, whatever its name says").expect("write"),
            _ => {}
        }
        let (code, said) = rebuild(&data, &["history"]);
        assert_eq!(code, Some(0), "{change}: {said}");
        maibo.start();
        assert_eq!((sums(&maibo), episodes(&maibo)), (before.clone(), alerts.clone()), "{change}: {said}");
        assert_eq!(maibo.terminate().code(), Some(0));
    }

    // The log is trimmed: what it does not have comes from the old file; where that cannot be read, it is asked.
    let oldest = std::fs::read_dir(data.join("inputs")).expect("inputs").flatten().map(|e| e.path());
    let mut segments: Vec<_> = oldest.filter(|p| p.to_string_lossy().contains("segment-")).collect();
    segments.sort();
    for old in &segments[..3] {
        std::fs::remove_file(old).expect("remove");
    }
    let (code, said) = rebuild(&data, &["history"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("630 readings taken over"), "{said}");
    let file = data.join("history.db");
    let good = std::fs::read(&file).expect("history");
    std::fs::write(&file, &good[..good.len() / 2]).expect("write");
    let (code, said) = rebuild(&data, &["history"]);
    assert_eq!(code, Some(65), "{said}");
    assert!(said.contains("--lose-history") && said.contains("Nothing was changed"), "{said}");
    assert_eq!(std::fs::read(&file).expect("history").len(), good.len() / 2, "as it was");
    // As a start does with a damaged file: it is taken into account all the same.
    std::fs::write(data.join("history.db.damaged"), &good).expect("write");
    std::fs::remove_file(&file).expect("remove");
    let (code, said) = rebuild(&data, &["history"]);
    assert_eq!(code, Some(0), "{said}");
    maibo.start();
    assert_eq!(sums(&maibo), before);
    assert_eq!(maibo.terminate().code(), Some(0));
    assert!(!data.join("history.db.damaged").exists(), "what was taken over is not asked for again");
    std::fs::write(&file, "nothing").expect("write");
    assert_eq!(rebuild(&data, &["history"]).0, Some(65));
    let (code, said) = rebuild(&data, &["history", "--lose-history"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("unreadable in"), "{said}");

    owed(&mut maibo, chief);
}

/// The outbox: what was owed of alerts that are over is owed again, and told once somebody listens.
fn owed(maibo: &mut Maibo, chief: u16) {
    let data = maibo.data();
    let (code, said) = rebuild(&data, &["outbox"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("under the same keys"), "{said}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let listen = ([127, 0, 0, 1], chief).into();
    let options = SinkOptions { listen, secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
    let sink = runtime.block_on(Sink::start(options)).expect("a receiver");
    maibo.start();
    let told = || -> BTreeSet<String> {
        let episode = |body: &str| {
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            body["data"]["id"].as_str().expect("an episode").to_owned()
        };
        sink.deliveries().iter().map(|d| episode(&d.body)).collect()
    };
    let page = maibo.get("/api/v1/alerts?rule=deep&limit=1000");
    let all: BTreeSet<String> =
        page["items"].as_array().expect("items").iter().filter_map(|a| a["id"].as_str().map(str::to_owned)).collect();
    assert!(all.len() > 8);
    // Episodes of the past are told once, some seconds after the last of them.
    until("every episode is told, also those that are over", Duration::from_mins(1), || (told() == all).then_some(()));
    assert_eq!(maibo.terminate().code(), Some(0));
}
