//! From message to alert on the WebSocket, under load, against what the machine itself needs for it: publish to subscribe
//! through the same broker under the same load, plus two `fdatasync`.
//!
//! A probe crosses its limit, up and down, forty times a second; each crossing is an alert frame, or in the bare run the
//! same message at a subscriber. Both runs carry the same load at QoS 1 with a receiver that acknowledges it.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use maibo_e2e::broker::Mosquitto;
use maibo_sim::{Load, Target};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;

use crate::bare::Bare;
use crate::setup::{DEVICES, maibo};
use crate::stats::{Rounds, table};

const RATES: [f64; 2] = [1_000.0, 10_000.0];
const SECONDS: u64 = 10;
const PROBE_EVERY: Duration = Duration::from_millis(25);
const TOPIC: &str = "maibo/v1/probe-0/telemetry";

/// Milliseconds at two quantiles.
#[derive(Clone, Copy)]
struct Quantiles {
    p50: f64,
    p99: f64,
}

/// When each probe should have gone, by its value, which no other has; and what it took.
#[derive(Clone)]
struct Probes {
    sent: Arc<Mutex<HashMap<i64, Instant>>>,
    took: Arc<Mutex<Histogram<u64>>>,
}

impl Probes {
    fn new() -> anyhow::Result<Self> {
        let took = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        Ok(Self { sent: Arc::default(), took: Arc::new(Mutex::new(took)) })
    }

    fn sent(&self, key: i64, intended: Instant) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(key, intended);
    }

    fn arrived(&self, value: &Value) {
        let key = (value.as_f64().unwrap_or_default() * 100.0).round() as i64;
        if let Some(intended) = self.sent.lock().unwrap_or_else(PoisonError::into_inner).remove(&key) {
            let us = intended.elapsed().as_micros() as u64;
            self.took.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(us.max(1));
        }
    }

    /// What most took; none may be missing.
    fn quantiles(&self) -> anyhow::Result<Quantiles> {
        let missing = self.sent.lock().unwrap_or_else(PoisonError::into_inner).len();
        anyhow::ensure!(missing == 0, "{missing} probes never arrived");
        let took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        let ms = |q| took.value_at_quantile(q) as f64 / 1000.0;
        Ok(Quantiles { p50: ms(0.5), p99: ms(0.99) })
    }
}

pub(crate) fn run(rounds: usize) -> anyhow::Result<()> {
    println!("## From message to alert on the WebSocket\n");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rows = Vec::new();
    for rate in RATES {
        let mut figures: [Rounds; 7] = Default::default();
        for _ in 0..rounds {
            let sync = fdatasync()?;
            let bare = runtime.block_on(bare(rate))?;
            let ours = runtime.block_on(ours(rate))?;
            let ratio = ours.p99 / (bare.p99 + 2.0 * sync.p99);
            let round = [bare.p50, bare.p99, sync.p50, sync.p99, ours.p50, ours.p99, ratio];
            for (rounds, figure) in figures.iter_mut().zip(round) {
                rounds.add(figure);
            }
        }
        let mut row = vec![format!("{rate:.0}")];
        row.extend(figures.iter().map(ToString::to_string));
        eprintln!("{row:?}");
        rows.push(row);
    }
    let head = [
        "load, messages/s",
        "publish ▸ subscribe p50, ms",
        "p99",
        "fdatasync p50, ms",
        "p99",
        "Maibo p50, ms",
        "p99",
        "p99 ÷ (publish ▸ subscribe + 2 fdatasync), target ≤ 3",
    ];
    table(&head, &rows);
    Ok(())
}

/// Appends of 4 KiB, each synced, where the data directories of a run stand.
fn fdatasync() -> anyhow::Result<Quantiles> {
    let mut file = tempfile::tempfile()?;
    let mut took = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
    for _ in 0..500 {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        took.saturating_record(began.elapsed().as_micros().max(1) as u64);
    }
    let ms = |q| took.value_at_quantile(q) as f64 / 1000.0;
    Ok(Quantiles { p50: ms(0.5), p99: ms(0.99) })
}

async fn bare(rate: f64) -> anyhow::Result<Quantiles> {
    let broker = tokio::task::spawn_blocking(|| Mosquitto::start(false)).await?;
    let port = broker.port;
    // The load's receiver, as Maibo is in the other run.
    let receiver = tokio::task::spawn_blocking(move || Bare::start(port, u64::MAX)).await??;
    let probes = Probes::new()?;
    let (client, mut events) = client("listener", broker.port);
    let (ready, mut is_ready) = watch::channel(false);
    let noting = probes.clone();
    let listening = tokio::spawn(async move {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => client.subscribe(TOPIC, QoS::AtLeastOnce).await?,
                Ok(Event::Incoming(Packet::SubAck(_))) => drop(ready.send_replace(true)),
                Ok(Event::Incoming(Packet::Publish(p))) => {
                    let body: Value = serde_json::from_slice(&p.payload)?;
                    noting.arrived(&body["water_depth"]);
                }
                Ok(_) => {}
                Err(error) => return Err::<(), anyhow::Error>(error.into()),
            }
        }
    });
    is_ready.wait_for(|r| *r).await?;
    load_and_probe(broker.port, rate, &probes).await?;
    listening.abort();
    drop(receiver);
    probes.quantiles()
}

async fn ours(rate: f64) -> anyhow::Result<Quantiles> {
    let (broker, maibo) = tokio::task::spawn_blocking(|| {
        let broker = Mosquitto::start(false);
        let maibo = maibo(broker.port, 1);
        (broker, maibo)
    })
    .await?;
    let probes = Probes::new()?;
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://127.0.0.1:{}/ws", maibo.http)).await?;
    let hello = r#"{"t":"hello","v":1,"view":"city","resume":null}"#;
    socket.send(Message::text(hello)).await?;
    let welcome = socket.next().await.context("a welcome")??;
    anyhow::ensure!(welcome.to_text()?.contains("\"welcome\""), "not welcome: {welcome}");
    let noting = probes.clone();
    let listening = tokio::spawn(async move {
        while let Some(Ok(frame)) = socket.next().await {
            let Ok(text) = frame.to_text() else { continue };
            if !text.starts_with("{\"t\":\"al\"") {
                continue;
            }
            let frame: Value = serde_json::from_str(text)?;
            for alert in frame["up"].as_array().into_iter().flatten() {
                // The value says which probe it was: opening and resolution carry the crossing's own.
                noting.arrived(&alert["value"]);
            }
        }
        Ok::<(), anyhow::Error>(())
    });
    load_and_probe(broker.port, rate, &probes).await?;
    listening.abort();
    tokio::task::spawn_blocking(move || drop((maibo, broker))).await?;
    probes.quantiles()
}

/// Gives the load, and the probes beside it.
async fn load_and_probe(port: u16, rate: f64, probes: &Probes) -> anyhow::Result<()> {
    let duration = Duration::from_secs(SECONDS + 2);
    let load = Load { devices: DEVICES, rate, duration, connections: 2, ..Load::default() };
    let (_stop, stopped) = watch::channel(false);
    let loading = tokio::spawn(async move { load.run(&Target::new("127.0.0.1", port), stopped).await });
    let (client, mut events) = client("prober", port);
    let polling = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    // The first second of a load is its connections' own.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut beat = tokio::time::interval(PROBE_EVERY);
    let wall = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    };
    let mut t = 0;
    for n in 0..SECONDS * 1000 / PROBE_EVERY.as_millis() as u64 {
        let intended = beat.tick().await.into_std();
        // In hundredths of a centimetre: odd numbers lie below the limit of 20 cm, even ones above it.
        let key = if n % 2 == 0 { 10_000 + n as i64 } else { n as i64 };
        // Two of one millisecond would be one reading; late beats come together.
        t = wall().max(t + 1);
        probes.sent(key, intended);
        let body = format!("{{\"t\":{t},\"water_depth\":{}}}", key as f64 / 100.0);
        client.publish(TOPIC, QoS::AtLeastOnce, false, body).await?;
    }
    let report = loading.await??;
    anyhow::ensure!(report.unsettled == 0, "the load was not taken");
    polling.abort();
    Ok(())
}

fn client(id: &str, port: u16) -> (AsyncClient, rumqttc::EventLoop) {
    let mut options = MqttOptions::new(id, "127.0.0.1", port);
    options.set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = AsyncClient::new(options, 100);
    let mut network = events.network_options();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    (client, events)
}
