//! MQTT 3.1.1.

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Packet, Publish, QoS, StateError,
    SubscribeFilter, SubscribeReasonCode,
};

use super::connection::Wire;
use super::{
    Delivery, Heard, How, KEEP_ALIVE, Lost, NOT_CONNACK, PACKET_MAX, PACKET_MAX_V4, REQUESTS, Settings, Token,
};

pub(super) struct V4;

impl Wire for V4 {
    type Client = AsyncClient;
    type Events = EventLoop;

    fn open(settings: &Settings) -> (AsyncClient, EventLoop) {
        let mut options = MqttOptions::new(&settings.client_id, &settings.host, settings.port);
        options
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_session(false)
            .set_manual_acks(true)
            .set_max_packet_size(PACKET_MAX_V4, PACKET_MAX as usize)
            .set_inflight(100);
        if let Some((user, password)) = &settings.login {
            options.set_credentials(user, password);
        }
        AsyncClient::new(options, REQUESTS)
    }

    async fn poll(events: &mut EventLoop) -> Result<Option<Heard>, Lost> {
        match events.poll().await {
            Ok(Event::Incoming(packet)) => Ok(Some(read(packet))),
            Ok(Event::Outgoing(_)) => Ok(None),
            Err(error) => Err(lost(&error)),
        }
    }

    async fn subscribe(client: &AsyncClient, filters: &[String]) -> Result<(), String> {
        let filters = filters.iter().map(|f| SubscribeFilter::new(f.clone(), QoS::AtLeastOnce));
        client.subscribe_many(filters).await.map_err(|e| e.to_string())
    }

    async fn acknowledge(client: &AsyncClient, token: Token) {
        if let Token::V4(publish) = token {
            // An error means the connection is gone; the broker sends again.
            let _ = client.ack(&publish).await;
        }
    }

    async fn disconnect(client: &AsyncClient) {
        let _ = client.disconnect().await;
    }
}

fn read(packet: Packet) -> Heard {
    match packet {
        Packet::ConnAck(_) => Heard::Connected,
        Packet::SubAck(ack) => Heard::Subscribed { granted: !ack.return_codes.contains(&SubscribeReasonCode::Failure) },
        Packet::Publish(publish) => {
            let Publish { qos, retain, topic, pkid, payload, .. } = publish;
            let mut stub = Publish::new("", qos, Vec::new());
            stub.pkid = pkid;
            let token = (qos != QoS::AtMostOnce).then_some(Token::V4(stub));
            Heard::Message(Delivery { topic, payload, retained: retain, token }.bounded())
        }
        _ => Heard::Alive,
    }
}

fn lost(error: &ConnectionError) -> Lost {
    let how = match error {
        ConnectionError::ConnectionRefused(ConnectReturnCode::RefusedProtocolVersion) => How::RefusedVersion,
        ConnectionError::MqttState(StateError::ConnectionAborted) => How::HungUp,
        ConnectionError::MqttState(StateError::Deserialization(
            rumqttc::mqttbytes::Error::PayloadSizeLimitExceeded(_),
        )) => How::Oversize,
        _ => How::Broken,
    };
    // The library would print the packet: payloads belong in no log.
    let why = if let ConnectionError::NotConnAck(_) = error { NOT_CONNACK.to_owned() } else { error.to_string() };
    Lost { why, how }
}
