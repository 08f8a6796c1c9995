//! A broker of the test's own, which acknowledges exactly what the test wants: what stands in the ledger, and what does not.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use maibo_sim::Target;
use maibo_sim::ledger::Ledger;
use maibo_sim::replay::{Replayed, publish};
use rumqttc::mqttbytes::v4::{ConnAck, ConnectReturnCode, Packet, PubAck, Publish};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const MAX_PACKET: usize = 1 << 20;

/// The broker's side of one connection.
struct Peer {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Peer {
    /// Accepts a connection and welcomes it.
    async fn welcome(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut peer = Self { stream, buffer: BytesMut::new() };
        assert!(matches!(peer.packet().await, Packet::Connect(_)));
        peer.answer(Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false))).await;
        peer
    }

    async fn packet(&mut self) -> Packet {
        loop {
            if let Ok(packet) = Packet::read(&mut self.buffer, MAX_PACKET) {
                return packet;
            }
            assert!(self.stream.read_buf(&mut self.buffer).await.expect("readable") > 0, "the client hung up");
        }
    }

    async fn publish(&mut self) -> Publish {
        loop {
            if let Packet::Publish(publish) = self.packet().await {
                return publish;
            }
        }
    }

    async fn answer(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, MAX_PACKET).expect("encodable");
        self.stream.write_all(&bytes).await.expect("written");
    }

    async fn acknowledge(&mut self, publish: &Publish) {
        self.answer(Packet::PubAck(PubAck::new(publish.pkid))).await;
    }
}

fn number(publish: &Publish) -> i64 {
    String::from_utf8_lossy(&publish.payload).parse().expect("the test's own payload")
}

// Protects the ledger's promise: an entry means an acknowledgement, for that very message, out of order or after a broken
// connection; what was not acknowledged goes again, in order, before anything newer.
#[tokio::test]
async fn only_what_was_acknowledged_is_entered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger");
    let ledger = Arc::new(Ledger::open(&path).expect("a ledger"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = Target::new("127.0.0.1", listener.local_addr().expect("its address").port());
    // More than a window of 200, so that the rest waits.
    let messages: Vec<Replayed> =
        (0..300).map(|n| Replayed { device: "d".to_owned(), t: n, payload: n.to_string() }).collect();
    let running = tokio::spawn({
        let ledger = Arc::clone(&ledger);
        async move { publish(&messages, usize::MAX, &target, Some(ledger)).await }
    });
    let entered = || {
        ledger.sync().expect("written");
        let mut times: Vec<i64> = Ledger::read(&path).expect("readable").iter().map(|e| e.t).collect();
        times.sort_unstable();
        times
    };

    let mut peer = Peer::welcome(&listener).await;
    let mut got = Vec::new();
    while got.len() < 200 {
        got.push(peer.publish().await);
    }
    assert!(got.iter().map(number).eq(0..200), "in order, and no more than the window");
    // Eighty-nine of them, every second one, newest first.
    for publish in got.iter().rev().step_by(2).take(90).skip(1) {
        peer.acknowledge(publish).await;
    }
    // New messages take the room of the acknowledged ones: their arrival shows that the answers were read.
    for n in 200..289 {
        assert_eq!(number(&peer.publish().await), n);
    }
    let acknowledged: Vec<i64> = got.iter().rev().step_by(2).take(90).skip(1).map(number).rev().collect();
    assert_eq!(entered(), acknowledged);

    drop(peer);
    let mut peer = Peer::welcome(&listener).await;
    let again: Vec<i64> = (0..300).filter(|n| !acknowledged.contains(n)).collect();
    for n in again {
        let publish = peer.publish().await;
        assert_eq!(number(&publish), n, "what was not acknowledged goes again, oldest first");
        peer.acknowledge(&publish).await;
    }
    let report = tokio::time::timeout(Duration::from_secs(20), running).await.expect("in time").expect("no panic");
    let report = report.expect("a report");
    assert_eq!((report.sent, report.acknowledged, report.unsettled), (300, 300, 0));
    assert!(entered().into_iter().eq(0..300));
}
