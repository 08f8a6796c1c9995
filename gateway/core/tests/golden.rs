//! Bytes and hashes that are law: facts are hashed into the ledger, batches lie in logs, devices in partitions, and an
//! episode's identity is known to others. What fails here is not to be updated but to be undone.

#[path = "golden/acts.rs"]
mod acts;
#[path = "golden/ahead.rs"]
mod ahead;
#[path = "golden/city.rs"]
mod city;
#[path = "golden/drill.rs"]
mod drill;

use std::fmt::Write as _;

use city::{incident, maintenance};
use expect_test::expect;
use maibo_core::fact::{
    Acknowledged, Assigned, Body, Cause, Delivery, Fact, Group, Handling, Incident, IncidentState, Maintenance,
    MaintenanceScope, MaintenanceState, Missed, Reason, Reminder, Said, Silenced, Stamp, Stamps, State, Transition,
};
use maibo_core::id::{
    Actor, DeviceId, EpisodeId, IncidentId, MaintenanceId, PartId, PartitionId, PlaceCode, Position, Quantity, RuleId,
    SourceId, Subject, Version,
};
use maibo_core::input::{Act, Batch, Check, Command, Finding, Found, Input, Stage, Told};
use maibo_core::place::{Domain, Level};
use maibo_core::reading::{Event, Liveness, Quality, Reading, Text};
use maibo_core::time::{Millis, Timestamp};

const T: Timestamp = Timestamp(1_767_225_600_000);

fn device() -> DeviceId {
    DeviceId::new("wl-0001").expect("id")
}

fn source() -> SourceId {
    SourceId::new("city").expect("id")
}

fn part() -> PartId {
    PartId::new("data").expect("id")
}

fn actor() -> Actor {
    Actor::new("li@duty").expect("actor")
}

fn episode() -> EpisodeId {
    let rule = RuleId::new("underpass-waterlogging").expect("id");
    EpisodeId::derive(&rule, &Subject::Device(device()), T, 1)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

fn transition() -> Transition {
    Transition {
        episode: episode(),
        version: 3,
        rule: RuleId::new("underpass-waterlogging").expect("id"),
        subject: Subject::Device(device()),
        quantity: Quantity::new("water_depth").ok(),
        place: PlaceCode::new("110106002").ok(),
        domain: Domain::Traffic,
        state: State::Resolved,
        level: Level::Orange,
        peak: Level::Red,
        stale: false,
        historic: true,
        value: Some(2.5),
        threshold: Some(27.0),
        started_at: T,
        at: Timestamp(T.0 + 30_000),
        resolved_at: Some(Timestamp(T.0 + 30_000)),
        acknowledged: Some(Acknowledged { by: actor(), at: T, note: Text::from("已派员") }),
        reason: Reason::Recovered,
        handling: None,
        measure: None,
        found: None,
    }
}

/// The full form, with everything that can be done with an alert.
fn handled() -> Transition {
    let stamp = |by| Some(Stamp { at: T, by });
    let stamps = Stamps {
        published: stamp(None),
        responding: stamp(Some(actor())),
        fed_back: stamp(None),
        archived: stamp(None),
    };
    let handling = Handling {
        stamps,
        assigned: Some(Assigned { to: Text::from("排水集团"), by: actor(), at: T }),
        silenced: Some(Silenced { until: Timestamp(T.0 + 60_000), by: actor(), at: T, note: Text::from("检修") }),
        flapping: true,
        forced: true,
        said: Some(Said { by: actor(), note: Text::from("泵车已到") }),
        reminder: Some(Reminder { number: 2, after: Millis(600_000) }),
        noted: Some(T),
        missed: None,
    };
    Transition { reason: Reason::Closed, handling: Some(Box::new(handling)), ..transition() }
}

fn delivery() -> Delivery {
    Delivery {
        receiver: Text::from("bureau"),
        episode: episode(),
        version: 3,
        outcome: Text::from("dead"),
        attempts: 7,
        error: Some(Text::from("410")),
    }
}

fn bodies() -> Vec<(&'static str, Body)> {
    let (partition, first, last) = (PartitionId(7), Position(1), Position(9));
    // A new kind of decision does not compile here until it stands in the list below.
    let known = |body: &Body| match body {
        Body::Transition(_) => "transition",
        Body::RulesActivated { .. } => "rules",
        Body::CatalogueActivated { .. } => "catalogue",
        Body::ClockStepped { .. } => "clock",
        Body::Source { .. } => "source",
        Body::Gap { .. } => "gap",
        Body::Delivery(_) => "delivery",
        Body::Refused { .. } => "refused",
        Body::Incident(_) => "incident",
        Body::Grouped(_) => "grouped",
        Body::Shadow(_) => "shadow",
        Body::Inhibition { .. } => "inhibition",
        Body::Released { .. } => "released",
        Body::Maintenance(_) => "maintenance",
        Body::PlansActivated { .. } => "plans",
    };
    let all = vec![
        Body::Transition(Box::new(transition())),
        Body::RulesActivated { version: Version(0x0123_4567_89ab_cdef) },
        Body::CatalogueActivated { version: Version(1) },
        Body::ClockStepped { by_ms: -3_600_000 },
        Body::Source { source: source(), listening: true, deaf_from: T },
        Body::Gap { partition, first, last, batches: 4 },
        Body::Delivery(Box::new(delivery())),
        Body::Refused { episode: episode(), reason: Text::from("level_rose") },
        Body::Incident(Box::new(incident())),
        Body::Grouped(vec![Group { incident: incident().id, episodes: vec![episode()] }]),
        Body::Shadow(Box::new(transition())),
        Body::Inhibition { episode: episode(), by: Some(episode()) },
        Body::Released { parent: episode(), episodes: vec![episode()] },
        Body::Maintenance(Box::new(maintenance())),
        Body::PlansActivated { version: Version(0x0123_4567_89ab_cdef) },
    ];
    all.into_iter().map(|body| (known(&body), body)).collect()
}

fn inputs() -> Vec<(&'static str, Input)> {
    let known = |input: &Input| match input {
        Input::Reading(_) => "reading",
        Input::Event(_) => "event",
        Input::Liveness(_) => "liveness",
        Input::Deaf { .. } => "deaf",
        Input::Listening { .. } => "listening",
        Input::Command(_) => "command",
        Input::ClockStep { .. } => "clock",
        Input::Rules { .. } => "rules",
        Input::Catalogue { .. } => "catalogue",
        Input::Delivered(_) => "delivered",
        Input::Told { .. } => "told",
        Input::Maintain(_) => "maintain",
        Input::EndMaintenance { .. } => "end maintenance",
        Input::Found(_) => "found",
        Input::Dropped { .. } => "dropped",
        Input::Canary { .. } => "canary",
        Input::Drill(_) => "drill",
        Input::Plans { .. } => "plans",
    };
    let reading = Reading {
        device: device(),
        quantity: Quantity::new("water_depth").expect("quantity"),
        at: T,
        received: Timestamp(T.0 + 12),
        value: 60.25,
        quality: Quality::Suspect,
        timed: true,
    };
    let event = Event {
        device: device(),
        code: Text::from("rsi.707"),
        identity: Text::from("1"),
        at: T,
        received: T,
        expires: Some(Timestamp(T.0 + 60_000)),
        cancelled: false,
        position: Some((116.391, 39.907)),
        text: Text::from("AbnormalTraffic"),
        ahead: None,
    };
    let act = Act::Acknowledge { note: Text::from("on my way") };
    let all = vec![
        Input::Reading(reading),
        Input::Event(event),
        Input::Liveness(Liveness { device: device(), received: T, alive: false }),
        Input::Deaf { source: None, from: T },
        Input::Listening { source: source() },
        Input::Command(Command { actor: actor(), episode: episode(), seen: 2, act }),
        Input::ClockStep { by: Millis(-1) },
        Input::Rules { version: Version(u64::MAX), by: None },
        Input::Rules { version: Version(u64::MAX), by: Some(actor()) },
        Input::Catalogue { version: Version(0) },
        Input::Delivered(Box::new(delivery())),
        Input::Told { first: 40, next: 43, items: vec![Told::of(42, &transition(), T)] },
        Input::Maintain(Box::new(maintenance())),
        Input::EndMaintenance { id: maintenance().id, by: actor() },
        Input::Found(Box::new(Finding {
            check: Check::Disk,
            part: part(),
            level: Some(Level::Red),
            since: T,
            found: Found::new("磁盘已满", "full"),
        })),
        Input::Dropped { partition: PartitionId(7), first: Position(1), last: Position(9), batches: 4 },
        Input::Canary { source: source(), number: 9 },
        drill::input(),
        Input::Plans { version: Version(u64::MAX), by: Some(actor()) },
    ];
    all.into_iter().map(|input| (known(&input), input)).collect()
}

// Protects the ledger: the canonical bytes of a fact of each kind.
#[test]
fn facts() {
    let mut shown = String::new();
    for (name, body) in bodies() {
        let actor = matches!(body, Body::Refused { .. }).then(actor);
        let cause = Cause { partition: PartitionId(7), position: Position(1_000), seq: 2 };
        let fact = Fact { index: 42, cause, actor, at: T, rules: Version(0xfeed), engine: 1, body };
        let bytes = fact.to_bytes();
        assert_eq!(Fact::from_bytes(&bytes).as_ref().ok(), Some(&fact), "{name}");
        let _ = writeln!(shown, "{name} {}", hex(&bytes));
    }
    expect![[r"
        transition 87182a83071903e802f61b0000019b76daa80019feed0182008193509b262799d5c0984c31351e2c682a1e3d0376756e646572706173732d77617465726c6f6767696e6782008167776c2d303030316b77617465725f64657074686931313031303630303201010203f4f5fb4004000000000000fb403b0000000000001b0000019b76daa8001b0000019b76db1d301b0000019b76db1d3083676c6940647574791b0000019b76daa80069e5b7b2e6b4bee5919803
        rules 87182a83071903e802f61b0000019b76daa80019feed018201811b0123456789abcdef
        catalogue 87182a83071903e802f61b0000019b76daa80019feed0182028101
        clock 87182a83071903e802f61b0000019b76daa80019feed018203813a0036ee7f
        source 87182a83071903e802f61b0000019b76daa80019feed018204836463697479f51b0000019b76daa800
        gap 87182a83071903e802f61b0000019b76daa80019feed0182058407010904
        delivery 87182a83071903e802f61b0000019b76daa80019feed018206818666627572656175509b262799d5c0984c31351e2c682a1e3d0364646561640763343130
        refused 87182a83071903e802676c6940647574791b0000019b76daa80019feed01820782509b262799d5c0984c31351e2c682a1e3d6a6c6576656c5f726f7365
        incident 87182a83071903e802f61b0000019b76daa80019feed018208819050a4c94d8cf2593af35560d848d25574dd040176756e646572706173732d77617465726c6f6767696e676631313031303601020900078169313130313036303032f41b0000019b76daa8001b0000019b76db1d301b0000019b76db9260508d396f2900b1d3bfe815982a535bf207
        grouped 87182a83071903e802f61b0000019b76daa80019feed01820981818250a4c94d8cf2593af35560d848d25574dd81509b262799d5c0984c31351e2c682a1e3d
        shadow 87182a83071903e802f61b0000019b76daa80019feed01820a8193509b262799d5c0984c31351e2c682a1e3d0376756e646572706173732d77617465726c6f6767696e6782008167776c2d303030316b77617465725f64657074686931313031303630303201010203f4f5fb4004000000000000fb403b0000000000001b0000019b76daa8001b0000019b76db1d301b0000019b76db1d3083676c6940647574791b0000019b76daa80069e5b7b2e6b4bee5919803
        inhibition 87182a83071903e802f61b0000019b76daa80019feed01820b82509b262799d5c0984c31351e2c682a1e3d509b262799d5c0984c31351e2c682a1e3d
        released 87182a83071903e802f61b0000019b76daa80019feed01820c82509b262799d5c0984c31351e2c682a1e3d81509b262799d5c0984c31351e2c682a1e3d
        maintenance 87182a83071903e802f61b0000019b76daa80019feed01820d818750f486e8a830488616ac6d5fbf7d53515982008167776c2d303030311b0000019b76daa8001b0000019b77119680676c6940647574796470756d7001
        plans 87182a83071903e802f61b0000019b76daa80019feed01820e811b0123456789abcdef
    "]].assert_eq(&shown);
}

// Protects the ledger: a transition with all that can be done with an alert, and the number of each reason.
#[test]
fn handling() {
    let bytes = maibo_core::codec::encode(&handled());
    assert_eq!(maibo_core::codec::decode::<Transition>(&bytes).ok(), Some(handled()));
    expect!["94509b262799d5c0984c31351e2c682a1e3d0376756e646572706173732d77617465726c6f6767696e6782008167776c2d303030316b77617465725f64657074686931313031303630303201010203f4f5fb4004000000000000fb403b0000000000001b0000019b76daa8001b0000019b76db1d301b0000019b76db1d3083676c6940647574791b0000019b76daa80069e5b7b2e6b4bee5919818198884811b0000019b76daa800821b0000019b76daa800676c694064757479811b0000019b76daa800811b0000019b76daa800836ce68e92e6b0b4e99b86e59ba2676c6940647574791b0000019b76daa800841b0000019b76db9260676c6940647574791b0000019b76daa80066e6a380e4bfaef5f582676c6940647574796ce6b3b5e8bda6e5b7b2e588b082021a000927c01b0000019b76daa800"].assert_eq(&hex(&bytes));
    let found = Transition { found: Some(Box::new(Found::new("磁盘已满", "full"))), ..handled() };
    assert_eq!(maibo_core::codec::decode::<Transition>(&maibo_core::codec::encode(&found)).ok(), Some(found));
    let reason = |n: u32| maibo_core::codec::decode::<Reason>(&maibo_core::codec::encode(&n)).ok();
    let reasons: Vec<String> = (20..34).filter_map(|n| reason(n).map(|r| format!("{n} {}", r.as_str()))).collect();
    expect![[r"
        20 assigned
        21 commented
        22 silenced
        23 silence_over
        24 unsilenced
        25 closed
        26 fed_back
        27 unacknowledged
        28 quorum
        29 quorum_lost
        30 calendar
        31 unwell
        32 well
        33 escalated"]]
    .assert_eq(&reasons.join("\n"));
}

// Protects the facts log and the identities: the canonical bytes of what an alert can be about.
#[test]
fn subjects() {
    let place = PlaceCode::new("110106002").expect("place");
    let event = Subject::Event { device: device(), identity: Text::from("7a") };
    let (around, part) = (Subject::Around(device()), Subject::Part(part()));
    let all = [Subject::Device(device()), Subject::Source(source()), Subject::Place(place), event, around, part];
    let all = all.into_iter().chain([drill::subject()]);
    let mut shown = String::new();
    for subject in all {
        let bytes = maibo_core::codec::encode(&subject);
        assert_eq!(maibo_core::codec::decode::<Subject>(&bytes).ok().as_ref(), Some(&subject));
        let _ = writeln!(shown, "{} {}", subject.kind(), hex(&bytes));
    }
    expect![[r"
        device 82008167776c2d30303031
        source 8201816463697479
        place 82028169313130313036303032
        event 82038267776c2d30303031623761
        around 82048167776c2d30303031
        part 8205816464617461
        drill 8206816a666c6f6f642d32303236
    "]]
    .assert_eq(&shown);
}

// Protects the inputs log: the canonical bytes of a batch with each kind of input, and of a tick.
#[test]
fn batches() {
    let mut shown = String::new();
    let tick = ("tick", Batch { now: T, inputs: Vec::new() });
    let each = inputs().into_iter().map(|(name, input)| (name, Batch { now: T, inputs: vec![input] }));
    for (name, batch) in each.chain([tick]) {
        let bytes = batch.to_bytes();
        assert_eq!(Batch::from_bytes(&bytes).as_ref().ok(), Some(&batch), "{name}");
        let _ = writeln!(shown, "{name} {}", hex(&bytes));
    }
    expect![[r"
        reading 821b0000019b76daa800818200818767776c2d303030316b77617465725f64657074681b0000019b76daa8001b0000019b76daa80cfb404e20000000000001f5
        event 821b0000019b76daa800818201818967776c2d30303031677273692e37303761311b0000019b76daa8001b0000019b76daa8001b0000019b76db9260f482fb405d190624dd2f1bfb4043f4189374bc6a6f41626e6f726d616c54726166666963
        liveness 821b0000019b76daa800818202818367776c2d303030311b0000019b76daa800f4
        deaf 821b0000019b76daa80081820382f61b0000019b76daa800
        listening 821b0000019b76daa800818204816463697479
        command 821b0000019b76daa8008182058184676c694064757479509b262799d5c0984c31351e2c682a1e3d02820081696f6e206d7920776179
        clock 821b0000019b76daa8008182068120
        rules 821b0000019b76daa800818207811bffffffffffffffff
        rules 821b0000019b76daa800818207821bffffffffffffffff676c694064757479
        catalogue 821b0000019b76daa8008182088100
        delivered 821b0000019b76daa800818209818666627572656175509b262799d5c0984c31351e2c682a1e3d0364646561640763343130
        told 821b0000019b76daa80081820a831828182b818f182a509b262799d5c0984c31351e2c682a1e3d0376756e646572706173732d77617465726c6f6767696e6782008167776c2d3030303169313130313036303032010102f4f51b0000019b76daa8001b0000019b76db1d301b0000019b76db1d301b0000019b76daa800
        maintain 821b0000019b76daa80081820b818750f486e8a830488616ac6d5fbf7d53515982008167776c2d303030311b0000019b76daa8001b0000019b77119680676c6940647574796470756d7001
        end maintenance 821b0000019b76daa80081820c8250f486e8a830488616ac6d5fbf7d535159676c694064757479
        found 821b0000019b76daa80081820d8185006464617461031b0000019b76daa800826ce7a381e79b98e5b7b2e6bba16466756c6c
        dropped 821b0000019b76daa80081820e8407010904
        canary 821b0000019b76daa80081820f82646369747909
        drill 821b0000019b76daa80081821081876a666c6f6f642d32303236826ce58685e6b69de6bc94e7bb836e666c6f6f642065786572636973650566313130313035031a0036ee80676c694064757479
        plans 821b0000019b76daa800818211821bffffffffffffffff676c694064757479
        tick 821b0000019b76daa80080
    "]].assert_eq(&shown);
}

// Protects every log on disk: where devices live, and who an episode is.
#[test]
fn hashes() {
    let partition = |id: &str| PartitionId::of(&DeviceId::new(id).expect("id")).0;
    let found = ["wl-0001", "d", "R328328", "0101010101010101"].map(|id| format!("{id} {}", partition(id))).join("\n");
    expect![[r"
        wl-0001 242
        d 202
        R328328 188
        0101010101010101 228"]]
    .assert_eq(&found);
    let place = Subject::Place(PlaceCode::new("110105").expect("code"));
    let other = EpisodeId::derive(&RuleId::new("r").expect("id"), &place, Timestamp(-1), 2);
    expect![[r"
        9b262799d5c0984c31351e2c682a1e3d
        ea65df2fb1caa1503f867a8b8787b791"]]
    .assert_eq(&format!("{}\n{other}", episode()));
}
