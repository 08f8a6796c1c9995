//! From the file to settings: paths, numbers, packs and catalogue, all checked together.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use maibo_core::decode::{ChirpStackSpec, MappingSpec, Profile, Route, TopicFilter};
use maibo_core::id::SourceId;
use maibo_core::registry::Catalogue;
use maibo_core::rule::{RuleSet, parse_duration};
use maibo_core::time::Millis;
use serde::de::DeserializeOwned;

use super::file::{File, Problem, RouteEntry};
use super::{Monitor, Settings, Source, file};
use crate::ingest::external::Protocol;
use crate::ingest::{Admission, Allowance, ClockMode, external};
use crate::pipeline::shards::MAX_SHARDS;

mod alarms;
mod districts;
mod receivers;

/// Least room for the inputs log: a few segments and one commit of a backlog.
const QUOTA_LEAST: u64 = 64 << 20;
/// How long the alert path may make no progress, where that ends the process.
const STANDSTILL: RangeInclusive<Duration> = Duration::from_secs(20)..=Duration::from_hours(1);

impl Settings {
    /// Reads and checks everything a configuration file names.
    ///
    /// # Errors
    /// Every problem of the file, the rule packs, the catalogue and the routes.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        let file = file::read(path, std::env::vars())?;
        let base = path.parent().unwrap_or(Path::new(".")).to_owned();
        Check { base, problems: Vec::new() }.settings(&file)
    }
}

struct Check {
    base: PathBuf,
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, path: impl Into<String>, text: impl std::fmt::Display) {
        self.problems.push(Problem::new(path, text));
    }

    fn settings(mut self, file: &File) -> Result<Settings, Vec<Problem>> {
        let http = file.http.listen.parse().map_err(|e| self.problem("http.listen", e)).ok();
        for (i, name) in file.http.names.iter().enumerate() {
            let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            if name.is_empty() || name.len() > 253 || !name.chars().all(fine) {
                self.problem(
                    format!("http.names[{i}]"),
                    format!("`{name}` is not a host name such as maibo.city.example"),
                );
            }
        }
        let clock = self.choice("clock", &file.clock, &[("wall", ClockMode::Wall), ("replay", ClockMode::Replay)]);
        let admission = self.choice(
            "unregistered",
            &file.unregistered,
            &[("admit", Admission::Admit), ("refuse", Admission::Refuse)],
        );
        let inputs_quota = self.bytes("log.inputs_quota", &file.log.inputs_quota);
        if inputs_quota.is_some_and(|bytes| bytes < QUOTA_LEAST) {
            // A commit of a backlog must fit beside the segments that snapshots still need.
            self.problem("log.inputs_quota", "is less than 64MiB, too little for one burst");
        }
        let shards = self.shards(file.engine.shards);
        let sources = self.sources(file);
        let routes = self.routes(&file.routes);
        let packs = self.packs(&file.rules);
        let rules = self.rules(&packs);
        let catalogue_text = match &file.catalogue {
            Some(name) => self.text("catalogue", name).unwrap_or_default(),
            None => String::new(),
        };
        let catalogue = self.catalogue(file.catalogue.as_deref(), &catalogue_text);
        if let (Some(rules), Some(catalogue)) = (&rules, &catalogue) {
            for problem in maibo_core::registry::misfits(rules, catalogue) {
                self.problem("catalogue", problem);
            }
        }
        let (districts, outlines) = self.districts(file.districts.as_deref());
        let receivers = self.receivers(file, outlines);
        let plans = self.plans(file);
        let alarms = self.alarms(file, catalogue.as_ref());
        let monitor = self.monitor(&file.monitor);
        let standstill_exit = self.standstill_exit(&file.limits.standstill_exit);
        let influx = self.influx(file);
        let data = self.base.join(&file.data);
        match (http, clock, admission, inputs_quota, rules, catalogue) {
            (Some(http), Some(clock), Some(admission), Some(inputs_quota), Some(rules), Some(catalogue))
                if self.problems.is_empty() =>
            {
                Ok(Settings {
                    data,
                    http,
                    http_names: receivers::names(file, &receivers),
                    clock,
                    admission,
                    inputs_quota,
                    shards,
                    sources,
                    routes,
                    packs,
                    files: rules.version,
                    rules,
                    catalogue_text,
                    catalogue,
                    districts,
                    receivers,
                    file_plans: std::sync::Arc::clone(&plans),
                    plans,
                    plans_by: None,
                    alarms,
                    monitor,
                    allowance: Allowance { rate: file.limits.device_rate, burst: file.limits.device_burst },
                    standstill_exit,
                    influx,
                    mode: "run",
                })
            }
            _ => Err(self.problems),
        }
    }

    fn monitor(&mut self, monitor: &file::Monitor) -> Monitor {
        let mut time_servers = Vec::new();
        for (i, server) in monitor.time_servers.iter().enumerate() {
            let (host, port) = server.rsplit_once(':').unwrap_or((server, "123"));
            if host.is_empty() || host.contains([' ', '/', ':']) || port.parse::<u16>().is_err() {
                self.problem(format!("monitor.time_servers[{i}]"), format!("`{server}` is not `host` or `host:port`"));
            }
            time_servers.push(format!("{host}:{port}"));
        }
        Monitor { time_servers, canary: monitor.canary }
    }

    fn standstill_exit(&mut self, text: &str) -> Option<Duration> {
        let given = if text == "never" { Ok(Millis::ZERO) } else { parse_duration(text) };
        let fine = given.ok().map(|d| Duration::from_millis(d.0.unsigned_abs()));
        if !fine.is_some_and(|d| d.is_zero() || STANDSTILL.contains(&d)) {
            let text = "is not a time from 20s to 1h, nor `never` (or `0s`): receivers are told after 10 s, and that takes a while";
            self.problem("limits.standstill_exit", text);
        }
        fine.filter(|d| !d.is_zero())
    }

    fn influx(&mut self, file: &File) -> Option<crate::influx::Target> {
        let parsed = file.influx.as_ref()?.parse(&self.base);
        parsed.map_err(|found| found.iter().for_each(|(key, text)| self.problem(format!("influx.{key}"), text))).ok()
    }

    fn choice<T: Copy>(&mut self, path: &str, text: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.problem(path, format!("`{text}` is not one of {}", words.join(", ")));
        }
        found
    }

    fn bytes(&mut self, path: &str, text: &str) -> Option<u64> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let scale = match unit.trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1_u64 << 40,
            _ => 0,
        };
        let bytes = number.parse::<u64>().ok().filter(|_| scale > 0).and_then(|n| n.checked_mul(scale));
        if bytes.is_none() {
            self.problem(path, format!("`{text}` is not a size such as 512MiB or 2GiB"));
        }
        bytes
    }

    fn shards(&mut self, shards: i64) -> usize {
        let fine = usize::try_from(shards).ok().filter(|n| (1..=MAX_SHARDS).contains(n));
        if fine.is_none() {
            self.problem("engine.shards", format!("{shards} is not a number of threads from 1 to {MAX_SHARDS}"));
        }
        fine.unwrap_or(1)
    }

    fn text(&mut self, path: &str, name: &str) -> Option<String> {
        let file = self.base.join(name);
        std::fs::read_to_string(&file).map_err(|e| self.problem(path, format!("{}: {e}", file.display()))).ok()
    }

    fn sources(&mut self, file: &File) -> Vec<Source> {
        let mut sources: Vec<Source> = Vec::new();
        for (i, entry) in file.sources.iter().enumerate() {
            let path = format!("source[{i}]");
            let id = match SourceId::new(&entry.id) {
                Ok(id) => id,
                Err(error) => {
                    self.problem(format!("{path}.id"), error);
                    continue;
                }
            };
            if sources.iter().any(|s| *s.id() == id) {
                self.problem(format!("{path}.id"), format!("`{id}` is used twice"));
            }
            let source = match entry.kind.as_str() {
                "mqtt" => self.mqtt(&path, id, entry),
                #[cfg(feature = "embedded-broker")]
                "embedded" => self.embedded(&path, id, entry),
                other => {
                    self.problem(format!("{path}.kind"), format!("`{other}` is not one of mqtt, embedded"));
                    None
                }
            };
            sources.extend(source);
        }
        if file.sources.is_empty() {
            self.problem("source", "there is none: Maibo would hear nothing");
        }
        sources
    }

    /// Names the keys that are given and have no meaning here.
    fn refuse(&mut self, path: &str, keys: &[(&str, bool)], why: &str) {
        for (key, _) in keys.iter().filter(|(_, given)| *given) {
            self.problem(format!("{path}.{key}"), why);
        }
    }

    fn mqtt(&mut self, path: &str, id: SourceId, entry: &file::Source) -> Option<Source> {
        let url = entry.url.as_deref().unwrap_or_default();
        let place = url.strip_prefix("mqtt://").and_then(|rest| {
            let (host, port) = rest.rsplit_once(':').unwrap_or((rest, "1883"));
            let bare = !host.is_empty() && !host.contains(['@', '/']);
            port.parse::<u16>().ok().filter(|_| bare).map(|port| (host.to_owned(), port))
        });
        if place.is_none() {
            // Not repeated: what does not fit may hold a password.
            let text = "is not of the form mqtt://host:port; a login goes into `user` and `password_file`";
            self.problem(format!("{path}.url"), text);
        }
        let foreign = [("listen", entry.listen.is_some()), ("connections_max", entry.connections_max.is_some())];
        self.refuse(path, &foreign, "belongs to kind = \"embedded\"");
        let protocols = [("auto", Protocol::Auto), ("3.1.1", Protocol::V4), ("5", Protocol::V5)];
        let word = entry.protocol.as_deref().unwrap_or("auto");
        let protocol = self.choice(&format!("{path}.protocol"), word, &protocols);
        let login = match (&entry.user, &entry.password_file) {
            (Some(user), Some(file)) => {
                let password = self.text(&format!("{path}.password_file"), file)?;
                Some((user.clone(), password.trim_end_matches(['\r', '\n']).to_owned()))
            }
            (None, None) => None,
            _ => {
                self.problem(path, "`user` and `password_file` go together");
                None
            }
        };
        let (host, port) = place?;
        Some(Source::Mqtt(external::Settings {
            client_id: entry.client_id.clone().unwrap_or_else(|| self.client_id(&id)),
            id,
            host,
            port,
            protocol: protocol?,
            login,
            session_expiry: entry.session_hours.unwrap_or(72).saturating_mul(3_600),
        }))
    }

    /// The same at every start, another for every machine and configuration: two that share one throw each other off.
    fn client_id(&self, id: &SourceId) -> String {
        let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let here = std::fs::canonicalize(&self.base).unwrap_or_else(|_| self.base.clone());
        let mark = maibo_core::id::Version::of(format!("{} {}", host.trim(), here.display()).as_bytes());
        format!("maibo-{id}-{mark}")
    }

    #[cfg(feature = "embedded-broker")]
    fn embedded(&mut self, path: &str, id: SourceId, entry: &file::Source) -> Option<Source> {
        let foreign = [
            ("url", entry.url.is_some()),
            ("client_id", entry.client_id.is_some()),
            ("protocol", entry.protocol.is_some()),
            ("session_hours", entry.session_hours.is_some()),
        ];
        self.refuse(path, &foreign, "belongs to kind = \"mqtt\"");
        // Silence here would look like a password that protects.
        let login = [("user", entry.user.is_some()), ("password_file", entry.password_file.is_some())];
        self.refuse(path, &login, "the broker inside has no logins yet: keep it on a trusted network");
        let text = entry.listen.as_deref().unwrap_or("127.0.0.1:1883");
        let listen = text.parse().map_err(|e| self.problem(format!("{path}.listen"), e)).ok()?;
        let connections_max = entry.connections_max.unwrap_or(20_000);
        Some(Source::Embedded(crate::ingest::embedded::Settings { id, listen, connections_max }))
    }

    fn routes(&mut self, entries: &[RouteEntry]) -> Vec<Route> {
        if entries.is_empty() {
            return vec![Route::standard(Profile::Native)];
        }
        let mut routes = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            let path = format!("route[{i}]");
            let filter = TopicFilter::new(&entry.filter).map_err(|e| self.problem(format!("{path}.filter"), e)).ok();
            if matches!(entry.profile.as_str(), "native" | "openv2x") {
                self.refuse(
                    &path,
                    &[("mapping", entry.mapping.is_some())],
                    "belongs to profiles mapped and chirpstack",
                );
            }
            let profile = match entry.profile.as_str() {
                "native" => Some(Profile::Native),
                "openv2x" => Some(Profile::OpenV2x),
                "chirpstack" => self.mapping::<ChirpStackSpec>(&path, entry).map(Profile::ChirpStack),
                "mapped" => self.mapping::<MappingSpec>(&path, entry).map(Profile::Mapped),
                other => {
                    let text = format!("`{other}` is not one of native, mapped, chirpstack, openv2x");
                    self.problem(format!("{path}.profile"), text);
                    None
                }
            };
            if let (Some(filter), Some(profile)) = (filter, profile) {
                routes.push(Route::new(filter, profile));
            }
        }
        if self.problems.is_empty()
            && let Err(problems) = maibo_core::decode::DecodeStage::new(routes.clone())
        {
            for problem in problems {
                self.problem("route", problem);
            }
        }
        routes
    }

    fn mapping<T: DeserializeOwned>(&mut self, path: &str, entry: &RouteEntry) -> Option<T> {
        let value = entry.mapping.clone().unwrap_or_else(|| toml::Value::Table(toml::Table::new()));
        serde_path_to_error::deserialize(value)
            .map_err(|e| self.problem(format!("{path}.mapping.{}", e.path()), e.inner()))
            .ok()
    }

    /// Reads packs: files as named, directories by their `*.toml`, in name order.
    fn packs(&mut self, names: &[String]) -> Vec<(String, String)> {
        let mut files: Vec<PathBuf> = Vec::new();
        for name in names {
            let path = self.base.join(name);
            if path.is_dir() {
                match std::fs::read_dir(&path) {
                    Ok(entries) => files.extend(
                        entries
                            .filter_map(|e| e.ok().map(|e| e.path()))
                            .filter(|p| p.extension().is_some_and(|x| x == "toml")),
                    ),
                    Err(error) => self.problem("rules", format!("{}: {error}", path.display())),
                }
            } else {
                files.push(path);
            }
        }
        files.sort();
        let mut packs = Vec::new();
        for file in files {
            let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            match std::fs::read_to_string(&file) {
                Ok(text) => packs.push((name, text)),
                Err(error) => self.problem("rules", format!("{}: {error}", file.display())),
            }
        }
        packs
    }

    fn rules(&mut self, packs: &Vec<(String, String)>) -> Option<RuleSet> {
        match crate::versions::compile_rules(packs) {
            Ok(rules) => Some(rules),
            Err(problems) => {
                self.problems.extend(problems.iter().map(|p| Problem::new("rules", p)));
                None
            }
        }
    }

    fn catalogue(&mut self, name: Option<&str>, text: &str) -> Option<Catalogue> {
        match Catalogue::parse(text) {
            Ok(catalogue) => Some(catalogue),
            Err(problems) => {
                let name = name.unwrap_or("catalogue");
                self.problems.extend(problems.iter().map(|p| Problem::new(name, p)));
                None
            }
        }
    }
}
