//! Over MQTT 5: a publication with QoS 1, delivered when the broker has acknowledged it.
//!
//! A connection is made when there is something to tell and closed when there is nothing more. It carries one message at a
//! time: the next one goes when the one before is acknowledged. Sessions are clean; what was not acknowledged is published
//! again by the outbox, under the same key in the user property `webhook-id`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use maibo_core::notify::{Answer, Refusal, Transport};
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectReturnCode, Disconnect, DisconnectReasonCode, Login, Packet, PubAck, PubAckReason, Publish,
    PublishProperties,
};
use rumqttc::v5::mqttbytes::{Error, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;
use tokio_rustls::rustls::ClientConfig;

use super::Limits;
use super::dial::{self, Line};
use super::format::Outgoing;
use super::network::Allow;
use super::settings::MqttWay;

/// Longest packet that is read.
const PACKET_MAX: u32 = 64 * 1024;
/// Seconds without a packet after which a broker takes the connection for dead; ours are shorter than that.
const KEEP_ALIVE: u16 = 60;

/// Publishes to one topic of one broker.
pub(super) struct Publisher {
    way: MqttWay,
    allow: Allow,
    limits: Limits,
    client_id: String,
    tls: Option<Arc<ClientConfig>>,
    link: Mutex<Option<Link>>,
    /// Attempts that have the connection or wait for it.
    wanted: AtomicUsize,
}

impl Publisher {
    /// `suffix` tells connections apart that this process has with the same broker for the same receiver.
    pub(super) fn new(way: MqttWay, allow: Allow, limits: Limits, suffix: &str) -> Self {
        let client_id = format!("{}{suffix}", way.client_id);
        let tls = if way.tls { dial::tls() } else { None };
        Self { way, allow, limits, client_id, tls, link: Mutex::default(), wanted: AtomicUsize::new(0) }
    }

    /// Makes one attempt; ends within the deadline.
    pub(super) async fn publish(&self, message: &str, outgoing: Outgoing) -> Answer {
        self.wanted.fetch_add(1, Ordering::Relaxed);
        let attempt = tokio::time::timeout(self.limits.deadline, self.attempt(message, outgoing)).await;
        if self.wanted.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Nobody else has it by now, or somebody new who will make another.
            if let Ok(mut link) = self.link.try_lock()
                && let Some(link) = link.take()
            {
                link.close().await;
            }
        }
        match attempt {
            Err(_) => Answer::Failed(Transport::Deadline),
            Ok(Ok(())) => Answer::Taken,
            Ok(Err(answer)) => answer,
        }
    }

    /// A connection that fails, or that is given up in the middle, is not used again.
    async fn attempt(&self, message: &str, outgoing: Outgoing) -> Result<(), Answer> {
        let mut place = self.link.lock().await;
        let mut link = match place.take() {
            Some(link) => link,
            None => self.open().await?,
        };
        link.publish(&self.way.topic, message, outgoing).await?;
        *place = Some(link);
        Ok(())
    }

    async fn open(&self) -> Result<Link, Answer> {
        let MqttWay { host, port, tls, login, .. } = &self.way;
        let stream = dial::connect(host, *port, &self.allow).await.map_err(Answer::Failed)?;
        let line = match (tls, &self.tls) {
            (true, Some(config)) => dial::secure(stream, host, Arc::clone(config)).await.map_err(Answer::Failed)?,
            (true, None) => return Err(Answer::Failed(Transport::Certificate)),
            (false, _) => Box::new(stream),
        };
        let mut link = Link { line, buffer: BytesMut::new(), last: 0, largest: None };
        let connect =
            Connect { keep_alive: KEEP_ALIVE, client_id: self.client_id.clone(), clean_start: true, properties: None };
        let login = login.as_ref().map(|(user, password)| Login::new(user, password.as_str()));
        link.write(&Packet::Connect(connect, None, login)).await?;
        match link.read().await? {
            Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => {
                link.largest = ack.properties.and_then(|p| p.max_packet_size);
                Ok(link)
            }
            Packet::ConnAck(ack) => Err(refused(connect_refusal(ack.code), format!("CONNACK {:?}", ack.code))),
            _ => Err(Answer::Failed(Transport::Broken)),
        }
    }
}

/// One connection to a broker.
struct Link {
    line: Line,
    buffer: BytesMut,
    /// The last packet identifier.
    last: u16,
    /// The longest packet that the broker takes.
    largest: Option<u32>,
}

impl Link {
    /// Publishes and waits for the acknowledgement.
    async fn publish(&mut self, topic: &str, message: &str, outgoing: Outgoing) -> Result<(), Answer> {
        self.last = self.last.checked_add(1).unwrap_or(1);
        let properties = PublishProperties {
            payload_format_indicator: Some(1),
            user_properties: vec![("webhook-id".to_owned(), message.to_owned())],
            content_type: Some(outgoing.content_type.to_owned()),
            ..PublishProperties::default()
        };
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, Bytes::from(outgoing.body), Some(properties));
        publish.pkid = self.last;
        self.write(&Packet::Publish(publish)).await?;
        loop {
            match self.read().await? {
                Packet::PubAck(PubAck { pkid, reason, .. }) if pkid == self.last => {
                    return publish_refusal(reason)
                        .map_or(Ok(()), |refusal| Err(refused(refusal, format!("PUBACK {reason:?}"))));
                }
                Packet::Disconnect(Disconnect { reason_code, .. }) => {
                    let refusal = disconnect_refusal(reason_code);
                    return Err(refused(refusal, format!("DISCONNECT {reason_code:?}")));
                }
                // Nothing is subscribed to; what comes all the same says nothing of this message.
                _ => {}
            }
        }
    }

    async fn write(&mut self, packet: &Packet) -> Result<(), Answer> {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, self.largest).map_err(|error| match error {
            Error::OutgoingPacketTooLarge { pkt_size, max } => {
                refused(Refusal::Message, format!("{pkt_size} bytes, and the broker takes {max}"))
            }
            _ => Answer::Failed(Transport::Unreadable),
        })?;
        let written = async {
            self.line.write_all(&bytes).await?;
            self.line.flush().await
        };
        written.await.map_err(|_| Answer::Failed(Transport::Broken))
    }

    async fn read(&mut self) -> Result<Packet, Answer> {
        loop {
            if let Some(reason) = farewell(&self.buffer) {
                return Ok(Packet::Disconnect(Disconnect::new(reason)));
            }
            if !self.buffer.is_empty() {
                match Packet::read(&mut self.buffer, Some(PACKET_MAX)) {
                    Ok(packet) => return Ok(packet),
                    Err(Error::InsufficientBytes(_)) => {}
                    // Not MQTT, or not version 5.
                    Err(_) => return Err(refused(Refusal::Message, "no broker of MQTT 5 answers".to_owned())),
                }
            }
            match self.line.read_buf(&mut self.buffer).await {
                Ok(n) if n > 0 => {}
                _ => return Err(Answer::Failed(Transport::Broken)),
            }
        }
    }

    async fn close(mut self) {
        let bye = Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection));
        let _ = self.write(&bye).await;
        let _ = self.line.shutdown().await;
    }
}

/// The reason of a DISCONNECT. Read here because the library wants properties behind it, which may be left out (MQTT 5,
/// 3.14.2.2.1); nothing comes after it.
fn farewell(buffer: &[u8]) -> Option<DisconnectReasonCode> {
    match buffer {
        [0xe0, 0, ..] => Some(DisconnectReasonCode::NormalDisconnection),
        [0xe0, _, reason, ..] => DisconnectReasonCode::try_from(*reason).ok(),
        _ => None,
    }
}

const fn refused(refusal: Refusal, words: String) -> Answer {
    Answer::Refused { refusal, words }
}

const fn connect_refusal(code: ConnectReturnCode) -> Refusal {
    use ConnectReturnCode as Code;
    match code {
        Code::BadUserNamePassword | Code::NotAuthorized | Code::Banned | Code::BadAuthenticationMethod => {
            Refusal::Credentials
        }
        Code::ConnectionRateExceeded | Code::QuotaExceeded => Refusal::TooMany,
        Code::ServiceUnavailable | Code::ServerUnavailable | Code::ServerBusy | Code::UnspecifiedError => Refusal::Busy,
        _ => Refusal::Message,
    }
}

/// `None` where the broker has it. That nobody has subscribed is the broker's to know: it took the message.
const fn publish_refusal(reason: PubAckReason) -> Option<Refusal> {
    match reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => None,
        PubAckReason::NotAuthorized => Some(Refusal::Credentials),
        PubAckReason::QuotaExceeded => Some(Refusal::TooMany),
        PubAckReason::TopicNameInvalid | PubAckReason::PayloadFormatInvalid => Some(Refusal::Message),
        _ => Some(Refusal::Busy),
    }
}

const fn disconnect_refusal(reason: DisconnectReasonCode) -> Refusal {
    use DisconnectReasonCode as Code;
    match reason {
        Code::NotAuthorized => Refusal::Credentials,
        Code::MessageRateTooHigh | Code::QuotaExceeded | Code::ConnectionRateExceeded => Refusal::TooMany,
        Code::PacketTooLarge | Code::TopicNameInvalid | Code::PayloadFormatInvalid | Code::QoSNotSupported => {
            Refusal::Message
        }
        _ => Refusal::Busy,
    }
}
