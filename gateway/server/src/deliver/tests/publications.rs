//! Over MQTT, against a scripted broker: delivered when acknowledged, and every way to fail is named.

use std::sync::Arc;

use bytes::BytesMut;
use maibo_core::notify::{Answer, Refusal, Transport};
use rumqttc::v5::mqttbytes::Error;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnectReturnCode, Disconnect, DisconnectReasonCode, Packet, PubAck, PubAckReason, Publish,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::support::{letter, told, transition};
use crate::clock::SystemClock;
use crate::deliver::carrier::Carrier;
use crate::deliver::format::Letter;
use crate::deliver::{Limits, ReceiverSettings, body};

/// What the broker does with a publication.
#[derive(Clone, Copy)]
enum Does {
    Acknowledge(PubAckReason),
    Disconnect(DisconnectReasonCode),
    Hang,
    HangUp,
}

/// A broker that keeps what was published, by connection.
async fn broker(code: ConnectReturnCode, does: Does) -> (u16, mpsc::UnboundedReceiver<(usize, Publish)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for n in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, n, code, does, sender.clone()));
        }
    });
    (port, heard)
}

async fn serve(
    mut stream: TcpStream,
    n: usize,
    code: ConnectReturnCode,
    does: Does,
    heard: mpsc::UnboundedSender<(usize, Publish)>,
) {
    let mut buffer = BytesMut::new();
    loop {
        let packet = match Packet::read(&mut buffer, None) {
            Ok(packet) => packet,
            Err(Error::InsufficientBytes(_)) => match stream.read_buf(&mut buffer).await {
                Ok(n) if n > 0 => continue,
                _ => return,
            },
            Err(error) => panic!("{error}"),
        };
        let answer = match packet {
            Packet::Connect(..) => Packet::ConnAck(ConnAck { session_present: false, code, properties: None }),
            Packet::Publish(publish) => {
                let pkid = publish.pkid;
                heard.send((n, publish)).unwrap();
                match does {
                    Does::Acknowledge(reason) => Packet::PubAck(PubAck { pkid, reason, properties: None }),
                    Does::Disconnect(reason) => Packet::Disconnect(Disconnect::new(reason)),
                    Does::Hang => continue,
                    Does::HangUp => return,
                }
            }
            _ => continue,
        };
        let mut bytes = BytesMut::new();
        answer.write(&mut bytes, None).unwrap();
        stream.write_all(&bytes).await.unwrap();
    }
}

fn carrier(port: u16) -> Carrier {
    let settings = ReceiverSettings {
        name: "bureau".to_owned(),
        url: format!("mqtt://127.0.0.1:{port}"),
        topic: Some("city/alerts".to_owned()),
        allow: vec!["127.0.0.1".to_owned()],
        ..ReceiverSettings::default()
    };
    let target = settings.parse(&Arc::default(), std::path::Path::new("/nowhere")).unwrap();
    let limits = Limits { deadline: std::time::Duration::from_millis(700), ..Limits::default() };
    Carrier::new(target, limits, Arc::new(SystemClock::default()), "").unwrap()
}

fn kept() -> Letter {
    Letter { body: body::native(&told(&transition(1, 1)), true), ..letter() }
}

// Delivered is what the broker has acknowledged; the key and the type go with it, and a burst shares a connection.
#[tokio::test]
async fn an_acknowledged_publication_is_delivered() {
    let (port, mut heard) =
        broker(ConnectReturnCode::Success, Does::Acknowledge(PubAckReason::NoMatchingSubscribers)).await;
    let carrier = Arc::new(carrier(port));
    let letters = [kept()];
    let (a, b) =
        tokio::join!(carrier.deliver("msg_a".to_owned(), &letters), carrier.deliver("msg_b".to_owned(), &letters));
    assert_eq!((a, b), (Answer::Taken, Answer::Taken));
    let mut keys = Vec::new();
    for _ in 0..2 {
        let (n, publish) = heard.recv().await.unwrap();
        assert_eq!((n, &*publish.topic, publish.retain), (0, &b"city/alerts"[..], false));
        assert_eq!(&*publish.payload, &*letters[0].body);
        let properties = publish.properties.unwrap();
        assert_eq!(properties.content_type.as_deref(), Some("application/json"));
        keys.extend(properties.user_properties);
    }
    keys.sort();
    let key = |key: &str| ("webhook-id".to_owned(), key.to_owned());
    assert_eq!(keys, [key("msg_a"), key("msg_b")]);
    // Nobody wanted the connection any more: the next message has one of its own.
    assert_eq!(carrier.deliver("msg_c".to_owned(), &letters).await, Answer::Taken);
    assert_eq!(heard.recv().await.unwrap().0, 1);
}

#[tokio::test]
async fn what_the_broker_says_is_judged() {
    let refused = |refusal, words: &str| Answer::Refused { refusal, words: words.to_owned() };
    for (code, does, wanted) in [
        (ConnectReturnCode::Success, Does::Hang, Answer::Failed(Transport::Deadline)),
        (ConnectReturnCode::Success, Does::HangUp, Answer::Failed(Transport::Broken)),
        (
            ConnectReturnCode::Success,
            Does::Acknowledge(PubAckReason::NotAuthorized),
            refused(Refusal::Credentials, "PUBACK NotAuthorized"),
        ),
        (
            ConnectReturnCode::Success,
            Does::Acknowledge(PubAckReason::QuotaExceeded),
            refused(Refusal::TooMany, "PUBACK QuotaExceeded"),
        ),
        (
            ConnectReturnCode::Success,
            Does::Disconnect(DisconnectReasonCode::PacketTooLarge),
            refused(Refusal::Message, "DISCONNECT PacketTooLarge"),
        ),
        (
            ConnectReturnCode::BadUserNamePassword,
            Does::Hang,
            refused(Refusal::Credentials, "CONNACK BadUserNamePassword"),
        ),
        (ConnectReturnCode::ServerBusy, Does::Hang, refused(Refusal::Busy, "CONNACK ServerBusy")),
    ] {
        let (port, _heard) = broker(code, does).await;
        let carrier = carrier(port);
        assert_eq!(carrier.deliver("msg_a".to_owned(), &[kept()]).await, wanted);
        assert_eq!(carrier.deliver("msg_a".to_owned(), &[kept()]).await, wanted, "again");
    }
    assert_eq!(carrier(1).deliver("msg_a".to_owned(), &[kept()]).await, Answer::Failed(Transport::Connect));
}
