//! Runs a city in real time, or faster: one loop, one timer wheel, a few connections shared by all devices.
//!
//! Every device reports at its interval, and sooner where something happens to it. A device has always the same
//! connection, so that its messages stay in order. What the broker acknowledged stands in the ledger.
//!
//! **Limits:** a report that finds its connection's window full is dropped and counted, as a plain sensor without memory
//! would lose it; nothing queues behind a broker that is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::city::City;
use crate::civil::now_ms;
use crate::fault::FaultPlan;
use crate::ledger::Ledger;
use crate::link::{Link, Receipts, Stamp, Target};
use crate::noise::{below, hash};
use crate::report::Reporter;
use crate::scenario::Scenario;
use crate::wheel::Wheel;

/// Wall time between two looks at the wheel.
const BEAT: Duration = Duration::from_millis(50);
/// Every device reports within this after the start, so that the picture fills quickly.
const SETTLE_MS: i64 = 15_000;
/// How long the last acknowledgements are waited for.
const FAREWELL: Duration = Duration::from_secs(3);

/// How to run a fleet.
#[derive(Clone, Debug)]
pub struct FleetOptions {
    /// MQTT connections, at least one.
    pub connections: usize,
    /// Most unacknowledged messages per connection.
    pub window: usize,
    /// Simulated seconds per second; above 1 the gateway must take its time from the stream.
    pub speed: f64,
    /// Simulated time at the start, in ms since 1970; the present where missing.
    pub start: Option<i64>,
    /// Which devices are faulty.
    pub faults: FaultPlan,
    /// Each device's first report carries calm records of this long before, so that charts are not empty at first sight.
    /// Where the connection's window is full, the past is lost with its message.
    pub backfill: Option<Duration>,
    /// Where acknowledgements are noted.
    pub ledger: Option<Arc<Ledger>>,
}

impl Default for FleetOptions {
    fn default() -> Self {
        Self {
            connections: 8,
            window: 256,
            speed: 1.0,
            start: None,
            faults: FaultPlan::default(),
            backfill: None,
            ledger: None,
        }
    }
}

/// What a fleet did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FleetReport {
    /// Messages handed to a connection.
    pub sent: u64,
    /// Messages acknowledged by the broker (QoS 1 only).
    pub acknowledged: u64,
    /// Messages dropped because the connection's window was full.
    pub dropped: u64,
    /// Messages at QoS 1 that nobody acknowledged before the end.
    pub unsettled: u64,
    /// Connections made, reconnects included.
    pub connections: u64,
}

/// Notes acknowledgements under the device's id.
struct Clerk {
    city: Arc<City>,
    ledger: Option<Arc<Ledger>>,
    acknowledged: AtomicU64,
}

impl Receipts for Clerk {
    fn acknowledged(&self, stamp: &Stamp) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        if let (Some(ledger), Some(device)) = (&self.ledger, self.city.devices().get(stamp.device as usize)) {
            ledger.record(&device.id, stamp.t, stamp.seq);
        }
    }
}

/// A running city.
pub struct Fleet {
    reporter: Reporter,
    wheel: Wheel,
    links: Vec<Link>,
    /// For each device the number of its next message.
    seqs: Vec<u64>,
    /// How much of the past a first report carries.
    past_ms: i64,
    report: FleetReport,
}

impl Fleet {
    /// Runs until `stop` becomes true, or its sender is gone.
    ///
    /// # Errors
    /// Where the ledger could not be written.
    pub async fn run(
        city: Arc<City>,
        scenario: &Scenario,
        target: &Target,
        options: FleetOptions,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<FleetReport> {
        let started = options.start.unwrap_or_else(now_ms);
        let clerk = Arc::new(Clerk {
            city: Arc::clone(&city),
            ledger: options.ledger.clone(),
            acknowledged: AtomicU64::new(0),
        });
        let open = |n| Link::open(target, n, options.window, Arc::clone(&clerk) as Arc<dyn Receipts>);
        let mut fleet = Self {
            wheel: first_reports(&city, started),
            seqs: vec![0; city.devices().len()],
            links: (0..options.connections.max(1)).map(open).collect(),
            reporter: Reporter::new(city, scenario, &options.faults, started),
            past_ms: options.backfill.map_or(0, |past| i64::try_from(past.as_millis()).unwrap_or(i64::MAX)),
            report: FleetReport::default(),
        };
        fleet.keep_time(started, options.speed, stop).await;
        let mut report = fleet.report;
        for link in fleet.links {
            report.connections += link.connections();
            report.unsettled += link.finish(FAREWELL).await as u64;
        }
        report.acknowledged = clerk.acknowledged.load(Ordering::Relaxed);
        if let Some(ledger) = &options.ledger {
            ledger.sync()?;
        }
        Ok(report)
    }

    async fn keep_time(&mut self, started: i64, speed: f64, mut stop: watch::Receiver<bool>) {
        let begun = Instant::now();
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = started;
        loop {
            tokio::select! {
                _ = stop.wait_for(|s| *s) => return,
                _ = beat.tick() => {}
            }
            let now = started + (begun.elapsed().as_secs_f64() * 1000.0 * speed.max(0.0)) as i64;
            for device in self.reporter.roused(last, now) {
                self.wheel.set(device, now);
            }
            for (t, device) in self.wheel.advance(now) {
                self.report(device, t);
                self.wheel.set(device, self.reporter.next_due(device, t));
            }
            last = now;
        }
    }

    fn report(&mut self, device: u32, t: i64) {
        let link = &self.links[device as usize % self.links.len()];
        let past_ms = if self.seqs[device as usize] == 0 { self.past_ms } else { 0 };
        for message in self.reporter.messages_with_past(device, t, past_ms) {
            let seq = &mut self.seqs[device as usize];
            let stamp = Stamp { device, t: message.t, seq: *seq, intended: Instant::now() };
            *seq += 1;
            if link.offer(message.topic, message.payload, message.at_least_once, stamp) {
                self.report.sent += 1;
            } else {
                self.report.dropped += 1;
            }
        }
    }
}

/// Each device's first report: at its own moment, soon after the start.
fn first_reports(city: &City, started: i64) -> Wheel {
    let mut wheel = Wheel::new(city.devices().len(), started);
    for (number, device) in city.devices().iter().enumerate() {
        let span = device.interval_ms().min(SETTLE_MS);
        wheel.set(number as u32, started + below(hash(&[device.seed, 4]), span.max(1) as u64) as i64);
    }
    wheel
}
