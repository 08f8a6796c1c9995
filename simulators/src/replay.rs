//! Recorded data, published again in the order of its own time.
//!
//! The records are also given plainly, so that a test can compute from them what the gateway should say. The gateway
//! must take its time from the stream: these times are years old.

mod air;
mod flood;

pub use air::{AirRecord, read as read_air};
pub use flood::{BASE as FLOOD_BASE, FloodEvent, read as read_flood};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::ledger::Ledger;
use crate::link::{Link, Receipts, Stamp, Target};
use crate::report::telemetry_topic;

/// Unacknowledged messages at most.
const WINDOW: usize = 200;
const FAREWELL: Duration = Duration::from_secs(15);

/// One reading to publish.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Device id.
    pub device: String,
    /// Its time, in ms since 1970.
    pub t: i64,
    /// Body of the native format.
    pub payload: String,
}

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Messages handed to the connection.
    pub sent: u64,
    /// Messages acknowledged.
    pub acknowledged: u64,
    /// Messages not acknowledged at the end.
    pub unsettled: u64,
}

/// Air records as messages, in order of time and station.
pub fn air_messages(mut records: Vec<AirRecord>) -> Vec<Replayed> {
    records.sort_by(|a, b| (a.t, &a.station).cmp(&(b.t, &b.station)));
    let message = |r: &AirRecord| r.payload().map(|payload| Replayed { device: r.device(), t: r.t, payload });
    records.iter().filter_map(message).collect()
}

/// Flood events as messages, in order of time and event; each event is a device of its own.
pub fn flood_messages(events: &[FloodEvent]) -> Vec<Replayed> {
    let mut messages: Vec<Replayed> = events.iter().flat_map(FloodEvent::messages).collect();
    messages.sort_by(|a, b| (a.t, &a.device).cmp(&(b.t, &b.device)));
    messages
}

/// Notes acknowledgements under the names of the messages' devices.
struct Clerk {
    devices: Vec<String>,
    ledger: Option<Arc<Ledger>>,
    acknowledged: AtomicU64,
}

impl Receipts for Clerk {
    fn acknowledged(&self, stamp: &Stamp) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        if let (Some(ledger), Some(device)) = (&self.ledger, self.devices.get(stamp.device as usize)) {
            ledger.record(device, stamp.t, stamp.seq);
        }
    }
}

/// Publishes the first `limit` messages at QoS 1 over one connection, as fast as they are acknowledged.
///
/// # Errors
/// Where the broker does not answer within ten seconds, or the ledger could not be written.
pub async fn publish(
    messages: &[Replayed],
    limit: usize,
    target: &Target,
    ledger: Option<Arc<Ledger>>,
) -> anyhow::Result<ReplayReport> {
    let messages = &messages[..messages.len().min(limit)];
    let mut devices: Vec<String> = messages.iter().map(|m| m.device.clone()).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut seqs = vec![0_u64; devices.len()];
    let clerk = Arc::new(Clerk { devices, ledger: ledger.clone(), acknowledged: AtomicU64::new(0) });
    let link = Link::open(target, 0, WINDOW, Arc::clone(&clerk) as Arc<dyn Receipts>);
    anyhow::ensure!(link.connected(Duration::from_secs(10)).await, "{}:{} does not answer", target.host, target.port);
    for m in messages {
        let Ok(device) = clerk.devices.binary_search(&m.device) else { continue };
        let stamp = Stamp { device: device as u32, t: m.t, seq: seqs[device], intended: Instant::now() };
        seqs[device] += 1;
        link.send(telemetry_topic(&m.device), m.payload.clone().into_bytes(), true, stamp).await;
    }
    let sent = link.accepted();
    let unsettled = link.finish(FAREWELL).await as u64;
    if let Some(ledger) = &ledger {
        ledger.sync()?;
    }
    Ok(ReplayReport { sent, acknowledged: clerk.acknowledged.load(Ordering::Relaxed), unsettled })
}
