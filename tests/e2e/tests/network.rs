//! Networks that lose everything silently, and networks that are slow: a broker in a network of its own, behind a wire that
//! can be cut and narrowed. Needs root; in CI nothing is skipped.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::{journal, until};
use serde_json::Value;

/// A broker behind a wire of its own.
struct Far {
    name: String,
    wire: String,
    address: String,
    broker: Option<Child>,
    dir: tempfile::TempDir,
}

fn ip(words: &[&str]) -> bool {
    Command::new("ip").args(words).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

impl Far {
    /// `None`, with a word about it, for those who may not make networks.
    fn start(n: u8) -> Option<Self> {
        let name = format!("maibo-far-{n}-{}", std::process::id());
        let (wire, end) =
            (format!("mf{n}a{}", std::process::id() % 10_000), format!("mf{n}b{}", std::process::id() % 10_000));
        let (here, address) = (format!("10.213.{n}.1"), format!("10.213.{n}.2"));
        if !ip(&["netns", "add", &name]) {
            assert!(std::env::var_os("CI").is_none(), "in CI nothing may be skipped");
            eprintln!("skipped: making a network needs root");
            return None;
        }
        let far = Self { name, wire, address, broker: None, dir: tempfile::TempDir::new().expect("a directory") };
        assert!(ip(&["link", "add", &far.wire, "type", "veth", "peer", "name", &end]));
        assert!(ip(&["link", "set", &end, "netns", &far.name]));
        assert!(ip(&["addr", "add", &format!("{here}/24"), "dev", &far.wire]) && ip(&["link", "set", &far.wire, "up"]));
        assert!(far.inside(&["ip", "addr", "add", &format!("{}/24", far.address), "dev", &end]));
        assert!(far.inside(&["ip", "link", "set", &end, "up"]) && far.inside(&["ip", "link", "set", "lo", "up"]));
        Some(far.with_broker())
    }

    fn with_broker(mut self) -> Self {
        let text = "listener 1883 0.0.0.0\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 1000\nuser root\n";
        let file = self.dir.path().join("mosquitto.conf");
        std::fs::write(&file, text).expect("write");
        let program =
            if std::path::Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program, "-c"]).arg(&file);
        self.broker = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start mosquitto"));
        let address = format!("{}:1883", self.address);
        until("mosquitto listens", Duration::from_secs(10), || std::net::TcpStream::connect(&address).ok());
        self
    }

    /// Runs something in the far network.
    fn inside(&self, words: &[&str]) -> bool {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).args(words);
        command.stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    }

    /// Publishes at QoS 1 from within the far network.
    fn publish(&self, device: &str, payload: &str) {
        let topic = format!("maibo/v1/{device}/telemetry");
        assert!(
            self.inside(&["mosquitto_pub", "-h", "127.0.0.1", "-q", "1", "-t", &topic, "-m", payload]),
            "mosquitto_pub"
        );
    }

    /// What is sent either way from now on vanishes; nobody is told.
    fn cut(&self) {
        assert!(ip(&["route", "add", "blackhole", &format!("{}/32", self.address)]));
        assert!(self.inside(&["ip", "route", "add", "blackhole", &format!("{}/32", self.here())]));
    }

    fn mend(&self) {
        assert!(ip(&["route", "del", "blackhole", &format!("{}/32", self.address)]));
        assert!(self.inside(&["ip", "route", "del", "blackhole", &format!("{}/32", self.here())]));
    }

    fn here(&self) -> String {
        self.address.trim_end_matches('2').to_owned() + "1"
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let _ = ip(&["route", "del", "blackhole", &format!("{}/32", self.address)]);
        if let Some(mut broker) = self.broker.take() {
            let _ = broker.kill();
            let _ = broker.wait();
        }
        let _ = ip(&["link", "del", &self.wire]);
        let _ = ip(&["netns", "del", &self.name]);
    }
}

fn behind(far: &Far) -> Maibo {
    let mut setup = Setup::default();
    for n in 0..20 {
        setup.device(&format!("d{n}"), "1s");
    }
    setup.rules.push_str(
        "[[rule]]\nid = \"silent\"\ntitle = { zh = \"失联\", en = \"Silent\" }\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = { zh = \"无\", en = \"none\" }\nwhen = { kind = \"waterlogging\" }\nabsent = { intervals = 20 }\nlevel = \"yellow\"\n",
    );
    setup.sources = format!("[[source]]\nid = \"far\"\nkind = \"mqtt\"\nurl = \"mqtt://{}:1883\"\n", far.address);
    Maibo::prepare(&setup)
}

fn firing(maibo: &Maibo) -> Vec<String> {
    let alerts = maibo.get("/api/v1/alerts?state=firing");
    let rule = |a: &Value| a["rule"].as_str().unwrap_or("?").to_owned();
    alerts["items"].as_array().into_iter().flatten().map(rule).collect()
}

// A half-open connection: packets vanish and nobody says so. Maibo notices by itself, says it once, accuses no device, and
// goes on when the network is back.
#[test]
fn a_connection_that_is_half_open() {
    let Some(far) = Far::start(1) else { return };
    let mut maibo = behind(&far);
    maibo.start();
    for n in 0..20 {
        far.publish(&format!("d{n}"), "{\"water_depth\":1}");
    }
    far.cut();
    until("the outage is told", Duration::from_secs(40), || (firing(&maibo) == ["maibo-source"]).then_some(()));
    std::thread::sleep(Duration::from_secs(22));
    assert_eq!(firing(&maibo), ["maibo-source"], "no device is accused");
    far.mend();
    until("it listens again", Duration::from_mins(1), || firing(&maibo).is_empty().then_some(()));
    far.publish("d1", "{\"water_depth\":7}");
    let heard = || {
        let device = maibo.get("/api/v1/devices/d1");
        (device["values"][0]["value"].as_f64() == Some(7.0)).then_some(())
    };
    until("what is sent arrives", Duration::from_secs(20), heard);
    assert_eq!(maibo.terminate().code(), Some(0));
}

// A wire that carries 100 kB a second while more is published: the broker keeps what is behind, memory stays, and in the
// end everything is there.
#[test]
fn a_broker_that_is_slow() {
    let Some(far) = Far::start(2) else { return };
    let mut maibo = behind(&far);
    maibo.start();
    let end = format!("mf2b{}", std::process::id() % 10_000);
    let narrow = ["tc", "qdisc", "add", "dev", &end, "root", "tbf", "rate", "800kbit", "burst", "8kb", "latency", "2s"];
    assert!(far.inside(&narrow), "tc");
    // 2,000 messages of 200 bytes and more: four seconds of that wire, published at once.
    let reading = |t: i64, k: i64| format!("{{\"t\":{t},\"water_depth\":{k}}}");
    let message = |i: i64| (0..4).map(|k| reading(wall() - 8_000 + i * 4 + k, k)).collect::<Vec<_>>().join(",");
    let lines: Vec<String> = (0..2_000).map(|i| format!("[{}]{}", message(i), " ".repeat(40))).collect();
    let file = far.dir.path().join("lines");
    std::fs::write(&file, lines.join("\n")).expect("write");
    let command = format!("mosquitto_pub -h 127.0.0.1 -q 1 -t maibo/v1/d3/telemetry -l < {}", file.display());
    assert!(far.inside(&["sh", "-c", &command]), "mosquitto_pub");
    let kept = || maibo.get("/api/v1/status")["counters"]["messages"].as_u64().unwrap_or_default();
    until("everything arrives", Duration::from_secs(90), || (kept() >= 2_000).then_some(()));
    assert!(!firing(&maibo).contains(&"maibo-source".to_owned()), "slow is not gone");
    assert_eq!(maibo.terminate().code(), Some(0));
    assert_eq!(journal::readings(&maibo.data()).iter().filter(|(d, ..)| d == "d3").count(), 8_000);
}

fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("in range")
}
