//! From a message to the sequencer, with one acknowledgement contract for every kind of source.
//!
//! A source hands over topic and payload together with a [`Receipt`]. The payload is decoded at once (the log holds
//! readings, not payloads), and the receipt travels with what was decoded. It is settled `Durable` only after the inputs
//! log has synced; a receipt that is dropped on the way is settled `Failed`, so forgetting one can never look like
//! success. A rejected payload is settled `Durable` too, in its order: poison must not loop.
//!
//! Limits: the queue to the sequencer holds [`QUEUE`] messages. A full queue makes QoS 1 wait (the source stops reading)
//! and drops QoS 0, counted: it has no other brake.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use maibo_core::decode::{DecodeStage, Decoded, Message, TopicFilter};
use maibo_core::id::{PartitionId, SourceId};
use maibo_core::input::Input;
use maibo_core::registry::Catalogue;
use tracing::error;

use crate::clock::EngineClock;
use crate::pipeline::{Work, failpoint};
use crate::quarantine::Quarantine;
use crate::telemetry::Metrics;

pub mod canary;
#[cfg(feature = "embedded-broker")]
pub mod embedded;
pub mod external;
mod flood;
mod receipt;
mod report;
mod troubles;
mod unregistered;

use canary::Canaries;
pub use flood::{Allowance, Floods};
pub use receipt::{Receipt, Settled};
pub use report::Refused;
pub use troubles::Troubles;
pub use unregistered::{Standing, UNREGISTERED_MAX, Unregistered};

/// Messages on their way to the sequencer.
pub const QUEUE: usize = 8_192;

/// What to do with a device that the catalogue does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Keep its readings in history and list it; never judge it.
    Admit,
    /// Reject its messages, counted and explained.
    Refuse,
}

/// Where `now` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// The machine's clock.
    Wall,
    /// The stream itself: recorded data play in their own time.
    Replay,
}

/// The way into the pipeline, shared by all sources.
pub struct Ingest {
    stages: BTreeMap<SourceId, Mutex<DecodeStage>>,
    filters: Vec<TopicFilter>,
    queue: flume::Sender<Work>,
    urgent: flume::Sender<Work>,
    clock: Arc<EngineClock>,
    mode: ClockMode,
    admission: Admission,
    catalogue: Arc<RwLock<Arc<Catalogue>>>,
    unregistered: Arc<Unregistered>,
    quarantine: Arc<Quarantine>,
    metrics: Arc<Metrics>,
    /// Readings taken in, for the rate on the page.
    pub readings: AtomicU64,
    /// What Maibo sends itself.
    pub canaries: Arc<Canaries>,
    /// Who sends too much.
    pub floods: Floods,
    /// Why sources do not listen.
    pub troubles: Troubles,
}

/// What [`Ingest`] is built from.
pub struct Parts {
    /// Topic routes and decoders, one stage a source: a decoder's memory is of its own source only.
    pub stages: BTreeMap<SourceId, DecodeStage>,
    /// To the sequencer.
    pub queue: flume::Sender<Work>,
    /// To the sequencer, before messages.
    pub urgent: flume::Sender<Work>,
    /// Receive stamps.
    pub clock: Arc<EngineClock>,
    /// Where `now` comes from.
    pub mode: ClockMode,
    /// Unknown devices.
    pub admission: Admission,
    /// Known devices, replaced on activation.
    pub catalogue: Arc<RwLock<Arc<Catalogue>>>,
    /// What a device may send.
    pub allowance: Allowance,
    /// Unknown devices seen.
    pub unregistered: Arc<Unregistered>,
    /// Rejections kept for people.
    pub quarantine: Arc<Quarantine>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// The pipeline is gone; nothing can be accepted any more.
#[derive(Debug, thiserror::Error)]
#[error("the pipeline has stopped")]
pub struct Stopped;

impl Ingest {
    /// Joins the parts.
    pub fn new(parts: Parts) -> Self {
        let canaries = Arc::new(Canaries::new(parts.clock.boot_id()));
        let filters = parts.stages.values().next().map(|s| s.subscriptions().cloned().collect()).unwrap_or_default();
        Self {
            stages: parts.stages.into_iter().map(|(id, stage)| (id, Mutex::new(stage))).collect(),
            filters,
            queue: parts.queue,
            urgent: parts.urgent,
            clock: parts.clock,
            mode: parts.mode,
            admission: parts.admission,
            catalogue: parts.catalogue,
            unregistered: parts.unregistered,
            quarantine: parts.quarantine,
            metrics: parts.metrics,
            readings: AtomicU64::new(0),
            canaries,
            floods: Floods::new(parts.allowance),
            troubles: Troubles::default(),
        }
    }

    /// The topic filters that sources subscribe to.
    pub fn subscriptions(&self) -> Vec<String> {
        self.filters.iter().map(ToString::to_string).collect()
    }

    /// Whether a topic belongs to any route.
    pub fn allows(&self, topic: &str) -> bool {
        self.filters.iter().any(|f| f.matches(topic))
    }

    /// Takes a message that promises something (QoS 1 or 2): waits while the queue is full. Of a device that floods it is
    /// refused.
    ///
    /// # Errors
    /// [`Stopped`] when the pipeline has ended; the receipt is then settled as failed.
    pub async fn submit(
        &self,
        source: &SourceId,
        topic: &str,
        payload: &[u8],
        retained: bool,
        receipt: Receipt,
    ) -> Result<(), Stopped> {
        let (mut work, wait) = self.decode(source, topic, payload, retained, receipt);
        if !wait.is_zero()
            && let Work::Message { inputs, .. } = &mut work
        {
            self.metrics.rejected.with_label_values(&["any", "flood"]).inc();
            inputs.clear();
        }
        self.take_in(work).await
    }

    /// The same over a connection of the device's own: one that floods is made to wait.
    ///
    /// # Errors
    /// [`Stopped`] when the pipeline has ended; the receipt is then settled as failed.
    pub async fn submit_patiently(
        &self,
        source: &SourceId,
        topic: &str,
        payload: &[u8],
        receipt: Receipt,
    ) -> Result<(), Stopped> {
        let (work, wait) = self.decode(source, topic, payload, false, receipt);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.take_in(work).await
    }

    /// Takes a QoS 0 message if there is room, else drops it and counts.
    ///
    /// # Errors
    /// [`Stopped`] when the pipeline has ended.
    pub fn offer(&self, source: &SourceId, topic: &str, payload: &[u8], retained: bool) -> Result<(), Stopped> {
        if self.queue.is_full() {
            self.metrics.shed.with_label_values(&["qos0_queue_full"]).inc();
            return Ok(());
        }
        let (work, wait) = self.decode(source, topic, payload, retained, Receipt::none());
        if !wait.is_zero() {
            self.metrics.rejected.with_label_values(&["any", "flood"]).inc();
            return Ok(());
        }
        let readings = readings(&work);
        match self.queue.try_send(work) {
            Ok(()) => {
                self.count(readings);
                Ok(())
            }
            Err(flume::TrySendError::Full(_)) => {
                self.metrics.shed.with_label_values(&["qos0_queue_full"]).inc();
                Ok(())
            }
            Err(flume::TrySendError::Disconnected(_)) => Err(Stopped),
        }
    }

    /// Hands a message to the sequencer; what is refused before is not counted as taken in.
    async fn take_in(&self, work: Work) -> Result<(), Stopped> {
        let readings = readings(&work);
        self.queue.send_async(work).await.map_err(|_| Stopped)?;
        self.count(readings);
        Ok(())
    }

    fn count(&self, readings: u64) {
        self.readings.fetch_add(readings, Relaxed);
        self.metrics.readings.inc_by(readings);
    }

    /// Tells the sequencer something that goes before messages: a command, a decision, a finding.
    ///
    /// # Errors
    /// [`Stopped`] when the pipeline has ended.
    pub async fn urge(&self, work: Work) -> Result<(), Stopped> {
        self.urgent.send_async(work).await.map_err(|_| Stopped)
    }

    /// Tells the sequencer something about a source, in the order of its messages.
    ///
    /// # Errors
    /// [`Stopped`] when the pipeline has ended.
    pub async fn tell(&self, work: Work) -> Result<(), Stopped> {
        self.queue.send_async(work).await.map_err(|_| Stopped)
    }

    /// Engine time now, for receive stamps and `Deaf` inputs.
    pub fn now(&self) -> maibo_core::time::Timestamp {
        self.clock.now()
    }

    /// What a message says, and how long its device should wait with it.
    fn decode(
        &self,
        source: &SourceId,
        topic: &str,
        payload: &[u8],
        retained: bool,
        receipt: Receipt,
    ) -> (Work, Duration) {
        // Recorded data are received when their stream says; the machine's clock has no word in a replay.
        let received = match self.mode {
            ClockMode::Wall => self.clock.now(),
            ClockMode::Replay => self.clock.replayed(),
        };
        if topic == canary::TOPIC
            && let Some(inputs) = self.canary(source, payload)
        {
            return (Work::Message { source: source.clone(), inputs, receipt }, Duration::ZERO);
        }
        let mut decoded = Decoded::default();
        if let Some(stage) = self.stages.get(source) {
            let message = Message { topic, payload, retained, received };
            // A message that a decoder fails at must not take the source with it: its broker would send it again for ever.
            let read = catch_unwind(AssertUnwindSafe(|| {
                let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
                failpoint::hit("in_decode");
                stage.decode(&message, &mut decoded);
            }));
            if read.is_err() {
                decoded = Decoded::default();
                error!(%source, topic, bytes = payload.len(), "a decoder failed at a message; it is refused");
                self.metrics.rejected.with_label_values(&["any", "decoder_failed"]).inc();
                self.quarantine.note(received, source, topic, "decoder_failed", "the decoder itself failed at it");
            }
        }
        self.metrics.messages.with_label_values(&[source.as_str()]).inc();
        for problem in &decoded.problems {
            self.metrics.rejected.with_label_values(&[problem.format, problem.reason.as_str()]).inc();
            self.quarantine.keep(received, source, topic, problem);
        }
        let (inputs, wait) = self.admit(source, topic, decoded);
        (Work::Message { source: source.clone(), inputs, receipt }, wait)
    }

    /// What a canary becomes; `None` where it is none.
    fn canary(&self, source: &SourceId, payload: &[u8]) -> Option<Vec<(PartitionId, Input)>> {
        match self.canaries.read(payload) {
            canary::Payload::Ours(number) => {
                Some(vec![(PartitionId::CITY, Input::Canary { source: source.clone(), number })])
            }
            canary::Payload::Others => Some(Vec::new()),
            canary::Payload::Unknown => None,
        }
    }

    /// Applies the admission policy, finds each input's partition, and says how long the message should wait.
    fn admit(&self, source: &SourceId, topic: &str, decoded: Decoded) -> (Vec<(PartitionId, Input)>, Duration) {
        let catalogue = Arc::clone(&self.catalogue.read().unwrap_or_else(PoisonError::into_inner));
        let Decoded { readings, events, liveness, .. } = decoded;
        let replay = self.mode == ClockMode::Replay;
        let readings = readings.into_iter().map(|mut r| {
            if replay && r.timed {
                r.received = r.at;
            }
            (r.device.clone(), Input::Reading(r))
        });
        let events = events.into_iter().map(|e| (e.device.clone(), Input::Event(e)));
        let liveness = liveness.into_iter().map(|l| (l.device.clone(), Input::Liveness(l)));
        let (mut out, mut wait, mut last) = (Vec::new(), Duration::ZERO, None);
        for (device, input) in readings.chain(events).chain(liveness) {
            if catalogue.get(&device).is_none() {
                let now = self.clock.now();
                let standing = self.unregistered.saw(&device, source, now);
                let reason = match (self.admission, standing) {
                    (Admission::Admit, Standing::Listed | Standing::New) => None,
                    (Admission::Admit, Standing::TurnedAway) => Some("unregistered_full"),
                    (Admission::Refuse, _) => Some("unregistered"),
                };
                if let Some(reason) = reason {
                    self.metrics.rejected.with_label_values(&["any", reason]).inc();
                    if standing == Standing::New {
                        self.quarantine.note(now, source, topic, reason, device.as_str());
                    }
                    continue;
                }
            }
            out.push((PartitionId::of(&device), input));
            // A message counts once for each device in it; nearly all are about one.
            if !replay && last.as_ref() != Some(&device) {
                wait = wait.max(self.floods.sent(&device, Instant::now()));
                last = Some(device);
            }
        }
        (out, wait)
    }
}

/// Readings in a message.
fn readings(work: &Work) -> u64 {
    let Work::Message { inputs, .. } = work else { return 0 };
    inputs.iter().filter(|(_, input)| matches!(input, Input::Reading(_))).count() as u64
}

#[cfg(test)]
mod tests;
