//! From MQTT to durable and evaluated, against the same client that only receives and acknowledges.
//!
//! Through mosquitto the publisher, the broker and the receiver share two cores, as on a small site; from a pre-encoded
//! stream the receiver has one core for itself. Bare client and gateway take turns within each round.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::Maibo;
use maibo_sim::{Load, Target};

use crate::bare::Bare;
use crate::setup::{DEVICES, maibo, metric};
use crate::stats::{Rounds, table};
use crate::stream::{self, Packets};
use crate::{process, setup};

/// Messages a round through mosquitto.
const THROUGH_BROKER: u64 = 200_000;
/// Messages a round from the stream.
const STREAMED: u64 = 500_000;
/// Rate and length of the round that measures CPU.
const PACED: (f64, u64) = (10_000.0, 10);
/// The core that a receiver of the stream has for itself.
const CORE: usize = 0;

/// What one receiver did in one round.
struct Done {
    /// Messages a second.
    rate: f64,
    /// CPU seconds per million messages.
    cpu: f64,
    /// Share of messages shed.
    shed: f64,
}

/// One way of measuring both.
struct Way {
    name: &'static str,
    bare: fn() -> anyhow::Result<Done>,
    ours: fn() -> anyhow::Result<Done>,
    target: &'static str,
    /// Whether the figure is CPU, not rate.
    cpu: bool,
}

const WAYS: [Way; 5] = [
    Way {
        name: "mosquitto, QoS 1, as fast as it goes: messages/s",
        bare: || bare_broker(true, f64::INFINITY, THROUGH_BROKER),
        ours: || our_broker(true, f64::INFINITY, THROUGH_BROKER),
        target: "≥ 0.9",
        cpu: false,
    },
    Way {
        name: "mosquitto, QoS 0, as fast as it goes: messages/s",
        bare: || bare_broker(false, f64::INFINITY, THROUGH_BROKER),
        ours: || our_broker(false, f64::INFINITY, THROUGH_BROKER),
        target: "",
        cpu: false,
    },
    Way {
        name: "mosquitto, QoS 1, 10,000 messages/s: CPU s per million",
        bare: || bare_broker(true, PACED.0, PACED.0 as u64 * PACED.1),
        ours: || our_broker(true, PACED.0, PACED.0 as u64 * PACED.1),
        target: "≤ 1.5",
        cpu: true,
    },
    Way {
        name: "stream, QoS 1, one core: messages/s",
        bare: || bare_stream(true),
        ours: || our_stream(true),
        target: "≥ 0.5",
        cpu: false,
    },
    Way {
        name: "stream, QoS 0, one core: messages/s kept",
        bare: || bare_stream(false),
        ours: || our_stream(false),
        target: "≥ 0.4",
        cpu: false,
    },
];

pub(crate) fn run(rounds: usize) -> anyhow::Result<()> {
    println!("## From MQTT to durable and evaluated\n");
    let mut rows = Vec::new();
    for way in &WAYS {
        let (mut bare, mut ours) = (Rounds::default(), Rounds::default());
        let (mut ratio, mut shed) = (Rounds::default(), Rounds::default());
        for _ in 0..rounds {
            let (b, o) = ((way.bare)()?, (way.ours)()?);
            let figure = |d: &Done| if way.cpu { d.cpu } else { d.rate };
            bare.add(figure(&b));
            ours.add(figure(&o));
            ratio.add(figure(&o) / figure(&b));
            shed.add(o.shed * 100.0);
        }
        let row = vec![
            way.name.to_owned(),
            bare.to_string(),
            ours.to_string(),
            ratio.to_string(),
            way.target.to_owned(),
            shed.to_string(),
        ];
        eprintln!("{row:?}");
        rows.push(row);
    }
    table(&["", "bare client", "Maibo", "ratio", "target", "shed, %"], &rows);
    Ok(())
}

/// Publishes through a broker.
fn publish(port: u16, at_least_once: bool, rate: f64, count: u64) -> anyhow::Result<()> {
    let rate = rate.min(1e6);
    let load = Load {
        devices: DEVICES,
        rate,
        at_least_once,
        duration: Duration::from_secs_f64(count as f64 / rate),
        connections: 2,
        ..Load::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let report = runtime.block_on(load.run(&Target::new("127.0.0.1", port), stopped))?;
    anyhow::ensure!(report.unsettled == 0, "{} messages were not acknowledged by the broker", report.unsettled);
    Ok(())
}

fn bare_broker(at_least_once: bool, rate: f64, count: u64) -> anyhow::Result<Done> {
    let broker = Mosquitto::start(false);
    let mut bare = Bare::start(broker.port, count)?;
    let before = process::cpu_seconds(bare.pid())?;
    publish(broker.port, at_least_once, rate, count)?;
    let (seen, seconds) = bare.done()?;
    let cpu = process::cpu_seconds(bare.pid())? - before;
    Ok(done(seen, seconds, cpu, 0))
}

fn our_broker(at_least_once: bool, rate: f64, count: u64) -> anyhow::Result<Done> {
    let broker = Mosquitto::start(false);
    let maibo = maibo(broker.port, 0);
    let pid = maibo.pid().unwrap_or_default();
    let before = process::cpu_seconds(pid)?;
    let (seen, seconds) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&maibo, count));
        publish(broker.port, at_least_once, rate, count)?;
        watching.join().map_err(|_| anyhow::anyhow!("the watch ended"))?
    })?;
    let cpu = process::cpu_seconds(pid)? - before;
    Ok(done(seen, seconds, cpu, metric(&maibo, SHED)))
}

fn bare_stream(at_least_once: bool) -> anyhow::Result<Done> {
    let (listener, packets) = (TcpListener::bind("127.0.0.1:0")?, packets(at_least_once));
    let port = listener.local_addr()?.port();
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| stream::serve(&listener, &packets));
        let mut bare = Bare::start(port, packets.len())?;
        process::pin(bare.pid(), CORE)?;
        let (seen, own) = bare.done()?;
        let cpu = process::cpu_seconds(bare.pid())?;
        drop(bare);
        let seconds = serving.join().map_err(|_| anyhow::anyhow!("the stream ended"))??;
        Ok(done(seen, if at_least_once { seconds } else { own }, cpu, 0))
    })
}

fn our_stream(at_least_once: bool) -> anyhow::Result<Done> {
    let (listener, packets) = (TcpListener::bind("127.0.0.1:0")?, packets(at_least_once));
    let port = listener.local_addr()?.port();
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| stream::serve(&listener, &packets));
        let maibo = maibo(port, 0);
        let pid = maibo.pid().unwrap_or_default();
        process::pin(pid, CORE)?;
        let (seen, own) = watch(&maibo, packets.len())?;
        let (cpu, shed) = (process::cpu_seconds(pid)?, metric(&maibo, SHED));
        drop(maibo);
        let seconds = serving.join().map_err(|_| anyhow::anyhow!("the stream ended"))??;
        Ok(done(seen, if at_least_once { seconds } else { own }, cpu, shed))
    })
}

const EVALUATED: &str = "maibo_engine_readings_total{fate=\"judged\"";
const SHED: &str = "maibo_ingest_shed_total";

/// Watches the counters until everything is evaluated or shed, or nothing has moved for two seconds. Gives the readings
/// evaluated, and the seconds from the first to the last.
fn watch(maibo: &Maibo, count: u64) -> anyhow::Result<(u64, f64)> {
    let (mut first, mut last, mut seen) = (None, Instant::now(), 0);
    let began = Instant::now();
    loop {
        let now = metric(maibo, EVALUATED);
        if now > seen {
            last = Instant::now();
            first.get_or_insert((last, now));
            seen = now;
        }
        let quiet = last.elapsed() > Duration::from_secs(2) && first.is_some();
        if seen >= count || quiet {
            let Some((first, at_first)) = first else { break };
            let seconds = last.duration_since(first).as_secs_f64();
            // The first look came when some had passed already.
            return Ok((seen, seconds * seen as f64 / (seen - at_first).max(1) as f64));
        }
        if began.elapsed() > Duration::from_mins(2) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    anyhow::bail!("maibo evaluated {seen} of {count} readings")
}

/// The same messages as the load's, a second apart, from ten minutes ago on.
fn packets(at_least_once: bool) -> Packets {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    let begin = i64::try_from(now).unwrap_or(i64::MAX) - 600_000;
    let message = move |n: u64| {
        let (device, seq) = ((n % u64::from(setup::DEVICES)) as u32, n / u64::from(setup::DEVICES));
        let t = begin + seq as i64 * 1_000;
        let value = maibo_sim::load::value_of(device, seq);
        let topic = format!("maibo/v1/{}/telemetry", maibo_sim::load::device_id(device));
        (topic, format!("{{\"t\":{t},\"temperature\":{value}}}").into_bytes())
    };
    Packets::encode((0..STREAMED).map(message), at_least_once)
}

fn done(seen: u64, seconds: f64, cpu: f64, shed: u64) -> Done {
    Done {
        rate: seen as f64 / seconds.max(1e-9),
        cpu: cpu * 1e6 / seen.max(1) as f64,
        shed: shed as f64 / (seen + shed).max(1) as f64,
    }
}
