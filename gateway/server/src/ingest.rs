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
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use maibo_core::decode::{DecodeStage, Decoded, Message, TopicFilter};
use maibo_core::id::{PartitionId, SourceId};
use maibo_core::input::Input;
use maibo_core::registry::Catalogue;

use crate::clock::EngineClock;
use crate::pipeline::Work;
use crate::quarantine::Quarantine;
use crate::telemetry::Metrics;

#[cfg(feature = "embedded-broker")]
pub mod embedded;
pub mod external;
mod receipt;
mod unregistered;

pub use receipt::{Receipt, Settled};
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
    clock: Arc<EngineClock>,
    mode: ClockMode,
    admission: Admission,
    catalogue: Arc<RwLock<Arc<Catalogue>>>,
    unregistered: Arc<Unregistered>,
    quarantine: Arc<Quarantine>,
    metrics: Arc<Metrics>,
    /// Readings taken in, for the rate on the page.
    pub readings: AtomicU64,
}

/// What [`Ingest`] is built from.
pub struct Parts {
    /// Topic routes and decoders, one stage a source: a decoder's memory is of its own source only.
    pub stages: BTreeMap<SourceId, DecodeStage>,
    /// To the sequencer.
    pub queue: flume::Sender<Work>,
    /// Receive stamps.
    pub clock: Arc<EngineClock>,
    /// Where `now` comes from.
    pub mode: ClockMode,
    /// Unknown devices.
    pub admission: Admission,
    /// Known devices, replaced on activation.
    pub catalogue: Arc<RwLock<Arc<Catalogue>>>,
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
        let filters = parts.stages.values().next().map(|s| s.subscriptions().cloned().collect()).unwrap_or_default();
        Self {
            stages: parts.stages.into_iter().map(|(id, stage)| (id, Mutex::new(stage))).collect(),
            filters,
            queue: parts.queue,
            clock: parts.clock,
            mode: parts.mode,
            admission: parts.admission,
            catalogue: parts.catalogue,
            unregistered: parts.unregistered,
            quarantine: parts.quarantine,
            metrics: parts.metrics,
            readings: AtomicU64::new(0),
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

    /// Takes a message that promises something (QoS 1 or 2): waits while the queue is full.
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
        let work = self.decode(source, topic, payload, retained, receipt);
        self.queue.send_async(work).await.map_err(|_| Stopped)
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
        match self.queue.try_send(self.decode(source, topic, payload, retained, Receipt::none())) {
            Ok(()) => Ok(()),
            Err(flume::TrySendError::Full(_)) => {
                self.metrics.shed.with_label_values(&["qos0_queue_full"]).inc();
                Ok(())
            }
            Err(flume::TrySendError::Disconnected(_)) => Err(Stopped),
        }
    }

    /// Tells the sequencer something about a source.
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

    fn decode(&self, source: &SourceId, topic: &str, payload: &[u8], retained: bool, receipt: Receipt) -> Work {
        // Recorded data are received when their stream says; the machine's clock has no word in a replay.
        let received = match self.mode {
            ClockMode::Wall => self.clock.now(),
            ClockMode::Replay => self.clock.replayed(),
        };
        let mut decoded = Decoded::default();
        if let Some(stage) = self.stages.get(source) {
            let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
            stage.decode(&Message { topic, payload, retained, received }, &mut decoded);
        }
        self.metrics.messages.with_label_values(&[source.as_str()]).inc();
        for problem in &decoded.problems {
            self.metrics.rejected.with_label_values(&[problem.format, problem.reason.as_str()]).inc();
            self.quarantine.keep(received, source, topic, problem);
        }
        let inputs = self.admit(source, topic, decoded);
        let readings = inputs.iter().filter(|(_, i)| matches!(i, Input::Reading(_))).count() as u64;
        self.readings.fetch_add(readings, Relaxed);
        self.metrics.readings.inc_by(readings);
        Work::Message { source: source.clone(), inputs, receipt }
    }

    /// Applies the admission policy and finds each input's partition.
    fn admit(&self, source: &SourceId, topic: &str, decoded: Decoded) -> Vec<(PartitionId, Input)> {
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
        let mut out = Vec::new();
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
        }
        out
    }
}
