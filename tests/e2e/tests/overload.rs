//! P8: too much of everything. One device that floods, more connections than there are descriptors, a crowd that connects
//! at once, ten times the load: the others are heard, alerts come, memory stays.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::until;

const RULE: &str = "[[rule]]\nid = \"deep\"\ntitle = { zh = \"积水\", en = \"Deep\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
     advice = { zh = \"无\", en = \"none\" }\nwhen = { quantity = \"water_depth\" }\nlevels = { red = 20 }\n\
     direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"1h\"\n";

fn setup() -> Setup {
    let mut setup = Setup::default();
    for id in ["d", "flooder"] {
        setup.device(id, "10s");
    }
    setup.rules.push_str(RULE);
    setup
}

fn depth(device: &str, value: f64) -> (String, Vec<u8>) {
    (format!("maibo/v1/{device}/telemetry"), format!("{{\"water_depth\":{value}}}").into_bytes())
}

fn alerts(maibo: &Maibo, rule: &str) -> Vec<String> {
    let found = maibo.get(&format!("/api/v1/alerts?state=firing&rule={rule}"));
    let text = |a: &serde_json::Value| a["text"]["en"].as_str().unwrap_or("?").to_owned();
    found["items"].as_array().into_iter().flatten().map(text).collect()
}

fn metric(maibo: &Maibo, name: &str) -> u64 {
    let (_, text) = maibo_e2e::maibo::http(maibo.http, "GET", "/metrics", &[], "").expect("metrics");
    let line = text.lines().find(|l| l.starts_with(name));
    line.and_then(|l| l.rsplit(' ').next()).and_then(|n| n.parse::<f64>().ok()).unwrap_or_default() as u64
}

/// Publishes as one device, as fast as it can, until told to stop; how many were acknowledged.
fn flood(port: u16, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<usize> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let mut acknowledged = 0;
        let some: Vec<_> = (0..500).map(|i| depth("flooder", f64::from(i % 10))).collect();
        while !stop.load(Relaxed) {
            acknowledged += publish(port, "flooder", &some, Duration::from_secs(2));
        }
        acknowledged
    })
}

/// One device floods: it is named, and another's alert comes as if nothing were.
fn one_floods(maibo: &mut Maibo, port: u16) -> usize {
    maibo.start();
    let stop = Arc::new(AtomicBool::new(false));
    let flooding = flood(port, &stop);
    until("the device is named", Duration::from_mins(1), || {
        let told = alerts(maibo, "maibo-flood");
        told.first().is_some_and(|t| t.ends_with("slowed down or refused: flooder")).then_some(())
    });
    assert_eq!(publish(port, "other", &[depth("d", 30.0)], Duration::from_secs(10)), 1);
    until("the other's alert comes", Duration::from_secs(10), || (alerts(maibo, "deep").len() == 1).then_some(()));
    stop.store(true, Relaxed);
    let acknowledged = flooding.join().expect("the flooder");
    assert_eq!(maibo.terminate().code(), Some(0));
    acknowledged
}

// Through the broker inside a flooder waits, and loses nothing; through a broker elsewhere what is too much is refused.
#[test]
fn a_device_that_floods_is_slowed_down() {
    let mut setup = setup();
    setup.tables.push_str("[limits]\ndevice_rate = 50\ndevice_burst = 200\n");
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    let acknowledged = one_floods(&mut maibo, port);
    let stored = maibo_e2e::journal::readings(&maibo.data()).into_iter().filter(|(d, ..)| d == "flooder").count();
    assert!(stored >= acknowledged, "{acknowledged} acknowledged, {stored} there");
}

#[test]
fn a_device_that_floods_is_refused_behind_a_broker() {
    let broker = Mosquitto::start(false);
    let mut setup = setup();
    setup.tables.push_str("[limits]\ndevice_rate = 50\ndevice_burst = 200\n");
    setup.external(broker.port, "auto");
    let mut maibo = Maibo::prepare(&setup);
    let acknowledged = one_floods(&mut maibo, broker.port);
    let stored = maibo_e2e::journal::readings(&maibo.data()).into_iter().filter(|(d, ..)| d == "flooder").count();
    assert!(stored < acknowledged, "{acknowledged} acknowledged by the broker, {stored} kept");
}

/// An MQTT 3.1.1 connection by hand: sends CONNECT, and does not wait.
fn knock(port: u16, n: usize) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    let id = format!("crowd-{n:06}");
    let mut packet = vec![0x10, (12 + id.len()) as u8, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, id.len() as u8];
    packet.extend_from_slice(id.as_bytes());
    socket.write_all(&packet)?;
    Ok(socket)
}

/// Whether the broker said yes.
fn let_in(socket: &mut TcpStream, patience: Duration) -> bool {
    let mut answer = [0; 4];
    socket.set_read_timeout(Some(patience)).is_ok()
        && socket.read_exact(&mut answer).is_ok()
        && answer == [0x20, 2, 0, 0]
}

// Thousands connect at once: all are let in, and meanwhile an alert comes.
#[test]
fn a_crowd_that_connects_at_once() {
    const CROWD: usize = 5_000;
    let mut setup = setup();
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    let began = Instant::now();
    let mut crowd: Vec<TcpStream> = (0..CROWD).map(|n| knock(port, n).expect("a connection")).collect();
    assert_eq!(publish(port, "d", &[depth("d", 30.0)], Duration::from_secs(20)), 1);
    until("the alert comes", Duration::from_secs(10), || (alerts(&maibo, "deep").len() == 1).then_some(()));
    let inside = crowd.iter_mut().filter_map(|s| let_in(s, Duration::from_secs(30)).then_some(())).count();
    assert_eq!(inside, CROWD, "after {:?}", began.elapsed());
    assert_eq!(maibo.terminate().code(), Some(0));
}

// No descriptors left: who is connected is heard, alerts come, and when others leave there is room again.
#[test]
fn no_descriptors_left() {
    let mut setup = setup();
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    maibo.spawn_under(&["prlimit", "--nofile=200:200"]);
    maibo.ready();
    let stop = Arc::new(AtomicBool::new(false));
    let (told, until_told) = (Arc::clone(&stop), Arc::new(AtomicBool::new(false)));
    let heard = Arc::clone(&until_told);
    // Connected before the crowd, and publishing all the while.
    let early = std::thread::spawn(move || {
        let mut socket = knock(port, 999_999).expect("a connection");
        assert!(let_in(&mut socket, Duration::from_secs(10)));
        let (topic, payload) = depth("d", 30.0);
        let mut packet = vec![0x30, (2 + topic.len() + payload.len()) as u8, 0, topic.len() as u8];
        packet.extend_from_slice(topic.as_bytes());
        packet.extend_from_slice(&payload);
        while !told.load(Relaxed) {
            if heard.load(Relaxed) {
                socket.write_all(&packet).expect("still connected");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    std::thread::sleep(Duration::from_millis(500));
    let crowd: Vec<TcpStream> = (0..400).filter_map(|n| knock(port, n).ok()).collect();
    std::thread::sleep(Duration::from_secs(2));
    until_told.store(true, Relaxed);
    assert!(maibo.running(), "{}", maibo.last_log());
    std::thread::sleep(Duration::from_secs(2));
    drop(crowd);
    until("there is room again", Duration::from_secs(30), || (maibo.get_status("/readyz") == Some(200)).then_some(()));
    assert_eq!(alerts(&maibo, "deep").len(), 1, "who was connected was heard");
    assert_eq!(publish(port, "late", &[depth("flooder", 30.0)], Duration::from_secs(10)), 1);
    stop.store(true, Relaxed);
    early.join().expect("the early one");
    assert_eq!(maibo.terminate().code(), Some(0));
}

/// Largest resident memory so far, in MB.
fn peak(maibo: &Maibo) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", maibo.pid().expect("running"))).expect("its status");
    let line = status.lines().find(|l| l.starts_with("VmHWM")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("a number") / 1_024
}

// 20,000 messages a second, half of them at QoS 0: memory stays under its ceiling, QoS 1 waits where it must, QoS 0 that
// finds no room is left out and counted, and an alert among it comes. `MAIBO_OVERLOAD=600` makes it ten minutes.
#[test]
fn ten_times_the_load() {
    const CEILING: u64 = 400;
    let mut setup = setup();
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    maibo.start();
    let seconds = std::env::var("MAIBO_OVERLOAD").ok().and_then(|s| s.parse().ok()).unwrap_or(10);
    let target = maibo_sim::link::Target::new("127.0.0.1", port);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let load = |qos1: bool| maibo_sim::load::Load {
        devices: 2_000,
        rate: 10_000.0,
        connections: 32,
        at_least_once: qos1,
        duration: Duration::from_secs(seconds),
        ..maibo_sim::load::Load::default()
    };
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let running: Vec<_> = [true, false]
        .map(|qos1| {
            let (load, mut target, stopped) = (load(qos1), target.clone(), stopped.clone());
            target.client_prefix = format!("load-{qos1}");
            runtime.spawn(async move { load.run(&target, stopped).await.map(|report| report.summary()) })
        })
        .into();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(publish(port, "d", &[depth("d", 30.0)], Duration::from_mins(1)), 1);
    until("the alert comes", Duration::from_secs(30), || (!alerts(&maibo, "deep").is_empty()).then_some(()));
    for one in running {
        eprintln!("{}", runtime.block_on(one).expect("the load").expect("it ran"));
    }
    let (peak, shed) = (peak(&maibo), metric(&maibo, "maibo_ingest_shed_total{reason=\"qos0_queue_full\"}"));
    eprintln!("{peak} MB at most, {shed} messages of QoS 0 left out");
    assert!(peak < CEILING, "{peak} MB");
    assert_eq!(maibo.terminate().code(), Some(0));
}
