//! Open-loop load: so many messages a second from so many devices, whatever the broker does.
//!
//! Message `n` belongs to device `n % devices`, has number `n / devices` there, and should go at `n / rate` seconds.
//! Latency runs from that intended moment to the acknowledgement, so that a stall counts for every message it held up.
//! The value of a message follows from device and number alone ([`value_of`]): an oracle derives it from the ledger.
//!
//! **Limit:** where a connection's window is full the generator waits, and the messages behind it go late; their latency
//! says so.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::watch;

use crate::civil::now_ms;
use crate::ledger::Ledger;
use crate::link::{Link, Receipts, Stamp, Target};
use crate::noise::{below, hash};
use crate::report::{telemetry_topic, write_record};
use crate::signal;

/// How long the generator sleeps where nothing is due.
const NAP: Duration = Duration::from_millis(1);
/// How long acknowledgements are waited for after the last message: behind a storm of alerts some come late.
const FAREWELL: Duration = Duration::from_mins(1);
/// Longest latency told apart: one hour, in microseconds.
const LONGEST_US: u64 = 3_600_000_000;

/// The load to give.
#[derive(Clone, Debug)]
pub struct Load {
    /// Devices, at least one.
    pub devices: u32,
    /// Messages a second, all devices together.
    pub rate: f64,
    /// QoS 1 where true, else QoS 0.
    pub at_least_once: bool,
    /// How long.
    pub duration: Duration,
    /// MQTT connections, at least one.
    pub connections: usize,
    /// Most unacknowledged messages per connection.
    pub window: usize,
    /// What the devices measure.
    pub quantity: &'static str,
    /// Where acknowledgements are noted.
    pub ledger: Option<Arc<Ledger>>,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            devices: 1000,
            rate: 1000.0,
            at_least_once: true,
            duration: Duration::from_secs(10),
            connections: 8,
            window: 1000,
            quantity: "temperature",
            ledger: None,
        }
    }
}

/// What the load met with.
#[derive(Clone, Debug)]
pub struct LoadReport {
    /// Messages handed to a connection.
    pub sent: u64,
    /// Messages acknowledged (at QoS 0: written).
    pub acknowledged: u64,
    /// Messages not settled at the end.
    pub unsettled: u64,
    /// From the first intended moment to the last hand-over.
    pub elapsed: Duration,
    /// Connections made, reconnects included.
    pub connections: u64,
    /// Microseconds from the intended moment to the acknowledgement.
    pub latency_us: Histogram<u64>,
}

impl LoadReport {
    /// One line for people.
    pub fn summary(&self) -> String {
        let ms = |q: f64| self.latency_us.value_at_quantile(q) as f64 / 1000.0;
        format!(
            "sent {} acknowledged {} unsettled {} in {:.1} s ({:.0}/s), latency ms p50 {:.2} p90 {:.2} p99 {:.2} p99.9 {:.2} max {:.2}",
            self.sent,
            self.acknowledged,
            self.unsettled,
            self.elapsed.as_secs_f64(),
            self.sent as f64 / self.elapsed.as_secs_f64().max(1e-9),
            ms(0.5),
            ms(0.9),
            ms(0.99),
            ms(0.999),
            self.latency_us.max() as f64 / 1000.0,
        )
    }
}

/// Id of load device `device`.
pub fn device_id(device: u32) -> String {
    format!("ld-{device:06}")
}

/// Value of message `seq` of device `device`: `0.0 .. 40.0` in steps of 0.1.
pub fn value_of(device: u32, seq: u64) -> f64 {
    below(hash(&[0x6c6f_6164, u64::from(device), seq]), 400) as f64 / 10.0
}

/// One connection's receipts: its own histogram, so that connections don't wait for each other.
struct Meter {
    latency_us: Mutex<Histogram<u64>>,
    settled: AtomicU64,
    ledger: Option<Arc<Ledger>>,
}

impl Meter {
    fn settle(&self, stamp: &Stamp) {
        let us = stamp.intended.elapsed().as_micros() as u64;
        self.settled.fetch_add(1, Ordering::Relaxed);
        self.latency_us.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(us.max(1));
    }
}

impl Receipts for Meter {
    fn acknowledged(&self, stamp: &Stamp) {
        self.settle(stamp);
        if let Some(ledger) = &self.ledger {
            ledger.record(&device_id(stamp.device), stamp.t, stamp.seq);
        }
    }

    fn sent(&self, stamp: &Stamp) {
        self.settle(stamp);
    }
}

impl Load {
    /// The catalogue of the load's devices, for a gateway that refuses strangers.
    pub fn catalogue_csv(&self) -> String {
        let mut out = "id,kind,name,place,lon,lat,domain,owner,interval,power,labels,data_class\n".to_owned();
        for device in 0..self.devices {
            let id = device_id(device);
            let interval = (f64::from(self.devices) / self.rate.max(1e-9)).ceil().clamp(1.0, 86_400.0);
            // Writing to a String can\'t fail.
            let _ = writeln!(
                out,
                "{id},load,{id},110105001,116.486400,39.921500,emergency,load,{interval:.0}s,mains,,internal"
            );
        }
        out
    }

    /// Gives the load until its time is over or `stop` becomes true, then waits for the last acknowledgements.
    ///
    /// # Errors
    /// Where no connection came up within ten seconds, or the ledger could not be written.
    pub async fn run(self, target: &Target, mut stop: watch::Receiver<bool>) -> anyhow::Result<LoadReport> {
        let meters: Vec<Arc<Meter>> =
            (0..self.connections.max(1)).map(|_| self.meter()).collect::<anyhow::Result<_>>()?;
        let open =
            |(n, m): (usize, &Arc<Meter>)| Link::open(target, n, self.window, Arc::clone(m) as Arc<dyn Receipts>);
        let links: Vec<Link> = meters.iter().enumerate().map(open).collect();
        for link in &links {
            anyhow::ensure!(
                link.connected(Duration::from_secs(10)).await,
                "{}:{} does not answer",
                target.host,
                target.port
            );
        }
        let begun = Instant::now();
        let sent = tokio::select! {
            sent = self.pace(&links, begun) => sent,
            _ = stop.wait_for(|s| *s) => links.iter().map(Link::accepted).sum(),
        };
        let mut report = LoadReport {
            sent,
            acknowledged: 0,
            unsettled: 0,
            elapsed: begun.elapsed(),
            connections: 0,
            latency_us: histogram()?,
        };
        for link in links {
            report.connections += link.connections();
            report.unsettled += link.finish(FAREWELL).await as u64;
        }
        for meter in &meters {
            report.acknowledged += meter.settled.load(Ordering::Relaxed);
            report.latency_us.add(&*meter.latency_us.lock().unwrap_or_else(PoisonError::into_inner))?;
        }
        if let Some(ledger) = &self.ledger {
            ledger.sync()?;
        }
        Ok(report)
    }

    fn meter(&self) -> anyhow::Result<Arc<Meter>> {
        let latency_us = Mutex::new(histogram()?);
        Ok(Arc::new(Meter { latency_us, settled: AtomicU64::new(0), ledger: self.ledger.clone() }))
    }

    /// Sends message after message, each at its moment or as soon after as the windows let it.
    async fn pace(&self, links: &[Link], begun: Instant) -> u64 {
        let devices = u64::from(self.devices.max(1));
        let total = (self.rate * self.duration.as_secs_f64()) as u64;
        let wall = now_ms();
        let mut n = 0;
        while n < total {
            let due = ((begun.elapsed().as_secs_f64() * self.rate) as u64 + 1).min(total);
            while n < due {
                let (device, seq) = ((n % devices) as u32, n / devices);
                let offset = n as f64 / self.rate;
                let intended = begun + Duration::from_secs_f64(offset);
                let stamp = Stamp { device, t: wall + (offset * 1000.0) as i64, seq, intended };
                let link = &links[device as usize % links.len()];
                link.send(telemetry_topic(&device_id(device)), self.payload(&stamp), self.at_least_once, stamp).await;
                n += 1;
            }
            tokio::time::sleep(NAP).await;
        }
        n
    }

    fn payload(&self, stamp: &Stamp) -> Vec<u8> {
        let mut body = String::with_capacity(48);
        let value = signal::round(value_of(stamp.device, stamp.seq), signal::decimals(self.quantity));
        write_record(&mut body, stamp.t, &[(self.quantity, value)]);
        body.into_bytes()
    }
}

fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LONGEST_US, 3)?)
}
