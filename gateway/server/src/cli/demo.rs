//! `maibo demo`: everything on this machine, nothing from elsewhere.
//!
//! The broker inside, a simulated city that reports to it over real sockets, the shipped rules, the page.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use maibo_core::decode::{Profile, Route};
use maibo_core::id::SourceId;
use maibo_core::registry::Catalogue;
use maibo_sim::{City, Fleet, FleetOptions, Scenario, Target};
use tracing::{error, info};

use super::run::{Started, serve};
use crate::config::{Settings, Source};
use crate::ingest::{Admission, ClockMode, embedded};

/// Arguments of `maibo demo`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the page listens; without it 127.0.0.1:8080, or a free port where that is taken.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the broker listens; without it 127.0.0.1:1883, or a free port where that is taken.
    #[arg(long, value_name = "ADDR")]
    mqtt: Option<SocketAddr>,
    /// Data directory; without it a fresh temporary one, removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The same seed gives the same city.
    #[arg(long, default_value_t = 2023)]
    seed: u64,
    /// How many sensors.
    #[arg(long, default_value_t = maibo_sim::city::SENSORS)]
    sensors: u32,
    /// What happens: `demo`, `calm`, or such as `cloudburst:110105`.
    #[arg(long, default_value = "demo")]
    scenario: String,
}

/// What devices report of the time before the start, so that charts are not empty at first sight.
const PAST: std::time::Duration = std::time::Duration::from_hours(1);

/// Runs the demo until a signal.
pub(super) fn run(arguments: &Arguments) -> u8 {
    crate::telemetry::init_logs();
    let city = Arc::new(City::new(arguments.seed, arguments.sensors, maibo_sim::city::ROADSIDE_UNITS));
    let scenario = match arguments.scenario.as_str() {
        "demo" => Scenario::demo(arguments.seed),
        text => match Scenario::parse(text) {
            Ok(scenario) => scenario,
            Err(error) => {
                eprintln!("--scenario: {error:#}");
                return 64;
            }
        },
    };
    let temporary = Temporary::unless(arguments.data.as_ref());
    let settings = match settings(arguments, &city, temporary.path.clone()) {
        Ok(settings) => settings,
        Err(error) => {
            error!(%error, "the simulated city does not fit");
            return 70;
        }
    };
    let code = serve(settings, |started| live(started, city, scenario));
    drop(temporary);
    code
}

/// Lets the city report, and tells where the page is. The city stops when the answer is dropped.
fn live(started: &Started, city: Arc<City>, scenario: Scenario) -> tokio::sync::watch::Sender<bool> {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    if let Some(broker) = started.brokers.first().copied() {
        tokio::spawn(async move {
            let target = Target::new(&broker.ip().to_string(), broker.port());
            let options = FleetOptions { backfill: Some(PAST), ..FleetOptions::default() };
            match Fleet::run(city, &scenario, &target, options, stopped).await {
                Ok(report) => info!(sent = report.sent, acknowledged = report.acknowledged, "the city is quiet"),
                Err(error) => error!(%error, "the city has stopped"),
            }
        });
        println!("\n  Maibo 脉搏\n  page    http://{}/\n  broker  mqtt://{broker}\n  stop    Ctrl-C\n", started.http);
    }
    stop
}

fn settings(arguments: &Arguments, city: &City, data: PathBuf) -> Result<Settings, String> {
    let packs: Vec<(String, String)> =
        crate::packs::SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let problem = |p: Vec<maibo_core::rule::Problem>| p.first().map(ToString::to_string).unwrap_or_default();
    let catalogue_text = city.catalogue_csv();
    let catalogue = Catalogue::parse(&catalogue_text).map_err(problem)?;
    let rules = crate::versions::compile_rules(&packs).map_err(problem)?;
    let id = SourceId::new("embedded").map_err(|e| e.to_string())?;
    let listen = address(arguments.mqtt, 1883)?;
    let plans = Arc::new(crate::plan::set(Vec::new()));
    Ok(Settings {
        data,
        http: address(arguments.listen, 8080)?,
        http_names: Vec::new(),
        clock: ClockMode::Wall,
        admission: Admission::Admit,
        inputs_quota: 2 << 30,
        shards: 1,
        monitor: crate::config::Monitor::default(),
        allowance: crate::ingest::Allowance::default(),
        // Nobody starts it anew.
        standstill_exit: None,
        sources: vec![Source::Embedded(embedded::Settings { id, listen, connections_max: 20_000 })],
        routes: vec![Route::standard(Profile::Native), Route::standard(Profile::OpenV2x)],
        packs,
        files: rules.version,
        rules,
        catalogue_text,
        catalogue,
        districts: Some(maibo_sim::city::districts_geojson()),
        receivers: Vec::new(),
        file_plans: Arc::clone(&plans),
        plans_by: None,
        plans,
        alarms: Vec::new(),
        influx: None,
        mode: "demo",
    })
}

/// The given address, or the usual port on the loopback address, or a free one where that is taken.
fn address(given: Option<SocketAddr>, usual: u16) -> Result<SocketAddr, String> {
    if let Some(given) = given {
        return Ok(given);
    }
    let usual = SocketAddr::from(([127, 0, 0, 1], usual));
    let listener = TcpListener::bind(usual).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
    listener.and_then(|l| l.local_addr()).map_err(|e| format!("no free port on the loopback address: {e}"))
}

/// A data directory that is removed at the end, unless one was given.
struct Temporary {
    path: PathBuf,
    remove: bool,
}

impl Temporary {
    fn unless(given: Option<&PathBuf>) -> Self {
        given.map_or_else(
            || {
                let name = format!("maibo-demo-{}", std::process::id());
                let path = std::env::temp_dir().join(name);
                // What an earlier process with this number left behind is not ours to show.
                let _ = std::fs::remove_dir_all(&path);
                Self { path, remove: true }
            },
            |path| Self { path: path.clone(), remove: false },
        )
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.remove {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
