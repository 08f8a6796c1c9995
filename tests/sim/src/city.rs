//! The city that is simulated: its devices, its rules in two versions, and what its senders have sent.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use maibo::versions::{Packs, VersionStore, compile_rules};
use maibo_core::id::{DeviceId, PartitionId, Version};
use maibo_core::registry::Catalogue;

/// Devices, each in a partition of its own.
pub(crate) const DEVICES: usize = 5;
/// Seconds between two readings of a device, as the catalogue says.
pub(crate) const INTERVAL_S: i64 = 10;

/// The rules about single devices, with the lowest limit and the length of a pending time.
fn device_rules(blue: u32, wait: &str) -> String {
    format!(
        "[[rule]]\nid = \"depth\"\ntitle = {{ zh = \"积水\", en = \"water\" }}\ndomain = \"traffic\"\nsource = \"default\"\n\
         advice = {{ zh = \"查看\", en = \"look\" }}\nwhen = {{ quantity = \"water_depth\" }}\n\
         levels = {{ blue = {blue}, yellow = 20, red = 40 }}\ndirection = \"above\"\ndeadband = 2\n\
         for = \"{wait}\"\nkeep_firing_for = \"5s\"\n\
         [[rule]]\nid = \"silent\"\ntitle = {{ zh = \"离线\", en = \"silent\" }}\ndomain = \"traffic\"\nsource = \"default\"\n\
         advice = {{ zh = \"检查\", en = \"check\" }}\nwhen = {{ kind = \"k\" }}\nabsent = {{ intervals = 3 }}\nlevel = \"yellow\"\n"
    )
}

/// The rule of the city's machine.
const CITY_RULES: &str = "[[rule]]\nid = \"several\"\ntitle = { zh = \"多处积水\", en = \"water in several places\" }\n\
    domain = \"traffic\"\nsource = \"default\"\nadvice = { zh = \"联动\", en = \"act together\" }\nlevel = \"red\"\n\
    quorum = { rule = \"depth\", level = \"yellow\", count = 2, within = \"1m\", of = \"city\" }\n";

pub(crate) fn device(n: usize) -> DeviceId {
    DeviceId::new(&format!("d-{n}")).expect("a device id")
}

fn row(n: usize) -> String {
    format!("d-{n},k,11010500{},traffic,{INTERVAL_S}s\n", n + 1)
}

const HEAD: &str = "id,kind,place,domain,interval\n";

/// What the city is judged by, compiled once for all cases.
pub(crate) struct Law {
    pub(crate) store: Arc<VersionStore>,
    pub(crate) catalogue: Version,
    pub(crate) catalogue_now: Arc<Catalogue>,
    /// Version and the text about single devices.
    pub(crate) rules: [(Version, String); 2],
    /// Holds the texts.
    _dir: tempfile::TempDir,
}

impl Law {
    pub(crate) fn get() -> &'static Self {
        static LAW: OnceLock<Law> = OnceLock::new();
        LAW.get_or_init(Self::make)
    }

    fn make() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = VersionStore::open(dir.path()).expect("a store of versions");
        let text = (0..DEVICES).fold(HEAD.to_owned(), |text, n| text + &row(n));
        let catalogue_now = Arc::new(Catalogue::parse(&text).expect("a sound catalogue"));
        let catalogue = store.keep_catalogue(&text, &catalogue_now).expect("kept");
        let rules = [device_rules(10, "3s"), device_rules(12, "0s")].map(|text| {
            let packs: Packs =
                vec![("city.toml".to_owned(), CITY_RULES.to_owned()), ("devices.toml".to_owned(), text.clone())];
            let compiled = compile_rules(&packs).expect("sound rules");
            (store.keep_rules(&packs, &Arc::new(compiled)).expect("kept"), text)
        });
        Self { store: Arc::new(store), catalogue, catalogue_now, rules, _dir: dir }
    }

    /// The catalogue of the devices in one partition. `None` where there is none.
    pub(crate) fn catalogue_of(partition: PartitionId) -> Option<String> {
        let there: String = (0..DEVICES).filter(|n| PartitionId::of(&device(*n)) == partition).map(row).collect();
        (!there.is_empty()).then(|| HEAD.to_owned() + &there)
    }
}

/// A reading that was sent, in the ledger of who sent it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) value: f64,
    /// How often.
    pub(crate) times: u32,
    pub(crate) acknowledged: bool,
    /// Whether its sender still waits for the answer to the last time.
    pub(crate) under_way: bool,
    /// Its sender will not send it again.
    pub(crate) given_up: bool,
}

/// One device's sender: everything it ever sent, by the time it was measured.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    pub(crate) sent: BTreeMap<i64, Sent>,
}

impl Sender {
    /// A reading measured now; never two at one time.
    pub(crate) fn measure(&mut self, now: i64, value: f64) -> i64 {
        let at = self.sent.last_key_value().map_or(now, |(last, _)| now.max(last + 1));
        self.sent.insert(at, Sent { value, times: 0, acknowledged: false, under_way: false, given_up: false });
        at
    }

    /// What is to be sent, again or for the first time, oldest first.
    pub(crate) fn waiting(&self) -> Vec<i64> {
        let open = |s: &Sent| !s.acknowledged && !s.under_way && !s.given_up;
        self.sent.iter().filter(|(_, s)| open(s)).map(|(at, _)| *at).collect()
    }
}
