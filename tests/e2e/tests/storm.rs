//! Row 47: a hundred thousand alerts at once. All are on record and listed, in few incidents; Maibo answers meanwhile, its
//! memory stays, and what is more urgent is told before the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use maibo_e2e::maibo::{CATALOGUE_HEAD, Maibo, Setup};
use maibo_e2e::publisher::publish;
use maibo_e2e::{journal, until};
use maibo_sim::load::device_id;
use maibo_sim::sink::{Sink, SinkOptions};
use maibo_sim::{Load, Target};
use serde_json::Value;
use tokio::sync::watch;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ALERTS: u32 = 100_000;
const DISTRICTS: u32 = 16;
/// Largest resident memory, in MB.
const CEILING: u64 = 1_500;

fn rule(id: &str, quantity: &str, level: &str, limit: f64) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\ntitle = {{ zh = \"甲\", en = \"A\" }}\ndomain = \"traffic\"\nsource = \"test\"\n\
         advice = {{ zh = \"无\", en = \"none\" }}\nwhen = {{ quantity = \"{quantity}\" }}\nlevels = {{ {level} = {limit} }}\n\
         direction = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\nstale_after = \"30d\"\n"
    )
}

/// A city of as many devices as there will be alerts, and one more.
fn setup(receiver: &Sink) -> (Maibo, u16) {
    let mut setup = Setup { catalogue: CATALOGUE_HEAD.to_owned(), ..Setup::default() };
    for n in 0..ALERTS {
        let (id, place) = (device_id(n), 110_101 + n % DISTRICTS);
        let _ = writeln!(setup.catalogue, "{id},load,{id},{place}001,116.4,39.9,traffic,,1h,,,");
    }
    let _ = writeln!(setup.catalogue, "other,waterlogging,other,110105001,116.4,39.9,traffic,,1h,,,");
    // Whatever the load sends is over the limit.
    setup.rules = rule("storm", "temperature", "yellow", -1.0) + &rule("deep", "water_depth", "red", 20.0);
    let port = setup.embedded();
    let _ = write!(
        setup.tables,
        "[[receiver]]\nname = \"bureau\"\nurl = \"http://{}/hook\"\nsecret_file = \"secret\"\nallow = [\"127.0.0.1/32\"]\n",
        receiver.addr()
    );
    let maibo = Maibo::prepare(&setup);
    std::fs::write(maibo.dir.path().join("secret"), SECRET).expect("write the secret");
    (maibo, port)
}

/// A number of `/proc/PID/status`, in MB.
fn memory(maibo: &Maibo, name: &str) -> u64 {
    let path = format!("/proc/{}/status", maibo.pid().expect("running"));
    let status = std::fs::read_to_string(path).expect("its status");
    let line = status.lines().find(|l| l.starts_with(name)).expect("the line");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("a number") / 1_024
}

fn facts(maibo: &Maibo) -> u64 {
    maibo.get("/api/v1/status")["counters"]["facts"].as_u64().unwrap_or_default()
}

/// Alerts of the storm in the incidents that are open, and in how many.
fn incidents(maibo: &Maibo) -> (u64, usize) {
    let found = maibo.get("/api/v1/incidents?state=open&limit=1000");
    let of_storm: Vec<&Value> =
        found["items"].as_array().expect("items").iter().filter(|i| i["rule"] == "storm").collect();
    (of_storm.iter().map(|i| i["alerts"].as_u64().unwrap_or_default()).sum(), of_storm.len())
}

/// Whether a delivery is about an alert of a rule.
fn about(rule: &str) -> impl Fn(&maibo_sim::sink::Delivery) -> bool {
    let word = format!("\"rule\":\"{rule}\"");
    move |d| d.body.contains(&word)
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

#[test]
fn a_hundred_thousand_alerts_at_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let options = SinkOptions { secret: Some(SECRET.to_owned()), ..SinkOptions::default() };
    let sink = runtime.block_on(Sink::start(options)).expect("a receiver");
    let (mut maibo, port) = setup(&sink);
    maibo.start();
    let began = Instant::now();
    let (_stop, stopped) = watch::channel(false);
    let load =
        Load { devices: ALERTS, rate: 10_000.0, connections: 32, duration: Duration::from_secs(10), ..Load::default() };
    let sending = runtime.spawn(async move { load.run(&Target::new("127.0.0.1", port), stopped).await });
    // Asked all the while, as a page and a supervisor ask.
    let mut slowest = (Duration::ZERO, Duration::ZERO);
    while !sending.is_finished() {
        let asked = Instant::now();
        let ready = maibo.get_status("/readyz");
        assert!(ready.is_some(), "/readyz answers");
        slowest.0 = slowest.0.max(asked.elapsed());
        let asked = Instant::now();
        assert_eq!(maibo.get_status("/api/v1/view/snapshot"), Some(200), "the page gets its picture");
        slowest.1 = slowest.1.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(500));
    }
    let report = runtime.block_on(sending).expect("the load's task").expect("the load");
    eprintln!("{}", report.summary());
    assert_eq!((report.acknowledged, report.unsettled), (u64::from(ALERTS), 0));
    let acknowledged = began.elapsed();
    until("all are decided", Duration::from_mins(1), || (facts(&maibo) >= u64::from(ALERTS)).then_some(()));
    let decided = began.elapsed();

    // One more, of another rule and more urgent.
    let one = ("maibo/v1/other/telemetry".to_owned(), b"{\"water_depth\":30}".to_vec());
    assert_eq!(publish(port, "other", &[one], Duration::from_secs(20)), 1);
    let sent = Instant::now();
    until("the urgent one is told", Duration::from_mins(2), || {
        sink.deliveries().iter().any(about("deep")).then_some(())
    });
    let urgent = sent.elapsed();
    let before = sink.deliveries().iter().filter(|d| about("storm")(d)).count();
    until("all are in incidents", Duration::from_mins(1), || (incidents(&maibo).0 == u64::from(ALERTS)).then_some(()));
    until("it is ready", Duration::from_mins(1), || (maibo.get_status("/readyz") == Some(200)).then_some(()));
    let listed_after = began.elapsed();
    let (peak, all) = (memory(&maibo, "VmHWM"), listed(&maibo));
    eprintln!(
        "acknowledged after {acknowledged:?}, decided after {decided:?}, listed after {listed_after:?}; the urgent one told after \
         {urgent:?}, behind {before} of the storm; /readyz {:?}, snapshot {:?} at most; {peak} MB at most; {} incidents",
        slowest.0,
        slowest.1,
        incidents(&maibo).1
    );
    assert_eq!(all.len(), ALERTS as usize, "each is listed");
    assert!(incidents(&maibo).1 <= 2 * DISTRICTS as usize, "few incidents: {}", incidents(&maibo).1);
    assert!(peak < CEILING, "{peak} MB");
    let told = began.elapsed();
    let heard = sink.deliveries().iter().filter(|d| about("storm")(d)).count();
    eprintln!("{heard} deliveries of the storm after {told:?}");
    assert_eq!(maibo.terminate().code(), Some(0));
    let mut episodes: BTreeMap<String, usize> = BTreeMap::new();
    for fact in journal::transitions(&maibo.data()).iter().filter(|t| t["rule"] == "storm") {
        *episodes.entry(fact["subject"].as_str().expect("a device").to_owned()).or_default() += 1;
    }
    assert_eq!(episodes.len(), ALERTS as usize, "each device has its alert on record");
    assert!(episodes.values().all(|n| *n == 1), "and once");
}
