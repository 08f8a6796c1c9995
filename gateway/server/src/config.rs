//! The configuration: one TOML file, overridden by `MAIBO__SECTION__KEY`, checked whole before anything starts.
//!
//! Unknown keys are refused, and every problem is reported at once with its path. Overrides change the parsed tree, never
//! the text. What comes out ([`Settings`]) needs no further interpretation.

use std::net::SocketAddr;
use std::path::PathBuf;

use maibo_core::decode::Route;

use crate::ingest::{Admission, ClockMode};

mod file;
mod settings;

pub use file::{File, Problem, read};

/// Everything the application needs, valid.
#[derive(Debug)]
pub struct Settings {
    /// The data directory.
    pub data: PathBuf,
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// Names under which the page is reached.
    pub http_names: Vec<String>,
    /// Where `now` comes from.
    pub clock: ClockMode,
    /// Unknown devices.
    pub admission: Admission,
    /// Quota of the inputs log, in bytes.
    pub inputs_quota: u64,
    /// How many threads decide.
    pub shards: usize,
    /// Where messages come from.
    pub sources: Vec<Source>,
    /// Which topics mean what.
    pub routes: Vec<Route>,
    /// Rule packs as (name, text), in name order.
    pub packs: Vec<(String, String)>,
    /// Their compiled form.
    pub rules: maibo_core::rule::RuleSet,
    /// Version of what the configured files say; another than that of `rules` where somebody brought those.
    pub files: maibo_core::id::Version,
    /// The device catalogue's text.
    pub catalogue_text: String,
    /// Its compiled form.
    pub catalogue: maibo_core::registry::Catalogue,
    /// GeoJSON of the districts, where one is configured.
    pub districts: Option<String>,
    /// Who is told.
    pub receivers: Vec<crate::deliver::Target>,
    /// Response plans.
    pub plans: std::sync::Arc<maibo_core::notify::PlanSet>,
    /// What the configured files say; another set than `plans` where somebody brought that.
    pub file_plans: std::sync::Arc<maibo_core::notify::PlanSet>,
    /// Who brought `plans`; `None`: the configured files.
    pub plans_by: Option<maibo_core::id::Actor>,
    /// Whose alarms come in.
    pub alarms: Vec<crate::alarms::AlarmSource>,
    /// What a device may send.
    pub allowance: crate::ingest::Allowance,
    /// How long the alert path may make no progress before the process ends itself; `None`: for ever.
    pub standstill_exit: Option<std::time::Duration>,
    /// How Maibo watches itself.
    pub monitor: Monitor,
    /// Where readings go for good, besides history.
    pub influx: Option<crate::influx::Target>,
    /// `run` or `demo`, for the page.
    pub mode: &'static str,
}

/// How Maibo watches itself.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// Time servers, as `host:port`.
    pub time_servers: Vec<String>,
    /// Whether Maibo sends itself messages through its brokers.
    pub canary: bool,
}

impl Default for Monitor {
    fn default() -> Self {
        Self { time_servers: Vec::new(), canary: true }
    }
}

/// One source of messages.
#[derive(Clone, Debug)]
pub enum Source {
    /// A broker elsewhere.
    Mqtt(crate::ingest::external::Settings),
    /// The broker inside.
    #[cfg(feature = "embedded-broker")]
    Embedded(crate::ingest::embedded::Settings),
}

impl Source {
    /// Its name.
    pub fn id(&self) -> &maibo_core::id::SourceId {
        match self {
            Self::Mqtt(s) => &s.id,
            #[cfg(feature = "embedded-broker")]
            Self::Embedded(s) => &s.id,
        }
    }

    /// `mqtt` or `embedded`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mqtt(_) => "mqtt",
            #[cfg(feature = "embedded-broker")]
            Self::Embedded(_) => "embedded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(engine: &str) -> Result<usize, Vec<String>> {
        settings(engine).map(|s| s.shards)
    }

    fn settings(engine: &str) -> Result<Settings, Vec<String>> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("maibo.toml");
        let source = "[[source]]\nid = \"s\"\nkind = \"mqtt\"\nurl = \"mqtt://127.0.0.1:1\"\n";
        std::fs::write(&file, format!("data = \"d\"\n{engine}\n{source}")).expect("writes");
        Settings::load(&file).map_err(|p| p.iter().map(ToString::to_string).collect())
    }

    // Outlines of districts are for the page as they are written, and for receivers as CAP has them; broken ones are named.
    #[test]
    fn districts() {
        let with = |geometry: &str| {
            let dir = tempfile::tempdir().expect("a directory");
            let text = format!(
                r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{{"code":"110105"}},"geometry":{geometry}}}]}}"#
            );
            let source = "[[source]]\nid = \"s\"\nkind = \"mqtt\"\nurl = \"mqtt://127.0.0.1:1\"\n";
            let receiver = "[[receiver]]\nname = \"r\"\nurl = \"https://r.example/\"\nsecret_file = \"secret\"\n";
            let config = format!("data = \"d\"\ndistricts = \"map.json\"\n{source}{receiver}");
            let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
            for (name, text) in [("maibo.toml", config.as_str()), ("map.json", &text), ("secret", secret)] {
                std::fs::write(dir.path().join(name), text).expect("writes");
            }
            let loaded = Settings::load(&dir.path().join("maibo.toml"));
            loaded.map(|s| (s.districts == Some(text), s.receivers[0].sender.outlines.clone()))
        };
        let none = crate::deliver::Outlines::default();
        assert_eq!(with("null"), Ok((true, none.clone())));
        let good = r#"{"type":"Polygon","coordinates":[[[116,39],[117,39],[117,40],[116,39]]]}"#;
        let (kept, outlines) = with(good).expect("valid");
        assert!(kept && outlines != none);
        let found = with(&good.replace("[116,39]]", "[116,40]]")).expect_err("refused");
        let wanted = "map.json: features[0] (110105): a ring does not end where it begins";
        assert_eq!(found, [Problem::new("districts", wanted)]);
    }

    // One thread decides unless more are asked for, and no nonsense is taken for a number of threads.
    #[test]
    fn shards_are_one_to_sixteen() {
        assert_eq!((with(""), with("[engine]\nshards = 1"), with("[engine]\nshards = 16")), (Ok(1), Ok(1), Ok(16)));
        for bad in ["0", "17", "-1"] {
            let text = format!("engine.shards: {bad} is not a number of threads from 1 to 16");
            assert_eq!(with(&format!("[engine]\nshards = {bad}")), Err(vec![text]));
        }
        let found = with("[engine]\nshards = \"many\"").expect_err("no number");
        assert!(found.len() == 1 && found[0].starts_with("engine.shards: "), "{found:?}");
    }

    // A minute unless said otherwise; off by two words; never so short that receivers could not be told before.
    #[test]
    fn standstill_exit() {
        let with = |text: &str| settings(&format!("[limits]\n{text}")).map(|s| s.standstill_exit.map(|d| d.as_secs()));
        assert_eq!((with(""), with("standstill_exit = \"90s\"")), (Ok(Some(60)), Ok(Some(90))));
        assert_eq!((with("standstill_exit = \"0s\""), with("standstill_exit = \"never\"")), (Ok(None), Ok(None)));
        for bad in ["19s", "2h", "soon"] {
            let found = with(&format!("standstill_exit = \"{bad}\"")).expect_err("refused");
            assert!(found.len() == 1 && found[0].starts_with("limits.standstill_exit: "), "{found:?}");
        }
    }
}
