//! CPU of `maibo run` with the default city, sent by a simulator of its own through mosquitto: what a small server pays
//! for an ordinary minute.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::{binary, until};
use maibo_sim::City;

use crate::process;
use crate::setup::metric;
use crate::stats::table;

/// The picture fills first, and that is not rest.
const SETTLE: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_mins(1);
const PACKS: [(&str, &str); 7] = [
    ("ecology", include_str!("../../rules/ecology.toml")),
    ("ecology-noise", include_str!("../../rules/ecology-noise.toml")),
    ("emergency", include_str!("../../rules/emergency.toml")),
    ("health", include_str!("../../rules/health.toml")),
    ("municipal", include_str!("../../rules/municipal.toml")),
    ("safety", include_str!("../../rules/safety.toml")),
    ("traffic", include_str!("../../rules/traffic.toml")),
];

pub(crate) fn run() -> anyhow::Result<()> {
    println!("## The default city for a minute\n");
    let broker = Mosquitto::start(false);
    let city = City::new(1, maibo_sim::city::SENSORS, maibo_sim::city::ROADSIDE_UNITS);
    let mut setup = Setup { catalogue: city.catalogue_csv(), ..Setup::default() };
    setup.external(broker.port, "auto");
    setup.tables.push_str(
        "[[route]]\nfilter = \"maibo/v1/#\"\nprofile = \"native\"\n[[route]]\nfilter = \"V2X/#\"\nprofile = \"openv2x\"\n",
    );
    for (_, pack) in PACKS {
        setup.rules.push_str(pack);
    }
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    let simulator = binary().with_file_name("maibo-sim");
    let mut simulator = Command::new(simulator)
        .args(["run", "--scenario", "calm", "--broker", &format!("127.0.0.1:{}", broker.port)])
        .stdout(Stdio::null())
        .spawn()
        .context("start maibo-sim (cargo build --release --workspace)")?;
    until("readings come", Duration::from_secs(20), || {
        (metric(&maibo, "maibo_ingest_readings_total") > 0).then_some(())
    });
    std::thread::sleep(SETTLE);
    let pid = maibo.pid().unwrap_or_default();
    let (cpu, readings) = (process::cpu_seconds(pid)?, metric(&maibo, "maibo_ingest_readings_total"));
    std::thread::sleep(MINUTE);
    let cpu = process::cpu_seconds(pid)? - cpu;
    let readings = metric(&maibo, "maibo_ingest_readings_total") - readings;
    let memory = process::resident_mb(pid)?;
    let _ = simulator.kill();
    let _ = simulator.wait();
    table(
        &["", "figure", "target"],
        &[
            vec!["user and system seconds in 60 s".into(), format!("{cpu:.2}"), "< 9".into()],
            vec!["readings in that minute".into(), readings.to_string(), String::new()],
            vec!["resident memory, MB".into(), format!("{memory:.0}"), String::new()],
        ],
    );
    Ok(())
}
