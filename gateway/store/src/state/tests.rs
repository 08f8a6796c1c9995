use maibo_core::fact::{
    Acknowledged, Body, Cause, Delivery, Fact, Group, Incident, IncidentState, Reason, State, Transition,
};
use maibo_core::id::{Actor, DeviceId, EpisodeId, IncidentId, PlaceCode, RuleId, Subject, Version};
use maibo_core::place::{Domain, Level};
use maibo_core::time::Timestamp;
use tempfile::TempDir;

use super::*;

fn transition(n: u32, version: u32, level: Level, state: State) -> Transition {
    let rule = RuleId::new(if n.is_multiple_of(2) { "even" } else { "odd" }).expect("id");
    let subject = Subject::Device(DeviceId::new(&format!("d{n}")).expect("id"));
    let place = if n.is_multiple_of(3) { "110101001" } else { "110105003" };
    Transition {
        episode: EpisodeId::derive(&rule, &subject, Timestamp(1_000), 0),
        version,
        rule,
        subject,
        quantity: None,
        place: Some(PlaceCode::new(place).expect("code")),
        domain: if n.is_multiple_of(2) { Domain::Traffic } else { Domain::Health },
        state,
        level,
        peak: level,
        stale: false,
        historic: false,
        value: Some(f64::from(n)),
        threshold: Some(1.0),
        started_at: Timestamp(1_000),
        at: Timestamp(1_000 + i64::from(version)),
        resolved_at: (state == State::Resolved).then_some(Timestamp(9_000)),
        acknowledged: None,
        reason: Reason::Threshold,
        handling: None,
        measure: None,
        found: None,
    }
}

fn fact(index: u64, body: Body) -> Fact {
    Fact {
        index,
        cause: Cause::default(),
        actor: None,
        at: Timestamp(5_000 + index as i64),
        rules: Version(1),
        engine: 1,
        body,
    }
}

fn told(index: u64, t: Transition) -> Fact {
    fact(index, Body::Transition(Box::new(t)))
}

/// Ten episodes opened, some changed, some over, one acknowledged, one delivery settled twice.
fn history() -> Vec<Fact> {
    let mut facts: Vec<Fact> =
        (0..10).map(|n| told(u64::from(n), transition(n, 1, Level::Blue, State::Firing))).collect();
    facts.push(fact(10, Body::RulesActivated { version: Version(1) }));
    facts.push(told(11, transition(3, 2, Level::Red, State::Firing)));
    facts.push(told(12, transition(4, 2, Level::Blue, State::Resolved)));
    let mut seen = transition(5, 2, Level::Blue, State::Firing);
    let by = Actor::new("li.wei").expect("actor");
    seen.acknowledged = Some(Acknowledged { by: by.clone(), at: Timestamp(8_000), note: "ok".into() });
    facts.push(Fact { actor: Some(by), ..told(13, seen) });
    for (index, outcome) in [(14, "dead"), (15, "delivered")] {
        facts.push(fact(
            index,
            Body::Delivery(Box::new(Delivery {
                receiver: "hook".into(),
                episode: transition(3, 1, Level::Blue, State::Firing).episode,
                version: 2,
                outcome: outcome.into(),
                attempts: index as u32,
                error: (outcome == "dead").then(|| "410".into()),
            })),
        ));
    }
    facts
}

fn everything(path: &Path) -> String {
    let reader = StateReader::open(path).expect("opens");
    let alerts = reader.alerts(&AlertFilter::default(), None, PAGE_MAX).expect("alerts");
    let versions: Vec<_> = alerts.iter().map(|a| reader.versions(a.alert.episode).expect("versions")).collect();
    let deliveries = reader.deliveries(&DeliveryFilter::default(), None, PAGE_MAX).expect("deliveries");
    format!("{alerts:?} {versions:?} {deliveries:?} {:?} {}", reader.open_counts(), reader.cursor().expect("cursor"))
}

fn dir() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

// P: a projection is the same whether it was built at once, one by one, with repeats, or across restarts.
#[test]
fn any_way_of_applying_gives_the_same() {
    let dir = dir();
    let facts = history();
    let whole = dir.path().join("whole");
    StateWriter::open(&whole).expect("opens").apply(&facts).expect("applies");
    let pieces = dir.path().join("pieces");
    for n in 0..facts.len() {
        // A new writer each time, and everything so far again: what is applied is passed over.
        let mut writer = StateWriter::open(&pieces).expect("opens");
        assert_eq!(writer.cursor(), n as u64);
        writer.apply(&facts[..=n]).expect("applies");
        writer.apply(&facts[..=n]).expect("applies again");
    }
    assert_eq!(everything(&whole), everything(&pieces));
}

// P: facts that were left out are refused, and nothing of the call is kept.
#[test]
fn a_gap_is_refused_whole() {
    let dir = dir();
    let path = dir.path().join("state");
    let mut writer = StateWriter::open(&path).expect("opens");
    let facts = history();
    writer.apply(&facts[..2]).expect("applies");
    let error = writer.apply(&[facts[2].clone(), facts[4].clone()]).expect_err("a gap");
    assert!(matches!(error, StateError::Skipped { wanted: 3, found: 4 }), "{error}");
    assert_eq!(writer.cursor(), 2);
    let reader = StateReader::open(&path).expect("opens");
    assert_eq!(reader.alerts(&AlertFilter::default(), None, 10).expect("alerts").len(), 2);
    assert_eq!(writer.apply(&facts[2..4]).expect("applies"), 4);
}

// P: paging newest first gives every alert once, also while others change.
#[test]
fn pages_are_complete() {
    let dir = dir();
    let path = dir.path().join("state");
    let mut writer = StateWriter::open(&path).expect("opens");
    let facts = history();
    writer.apply(&facts[..11]).expect("applies");
    let reader = StateReader::open(&path).expect("opens");
    let first = reader.alerts(&AlertFilter::default(), None, 4).expect("page");
    writer.apply(&facts[11..]).expect("applies");
    let mut seen: Vec<u64> = first.iter().map(|a| a.opened).collect();
    loop {
        let page = reader.alerts(&AlertFilter::default(), seen.last().copied(), 4).expect("page");
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|a| a.opened));
    }
    assert_eq!(seen, (0..10).rev().collect::<Vec<_>>());
}

// P: every filter leaves exactly what it says.
#[test]
fn filters() {
    let dir = dir();
    let path = dir.path().join("state");
    StateWriter::open(&path).expect("opens").apply(&history()).expect("applies");
    let reader = StateReader::open(&path).expect("opens");
    let found = |filter: AlertFilter| -> Vec<u64> {
        reader.alerts(&filter, None, 100).expect("alerts").iter().map(|a| a.opened).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    let empty = AlertFilter::default;
    assert_eq!(found(AlertFilter { state: some("resolved"), ..empty() }), [4]);
    assert_eq!(found(AlertFilter { level: some("red"), ..empty() }), [3]);
    assert_eq!(found(AlertFilter { acknowledged: Some(true), ..empty() }), [5]);
    assert_eq!(found(AlertFilter { acknowledged: Some(false), ..empty() }).len(), 9);
    assert_eq!(found(AlertFilter { device: some("d7"), ..empty() }), [7]);
    assert_eq!(found(AlertFilter { rule: some("odd"), ..empty() }), [9, 7, 5, 3, 1]);
    assert_eq!(found(AlertFilter { domains: vec!["traffic".into()], ..empty() }), [8, 6, 4, 2, 0]);
    assert_eq!(found(AlertFilter { districts: vec!["110101".into()], ..empty() }), [9, 6, 3, 0]);
    assert_eq!(found(AlertFilter { domains: vec!["traffic".into()], state: some("resolved"), ..empty() }), [4]);
    assert_eq!(found(AlertFilter { device: some("' OR 1=1 --"), ..empty() }), [0; 0]);
}

// P: an alert can be read with all its versions and who made them; a delivery settled again has one row.
#[test]
fn detail_and_deliveries() {
    let dir = dir();
    let path = dir.path().join("state");
    StateWriter::open(&path).expect("opens").apply(&history()).expect("applies");
    let reader = StateReader::open(&path).expect("opens");
    let five = transition(5, 2, Level::Blue, State::Firing).episode;
    let row = reader.alert(five).expect("reads").expect("there");
    assert_eq!((row.opened, row.alert.version), (5, 2));
    assert_eq!(row.alert.acknowledged.map(|a| a.by.to_string()), Some("li.wei".to_owned()));
    let versions = reader.versions(five).expect("reads");
    assert_eq!(
        versions.iter().map(|v| (v.version, v.actor.as_deref())).collect::<Vec<_>>(),
        [(1, None), (2, Some("li.wei"))]
    );
    let deliveries = reader.deliveries(&DeliveryFilter::default(), None, 10).expect("reads");
    assert_eq!(deliveries.len(), 1);
    let d = &deliveries[0];
    assert_eq!((d.id, d.outcome.as_str(), d.attempts, d.error.as_deref()), (14, "delivered", 15, None));
    assert_eq!((d.created, d.settled), (5_011, 5_015));
    let none = DeliveryFilter { outcome: Some("dead".into()), ..DeliveryFilter::default() };
    assert!(reader.deliveries(&none, None, 10).expect("reads").is_empty());
}

/// An incident that ends by being taken in by another, and who belongs to whom.
fn incidents(from: u64) -> (Vec<Fact>, [IncidentId; 2]) {
    let rule = RuleId::new("odd").expect("id");
    let district = PlaceCode::new("110105").expect("code");
    let id = |n| IncidentId::derive(&rule, Some(&district), Timestamp(1_000), n);
    let ids = [id(1), id(2)];
    let incident = |n: usize, version, into: Option<IncidentId>| Incident {
        id: ids[n],
        version,
        state: if into.is_some() { IncidentState::Closed } else { IncidentState::Open },
        rule: rule.clone(),
        district: Some(district.clone()),
        domain: Domain::Health,
        level: Level::Blue,
        episodes: 1,
        open: 1,
        devices: 1,
        places: Vec::new(),
        historic: false,
        started_at: Timestamp(1_000),
        opened_at: Timestamp(1_000),
        latest_at: Timestamp(1_000),
        into,
    };
    let episode = |n| transition(n, 1, Level::Blue, State::Firing).episode;
    let group = |n: usize, episodes: &[u32]| {
        let episodes = episodes.iter().map(|n| episode(*n)).collect();
        Group { incident: ids[n], episodes }
    };
    let told = |n, version, into| Body::Incident(Box::new(incident(n, version, into)));
    let bodies = [
        told(0, 1, None),
        told(1, 1, None),
        Body::Grouped(vec![group(0, &[1, 3]), group(1, &[5])]),
        told(1, 2, Some(ids[0])),
        Body::Grouped(vec![group(0, &[7])]),
    ];
    ((from..).zip(bodies).map(|(index, body)| fact(index, body)).collect(), ids)
}

// P: an incident's alerts are those that came to it, and those of the incidents that it took in.
#[test]
fn incidents_and_their_alerts() {
    let dir = dir();
    let path = dir.path().join("state");
    let mut facts = history();
    let (more, [first, second]) = incidents(facts.len() as u64);
    facts.extend(more);
    let mut writer = StateWriter::open(&path).expect("opens");
    writer.apply(&facts[..facts.len() - 2]).expect("applies");
    let reader = StateReader::open(&path).expect("opens");
    let members = |id: IncidentId, before: Option<u64>, limit: usize| -> Vec<u64> {
        reader.incident_alerts(id, before, limit).expect("alerts").iter().map(|a| a.opened).collect()
    };
    assert_eq!((members(first, None, 10), members(second, None, 10)), (vec![3, 1], vec![5]));
    writer.apply(&facts).expect("applies");
    assert_eq!((members(first, None, 10), members(second, None, 10)), (vec![7, 5, 3, 1], vec![]));
    assert_eq!((members(first, None, 2), members(first, Some(5), 2)), (vec![7, 5], vec![3, 1]));
    let five = transition(5, 1, Level::Blue, State::Firing).episode;
    assert_eq!(reader.incident_of(five).expect("reads"), Some(first.to_string()));
    let listed = |filter: IncidentFilter, before: Option<u64>| -> Vec<(IncidentId, u32)> {
        let rows = reader.incidents(&filter, before, 10).expect("incidents");
        rows.iter().map(|r| (r.incident.id, r.incident.version)).collect()
    };
    assert_eq!(listed(IncidentFilter::default(), None), [(second, 2), (first, 1)]);
    let open = IncidentFilter { state: Some("open".into()), ..IncidentFilter::default() };
    assert_eq!(listed(open, None), [(first, 1)]);
    let elsewhere = IncidentFilter { districts: vec!["110101".into()], ..IncidentFilter::default() };
    assert_eq!(listed(elsewhere, None), []);
    assert_eq!(reader.incident(second).expect("reads").and_then(|r| r.incident.into), Some(first));
}

// P: a file of a newer Maibo is refused, not overwritten.
#[test]
fn newer_format_is_refused() {
    let dir = dir();
    let path = dir.path().join("state");
    drop(StateWriter::open(&path).expect("opens"));
    let connection = rusqlite::Connection::open(&path).expect("opens");
    connection.pragma_update(None, "user_version", 99).expect("sets");
    drop(connection);
    assert!(matches!(StateWriter::open(&path), Err(StateError::Newer { found: 99, .. })));
}
