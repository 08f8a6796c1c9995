//! A picture on its own, and what to put in front of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use maibo_api::{ServerFrame, Snapshot};
use maibo_core::engine::{Verdict, VerdictChange};
use maibo_core::fact::{Body, Cause, Fact, Reason, State};
use maibo_core::id::{EpisodeId, PartitionId, PlaceCode, Position, Quantity, RuleId, SourceId, Subject, Version};
use maibo_core::input::{Batch, Input};
use maibo_core::place::{Domain, Level};
use maibo_core::reading::{Quality, Reading};
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;
use tempfile::TempDir;

use crate::live::hub::{Cursor, Next};
use crate::live::*;

pub(crate) const CATALOGUE: &str = "\
id,kind,name,place,lon,lat,domain,interval
aq-1,air,奥体中心,110105001,116.40,39.98,ecology,60s
wl-1,waterlogging,莲花桥,110106002,116.31,39.89,traffic,10s
wl-2,waterlogging,安华桥,110105003,116.39,39.97,traffic,10s
wl-3,waterlogging,无规则,110105003,116.39,39.97,traffic,10s
";

pub(crate) const RULES: &str = r#"
[[rule]]
id = "standing-water"
title = { zh = "积水", en = "Standing water" }
domain = "traffic"
when = { quantity = "water_depth", kind = "waterlogging" }
levels = { blue = 0.05, yellow = 0.15, orange = 0.27, red = 0.5 }
direction = "above"
deadband = 0.02
for = "0s"
keep_firing_for = "0s"
source = "test"
advice = { zh = "绕行", en = "Detour" }
"#;

/// A picture with nothing but the catalogue and the rules.
pub(super) struct Stage {
    pub(super) picture: Arc<Picture>,
    pub(super) versions: Arc<VersionStore>,
    _dir: TempDir,
}

pub(crate) fn device(id: &str) -> DeviceId {
    DeviceId::new(id).expect("id")
}

pub(super) fn catalogue(text: &str) -> Arc<Catalogue> {
    Arc::new(Catalogue::parse(text).expect("a catalogue"))
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(Vec::new())
    }

    pub(super) fn with(open: Vec<Transition>) -> Self {
        Self::build(open, ClockMode::Replay)
    }

    /// With a clock of its own, as a city has it.
    pub(super) fn wall() -> Self {
        Self::build(Vec::new(), ClockMode::Wall)
    }

    /// With other devices.
    pub(super) fn city_of(devices: &str) -> Self {
        Self::set(devices, Vec::new(), ClockMode::Replay)
    }

    fn build(open: Vec<Transition>, clock: ClockMode) -> Self {
        Self::set(CATALOGUE, open, clock)
    }

    fn set(devices: &str, open: Vec<Transition>, clock: ClockMode) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let versions = Arc::new(VersionStore::open(dir.path()).expect("opens"));
        let rules = Arc::new(RuleSet::compile(&[("test.toml", RULES)]).expect("rules"));
        let catalogue = catalogue(devices);
        versions.keep_rules(&vec![("test.toml".into(), RULES.into())], &rules).expect("kept");
        versions.keep_catalogue(devices, &catalogue).expect("kept");
        let source = SourceInfo { id: SourceId::new("broker").expect("id"), kind: "mqtt", detail: None };
        let picture = Arc::new(Picture::new(Start {
            roster: Roster::new(&catalogue, &rules),
            versions: Arc::clone(&versions),
            open,
            sources: vec![source],
            now: Timestamp(1_000),
            clock,
            epoch: "e".into(),
            scarce: tokio::sync::watch::channel(None).1,
        }));
        Self { picture, versions, _dir: dir }
    }

    pub(super) fn step(
        &self,
        now: i64,
        partition: PartitionId,
        inputs: Vec<Input>,
        told: &[Transition],
        verdicts: &[VerdictChange],
    ) {
        self.facts(now, partition, inputs, &told.iter().map(fact).collect::<Vec<_>>(), verdicts);
    }

    /// A step with any facts.
    pub(super) fn facts(
        &self,
        now: i64,
        partition: PartitionId,
        inputs: Vec<Input>,
        facts: &[Fact],
        verdicts: &[VerdictChange],
    ) {
        let batches = [(partition, Position(1), Batch { now: Timestamp(now), inputs })];
        self.picture.observe(&Step { now: Timestamp(now), batches: &batches, facts, verdicts });
    }

    pub(super) fn read(&self, now: i64, id: &str, value: f64) {
        self.step(now, PartitionId::of(&device(id)), vec![Input::Reading(reading(id, now, value))], &[], &[]);
    }

    pub(super) fn tell(&self, now: i64, told: &[Transition]) {
        self.step(now, PartitionId(0), vec![], told, &[]);
    }

    pub(super) fn city(&self, now: i64, input: Input) {
        self.step(now, PartitionId::CITY, vec![input], &[], &[]);
    }

    pub(super) fn flush(&self) {
        self.picture.flush(Timestamp(0));
    }

    pub(super) fn beat(&self) {
        self.picture.beat(Timestamp(0));
    }

    pub(super) fn join(&self) -> Cursor {
        self.picture.hub("city", &Scope::everything()).expect("a view").join(None).cursor
    }

    pub(super) fn frames(&self, cursor: &mut Cursor) -> Vec<ServerFrame> {
        let hub = self.picture.hub("city", &Scope::everything()).expect("a view");
        let mut frames = Vec::new();
        loop {
            match hub.next(cursor) {
                Next::Frame(text) => frames.push(serde_json::from_str(&text).expect("a frame")),
                Next::Gap => frames.push(ServerFrame::Gap),
                Next::Idle => return frames,
            }
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let bytes = self.picture.snapshot("city", &Scope::everything(), Timestamp(0)).expect("a view");
        serde_json::from_slice(&bytes).expect("a snapshot")
    }

    pub(super) fn beaten(&self) -> api::Heartbeat {
        self.beaten_at(0)
    }

    pub(super) fn beaten_at(&self, now: i64) -> api::Heartbeat {
        let mut cursor = self.join();
        self.picture.beat(Timestamp(now));
        match self.frames(&mut cursor).pop() {
            Some(ServerFrame::Hb(heartbeat)) => heartbeat,
            other => panic!("no heartbeat but {other:?}"),
        }
    }
}

pub(crate) fn reading(id: &str, at: i64, value: f64) -> Reading {
    Reading {
        device: device(id),
        quantity: Quantity::new("water_depth").expect("id"),
        at: Timestamp(at),
        received: Timestamp(at),
        value,
        quality: Quality::Good,
        timed: true,
    }
}

pub(super) fn fact(t: &Transition) -> Fact {
    Fact {
        index: 0,
        cause: Cause::default(),
        actor: None,
        at: t.at,
        rules: Version(1),
        engine: 1,
        body: Body::Transition(Box::new(t.clone())),
    }
}

pub(crate) fn transition(id: &str, version: u32, level: Level, state: State) -> Transition {
    let rule = RuleId::new("standing-water").expect("id");
    let subject = Subject::Device(device(id));
    Transition {
        episode: EpisodeId::derive(&rule, &subject, Timestamp(1_000), 0),
        version,
        rule,
        subject,
        quantity: Some(Quantity::new("water_depth").expect("id")),
        place: Some(PlaceCode::new(if id == "wl-1" { "110106002" } else { "110105003" }).expect("code")),
        domain: Domain::Traffic,
        state,
        level,
        peak: level,
        stale: false,
        historic: false,
        value: Some(0.3),
        threshold: Some(0.27),
        started_at: Timestamp(1_000),
        at: Timestamp(1_000 + i64::from(version)),
        resolved_at: (state == State::Resolved).then_some(Timestamp(5_000)),
        acknowledged: None,
        reason: Reason::Threshold,
        handling: None,
        measure: None,
        found: None,
    }
}

pub(super) fn verdict(id: &str, verdict: Verdict) -> VerdictChange {
    VerdictChange { device: device(id), quantity: None, verdict }
}

/// Position of each device in the columns.
pub(super) fn positions(stage: &Stage) -> BTreeMap<String, usize> {
    let (_, columns) = stage.picture.columns("city", &Scope::everything()).expect("a view");
    let columns: api::ViewDevices = serde_json::from_slice(&columns).expect("columns");
    columns.id.into_iter().enumerate().map(|(i, id)| (id, i)).collect()
}
