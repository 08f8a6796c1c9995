//! A client of any MQTT 3.1.1 or 5 broker that acknowledges only what is durable here.
//!
//! One task does nothing but poll. Acknowledgements are manual and come from the commit through [`Ack`], tagged with the
//! connection they belong to: they must not cross a reconnect. The session is persistent, so what was not acknowledged
//! comes again. Subscriptions are made on every CONNACK, and the SUBACK is checked: a broker that refuses one is a source
//! that does not listen. Reconnects back off with jitter.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use maibo_core::id::SourceId;
use maibo_core::time::{Millis, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::receipt::Acknowledge;
use super::{Ingest, Receipt};
use crate::pipeline::{Work, failpoint};
use crate::telemetry::Metrics;

pub(crate) mod backoff;
mod connection;
mod v4;
mod v5;

use backoff::Backoff;

/// Largest packet taken; the client library's own default of 10 kB would turn one larger message into an endless
/// reconnect.
const PACKET_MAX: u32 = 1 << 20;
/// The same for MQTT 3.1.1, where a broker cannot be told our limit: what is larger than decoders take is refused there,
/// with a reason, instead of here, with a broken connection.
const PACKET_MAX_V4: usize = 16 << 20;
/// Unacknowledged messages a version 5 broker may send ahead.
const RECEIVE_MAX: u16 = 4_096;
/// A broker that answers no ping within two of these is gone. Short, because until then silence looks like the devices' own.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// A connection that lasted this long was a good one; a shorter one does not end the backing off.
const STABLE: Millis = Millis(30_000);
/// So many in a row on which the broker soon hung up, and somebody else is suspected of having our name.
const SUSPICIOUS: u32 = 3;
/// Requests (acknowledgements, subscriptions) that may wait for the poll task.
const REQUESTS: usize = RECEIVE_MAX as usize + 64;
/// Payloads that may wait between the poll task and the pipeline, in KiB.
const WAITING_KIB: usize = 64 * 1024;
/// Acknowledgements and messages that may wait: there are no more packet identifiers than this, whatever the broker's window.
const ACKS: usize = 65_536;
/// Of a payload that is too large for every decoder only this much is carried on: enough to be refused as too large.
const PAYLOAD_MAX: usize = maibo_core::decode::DEFAULT_LIMIT + 1;

/// Of a broker that does not wait with messages until it has let us in.
const NOT_CONNACK: &str = "the broker sent something else before its CONNACK";

/// Which protocol to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// 5 if the broker takes it, else 3.1.1.
    Auto,
    /// MQTT 3.1.1.
    V4,
    /// MQTT 5.
    V5,
}

/// Settings of one external broker.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name as a source.
    pub id: SourceId,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Fixed client identifier: the key of the persistent session.
    pub client_id: String,
    /// Which protocol to speak.
    pub protocol: Protocol,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// Session lifetime at the broker while Maibo is away, in seconds.
    pub session_expiry: u32,
}

/// What a connection tells, whichever protocol it speaks.
enum Heard {
    /// Connected.
    Connected,
    /// Subscription answered: whether every filter was granted.
    Subscribed { granted: bool },
    /// A message.
    Message(Delivery),
    /// Anything else that shows the link is alive.
    Alive,
}

impl Heard {
    /// What it takes of the waiting room, in KiB, rounded up.
    fn kib(&self) -> u32 {
        match self {
            Self::Message(delivery) => (delivery.payload.len() / 1024 + 1) as u32,
            Self::Connected | Self::Subscribed { .. } | Self::Alive => 0,
        }
    }
}

/// One message and the way to acknowledge it.
struct Delivery {
    topic: String,
    payload: bytes::Bytes,
    retained: bool,
    /// `None` at QoS 0.
    token: Option<Token>,
}

impl Delivery {
    /// What waits in queues is bounded by what decoders take, not by what brokers send.
    fn bounded(mut self) -> Self {
        if self.payload.len() > PAYLOAD_MAX {
            self.payload = bytes::Bytes::copy_from_slice(&self.payload[..PAYLOAD_MAX]);
        }
        self
    }
}

/// What the client library needs to acknowledge.
enum Token {
    V4(rumqttc::Publish),
    V5(Box<rumqttc::v5::mqttbytes::v5::Publish>),
}

/// Why a connection ended.
struct Lost {
    why: String,
    how: How,
}

/// What matters of it for what is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Nothing of the others.
    Broken,
    /// The broker closed the connection and gave no reason. Some that speak only 3.1.1 do so where they are asked for 5.
    HungUp,
    /// The broker does not speak this protocol.
    RefusedVersion,
    /// A packet over the limit: will come again.
    Oversize,
    /// Another client came with the same identifier.
    TakenOver,
}

impl Lost {
    fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), how: How::Broken }
    }
}

/// A settled message on its way back to the broker.
struct Ack {
    epoch: u64,
    token: Token,
    queue: flume::Sender<(u64, Token)>,
}

impl Acknowledge for Ack {
    fn durable(self: Box<Self>) {
        // A full queue means a dead connection: the broker sends again, and duplicates are known by series and time.
        let _ = self.queue.try_send((self.epoch, self.token));
    }
    fn failed(self: Box<Self>) {}
}

/// Runs until cancelled.
pub async fn run(settings: Settings, ingest: Arc<Ingest>, metrics: Arc<Metrics>, stop: CancellationToken) {
    let mut source = Source {
        epoch: Arc::new(AtomicU64::new(0)),
        last_heard: ingest.now(),
        connected_at: ingest.now(),
        listening: false,
        oversize: 0,
        short: 0,
        settings,
        ingest,
        metrics,
    };
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10), source.last_heard.0 as u64);
    let mut protocol = match source.settings.protocol {
        Protocol::V4 => Protocol::V4,
        Protocol::Auto | Protocol::V5 => Protocol::V5,
    };
    // Said at once, so that the city knows this ear exists before it first hears.
    source.deaf().await;
    while !stop.is_cancelled() {
        let before = source.epoch.load(SeqCst);
        let lost = match protocol {
            Protocol::V4 => connection::connect::<v4::V4>(&mut source, &stop).await,
            Protocol::Auto | Protocol::V5 => connection::connect::<v5::V5>(&mut source, &stop).await,
        };
        let Some(lost) = lost else { break };
        let connected = source.epoch.load(SeqCst) != before;
        // Only a first answer says which protocol a broker speaks; a link that worked and broke says nothing.
        let refused = matches!(lost.how, How::RefusedVersion | How::HungUp) && !connected;
        if refused && source.settings.protocol == Protocol::Auto && protocol == Protocol::V5 {
            info!(source = %source.settings.id, "broker does not speak MQTT 5; going on with 3.1.1");
            protocol = Protocol::V4;
            continue;
        }
        if source.settings.protocol == Protocol::Auto {
            // A dying broker's hanging up looks like a refusal of the version: after each loss it is asked anew.
            protocol = Protocol::V5;
        }
        let lasted = connected && source.ingest.now().since(source.connected_at) > STABLE;
        if lasted {
            backoff.reset();
        }
        source.short = if connected && lost.how == How::HungUp && !lasted { source.short + 1 } else { 0 };
        source.lost(&lost).await;
        if lost.how == How::TakenOver {
            // Whoever comes back at once throws the other off at once.
            backoff.longest();
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.next()) => {}
            () = stop.cancelled() => break,
        }
    }
    source.set_listening(false);
}

/// One external broker as a source.
struct Source {
    settings: Settings,
    ingest: Arc<Ingest>,
    metrics: Arc<Metrics>,
    /// Which connection this is; acknowledgements of an earlier one are dropped.
    epoch: Arc<AtomicU64>,
    last_heard: Timestamp,
    connected_at: Timestamp,
    listening: bool,
    oversize: u32,
    /// Connections in a row that were made and on which the broker soon hung up.
    short: u32,
}

impl Source {
    /// A new connection: acknowledgements of the last one are void.
    fn connected(&mut self) {
        self.epoch.fetch_add(1, SeqCst);
        self.last_heard = self.ingest.now();
        self.connected_at = self.last_heard;
        self.metrics.connects.with_label_values(&[self.settings.id.as_str(), "ok"]).inc();
    }

    async fn listening(&mut self) {
        if !self.listening {
            info!(source = %self.settings.id, "listening");
            self.ingest.troubles.over(&self.settings.id);
            let _ = self.ingest.tell(Work::Listening { source: self.settings.id.clone() }).await;
            self.set_listening(true);
        }
    }

    async fn deaf(&mut self) {
        let _ = self.ingest.tell(Work::Deaf { source: self.settings.id.clone(), from: self.last_heard }).await;
        self.set_listening(false);
    }

    fn set_listening(&mut self, listening: bool) {
        self.listening = listening;
        self.metrics.listening.with_label_values(&[self.settings.id.as_str()]).set(i64::from(listening));
    }

    async fn lost(&mut self, lost: &Lost) {
        self.metrics.connects.with_label_values(&[self.settings.id.as_str(), "failed"]).inc();
        self.oversize = if lost.how == How::Oversize { self.oversize + 1 } else { 0 };
        if self.oversize >= 2 {
            error!(
                source = %self.settings.id,
                limit = PACKET_MAX,
                "the broker keeps sending a packet over the limit; lower its own message size limit or remove the message"
            );
        }
        let (why, id) = (&lost.why, &self.settings.client_id);
        let why = if lost.how == How::TakenOver {
            format!("another client has connected with client_id = {id:?}; give each its own")
        } else if self.short >= SUSPICIOUS {
            // Many brokers just hang up on the one whose session another has taken.
            format!("{why}, again and again, soon after connecting: has another client client_id = {id:?}?")
        } else {
            why.clone()
        };
        // The same reason over and over, every few seconds, is said once.
        if self.ingest.troubles.note(&self.settings.id, &why) {
            warn!(source = %self.settings.id, why, "not connected");
        }
        if self.listening {
            self.deaf().await;
        }
    }

    /// Handles what a connection told; `Err` ends the connection.
    async fn heard(&mut self, heard: Heard, acks: &flume::Sender<(u64, Token)>) -> Result<(), Lost> {
        self.last_heard = self.ingest.now();
        match heard {
            // The SUBACK says when we listen. A broker that keeps throwing us off with the same packet is not listened to.
            Heard::Subscribed { granted: true } if self.oversize < 2 => self.listening().await,
            Heard::Subscribed { granted: false } => {
                error!(source = %self.settings.id, "the broker refused a subscription; check its access rules");
                return Err(Lost::because("the broker refused a subscription; check its access rules"));
            }
            Heard::Message(delivery) => self.message(delivery, acks).await?,
            Heard::Subscribed { granted: true } | Heard::Connected | Heard::Alive => {}
        }
        Ok(())
    }

    async fn message(&mut self, delivery: Delivery, acks: &flume::Sender<(u64, Token)>) -> Result<(), Lost> {
        failpoint::hit("in_source");
        let Delivery { topic, payload, retained, token } = delivery;
        let sent = match token {
            None => self.ingest.offer(&self.settings.id, &topic, &payload, retained),
            Some(token) => {
                let ack = Ack { epoch: self.epoch.load(SeqCst), token, queue: acks.clone() };
                let receipt = Receipt::queued(Box::new(ack));
                self.ingest.submit(&self.settings.id, &topic, &payload, retained, receipt).await
            }
        };
        sent.map_err(|stopped| Lost::because(stopped.to_string()))
    }
}
