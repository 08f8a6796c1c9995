//! Row 47: a hundred thousand alerts at once. All are on record and listed, in few incidents; Maibo answers meanwhile, its
//! memory stays. The receiver is told of each once, in few messages, and of what is red alone and at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use maibo_e2e::maibo::{CATALOGUE_HEAD, Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};
use maibo_sim::load::device_id;
use maibo_sim::{Load, Target};
use tokio::sync::watch;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ALERTS: u32 = 100_000;
const DISTRICTS: u32 = 16;
/// Alerts in one message at most.
const GROUP_MAX: u64 = 200;
/// Largest resident memory, in MB.
const CEILING: u64 = 1_500;

fn rule(id: &str, quantity: &str, level: &str, limit: f64) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\ntitle = {{ zh = \"甲\", en = \"A\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"{quantity}\" }}\nlevels = {{ {level} = {limit} }}\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
    )
}

/// A receiver that only notes which alerts it was told of: keeping a hundred thousand bodies would cost Maibo its processor.
#[derive(Default)]
struct Receiver {
    /// How often of each alert of the storm.
    storm: Mutex<BTreeMap<String, u32>>,
    /// In how many messages.
    messages: AtomicU64,
    /// When the alert of the other rule came.
    deep: OnceLock<Instant>,
}

impl Receiver {
    /// Of how many alerts of the storm it was told.
    fn told(&self) -> usize {
        self.storm.lock().expect("nobody panicked").len()
    }

    fn start() -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bind a loopback port");
        let address = listener.local_addr().expect("its address");
        let receiver = Arc::new(Self::default());
        let shared = Arc::clone(&receiver);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let receiver = Arc::clone(&shared);
                std::thread::spawn(move || receiver.serve(socket));
            }
        });
        (receiver, address)
    }

    /// Takes what comes on one connection, until it ends.
    fn serve(&self, socket: TcpStream) -> Option<()> {
        let (mut lines, mut answers) = (BufReader::new(socket.try_clone().ok()?), socket);
        loop {
            let (mut line, mut length) = (String::new(), 0);
            while lines.read_line(&mut line).ok()? > 2 {
                let lower = line.to_ascii_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
                line.clear();
            }
            // Nothing more comes.
            if line.is_empty() {
                return None;
            }
            let mut body = vec![0; length];
            lines.read_exact(&mut body).ok()?;
            let message: serde_json::Value = serde_json::from_slice(&body).expect("native JSON");
            let data = &message["data"];
            if data["rule"] == "storm" {
                let alerts = data["alerts"].as_array().map_or_else(|| std::slice::from_ref(data), Vec::as_slice);
                self.messages.fetch_add(1, Relaxed);
                let mut told = self.storm.lock().expect("nobody panicked");
                for alert in alerts {
                    *told.entry(alert["id"].as_str().expect("an id").to_owned()).or_default() += 1;
                }
            } else if message["type"] == "alert.firing" && data["rule"] == "deep" {
                self.deep.get_or_init(Instant::now);
            }
            answers.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()?;
        }
    }
}

/// A city of as many devices as there will be alerts, and one more.
fn setup(receiver: SocketAddr) -> (Maibo, u16) {
    let mut setup = Setup { catalogue: CATALOGUE_HEAD.to_owned(), ..Setup::default() };
    for n in 0..ALERTS {
        let (id, place) = (device_id(n), 110_101 + n % DISTRICTS);
        let _ = writeln!(setup.catalogue, "{id},load,{id},{place}001,116.4,39.9,traffic,,1h,,,");
    }
    let _ = writeln!(setup.catalogue, "other,waterlogging,other,110105001,116.4,39.9,traffic,,1h,,,");
    // Whatever the load sends is over the limit.
    setup.rules = rule("storm", "temperature", "blue", -1.0) + &rule("deep", "water_depth", "red", 20.0);
    let port = setup.embedded();
    let _ = write!(
        setup.tables,
        "[[receiver]]\nname = \"bureau\"\nurl = \"http://{receiver}/hook\"\nsecret_file = \"secret\"\nallow = [\"127.0.0.1/32\"]\n",
    );
    let maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    (maibo, port)
}

/// Largest resident memory so far, in MB.
fn peak(maibo: &Maibo) -> u64 {
    let path = format!("/proc/{}/status", maibo.pid().expect("running"));
    let status = std::fs::read_to_string(path).expect("its status");
    let line = status.lines().find(|l| l.starts_with("VmHWM")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("a number") / 1_024
}

fn facts(maibo: &Maibo) -> u64 {
    maibo.get("/api/v1/status")["counters"]["facts"].as_u64().unwrap_or_default()
}

/// How many incidents of the storm are listed, and how many alerts they had when last told.
fn incidents(maibo: &Maibo) -> (usize, u64) {
    let found = maibo.get("/api/v1/incidents?state=open&limit=1000");
    let of_storm = || found["items"].as_array().expect("items").iter().filter(|i| i["rule"] == "storm");
    (of_storm().count(), of_storm().map(|i| i["alerts"].as_u64().unwrap_or_default()).sum())
}

/// All alerts of the storm that are listed as firing, by page.
fn listed(maibo: &Maibo) -> BTreeSet<String> {
    let (mut all, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let page = maibo.get(&format!("/api/v1/alerts?state=firing&rule=storm&limit=1000{cursor}"));
        let ids = page["items"].as_array().expect("items").iter();
        all.extend(ids.map(|a| a["id"].as_str().expect("an id").to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Deliveries of the storm in the outbox, by state. Maibo must not be running.
fn owed(maibo: &Maibo) -> BTreeMap<String, u64> {
    let outbox = rusqlite::Connection::open(maibo.data().join("outbox.db")).expect("opens");
    let mut found = outbox
        .prepare("SELECT state, count(DISTINCT episode) FROM delivery WHERE urgency = 0 GROUP BY state")
        .expect("the table of deliveries");
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64));
    found.query_map([], row).expect("rows").map(|r| r.expect("a row")).collect()
}

#[test]
fn a_hundred_thousand_alerts_at_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let (receiver, address) = Receiver::start();
    let (mut maibo, port) = setup(address);
    maibo.start();
    let began = Instant::now();
    let (_stop, stopped) = watch::channel(false);
    let load =
        Load { devices: ALERTS, rate: 10_000.0, connections: 32, duration: Duration::from_secs(10), ..Load::default() };
    let sending = runtime.spawn(async move {
        let report = load.run(&Target::new("127.0.0.1", port), stopped).await;
        (report, Instant::now())
    });
    // Asked all the while, as a page that was just opened and a supervisor ask.
    let mut slowest = (Duration::ZERO, Duration::ZERO);
    while !sending.is_finished() {
        let asked = Instant::now();
        let ready = maibo.get_status("/readyz");
        assert!(ready.is_some(), "/readyz answers");
        slowest.0 = slowest.0.max(asked.elapsed());
        let asked = Instant::now();
        assert_eq!(maibo.get_status("/api/v1/view/snapshot"), Some(200), "the page gets its picture");
        slowest.1 = slowest.1.max(asked.elapsed());
        std::thread::sleep(Duration::from_secs(2));
    }
    let (report, done) = runtime.block_on(sending).expect("the load's task");
    let report = report.expect("the load");
    eprintln!("{}", report.summary());
    assert_eq!((report.acknowledged, report.unsettled), (u64::from(ALERTS), 0));
    let acknowledged = done.duration_since(began);
    until("all are decided", Duration::from_mins(1), || (facts(&maibo) >= u64::from(ALERTS)).then_some(()));
    let decided = began.elapsed();

    // One more, of another rule and more urgent.
    let one = ("maibo/v1/other/telemetry".to_owned(), b"{\"water_depth\":30}".to_vec());
    assert_eq!(publish(port, "other", &[one], Duration::from_secs(20)), 1);
    let sent = Instant::now();
    let urgent = until("the urgent one is told", Duration::from_mins(2), || {
        receiver.deep.get().map(|at| at.duration_since(sent))
    });
    let before = receiver.told();
    until("it is ready", Duration::from_mins(1), || (maibo.get_status("/readyz") == Some(200)).then_some(()));
    let ready = began.elapsed();
    let (all, peak) = (listed(&maibo), peak(&maibo));
    let (incidents, grouped) = incidents(&maibo);
    eprintln!(
        "acknowledged after {acknowledged:?}, decided after {decided:?}, ready after {ready:?}; the urgent one told after \
         {urgent:?}, when {before} of the storm were; /readyz took {:?}, the snapshot {:?} at most; {peak} MB at most; \
         {incidents} incidents, told to have {grouped}",
        slowest.0, slowest.1
    );
    assert_eq!(all.len(), ALERTS as usize, "each is listed");
    assert_eq!(incidents, DISTRICTS as usize, "one incident a district");
    assert!(peak < CEILING, "{peak} MB");
    until("the receiver knows of each", Duration::from_mins(3), || (receiver.told() == all.len()).then_some(()));
    let messages = receiver.messages.load(Relaxed);
    eprintln!("the receiver knows of each after {:?}, by {messages} messages", began.elapsed());
    let full = u64::from(ALERTS) / GROUP_MAX;
    // One that is not full for each district and ten seconds.
    let rest = u64::from(DISTRICTS) * (began.elapsed().as_secs() / 10 + 2);
    assert!((full..=full + rest).contains(&messages), "{messages} messages");
    let told = receiver.storm.lock().expect("nobody panicked");
    assert!(all.iter().all(|id| told.get(id) == Some(&1)), "each once");
    drop(told);
    assert_eq!(maibo.terminate().code(), Some(0));
    let owed = owed(&maibo);
    eprintln!("in the outbox: {owed:?}");
    assert_eq!(owed, BTreeMap::from([("delivered".to_owned(), u64::from(ALERTS))]), "nothing is unaccounted");
    let mut episodes: BTreeMap<String, usize> = BTreeMap::new();
    for fact in journal::transitions(&maibo.data()).iter().filter(|t| t["rule"] == "storm") {
        *episodes.entry(fact["subject"].as_str().expect("a device").to_owned()).or_default() += 1;
    }
    assert_eq!(episodes.len(), ALERTS as usize, "each device has its alert on record");
    assert!(episodes.values().all(|n| *n == 1), "and once");
}
