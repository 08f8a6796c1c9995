//! One MQTT connection that many devices share, and that knows which message each acknowledgement is for.
//!
//! Messages are handed over in order and go out in order. What was sent but not acknowledged when the connection broke is
//! sent again, in order, before anything newer: at least once, as the devices behind a field gateway do it.
//!
//! **Limit:** at most `window` messages are handed over and not yet acknowledged; [`Link::offer`] refuses the next one,
//! [`Link::send`] waits. Reconnects back off from 0.1 s to 5 s.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Outgoing, Packet, QoS};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// Seconds for a connection attempt, and for a stalled write.
const NETWORK_TIMEOUT_S: u64 = 5;
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const MAX_PACKET: usize = 1 << 20;
/// Largest window: packet identifiers must not come round while in use.
pub const MAX_WINDOW: usize = 16_384;

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host name or address of the broker.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User name and password.
    pub credentials: Option<(String, String)>,
    /// Begin of the client identifiers; the connection's number follows.
    pub client_prefix: String,
}

impl Target {
    /// Without credentials, and with a client prefix of this process.
    pub fn new(host: &str, port: u16) -> Self {
        let client_prefix = format!("maibo-sim-{}", std::process::id());
        Self { host: host.to_owned(), port, credentials: None, client_prefix }
    }

    /// Reads `host:port`, or `host` for port 1883.
    ///
    /// # Errors
    /// Where the port is no number.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        match text.rsplit_once(':') {
            Some((host, port)) => Ok(Self::new(host, port.parse()?)),
            None => Ok(Self::new(text, 1883)),
        }
    }
}

/// Which message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The device's number.
    pub device: u32,
    /// Time of its newest reading, in ms since 1970.
    pub t: i64,
    /// Number of the message, counted per device from 0.
    pub seq: u64,
    /// When it should have been sent.
    pub intended: Instant,
}

/// Told about the fate of messages, on the connection's task: must not wait for long.
pub trait Receipts: Send + Sync + 'static {
    /// The broker acknowledged a message at QoS 1.
    fn acknowledged(&self, stamp: &Stamp);
    /// A message at QoS 0 went out; nobody will acknowledge it.
    fn sent(&self, _stamp: &Stamp) {}
}

#[derive(Clone, Debug)]
struct Outbound {
    number: u64,
    topic: String,
    payload: Vec<u8>,
    at_least_once: bool,
    stamp: Stamp,
}

/// Handed over and not yet settled.
#[derive(Debug)]
struct State {
    client: AsyncClient,
    next_number: u64,
    /// Not yet written, in order.
    unsent: VecDeque<Outbound>,
    /// Written and not acknowledged, by packet identifier.
    unacknowledged: BTreeMap<u16, Outbound>,
}

struct Shared {
    options: MqttOptions,
    window: usize,
    permits: Semaphore,
    state: Mutex<State>,
    receipts: Arc<dyn Receipts>,
    connected: watch::Sender<bool>,
    connections: AtomicU64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caller holds a permit, so that neither queue can be full.
    fn push(&self, topic: String, payload: Vec<u8>, at_least_once: bool, stamp: Stamp) {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        state.push(Outbound { number, topic, payload, at_least_once, stamp });
    }

    fn settle(&self, outbound: &Outbound) {
        if outbound.at_least_once {
            self.receipts.acknowledged(&outbound.stamp);
        } else {
            self.receipts.sent(&outbound.stamp);
        }
        self.permits.add_permits(1);
    }

    /// Follows one message from the queue to the wire to its acknowledgement.
    fn note(&self, event: &Event) {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => {
                self.connections.fetch_add(1, Ordering::Relaxed);
                self.connected.send_replace(true);
            }
            Event::Incoming(Packet::PubAck(ack)) => {
                let acknowledged = self.state().unacknowledged.remove(&ack.pkid);
                if let Some(outbound) = acknowledged {
                    self.settle(&outbound);
                }
            }
            Event::Outgoing(Outgoing::Publish(packet)) => {
                let mut state = self.state();
                let Some(outbound) = state.unsent.pop_front() else { return };
                if *packet > 0 {
                    state.unacknowledged.insert(*packet, outbound);
                } else {
                    drop(state);
                    self.settle(&outbound);
                }
            }
            _ => {}
        }
    }

    /// A fresh client that begins with everything unsettled, oldest first.
    fn renew(&self) -> EventLoop {
        let (client, eventloop) = client(&self.options, self.window);
        let mut state = self.state();
        state.client = client;
        let mut again: Vec<Outbound> = core::mem::take(&mut state.unacknowledged).into_values().collect();
        again.extend(core::mem::take(&mut state.unsent));
        again.sort_unstable_by_key(|o| o.number);
        for outbound in again {
            state.push(outbound);
        }
        eventloop
    }
}

impl State {
    fn push(&mut self, outbound: Outbound) {
        let qos = if outbound.at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        // Fails only where the event loop is gone; the next one gets it again.
        let _ = self.client.try_publish(outbound.topic.clone(), qos, false, outbound.payload.clone());
        self.unsent.push_back(outbound);
    }
}

fn client(options: &MqttOptions, window: usize) -> (AsyncClient, EventLoop) {
    let (client, mut eventloop) = AsyncClient::new(options.clone(), window + 1);
    let mut network = eventloop.network_options();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(NETWORK_TIMEOUT_S);
    eventloop.set_network_options(network);
    (client, eventloop)
}

/// An open connection.
pub struct Link {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Link {
    /// Starts to connect; `number` tells the connections of one target apart. The window is held within 1 and
    /// [`MAX_WINDOW`].
    pub fn open(target: &Target, number: usize, window: usize, receipts: Arc<dyn Receipts>) -> Self {
        let window = window.clamp(1, MAX_WINDOW);
        let mut options = MqttOptions::new(format!("{}-{number}", target.client_prefix), &target.host, target.port);
        options.set_keep_alive(KEEP_ALIVE).set_clean_session(true).set_max_packet_size(MAX_PACKET, MAX_PACKET);
        // Twice the window, so that an identifier is free again long before its turn.
        options.set_inflight((2 * window) as u16);
        if let Some((user, password)) = &target.credentials {
            options.set_credentials(user, password);
        }
        let (client, eventloop) = client(&options, window);
        let state = State { client, next_number: 0, unsent: VecDeque::new(), unacknowledged: BTreeMap::new() };
        let shared = Arc::new(Shared {
            options,
            window,
            permits: Semaphore::new(window),
            state: Mutex::new(state),
            receipts,
            connected: watch::Sender::new(false),
            connections: AtomicU64::new(0),
        });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(drive(Arc::clone(&shared), eventloop, stopped));
        Self { shared, stop, task }
    }

    /// Hands a message over where the window has room; says whether it did.
    pub fn offer(&self, topic: String, payload: Vec<u8>, at_least_once: bool, stamp: Stamp) -> bool {
        let Ok(permit) = self.shared.permits.try_acquire() else { return false };
        permit.forget();
        self.shared.push(topic, payload, at_least_once, stamp);
        true
    }

    /// Hands a message over once the window has room.
    pub async fn send(&self, topic: String, payload: Vec<u8>, at_least_once: bool, stamp: Stamp) {
        // The semaphore is never closed.
        if let Ok(permit) = self.shared.permits.acquire().await {
            permit.forget();
            self.shared.push(topic, payload, at_least_once, stamp);
        }
    }

    /// How many messages were handed over.
    pub fn accepted(&self) -> u64 {
        self.shared.state().next_number
    }

    /// How often it connected.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Waits for the first connection; false where `limit` passed before.
    pub async fn connected(&self, limit: Duration) -> bool {
        let mut connected = self.shared.connected.subscribe();
        matches!(tokio::time::timeout(limit, connected.wait_for(|c| *c)).await, Ok(Ok(_)))
    }

    /// Waits until everything is settled, at most `limit`, then disconnects. Gives the number of unsettled messages.
    pub async fn finish(self, limit: Duration) -> usize {
        let all = self.shared.permits.acquire_many(self.shared.window as u32);
        let _ = tokio::time::timeout(limit, all).await;
        let _ = self.shared.state().client.try_disconnect();
        self.stop.send_replace(true);
        let _ = self.task.await;
        let state = self.shared.state();
        state.unsent.len() + state.unacknowledged.len()
    }
}

/// Runs the connection, and its successors, until told to stop.
async fn drive(shared: Arc<Shared>, mut eventloop: EventLoop, mut stop: watch::Receiver<bool>) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        let polled = tokio::select! {
            biased;
            _ = stop.wait_for(|s| *s) => None,
            polled = eventloop.poll() => Some(polled),
        };
        let Some(polled) = polled else { return say_goodbye(eventloop).await };
        if let Ok(event) = polled {
            if matches!(event, Event::Incoming(Packet::ConnAck(_))) {
                backoff = FIRST_BACKOFF;
            }
            shared.note(&event);
        } else {
            tokio::select! {
                _ = stop.wait_for(|s| *s) => return,
                () = tokio::time::sleep(backoff) => {}
            }
            backoff = (backoff * 2).min(LAST_BACKOFF);
            eventloop = shared.renew();
        }
    }
}

/// Lets the queued DISCONNECT go out, within a moment.
async fn say_goodbye(mut eventloop: EventLoop) {
    let goodbye = async {
        while let Ok(event) = eventloop.poll().await {
            if event == Event::Outgoing(Outgoing::Disconnect) {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(500), goodbye).await;
}
