//! MQTT 5.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, DisconnectReasonCode, Filter, Packet, Publish, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};

use super::connection::Wire;
use super::{Delivery, Heard, How, KEEP_ALIVE, Lost, NOT_CONNACK, PACKET_MAX, RECEIVE_MAX, REQUESTS, Settings, Token};

pub(super) struct V5;

impl Wire for V5 {
    type Client = AsyncClient;
    type Events = EventLoop;

    fn open(settings: &Settings) -> (AsyncClient, EventLoop) {
        let mut options = MqttOptions::new(&settings.client_id, &settings.host, settings.port);
        options
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_start(false)
            .set_session_expiry_interval(Some(settings.session_expiry))
            .set_receive_maximum(Some(RECEIVE_MAX))
            .set_max_packet_size(Some(PACKET_MAX))
            .set_outgoing_inflight_upper_limit(100)
            .set_manual_acks(true);
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
        // Retain Handling 1: the broker's memory is sent once per subscription, not once per reconnect.
        let filters = filters.iter().map(|f| {
            let mut filter = Filter::new(f.clone(), QoS::AtLeastOnce);
            filter.retain_forward_rule = rumqttc::v5::mqttbytes::v5::RetainForwardRule::OnNewSubscribe;
            filter
        });
        client.subscribe_many(filters).await.map_err(|e| e.to_string())
    }

    async fn acknowledge(client: &AsyncClient, token: Token) {
        if let Token::V5(publish) = token {
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
        Packet::SubAck(ack) => {
            let granted = ack.return_codes.iter().all(|c| matches!(c, SubscribeReasonCode::Success(_)));
            Heard::Subscribed { granted }
        }
        Packet::Publish(publish) => {
            let Publish { qos, retain, topic, pkid, payload, .. } = publish;
            let token = (qos != QoS::AtMostOnce).then(|| {
                let mut stub = Publish::new("", qos, Vec::new(), None);
                stub.pkid = pkid;
                Token::V5(Box::new(stub))
            });
            let topic = String::from_utf8_lossy(&topic).into_owned();
            Heard::Message(Delivery { topic, payload, retained: retain, token }.bounded())
        }
        _ => Heard::Alive,
    }
}

fn lost(error: &ConnectionError) -> Lost {
    use rumqttc::v5::mqttbytes::Error;
    // A 3.1.1-only broker answers with a refusal, with a version 3 CONNACK that does not parse, or just hangs up.
    let how = match error {
        ConnectionError::MqttState(StateError::ConnectionAborted) => How::HungUp,
        ConnectionError::MqttState(StateError::Deserialization(Error::PayloadSizeLimitExceeded { .. })) => {
            How::Oversize
        }
        // A socket that broke, not bytes that do not parse.
        ConnectionError::MqttState(StateError::Deserialization(Error::Io(_))) => How::Broken,
        ConnectionError::ConnectionRefused(ConnectReturnCode::UnsupportedProtocolVersion)
        | ConnectionError::MqttState(StateError::Deserialization(_))
        | ConnectionError::NotConnAck(_) => How::RefusedVersion,
        ConnectionError::MqttState(StateError::ServerDisconnect {
            reason_code: DisconnectReasonCode::SessionTakenOver,
            ..
        }) => How::TakenOver,
        _ => How::Broken,
    };
    // The library would print the packet: payloads belong in no log.
    let why = if let ConnectionError::NotConnAck(_) = error { NOT_CONNACK.to_owned() } else { error.to_string() };
    Lost { why, how }
}
