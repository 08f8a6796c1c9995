//! The picture as pages see it, from steps built by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use maibo_api::{ServerFrame, Snapshot};
use maibo_core::engine::{Unknown, Verdict};
use maibo_core::fact::State;
use maibo_core::id::{EpisodeId, PartitionId, SourceId, Version};
use maibo_core::input::Input;
use maibo_core::place::Level;

use super::*;

mod clients;
mod explained;
mod following;
mod load;
mod stage;
mod standstill;
mod withheld;

pub(crate) use stage::{CATALOGUE, RULES, device, reading, transition};
use stage::{Stage, catalogue, fact, positions, verdict};

// P: alerts go out at commit, each version of each, also one that opens and ends in one step.
#[test]
fn alerts_are_never_merged() {
    let stage = Stage::new();
    let mut cursor = stage.join();
    stage.tell(
        2_000,
        &[transition("wl-1", 1, Level::Red, State::Firing), transition("wl-1", 2, Level::Red, State::Resolved)],
    );
    stage.tell(3_000, &[transition("wl-2", 1, Level::Blue, State::Firing)]);
    let frames = stage.frames(&mut cursor);
    let told: Vec<_> = frames
        .iter()
        .map(|f| match f {
            ServerFrame::Al(al) => (al.s, al.up.iter().map(|a| (a.version, a.state)).collect::<Vec<_>>()),
            other => panic!("{other:?}"),
        })
        .collect();
    let (firing, resolved) = (api::AlertState::Firing, api::AlertState::Resolved);
    assert_eq!(told, [(1, vec![(1, firing), (2, resolved)]), (2, vec![(1, firing)])]);
    let ServerFrame::Al(al) = &frames[1] else { panic!("an alert frame") };
    let alert = &al.up[0];
    assert_eq!(
        (alert.device_name.as_deref(), alert.title.zh.as_str(), alert.unit.as_deref()),
        (Some("安华桥"), "积水", Some("cm"))
    );
    assert_eq!(alert.place_name.as_ref().map(|w| w.en.as_str()), Some("Chaoyang"));
}

// P: a window of device changes is one frame with the last value and the highest level; the next says where it stands.
#[test]
fn windows_keep_the_highest_level() {
    let stage = Stage::new();
    stage.flush();
    let mut cursor = stage.join();
    let at = positions(&stage)["wl-1"] as u32;
    stage.read(2_000, "wl-1", 0.1);
    stage.tell(2_000, &[transition("wl-1", 1, Level::Red, State::Firing)]);
    stage.tell(2_050, &[transition("wl-1", 2, Level::Red, State::Resolved)]);
    stage.read(2_100, "wl-1", 0.2);
    stage.flush();
    stage.flush();
    stage.flush();
    let devices: Vec<_> = stage
        .frames(&mut cursor)
        .into_iter()
        .filter_map(|f| match f {
            ServerFrame::Dv(dv) => Some((dv.i, dv.l, dv.v, dv.a)),
            _ => None,
        })
        .collect();
    assert_eq!(
        devices,
        [(vec![at], vec![4], vec![Some(0.2)], vec![2_100]), (vec![at], vec![0], vec![Some(0.2)], vec![2_100]),]
    );
}

/// A page: snapshot, then frames.
#[derive(Debug, Clone, PartialEq)]
struct Page {
    l: Vec<i8>,
    v: Vec<Option<f64>>,
    a: Vec<i64>,
    alerts: BTreeMap<String, api::Alert>,
    seq: u64,
}

impl Page {
    fn new(s: Snapshot) -> Self {
        Self { l: s.l, v: s.v, a: s.a, alerts: s.alerts.into_iter().map(|a| (a.id.clone(), a)).collect(), seq: s.seq }
    }

    fn apply(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Al(al) if al.s > self.seq => {
                assert_eq!(al.s, self.seq + 1);
                self.seq = al.s;
                self.alerts.extend(al.up.into_iter().map(|a| (a.id.clone(), a)));
            }
            ServerFrame::Dv(dv) if dv.s > self.seq => {
                assert_eq!(dv.s, self.seq + 1);
                self.seq = dv.s;
                for (n, i) in dv.i.iter().enumerate() {
                    let i = *i as usize;
                    (self.l[i], self.v[i], self.a[i]) = (dv.l[n], dv.v[n], dv.a[n]);
                }
            }
            _ => {}
        }
    }
}

// P: a page that takes its snapshot at any moment and applies the frames after it ends with the same picture.
#[test]
fn snapshot_and_frames_agree() {
    let stage = Stage::new();
    let mut cursor = stage.join();
    let mut pages = Vec::new();
    let (mut frames, mut open, ids) = (Vec::new(), Vec::new(), ["wl-1", "wl-2", "aq-1"]);
    for n in 0..60_u32 {
        let (now, id) = (2_000 + i64::from(n) * 70, ids[n as usize % 3]);
        stage.read(now, id, f64::from(n % 7) / 10.0);
        if n % 8 == 0 {
            let mut t = transition(id, 1, Level::ALL[n as usize / 8 % 4], State::Firing);
            t.episode = EpisodeId::derive(&t.rule, &t.subject, Timestamp(now), 0);
            stage.tell(now, &[t.clone()]);
            open.push(t);
        }
        if n % 12 == 7
            && let Some(mut t) = open.pop()
        {
            (t.version, t.state) = (2, State::Resolved);
            stage.tell(now, &[t]);
        }
        if n % 5 == 0 {
            stage.step(now, PartitionId(0), vec![], &[], &[verdict(id, Verdict::Unknown { why: Unknown::Stale })]);
        }
        pages.push(Page::new(stage.snapshot()));
        if n % 3 == 0 {
            stage.flush();
        }
        frames.extend(stage.frames(&mut cursor));
    }
    stage.flush();
    stage.flush();
    frames.extend(stage.frames(&mut cursor));
    let last = Page::new(stage.snapshot());
    for mut page in pages {
        for frame in &frames {
            page.apply(frame.clone());
        }
        assert_eq!(page, last);
    }
    assert!(last.l.iter().any(|l| *l > 0) && last.alerts.len() > 4, "the scenario shows something: {last:?}");
}

// P: everybody who asks at one sequence number gets the same bytes, and new ones when something was published.
#[test]
fn snapshots_are_shared() {
    let stage = Stage::new();
    stage.read(2_000, "wl-1", 0.1);
    stage.flush();
    let first = stage.picture.snapshot("city", &Scope::everything(), Timestamp(0)).expect("a view");
    assert_eq!(
        first.as_ptr(),
        stage.picture.snapshot("city", &Scope::everything(), Timestamp(0)).expect("a view").as_ptr()
    );
    stage.read(2_100, "wl-1", 0.4);
    stage.flush();
    assert_ne!(first, stage.picture.snapshot("city", &Scope::everything(), Timestamp(0)).expect("a view"));
    assert!(stage.picture.snapshot("moon", &Scope::everything(), Timestamp(0)).is_none());
}

// P: the index falls with the worst level of a street and with nothing else; what is unknown lowers the coverage.
#[test]
fn index() {
    let stage = Stage::new();
    let heartbeat = stage.beaten();
    assert_eq!((heartbeat.index.city, heartbeat.index.coverage, heartbeat.online), (None, Some(0.0), 0));
    // Where there are no devices there is no share of them.
    assert_eq!(heartbeat.index.domains["health"], api::Score { index: None, coverage: None });
    for id in ["wl-1", "wl-2", "wl-3", "aq-1"] {
        stage.read(2_000, id, 0.0);
    }
    let heartbeat = stage.beaten();
    assert_eq!((heartbeat.index.city, heartbeat.index.coverage, heartbeat.online), (Some(100.0), Some(1.0), 4));
    // Street 110105003 of traffic has wl-2 (orange) and wl-3: their mean is 80, the cap 60; street 110106002 has 100.
    stage.tell(2_100, &[transition("wl-2", 1, Level::Orange, State::Firing)]);
    stage.step(2_100, PartitionId(0), vec![], &[], &[verdict("aq-1", Verdict::Unknown { why: Unknown::Stale })]);
    let heartbeat = stage.beaten();
    let traffic = heartbeat.index.domains["traffic"];
    assert_eq!((traffic.index, traffic.coverage), (Some(80.0), Some(1.0)));
    let ecology = heartbeat.index.domains["ecology"];
    assert_eq!((ecology.index, ecology.coverage), (None, Some(0.0)));
    assert_eq!((heartbeat.index.city, heartbeat.index.coverage), (Some(80.0), Some(0.75)));
    let chaoyang = heartbeat.districts["110105"];
    assert_eq!((chaoyang.devices, chaoyang.online, chaoyang.open.orange), (3, 2, 1));
    assert_eq!(heartbeat.alarm_rate_10min, 1);
    assert_eq!(heartbeat.index.domains.len(), 6);
}

// P: without any alert the index says how near the values are to their limits, at once and with the rules in force.
#[test]
fn index_by_distance() {
    let stage = Stage::new();
    let traffic = || stage.beaten().index.domains["traffic"].index;
    // Blue at 0.05: half of it is far, and half way between far and blue costs half of five points.
    stage.read(2_000, "wl-1", 0.025);
    assert_eq!(traffic(), Some(100.0));
    stage.read(3_000, "wl-1", 0.037_5);
    assert_eq!(traffic(), Some(97.5));
    // Another street, at yellow: the domain is the mean of both.
    stage.read(4_000, "wl-2", 0.15);
    assert_eq!(traffic(), Some(88.8));
    stage.read(5_000, "wl-1", 0.0);
    assert_eq!(traffic(), Some(90.0));
    let rules = RULES.replace("blue = 0.05, yellow = 0.15, orange = 0.27", "blue = 0.15");
    let next = Arc::new(maibo_core::rule::RuleSet::compile(&[("test.toml", &rules)]).expect("rules"));
    stage.versions.keep_rules(&vec![("test.toml".into(), rules)], &next).expect("kept");
    stage.city(6_000, Input::Rules { version: next.version, by: None });
    assert_eq!(traffic(), Some(97.5));
}

// P: after a restart nothing is trusted until it is heard again; the sources' own words are shown.
#[test]
fn deaf_and_listening() {
    let stage = Stage::new();
    let at = positions(&stage);
    stage.read(2_000, "wl-1", 0.1);
    stage.city(3_000, Input::Deaf { source: None, from: Timestamp(2_500) });
    let codes = |stage: &Stage| {
        let l = stage.snapshot().l;
        (l[at["wl-1"]], l[at["wl-2"]])
    };
    assert_eq!(codes(&stage), (-3, -3));
    let source = || stage.picture.sources()[0].clone();
    assert_eq!(source().state, api::SourceState::Connecting);
    let broker = SourceId::new("broker").expect("id");
    stage.city(4_000, Input::Listening { source: broker.clone() });
    assert_eq!(source().state, api::SourceState::Listening);
    // Heard before, so still not to be trusted; never heard, so just that.
    stage.flush();
    assert_eq!(codes(&stage), (-3, -1));
    stage.read(4_100, "wl-1", 0.1);
    stage.flush();
    assert_eq!(codes(&stage), (0, -1));
    stage.city(5_000, Input::Deaf { source: Some(broker), from: Timestamp(4_500) });
    assert_eq!((source().state, source().since.as_str()), (api::SourceState::Deaf, "1970-01-01T00:00:04.500Z"));
}

// P: alerts that were open before the start are in the first snapshot and in the counts.
#[test]
fn open_alerts_survive_a_restart() {
    let stage = Stage::with(vec![transition("wl-1", 3, Level::Red, State::Firing)]);
    let snapshot = stage.snapshot();
    assert_eq!(snapshot.alerts.len(), 1);
    assert_eq!(snapshot.l[positions(&stage)["wl-1"]], 4);
    assert_eq!(snapshot.featured[0].device, "wl-1");
    stage.tell(9_000, &[transition("wl-1", 4, Level::Red, State::Resolved)]);
    assert_eq!(stage.snapshot().l[positions(&stage)["wl-1"]], -1);
    // Told for ten minutes more, then forgotten.
    assert_eq!(stage.snapshot().alerts.len(), 1);
    stage.tell(9_000 + 600_001, &[]);
    stage.beat();
    stage.read(700_000, "wl-1", 0.0);
    stage.flush();
    assert!(stage.snapshot().alerts.is_empty());
}

// P: another catalogue gives other positions: everybody takes a snapshot, values and alerts of kept devices stay.
#[test]
fn another_catalogue() {
    let stage = Stage::new();
    stage.read(2_000, "wl-2", 0.1);
    stage.tell(2_000, &[transition("wl-2", 1, Level::Blue, State::Firing)]);
    stage.flush();
    let mut cursor = stage.join();
    let before = stage.snapshot();
    let text = "id,kind,place,domain\nnew,air,110105001,ecology\nwl-2,waterlogging,110105003,traffic\n";
    let next = catalogue(text);
    stage.versions.keep_catalogue(text, &next).expect("kept");
    stage.city(3_000, Input::Catalogue { version: next.version });
    assert_eq!(stage.frames(&mut cursor), [ServerFrame::Gap]);
    let after = stage.snapshot();
    assert_ne!(before.version, after.version);
    assert!(after.seq > before.seq);
    assert_eq!((after.l, after.v), (vec![-1, 1], vec![None, Some(0.1)]));
    assert_eq!(positions(&stage), BTreeMap::from([("new".to_owned(), 0), ("wl-2".to_owned(), 1)]));
    // A version that nobody kept changes nothing.
    stage.city(4_000, Input::Catalogue { version: Version(7) });
    assert_eq!(stage.picture.roster().catalogue_version, next.version);
}
