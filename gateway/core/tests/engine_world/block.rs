//! The city machine and what partitions tell it, for scenarios: devices are named by their place, as `110105003-a`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use maibo_core::fact::{Body, Incident, State};
use maibo_core::id::{DeviceId, EpisodeId, IncidentId, PartitionId, PlaceCode, RuleId, Subject};
use maibo_core::input::{Input, Told};
use maibo_core::place::{Domain, Level};
use maibo_core::time::Timestamp;

use super::{World, ZERO, catalogue, depth, ladder, line};

/// Three of the `depth` rule in one district within 10 minutes at yellow are red, for 2 minutes more.
pub(crate) fn flood() -> String {
    flood_with("rule = \"depth\", level = \"yellow\", count = 3, within = \"10m\", of = \"district\"")
}

/// The same with other conditions.
pub(crate) fn flood_with(quorum: &str) -> String {
    ladder("flood", &format!("quorum = {{ {quorum} }}\nlevel = \"red\"\nkeep_firing_for = \"2m\""))
}

/// Devices that stand so many metres to the east and north of a place at 39.9° N.
pub(crate) fn placed(devices: &[(&str, f64, f64)]) -> String {
    let mut text = "id,kind,name,place,domain,lon,lat\n".to_owned();
    for (id, east, north) in devices {
        let (lat, place) = (39.9 + north / 111_195.0, id.split('-').next().unwrap_or_default());
        let lon = 116.4 + east / 111_195.0 / 39.9_f64.to_radians().cos();
        let _ = writeln!(text, "{id},k,,{place},traffic,{lon:.7},{lat:.7}");
    }
    text
}

pub(crate) struct Block {
    pub(crate) w: World,
    /// Number of the next fact.
    pub(crate) next: u64,
    /// The open alert of each rule and device.
    open: BTreeMap<(String, String), Told>,
    shown: usize,
}

impl Block {
    /// A city with the `depth` rule and these others.
    pub(crate) fn new(more: &str) -> Self {
        let w = World::with(PartitionId::CITY, &(depth("") + more), &catalogue(&[("d", "10s")]));
        Self { w, next: 0, open: BTreeMap::new(), shown: 0 }
    }

    /// The same with devices that stand so many metres to the east and north of a place at 39.9° N.
    pub(crate) fn placed(more: &str, devices: &[(&str, f64, f64)]) -> Self {
        let w = World::with(PartitionId::CITY, &(depth("") + more), &placed(devices));
        Self { w, next: 0, open: BTreeMap::new(), shown: 0 }
    }

    /// Without the reference model, which counts all anew at every step: for storms.
    pub(crate) fn alone(self) -> Self {
        Self { w: self.w.alone(), ..self }
    }

    pub(crate) fn at(&mut self, ms: i64) -> &mut Self {
        self.w.run(ms);
        self
    }

    /// The next fact about a device: its alert of `depth` opens or changes now.
    pub(crate) fn fires(&mut self, device: &str, level: Level) -> Told {
        self.fires_by("depth", device, level)
    }

    pub(crate) fn fires_by(&mut self, rule: &str, device: &str, level: Level) -> Told {
        let now = Timestamp(ZERO + self.w.now());
        let key = (rule.to_owned(), device.to_owned());
        let rule = RuleId::new(rule).expect("a rule");
        let subject = Subject::Device(DeviceId::new(device).expect("a device"));
        let before = self.open.get(&key);
        let started_at = before.map_or(now, |b| b.started_at);
        let told = Told {
            index: self.next,
            // One that begins anew in the same millisecond is another.
            episode: before
                .map_or_else(|| EpisodeId::derive(&rule, &subject, started_at, self.next as u32 + 1), |b| b.episode),
            version: before.map_or(1, |b| b.version + 1),
            rule,
            subject,
            place: device.split('-').next().and_then(|p| PlaceCode::new(p).ok()),
            domain: Domain::Traffic,
            state: State::Firing,
            level,
            stale: false,
            historic: false,
            started_at,
            at: now,
            resolved_at: None,
            decided: now,
        };
        self.next += 1;
        self.open.insert(key, told.clone());
        told
    }

    /// The next fact about a device: its alert of `depth` ends now.
    pub(crate) fn ends(&mut self, device: &str) -> Told {
        self.ends_by("depth", device)
    }

    pub(crate) fn ends_by(&mut self, rule: &str, device: &str) -> Told {
        let mut told = self.open.remove(&(rule.to_owned(), device.to_owned())).expect("an open alert");
        (told.index, told.version, told.state) = (self.next, told.version + 1, State::Resolved);
        told.at = Timestamp(ZERO + self.w.now());
        (told.decided, told.resolved_at) = (told.at, Some(told.at));
        self.next += 1;
        told
    }

    /// Whether the device's alert of `depth` is open.
    pub(crate) fn is_open(&self, device: &str) -> bool {
        self.is_open_by("depth", device)
    }

    pub(crate) fn is_open_by(&self, rule: &str, device: &str) -> bool {
        self.open.contains_key(&(rule.to_owned(), device.to_owned()))
    }

    /// Tells the city.
    pub(crate) fn tell(&mut self, items: Vec<Told>) -> &mut Self {
        let first = items.first().map_or(self.next, |t| t.index);
        let next = items.last().map_or(self.next, |t| t.index + 1);
        self.w.batch(vec![Input::Told { first, next, items }]);
        self
    }

    pub(crate) fn fire(&mut self, device: &str, level: Level) -> &mut Self {
        let told = self.fires(device, level);
        self.tell(vec![told])
    }

    pub(crate) fn end(&mut self, device: &str) -> &mut Self {
        let told = self.ends(device);
        self.tell(vec![told])
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &[&str]) -> &mut Self {
        self.w.expect(lines);
        self
    }

    /// All facts about incidents so far.
    pub(crate) fn incidents(&self) -> Vec<&Incident> {
        let of = |f| match f {
            &maibo_core::fact::Fact { body: Body::Incident(ref i), .. } => Some(&**i),
            _ => None,
        };
        self.w.facts.iter().filter_map(of).collect()
    }

    /// Checks the facts about incidents since the last time this was called.
    #[track_caller]
    pub(crate) fn expect_incidents(&mut self, lines: &[&str]) -> &mut Self {
        let all: Vec<String> = self.incidents().iter().map(|i| show(i)).collect();
        assert_eq!(all[self.shown..], *lines, "incidents since the last look");
        self.shown = all.len();
        self
    }

    /// Which incident each alert belongs to, as a reader of the facts finds it. Panics where one is given twice.
    pub(crate) fn grouped(&self) -> BTreeMap<EpisodeId, IncidentId> {
        let mut of: BTreeMap<EpisodeId, IncidentId> = BTreeMap::new();
        for fact in &self.w.facts {
            match &fact.body {
                Body::Grouped(groups) => {
                    for (episode, incident) in groups.iter().flat_map(|g| g.episodes.iter().map(|e| (*e, g.incident))) {
                        assert_eq!(of.insert(episode, incident), None, "{episode} is given twice");
                    }
                }
                Body::Incident(i) => {
                    if let Some(into) = i.into {
                        of.values_mut().filter(|to| **to == i.id).for_each(|to| *to = into);
                    }
                }
                _ => {}
            }
        }
        of
    }

    /// Every alert told, and every alert of the city itself, belongs to one incident that was told.
    #[track_caller]
    pub(crate) fn check_grouped(&self, told: &BTreeSet<EpisodeId>) {
        // Drills are in no incident.
        let own = self.w.transitions().into_iter().filter(|t| !t.is_drill());
        let own: BTreeSet<EpisodeId> = own.map(|t| t.episode).collect();
        let grouped = self.grouped();
        let all: BTreeSet<EpisodeId> = told.union(&own).copied().collect();
        assert_eq!(grouped.keys().copied().collect::<BTreeSet<_>>(), all);
        let known: BTreeSet<IncidentId> = self.incidents().iter().map(|i| i.id).collect();
        assert!(grouped.values().all(|i| known.contains(i)), "an incident was never told");
    }
}

/// An incident in one line.
fn show(i: &Incident) -> String {
    let mut text = format!(
        "v{} {} {} {} {} {}/{} of {}",
        i.version,
        i.state.as_str(),
        i.rule,
        i.district.as_ref().map_or("-", |d| d.as_str()),
        i.level.as_str(),
        i.open,
        i.episodes,
        i.devices
    );
    if i.into.is_some() {
        let _ = write!(text, " into another");
    }
    text
}

/// One transition in one line, for those of the city only.
pub(crate) fn lines(block: &Block) -> Vec<String> {
    block.w.transitions().iter().map(|t| line(t)).collect()
}
