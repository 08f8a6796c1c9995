//! The shipped rules, as far as the demonstration needs them, and what they would say to a series: a plain
//! re-computation of limit, `for` and `keep_firing_for`, without the gateway's code.

use std::path::Path;

use maibo_sim::city::Device;
use maibo_sim::signal;

/// One threshold rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) domain: String,
    pub(crate) quantity: String,
    /// Empty: any.
    pub(crate) kind: String,
    /// As `key=value`, all of them.
    pub(crate) labels: Vec<String>,
    /// Local hours at which it judges, half open, perhaps past midnight.
    pub(crate) hours: Option<(f64, f64)>,
    /// Mildest first: word, and the two limits at which it begins, infinite where there is none.
    pub(crate) levels: Vec<(String, f64, f64)>,
    pub(crate) deadband: f64,
    pub(crate) for_ms: i64,
    pub(crate) keep_ms: i64,
}

/// One episode.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alert {
    pub(crate) rule: String,
    pub(crate) domain: String,
    pub(crate) device: u32,
    /// Its worst level.
    pub(crate) level: String,
    /// When it opened and resolved, in ms after the start.
    pub(crate) opened: i64,
    pub(crate) resolved: i64,
}

/// Reads all packs as they are in force now. Left out are rules of silence, events and quorums, which have no levels,
/// and those that look at more than the last value of one series.
pub(crate) fn rules() -> Vec<Rule> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
    let mut rules = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the shipped rules") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("readable");
        let of_the_last_value = |block: &&str| {
            block.contains("\nlevels")
                && ["signal = ", "expression = ", "until = 2026"].iter().all(|other| !block.contains(other))
        };
        let with_levels = text.split("[[rule]]").skip(1).filter(of_the_last_value);
        rules.extend(with_levels.map(|block| rule(block).unwrap_or_else(|| panic!("unreadable: {block}"))));
    }
    assert!(rules.len() >= 12, "{rules:?}");
    rules
}

fn rule(block: &str) -> Option<Rule> {
    let line = |key: &str| {
        let found = block.lines().filter_map(|l| l.split_once('='));
        found.into_iter().find(|(k, _)| k.trim() == key).map(|(_, v)| v.trim())
    };
    let word = |text: &str, key: &str| Some(text.split_once(&format!("{key} = \""))?.1.split_once('"')?.0.to_owned());
    let plain = |key: &str| line(key).map(|v| v.trim_matches('"').to_owned());
    let when = line("when")?;
    Some(Rule {
        id: plain("id")?,
        domain: plain("domain")?,
        quantity: word(when, "quantity")?,
        kind: word(when, "kind").unwrap_or_default(),
        labels: labels(when),
        hours: line("hours").and_then(|text| hours(text.trim_matches('"'))),
        levels: levels(line("levels")?, &plain("direction")?)?,
        deadband: plain("deadband").map_or(0.0, |v| v.parse().expect("a number")),
        for_ms: millis(line("for")),
        keep_ms: millis(line("keep_firing_for")),
    })
}

/// `{ blue = 1, red = 2 }`, or `{ blue = [-1, 1], red = [-2, 2] }` for what lies outside.
fn levels(text: &str, direction: &str) -> Option<Vec<(String, f64, f64)>> {
    let mut levels = Vec::new();
    let mut rest = text.trim_matches(['{', '}', ' ']);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let end = after.find(if after.starts_with('[') { ']' } else { ',' }).map_or(after.len(), |n| n + 1);
        let numbers = after[..end].trim_matches(['[', ']', ',', ' ']).split(',').map(|n| n.trim().parse().ok());
        let (low, high) = match (direction, numbers.collect::<Option<Vec<f64>>>()?.as_slice()) {
            ("above", [high]) => (f64::NEG_INFINITY, *high),
            ("below", [low]) => (*low, f64::INFINITY),
            ("outside", [low, high]) => (*low, *high),
            _ => return None,
        };
        levels.push((name.trim().to_owned(), low, high));
        rest = after[end..].trim_start_matches([',', ' ']);
    }
    Some(levels)
}

/// `labels = { a = "b", … }` as `a=b`.
fn labels(when: &str) -> Vec<String> {
    let table = when.split_once("labels = {").and_then(|(_, rest)| rest.split_once('}')).map_or("", |(table, _)| table);
    let pairs = table.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(k, v)| format!("{}={}", k.trim(), v.trim().trim_matches('"'))).collect()
}

/// `22:00-06:00`.
fn hours(text: &str) -> Option<(f64, f64)> {
    let hour =
        |t: &str| t.split_once(':').and_then(|(h, m)| Some(h.parse::<f64>().ok()? + m.parse::<f64>().ok()? / 60.0));
    text.split_once('-').and_then(|(from, to)| hour(from).zip(hour(to)))
}

/// `"2m"`, or the shortest of `{ yellow = "10m", red = "2m" }`.
fn millis(text: Option<&str>) -> i64 {
    let quoted = text.unwrap_or("\"0s\"").split('"').skip(1).step_by(2);
    quoted.map(|t| maibo_sim::scenario::duration_ms(t).expect("a duration")).min().expect("a duration")
}

impl Rule {
    /// Whether it is about the device.
    pub(crate) fn selects(&self, device: &Device) -> bool {
        let own = device.labels();
        (self.kind.is_empty() || self.kind == device.kind.name)
            && self.labels.iter().all(|label| own.split(';').any(|l| l == label))
    }

    /// Whether it judges at this time, ms since 1970.
    pub(crate) fn is_awake(&self, t: i64) -> bool {
        let hour = signal::hour(t);
        self.hours.is_none_or(
            |(from, to)| {
                if from < to { (from..to).contains(&hour) } else { hour >= from || hour < to }
            },
        )
    }

    /// How many levels the value has reached.
    pub(crate) fn reached(&self, value: f64) -> usize {
        self.levels.iter().filter(|(_, low, high)| value <= *low || value >= *high).count()
    }

    /// Whether the value is back from the mildest limits by the deadband.
    fn is_clear(&self, value: f64) -> bool {
        let (_, low, high) = self.levels[0];
        value > low + self.deadband && value < high - self.deadband
    }

    /// The episodes of a device whose value is looked at every `step` ms until `end`.
    pub(crate) fn alerts(&self, device: u32, step: i64, end: i64, value: impl Fn(i64) -> f64) -> Vec<Alert> {
        let mut alerts: Vec<Alert> = Vec::new();
        let (mut since, mut clear, mut open) = (None, None, false);
        for t in (0..end).step_by(step as usize) {
            let value = value(t);
            let reached = self.reached(value);
            if !open {
                since = (reached > 0).then(|| since.unwrap_or(t));
                if since.is_some_and(|s: i64| t - s >= self.for_ms) {
                    (open, clear) = (true, None);
                    let (rule, domain) = (self.id.clone(), self.domain.clone());
                    alerts.push(Alert { rule, domain, device, level: String::new(), opened: t, resolved: i64::MAX });
                }
            }
            let Some(alert) = alerts.last_mut().filter(|_| open) else { continue };
            let worst = self.levels.iter().position(|(name, ..)| *name == alert.level).map_or(0, |n| n + 1);
            if reached > worst {
                alert.level.clone_from(&self.levels[reached - 1].0);
            }
            clear = self.is_clear(value).then(|| clear.unwrap_or(t));
            if clear.is_some_and(|c| t - c >= self.keep_ms) {
                alert.resolved = t;
                (open, since) = (false, None);
            }
        }
        alerts
    }
}
