//! The broker inside: devices connect here, and PUBACK waits for our own commit.
//!
//! Ingest and access control sit in one publish hook, access first: a later hook would already have accepted a forbidden
//! message. Hooks are serial per connection, so one connection carries about one QoS 1 message per commit; a busy
//! forwarder opens several connections, or uses QoS 0, which never waits.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use maibo_core::id::SourceId;
use rmqtt::codec::types::QoS;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::net::Builder;
use rmqtt::server::MqttServer;
use rmqtt::types::{AuthResult, PublishAclResult};
use tracing::{info, warn};

use super::{Ingest, Receipt, Settled};
use crate::app::Watched;
use crate::pipeline::Work;

/// Longest wait of a publish hook for the queue and its commit; then the connection is closed without PUBACK and the device resends.
const COMMIT_WAIT: Duration = Duration::from_secs(10);
/// Longest MQTT packet.
const PACKET_MAX: u32 = 1 << 20;

/// Retained messages are births and states, one a device: what is larger or more passes on and is not retained.
const RETAINED: &str = "max_retained_messages = 10000\nmax_payload_size = \"4KB\"\n";
/// Messages that wait for a client that is away, and its subscriptions: the broker's clients are devices, not archives.
const CLIENT_QUEUE: usize = 100;
const CLIENT_SUBSCRIPTIONS: usize = 100;

/// Settings of the embedded broker.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name as a source.
    pub id: SourceId,
    /// Where it listens; port 0 chooses one.
    pub listen: SocketAddr,
    /// Most connections.
    pub connections_max: usize,
}

/// A running embedded broker.
pub struct Embedded {
    runtime: Option<tokio::runtime::Runtime>,
    /// Where it listens.
    pub address: SocketAddr,
}

struct Publishes {
    ingest: Arc<Ingest>,
    source: SourceId,
}

#[async_trait::async_trait]
impl Handler for Publishes {
    async fn hook(&self, parameter: &Parameter, acc: Option<HookResult>) -> ReturnType {
        match parameter {
            Parameter::ClientAuthenticate(_) => (false, Some(HookResult::AuthResult(AuthResult::Allow(false, None)))),
            Parameter::MessagePublishCheckAcl(_, publish) => {
                let message = &publish.inner;
                let result = self.accept(&message.topic, &message.payload, message.qos).await;
                (false, Some(HookResult::PublishAclResult(result)))
            }
            _ => (true, acc),
        }
    }
}

impl Publishes {
    async fn accept(&self, topic: &str, payload: &[u8], qos: QoS) -> PublishAclResult {
        if !self.ingest.allows(topic) {
            // Refused, not carried: an open relay would spend our memory on strangers. The decoder says so, counted, and
            // keeps a sample; MQTT 5 clients are told, older ones get their PUBACK, for they would send it for ever.
            if self.ingest.offer(&self.source, topic, payload, false).is_err() {
                return PublishAclResult::rejected(true, None);
            }
            return PublishAclResult::rejected(false, Some("no route of Maibo takes this topic".into()));
        }
        // A publish with the retain flag is live here: it comes from the device itself, not from a broker's memory.
        if matches!(qos, QoS::AtMostOnce) {
            return match self.ingest.offer(&self.source, topic, payload, false) {
                Ok(()) => PublishAclResult::allow(),
                Err(_) => PublishAclResult::rejected(true, None),
            };
        }
        let (receipt, settled) = Receipt::waited();
        let committed = async {
            self.ingest.submit_patiently(&self.source, topic, payload, receipt).await.ok()?;
            settled.await.ok()
        };
        match tokio::time::timeout(COMMIT_WAIT, committed).await {
            Ok(Some(Settled::Durable)) => PublishAclResult::allow(),
            // No PUBACK and a closed connection: the only answer in MQTT 3.1.1 that makes a device send again.
            Ok(_) | Err(_) => PublishAclResult::rejected(true, None),
        }
    }
}

impl Embedded {
    /// Binds, starts, and reports `Listening`. `watched` lives as long as the broker serves.
    ///
    /// # Errors
    /// Where the address cannot be bound.
    pub fn start(settings: &Settings, ingest: &Arc<Ingest>, watched: Watched) -> anyhow::Result<Self> {
        // A runtime of its own: the library has no way to stop but to take its runtime away.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("broker")
            .enable_all()
            .build()
            .context("start the broker's runtime")?;
        let address = runtime.block_on(serve(settings, ingest, watched))?;
        let work = Work::Listening { source: settings.id.clone() };
        runtime.block_on(ingest.tell(work)).context("start the embedded broker")?;
        info!(%address, source = %settings.id, "embedded broker is listening");
        Ok(Self { runtime: Some(runtime), address })
    }

    /// Stops accepting and closes every connection; what is not acknowledged by then, devices send again.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_millis(500));
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(settings: &Settings, ingest: &Arc<Ingest>, watched: Watched) -> anyhow::Result<SocketAddr> {
    let context =
        ServerContext::new().busy_check_enable(false).plugins_config_map_add("rmqtt-retainer", RETAINED).build().await;
    rmqtt_retainer::register(&context, true, false).await.map_err(boxed).context("retained messages")?;
    rmqtt_shared_subscription::register(&context, true, false).await.map_err(boxed).context("shared subscriptions")?;
    let register = context.extends.hook_mgr().register();
    for kind in [Type::ClientAuthenticate, Type::MessagePublishCheckAcl] {
        let handler = Publishes { ingest: Arc::clone(ingest), source: settings.id.clone() };
        register.add(kind, Box::new(handler)).await;
    }
    register.start().await;
    let listener = Builder::new()
        .name("maibo")
        .laddr(settings.listen)
        .reuseaddr(Some(true))
        .nodelay(true)
        .allow_anonymous(false)
        .allow_zero_keepalive(true)
        .max_connections(settings.connections_max)
        .max_inflight(NonZeroU16::new(1_000).unwrap_or(NonZeroU16::MAX))
        .max_packet_size(PACKET_MAX)
        .max_mqueue_len(CLIENT_QUEUE)
        .max_subscriptions(CLIENT_SUBSCRIPTIONS)
        .bind()
        .map_err(boxed)
        .with_context(|| format!("listen on {}", settings.listen))?;
    let address = listener.local_addr().map_err(boxed)?;
    let listener = listener.tcp().map_err(boxed)?;
    let server = MqttServer::new(context).listener(listener).build();
    tokio::spawn(async move {
        // Keeps the registration alive as long as the server runs.
        let (_register, _watched) = (register, watched);
        if let Err(error) = server.run().await {
            warn!(%error, "embedded broker has ended");
        }
    });
    Ok(address)
}

/// The broker's error type as ours.
fn boxed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}
