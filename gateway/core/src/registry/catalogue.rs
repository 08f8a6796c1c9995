//! The device catalogue: a CSV table with one line for each device.
//!
//! ```text
//! id,kind,name,place,lon,lat,domain,owner,interval,power,labels,data_class,limits
//! wl-0001,waterlogging,莲花桥,110106002,116.3127,39.8969,traffic,水务局,60s,battery,bridge=lianhua;side=n,public,underpass-waterlogging=yellow:15 orange:22
//! ```
//!
//! Columns may stand in any order; `id`, `kind`, `place` and `domain` are needed, unknown ones are refused. All problems
//! are reported at once with their lines. Lookup by id is by hash; iteration is always in the order of ids.
//!
//! Limits: [`limit::MAX_DEVICES`] devices, [`limit::MAX_LABELS`] labels a device, [`limit::MAX_TEXT`] characters a text.

use std::collections::{BTreeMap, HashMap};

use smol_str::SmolStr;

use crate::id::{DeviceId, IdBuild, PlaceCode, RuleId, Version};
use crate::limit;
use crate::place::{Domain, Level};
use crate::reading::quantity::DataClass;
use crate::rule::{Problem, parse_duration};
use crate::time::Millis;

/// The table's columns.
const COLUMNS: [&str; 13] = [
    "id",
    "kind",
    "name",
    "place",
    "lon",
    "lat",
    "domain",
    "owner",
    "interval",
    "power",
    "labels",
    "data_class",
    "limits",
];
/// Those a table cannot do without.
const NEEDED: [&str; 4] = ["id", "kind", "place", "domain"];

/// One known device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its identifier.
    pub id: DeviceId,
    /// What sort of device, such as `waterlogging`; rules select by it.
    pub kind: SmolStr,
    /// Its name for people; may be empty.
    pub name: SmolStr,
    /// Where it stands.
    pub place: PlaceCode,
    /// Longitude and latitude in WGS-84 degrees.
    pub position: Option<(f64, f64)>,
    /// Which of the six domains.
    pub domain: Domain,
    /// Who is responsible; may be empty.
    pub owner: SmolStr,
    /// How often it reports.
    pub interval: Option<Millis>,
    /// Power source, such as `mains` or `battery`; may be empty.
    pub power: SmolStr,
    /// Anything else that rules may select by.
    pub labels: BTreeMap<SmolStr, SmolStr>,
    /// Who may see it; internal where the table does not say.
    pub data_class: DataClass,
    /// Limits of this device in place of a rule's, in the signal's unit.
    pub limits: BTreeMap<RuleId, Vec<(Level, f64)>>,
}

impl Device {
    /// Age at which its values are stale, where the rule does not say.
    pub fn stale_after(&self) -> Millis {
        self.interval.map_or(limit::STALE_UNKNOWN, |i| i.times(limit::STALE_INTERVALS).max(limit::STALE_LEAST))
    }

    /// A transition further back than this is historic.
    pub fn historic_after(&self) -> Millis {
        self.interval.map_or(limit::HISTORIC_AFTER, |i| i.times(2).max(limit::HISTORIC_AFTER))
    }
}

/// All known devices.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Hash of the table's text.
    pub version: Version,
    devices: Vec<Device>,
    index: HashMap<DeviceId, u32, IdBuild>,
}

impl Catalogue {
    /// Reads the table. An empty text is an empty catalogue.
    ///
    /// # Errors
    /// All problems at once, each with its line; at most [`limit::MAX_PROBLEMS`].
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut table = Table::default();
        table.read(text.strip_prefix('\u{feff}').unwrap_or(text));
        if !table.problems.is_empty() {
            return Err(table.problems);
        }
        let mut devices: Vec<Device> = table.devices.into_values().collect();
        devices.sort_by(|a, b| a.id.cmp(&b.id));
        let index = (0..).zip(&devices).map(|(i, d)| (d.id.clone(), i)).collect();
        Ok(Self { version: Version::of(text.as_bytes()), devices, index })
    }

    /// The device of this id.
    pub fn get(&self, id: &DeviceId) -> Option<&Device> {
        self.index.get(id).and_then(|i| self.devices.get(*i as usize))
    }

    /// All devices in the order of their ids. A device's number is its place here, good for this version.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The number of a device in [`Self::devices`].
    pub fn number(&self, id: &DeviceId) -> Option<u32> {
        self.index.get(id).copied()
    }

    /// How many devices there are.
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }
}

/// A table being read.
#[derive(Default)]
struct Table {
    /// By id, so that a second line of one id is found at once.
    devices: BTreeMap<DeviceId, Device>,
    columns: BTreeMap<&'static str, usize>,
    problems: Vec<Problem>,
}

impl Table {
    fn problem(&mut self, line: u64, text: impl core::fmt::Display) {
        if self.problems.len() < limit::MAX_PROBLEMS {
            self.problems.push(Problem::new(format!("line {line}"), text));
        }
    }

    fn read(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
        match reader.headers() {
            Ok(headers) => {
                let headers = headers.clone();
                self.header(&headers);
            }
            Err(error) => self.problem(1, error),
        }
        if !self.problems.is_empty() {
            return;
        }
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    if self.devices.len() >= limit::MAX_DEVICES {
                        return self.problem(line, format_args!("more than {} devices", limit::MAX_DEVICES));
                    }
                    self.line(line, &record);
                }
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    match error.kind() {
                        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                            self.problem(line, format_args!("has {len} fields, the header has {expected_len}"));
                        }
                        _ => self.problem(line, error),
                    }
                }
            }
        }
    }

    fn header(&mut self, headers: &csv::StringRecord) {
        for (i, name) in headers.iter().enumerate() {
            match COLUMNS.iter().find(|c| **c == name) {
                Some(column) if self.columns.insert(column, i).is_some() => {
                    self.problem(1, format_args!("column `{name}` stands twice"));
                }
                Some(_) => {}
                None => self.problem(1, format_args!("unknown column `{name}`; known are {}", COLUMNS.join(", "))),
            }
        }
        for needed in NEEDED {
            if !self.columns.contains_key(needed) {
                self.problem(1, format_args!("column `{needed}` is missing"));
            }
        }
    }

    fn line(&mut self, line: u64, record: &csv::StringRecord) {
        let columns = self.columns.clone();
        let cell = |name: &str| columns.get(name).and_then(|i| record.get(*i)).unwrap_or_default();
        let id = DeviceId::new(cell("id")).map_err(|e| self.problem(line, format_args!("id {e}"))).ok();
        let place = PlaceCode::new(cell("place")).map_err(|e| self.problem(line, format_args!("place {e}"))).ok();
        let domain = Domain::parse(cell("domain"));
        if domain.is_none() {
            self.problem(line, format_args!("domain `{}` is not one of the six", cell("domain")));
        }
        if cell("kind").is_empty() {
            self.problem(line, "kind is empty");
        }
        for name in ["kind", "name", "owner", "power"] {
            if cell(name).chars().count() > limit::MAX_TEXT {
                self.problem(line, format_args!("{name} is longer than {} characters", limit::MAX_TEXT));
            }
        }
        let position = self.position(line, cell("lon"), cell("lat"));
        let interval = self.interval(line, cell("interval"));
        let labels = self.labels(line, cell("labels"));
        let data_class = self.data_class(line, cell("data_class"));
        let limits = self.limits(line, cell("limits"));
        let (Some(id), Some(place), Some(domain)) = (id, place, domain) else { return };
        let [kind, name, owner, power] = ["kind", "name", "owner", "power"].map(|c| SmolStr::new(cell(c)));
        let device =
            Device { id, kind, name, place, position, domain, owner, interval, power, labels, data_class, limits };
        if self.devices.contains_key(&device.id) {
            return self.problem(line, format_args!("device `{}` stands twice", device.id));
        }
        self.devices.insert(device.id.clone(), device);
    }

    fn position(&mut self, line: u64, lon: &str, lat: &str) -> Option<(f64, f64)> {
        if lon.is_empty() && lat.is_empty() {
            return None;
        }
        let number = |text: &str, most: f64| text.parse::<f64>().ok().filter(|v| v.abs() <= most);
        let found = number(lon, 180.0).zip(number(lat, 90.0));
        if found.is_none() {
            self.problem(line, format_args!("lon `{lon}` and lat `{lat}` are not a position in degrees"));
        }
        found
    }

    fn interval(&mut self, line: u64, text: &str) -> Option<Millis> {
        if text.is_empty() {
            return None;
        }
        match parse_duration(text) {
            Ok(Millis(0)) => self.problem(line, "interval is zero"),
            Ok(interval) => return Some(interval),
            Err(error) => self.problem(line, format_args!("interval {error}")),
        }
        None
    }

    fn labels(&mut self, line: u64, text: &str) -> BTreeMap<SmolStr, SmolStr> {
        let mut labels = BTreeMap::new();
        for pair in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            match pair.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    if labels.insert(SmolStr::new(key.trim()), SmolStr::new(value.trim())).is_some() {
                        self.problem(line, format_args!("label `{}` stands twice", key.trim()));
                    }
                }
                _ => self.problem(line, format_args!("label `{pair}` is not of the form key=value")),
            }
        }
        if labels.len() > limit::MAX_LABELS {
            self.problem(line, format_args!("more than {} labels", limit::MAX_LABELS));
        }
        labels
    }

    /// Reads `rule=level:value level:value;rule=…`.
    fn limits(&mut self, line: u64, text: &str) -> BTreeMap<RuleId, Vec<(Level, f64)>> {
        let mut limits = BTreeMap::new();
        for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let read = part.split_once('=').and_then(|(rule, levels)| {
                let one = |pair: &str| {
                    let (level, value) = pair.split_once(':')?;
                    Some((Level::parse(level)?, value.parse().ok().filter(|v: &f64| v.is_finite())?))
                };
                let levels: Option<Vec<_>> = levels.split_whitespace().map(one).collect();
                Some((RuleId::new(rule.trim()).ok()?, levels.filter(|l| !l.is_empty())?))
            });
            match read {
                Some((rule, levels)) => {
                    if limits.insert(rule.clone(), levels).is_some() {
                        self.problem(line, format_args!("limits of the rule `{rule}` stand twice"));
                    }
                }
                None => {
                    self.problem(
                        line,
                        format_args!("limits `{part}` are not of the form rule=level:value level:value"),
                    );
                }
            }
        }
        if limits.len() > limit::MAX_OWN_LIMITS {
            self.problem(line, format_args!("limits of more than {} rules", limit::MAX_OWN_LIMITS));
        }
        limits
    }

    fn data_class(&mut self, line: u64, text: &str) -> DataClass {
        let all = [DataClass::Public, DataClass::Internal, DataClass::Sensitive];
        match all.into_iter().find(|c| c.as_str() == text) {
            Some(class) => class,
            None if text.is_empty() => DataClass::Internal,
            None => {
                self.problem(line, format_args!("data_class `{text}` is not public, internal or sensitive"));
                DataClass::Internal
            }
        }
    }
}
