//! The command line: one subcommand per simulator.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use maibo_sim::fault::FaultPlan;
use maibo_sim::replay::{self, Replayed};
use maibo_sim::scenario::duration_ms;
use maibo_sim::sink::Mode;
use maibo_sim::{City, Fleet, FleetOptions, Ledger, Load, Scenario, Sink, SinkOptions, Target, city};
use tokio::sync::watch;

/// Simulated city, load, recorded data and webhook receiver for Maibo.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the catalogue of a simulated city.
    City {
        #[command(flatten)]
        city: CityArgs,
        /// File to write; standard output where missing.
        #[arg(long)]
        catalogue: Option<PathBuf>,
        /// File to write the schematic map of the districts to, as GeoJSON.
        #[arg(long)]
        districts: Option<PathBuf>,
    },
    /// Run a simulated city against a broker.
    Run(RunArgs),
    /// Give an open-loop load and measure latency from publish to acknowledgement.
    Load(LoadArgs),
    /// Publish recorded data in the order of its own time.
    Replay(ReplayArgs),
    /// Receive webhooks.
    Sink(SinkArgs),
}

#[derive(Clone, Copy, Debug, Args)]
struct CityArgs {
    /// The same seed gives the same city.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = city::SENSORS)]
    sensors: u32,
    #[arg(long, default_value_t = city::ROADSIDE_UNITS)]
    rsus: u32,
}

impl CityArgs {
    fn build(self) -> City {
        City::new(self.seed, self.sensors, self.rsus)
    }
}

#[derive(Debug, Args)]
struct BrokerArgs {
    /// Broker, host:port.
    #[arg(long, default_value = "127.0.0.1:1883")]
    broker: String,
    /// User name; the password is taken from the environment variable MAIBO_SIM_PASSWORD.
    #[arg(long)]
    user: Option<String>,
    /// File to note every acknowledged message in.
    #[arg(long)]
    ledger: Option<PathBuf>,
}

impl BrokerArgs {
    fn target(&self) -> anyhow::Result<Target> {
        let password = || std::env::var("MAIBO_SIM_PASSWORD").unwrap_or_default();
        let credentials = self.user.clone().map(|user| (user, password()));
        Ok(Target { credentials, ..Target::parse(&self.broker)? })
    }

    fn ledger(&self) -> anyhow::Result<Option<Arc<Ledger>>> {
        self.ledger.as_deref().map(|path| Ledger::open(path).map(Arc::new)).transpose()
    }
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    city: CityArgs,
    #[command(flatten)]
    broker: BrokerArgs,
    /// calm, demo, or acts such as cloudburst:110105@30s+10m, joined with commas.
    #[arg(long, default_value = "demo")]
    scenario: String,
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Simulated seconds per second.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Stop after this long; without it, at an interrupt.
    #[arg(long, value_parser = duration)]
    duration: Option<Duration>,
    /// Every device works.
    #[arg(long)]
    no_faults: bool,
    /// Let first reports carry calm records of this long before.
    #[arg(long, value_parser = duration)]
    backfill: Option<Duration>,
}

#[derive(Debug, Args)]
struct LoadArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    #[arg(long, default_value_t = 1000)]
    devices: u32,
    /// Messages a second, all devices together.
    #[arg(long, default_value_t = 1000.0)]
    rate: f64,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=1))]
    qos: u8,
    #[arg(long, default_value = "10s", value_parser = duration)]
    duration: Duration,
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Unacknowledged messages per connection, at most.
    #[arg(long, default_value_t = 1000)]
    window: usize,
    /// Write the catalogue of the load's devices to this file first.
    #[arg(long)]
    catalogue: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Recording {
    /// Hourly air quality of Beijing stations.
    BeijingAir,
    /// Depth profiles of street floods.
    Floodnet,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    recording: Recording,
    /// Files, CSV or CSV gzip.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Publish only so many messages.
    #[arg(long, default_value_t = usize::MAX)]
    limit: usize,
}

#[derive(Debug, Args)]
struct SinkArgs {
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// whsec_…, else that of the environment variable MAIBO_SIM_WEBHOOK_SECRET; with neither, signatures are not checked.
    #[arg(long)]
    secret: Option<String>,
    #[arg(long, value_enum, default_value = "ok")]
    mode: Mode,
    /// File to append one JSON line per delivery to.
    #[arg(long)]
    record: Option<PathBuf>,
}

fn duration(text: &str) -> anyhow::Result<Duration> {
    Ok(Duration::from_millis(duration_ms(text)?.unsigned_abs()))
}

/// Runs one command.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::City { city, catalogue, districts } => {
            if let Some(path) = districts {
                std::fs::write(path, city::districts_geojson())?;
            }
            let text = city.build().catalogue_csv();
            match catalogue {
                Some(path) => Ok(std::fs::write(path, text)?),
                None => Ok(std::io::stdout().lock().write_all(text.as_bytes())?),
            }
        }
        Command::Run(args) => run_city(args).await,
        Command::Load(args) => run_load(args).await,
        Command::Replay(args) => run_replay(args).await,
        Command::Sink(args) => run_sink(args).await,
    }
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// Becomes true at an interrupt, or after `limit`.
fn until_interrupted(limit: Option<Duration>) -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = tokio::time::sleep(limit.unwrap_or(Duration::MAX)) => {}
        }
        stop.send_replace(true);
    });
    stopped
}

async fn run_city(args: RunArgs) -> anyhow::Result<()> {
    let scenario = match args.scenario.as_str() {
        "demo" => Scenario::demo(args.city.seed),
        other => Scenario::parse(other)?,
    };
    let options = FleetOptions {
        connections: args.connections,
        speed: args.speed,
        faults: if args.no_faults { FaultPlan::none() } else { FaultPlan::default() },
        backfill: args.backfill,
        ledger: args.broker.ledger()?,
        ..FleetOptions::default()
    };
    let city = Arc::new(args.city.build());
    let stop = until_interrupted(args.duration);
    let report = Fleet::run(city, &scenario, &args.broker.target()?, options, stop).await?;
    say(&format!("{report:?}"))
}

async fn run_load(args: LoadArgs) -> anyhow::Result<()> {
    let load = Load {
        devices: args.devices,
        rate: args.rate,
        at_least_once: args.qos > 0,
        duration: args.duration,
        connections: args.connections,
        window: args.window,
        ledger: args.broker.ledger()?,
        ..Load::default()
    };
    if let Some(path) = &args.catalogue {
        std::fs::write(path, load.catalogue_csv())?;
    }
    let report = load.run(&args.broker.target()?, until_interrupted(None)).await?;
    say(&report.summary())
}

async fn run_replay(args: ReplayArgs) -> anyhow::Result<()> {
    let messages = messages(args.recording, &args.files)?;
    let report = replay::publish(&messages, args.limit, &args.broker.target()?, args.broker.ledger()?).await?;
    say(&format!("{report:?}"))
}

fn messages(recording: Recording, files: &[impl AsRef<Path>]) -> anyhow::Result<Vec<Replayed>> {
    match recording {
        Recording::BeijingAir => {
            let mut records = Vec::new();
            for file in files {
                records.extend(replay::read_air(file.as_ref())?);
            }
            Ok(replay::air_messages(records))
        }
        Recording::Floodnet => {
            let mut events = Vec::new();
            for file in files {
                events.extend(replay::read_flood(file.as_ref())?);
            }
            // Numbered across files, because each event is a device of its own.
            events.iter_mut().enumerate().for_each(|(n, e)| e.number = n);
            Ok(replay::flood_messages(&events))
        }
    }
}

async fn run_sink(args: SinkArgs) -> anyhow::Result<()> {
    let secret = args.secret.or_else(|| std::env::var("MAIBO_SIM_WEBHOOK_SECRET").ok());
    let options = SinkOptions { listen: args.listen, secret, mode: args.mode, record: args.record };
    let sink = Sink::start(options).await?;
    say(&format!("listening on http://{}", sink.addr()))?;
    let mut stop = until_interrupted(None);
    stop.wait_for(|s| *s).await?;
    say(&format!("{} deliveries", sink.count()))?;
    sink.stop().await;
    Ok(())
}
