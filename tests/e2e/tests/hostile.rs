//! Row 30: a broker that breaks the protocol in every way that a client can trip over. Maibo lives, says in its status what
//! is wrong, comes back after longer and longer waits, hears everybody else meanwhile, and this one too when it behaves.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};
use serde_json::Value;

/// Longest wait for bytes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A broker that does what the test says.
struct Broker {
    listener: TcpListener,
    v5: bool,
}

/// One connection to it.
struct Peer {
    socket: TcpStream,
    v5: bool,
}

impl Broker {
    fn listen(v5: bool) -> Self {
        Self { listener: TcpListener::bind(("127.0.0.1", 0)).expect("bind a loopback port"), v5 }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().expect("its address").port()
    }

    /// The next one who connects; its CONNECT is read, and not answered.
    fn next(&self) -> Peer {
        let (socket, _) = self.listener.accept().expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut peer = Peer { socket, v5: self.v5 };
        assert_eq!(peer.hear().0 >> 4, 1, "CONNECT");
        peer
    }

    /// The same, connected and subscribed as it should be.
    fn next_listening(&self) -> Peer {
        let mut peer = self.next();
        peer.accept();
        let id = peer.subscribe();
        peer.grant(id, 1);
        peer
    }
}

impl Peer {
    fn say(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("still connected");
    }

    /// A whole packet: first byte, body.
    fn hear(&mut self) -> (u8, Vec<u8>) {
        let mut byte = [0; 1];
        let mut next = |socket: &mut TcpStream| {
            socket.read_exact(&mut byte).expect("a packet");
            byte[0]
        };
        let first = next(&mut self.socket);
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let part = next(&mut self.socket);
            length |= usize::from(part & 0x7f) << shift;
            shift += 7;
            if part & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.socket.read_exact(&mut body).expect("its body");
        (first, body)
    }

    /// CONNACK.
    fn accept(&mut self) {
        self.say(if self.v5 { &[0x20, 3, 0, 0, 0] } else { &[0x20, 2, 0, 0] });
    }

    /// Waits for SUBSCRIBE; its identifier.
    fn subscribe(&mut self) -> u16 {
        let (first, body) = self.hear();
        assert_eq!(first, 0x82, "SUBSCRIBE");
        u16::from_be_bytes([body[0], body[1]])
    }

    /// SUBACK.
    fn grant(&mut self, id: u16, code: u8) {
        let [high, low] = id.to_be_bytes();
        if self.v5 {
            self.say(&[0x90, 4, high, low, 0, code]);
        } else {
            self.say(&[0x90, 3, high, low, code]);
        }
    }

    /// PUBLISH at QoS 1.
    fn publish(&mut self, id: u16, again: bool, payload: &str) {
        let topic = b"maibo/v1/far/telemetry";
        let mut body = vec![0, topic.len() as u8];
        body.extend_from_slice(topic);
        body.extend_from_slice(&id.to_be_bytes());
        if self.v5 {
            body.push(0);
        }
        body.extend_from_slice(payload.as_bytes());
        let mut packet = vec![if again { 0x3a } else { 0x32 }, body.len() as u8];
        packet.extend_from_slice(&body);
        self.say(&packet);
    }

    /// Waits until the other side hangs up.
    fn gone(mut self) {
        let mut some = [0; 1_024];
        loop {
            match self.socket.read(&mut some) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return,
                Err(error) => panic!("the other side does not hang up: {error}"),
            }
        }
    }
}

/// One way to break the protocol, and a word of what the status must say about it.
type Offence = (&'static str, fn(&Broker) -> Peer);

const OFFENCES: [Offence; 6] = [
    ("CONNACK", |broker| {
        let mut peer = broker.next();
        peer.publish(1, false, "{\"water_depth\":1}");
        peer
    }),
    ("77", |broker| {
        let mut peer = broker.next_listening();
        peer.say(&[0x40, 2, 0, 77]);
        peer
    }),
    // Of a handshake that nobody began, and with the highest identifier there is.
    ("65535", |broker| {
        let mut peer = broker.next_listening();
        peer.say(&[0x50, 2, 0xff, 0xff, 0x62, 2, 0xff, 0xff, 0x70, 2, 0xff, 0xff]);
        peer
    }),
    ("subscription", |broker| {
        let mut peer = broker.next();
        peer.accept();
        let id = peer.subscribe();
        peer.grant(id, 0x80);
        peer
    }),
    // A length that never ends.
    ("length", |broker| {
        let mut peer = broker.next_listening();
        peer.say(&[0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        peer
    }),
    // What only a client may say, and then noise.
    ("", |broker| {
        let mut peer = broker.next_listening();
        peer.say(&[0x82, 6, 0, 1, 0, 1, b'#', 1, 0xf0, 0x0f, 0xff, 0x00, 0x10]);
        peer
    }),
];

fn source(maibo: &Maibo) -> Value {
    let status = maibo.get("/api/v1/status");
    let sources = status["sources"].as_array().expect("sources");
    sources.iter().find(|s| s["id"] == "city").expect("the source").clone()
}

/// Each offence ends its connection, and the status says why; the next attempt comes after a longer wait.
fn offend(maibo: &Maibo, broker: &Broker) {
    let mut last = String::new();
    let (mut left, mut least) = (Instant::now(), Duration::ZERO);
    for (word, offence) in OFFENCES {
        let peer = offence(broker);
        assert!(left.elapsed() >= least, "{word}: back after {:?}, and not after {least:?}", left.elapsed());
        peer.gone();
        left = Instant::now();
        least = (least * 2).max(Duration::from_millis(99));
        last = until("the status says what is wrong", Duration::from_secs(10), || {
            let error = source(maibo)["error"].as_str().map(str::to_owned)?;
            (error.contains(word) && error != last).then_some(error)
        });
        assert!(!last.contains("client_id"), "nobody else is suspected of what the broker did: {last}");
    }
}

fn hostile(protocol: &str) {
    let broker = Broker::listen(protocol == "5");
    let (mut maibo, inside) = prepared(&broker, protocol);
    maibo.start();
    offend(&maibo, &broker);
    let near = ("maibo/v1/near/telemetry".to_owned(), b"{\"t\":1780000000000,\"water_depth\":5}".to_vec());
    assert_eq!(publish(inside, "near", &[near], Duration::from_secs(10)), 1, "everybody else is heard");

    let mut peer = broker.next();
    peer.accept();
    let id = peer.subscribe();
    // The second one is one too many, and no reason to leave.
    peer.grant(id, 1);
    peer.grant(id, 1);
    until("it listens", Duration::from_secs(10), || (source(&maibo)["state"] == "listening").then_some(()));
    assert_eq!(source(&maibo)["error"], Value::Null);
    // Identifiers in any order, one of them again before it was acknowledged: each is answered, in the order they came.
    for (id, again, t) in [(9, false, 1), (3, false, 2), (3, true, 2), (7, false, 3)] {
        peer.publish(id, again, &format!("{{\"t\":178000000000{t},\"water_depth\":{t}}}"));
    }
    let answers: Vec<u16> = (0..4)
        .map(|_| {
            let (first, body) =
                std::iter::repeat_with(|| peer.hear()).find(|(first, _)| first >> 4 != 12).expect("a packet");
            assert_eq!(first, 0x40, "PUBACK");
            u16::from_be_bytes([body[0], body[1]])
        })
        .collect();
    assert_eq!(answers, [9, 3, 3, 7]);
    assert!(maibo.running() && !maibo.last_log().contains("panicked"), "{}", maibo.last_log());
    assert_eq!(maibo.terminate().code(), Some(0));
    let of = |device: &str| {
        journal::readings(&maibo.data()).iter().filter(|r| r.0 == device).map(|r| r.3 as i64).collect::<Vec<_>>()
    };
    assert_eq!((of("near"), of("far")), (vec![5], vec![1, 2, 2, 3]));
}

/// Maibo with a broker inside and this one.
fn prepared(broker: &Broker, protocol: &str) -> (Maibo, u16) {
    let mut setup = Setup::default();
    setup.device("near", "10s");
    setup.device("far", "10s");
    let inside = setup.embedded();
    setup.external(broker.port(), protocol);
    setup.sources.push_str("client_id = \"city-hall\"\n");
    // The canary would be one more client of this broker.
    setup.tables.push_str("[monitor]\ncanary = false\n");
    (Maibo::prepare(&setup), inside)
}

#[test]
fn a_broker_that_breaks_3_1_1() {
    hostile("3.1.1");
}

#[test]
fn a_broker_that_breaks_5() {
    hostile("5");
}

// A broker that says that another has taken the session: the status says whose name it is, and nobody is thrown off at once.
#[test]
fn a_session_that_another_has_taken() {
    let broker = Broker::listen(true);
    let (mut maibo, _) = prepared(&broker, "5");
    maibo.start();
    let mut peer = broker.next_listening();
    peer.say(&[0xe0, 2, 0x8e, 0]);
    peer.gone();
    let left = Instant::now();
    let error =
        until("the status says why", Duration::from_secs(10), || source(&maibo)["error"].as_str().map(str::to_owned));
    assert!(error.contains("client_id = \"city-hall\""), "{error}");
    let _peer = broker.next_listening();
    assert!(left.elapsed() >= Duration::from_millis(4_900), "back after {:?}", left.elapsed());
    assert!(maibo.running());
}
