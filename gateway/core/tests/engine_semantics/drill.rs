//! Drills: alerts that people open for exercise, handled like any other, and no word about the city.

use maibo_core::alert::sentence;
use maibo_core::engine::CommandOutcome;
use maibo_core::fact::{Body, MaintenanceScope};
use maibo_core::id::{Actor, DrillId, EpisodeId, PartitionId, PlaceCode};
use maibo_core::input::{Drill, Found, Input};
use maibo_core::limit;
use maibo_core::place::{Domain, Level};
use maibo_core::rule::Words;
use maibo_core::time::{Millis, Timestamp};

use crate::engine_world::{World, ZERO, catalogue, depth, s};

fn city() -> World {
    World::with(PartitionId::CITY, &depth(""), &catalogue(&[]))
}

fn drill(name: &str, level: Level, seconds: i64) -> Drill {
    Drill {
        name: DrillId::new(name).expect("id"),
        title: Found::new("内涝", "flood"),
        domain: Domain::Emergency,
        place: PlaceCode::new("110105").ok(),
        level,
        lasts: Millis(s(seconds)),
        by: Actor::new("li").expect("actor"),
    }
}

fn ask(w: &mut World, drill: Drill) -> CommandOutcome {
    w.batch(vec![Input::Drill(Box::new(drill))]);
    assert_eq!(w.out.commands.len(), 1, "one answer");
    w.out.commands.pop().expect("an outcome")
}

fn refused(w: &mut World, drill: Drill) -> &'static str {
    let open = w.machine.open_alerts().count();
    let reason = ask(w, drill).result.expect_err("refused").reason;
    assert!(matches!(&w.facts.last().expect("a fact").body, Body::Refused { reason: why, .. } if &**why == reason));
    assert_eq!(w.machine.open_alerts().count(), open, "nothing opened");
    reason
}

// it opens as what it is, its level follows, and it ends at its time, by itself, with the name of who did what on record.
#[test]
fn a_drill_is_an_episode() {
    let mut w = city();
    w.at(s(10));
    let opened = ask(&mut w, drill("flood", Level::Orange, 600)).result.expect("opened");
    assert!(opened.is_drill() && opened.subject.kind() == "drill" && opened.rule.as_str() == "maibo-drill");
    assert_eq!(opened.place.as_ref().map(PlaceCode::as_str), Some("110105"));
    w.at(s(20));
    let raised = ask(&mut w, drill("flood", Level::Red, 120)).result.expect("raised");
    assert_eq!((raised.episode, raised.version), (opened.episode, 2));
    w.restart().at(s(30));
    assert!(ask(&mut w, drill("flood", Level::Yellow, 120)).result.is_ok());
    w.run(s(1_000)).expect(&[
        "10000 v1 firing orange event",
        "20000 v2 firing red raised",
        "30000 v3 firing yellow lowered",
        "150000 v4 resolved yellow event_expired",
    ]);
    let actors: Vec<Option<&str>> =
        w.facts.iter().filter(|f| f.body.judged().is_some()).map(|f| f.actor.as_ref().map(Actor::as_str)).collect();
    assert_eq!(actors, [Some("li"), Some("li"), Some("li"), None]);
    let title = Words { zh: "演练：内涝".into(), en: "Drill: flood".into() };
    let said: Vec<String> = w.transitions().iter().map(|t| sentence(t, &title).en).collect();
    assert_eq!(
        said,
        [
            "Drill: flood: orange exercise, nothing has happened",
            "Drill: flood: the exercise is raised to red",
            "Drill: flood: the exercise is lowered to yellow",
            "Drill: flood: the exercise is over after 2 min 20 s",
        ]
    );
    assert!(w.transitions().iter().all(|t| sentence(t, &title).zh.contains("演练")));
}

// the same again at the same level is no news, and it goes on for as long from then; by another place it is another one.
#[test]
fn a_drill_goes_on() {
    let mut w = city();
    w.at(0);
    let opened = ask(&mut w, drill("flood", Level::Orange, 60)).result.expect("opened");
    w.at(s(50));
    let same = ask(&mut w, drill("flood", Level::Orange, 60)).result.expect("goes on");
    assert_eq!((same.episode, same.version), (opened.episode, 1));
    let elsewhere = Drill { place: None, ..drill("flood", Level::Red, 600) };
    assert_eq!(refused(&mut w, elsewhere), "elsewhere");
    w.restart().run(s(200)).expect(&["0 v1 firing orange event", "110000 v2 resolved orange event_expired"]);
    assert_eq!(w.machine.next_deadline(), None, "nothing is left");
}

// an operator closes it without force, also where others have said something; then the name is free, and never its identity.
#[test]
fn a_drill_is_handled_like_any_alert() {
    let mut w = city().loud();
    w.at(0);
    let first = ask(&mut w, drill("flood", Level::Red, 600)).result.expect("opened").episode;
    w.run(s(310)).expect(&["0 v1 firing red event", "0 v2 firing red unacknowledged"]);
    assert!(w.acknowledge("wang", 2).result.is_ok());
    w.restart();
    assert!(w.close(false).is_ok());
    w.expect(&["0 v3 firing red acknowledged acknowledged", "0 v4 resolved red closed acknowledged"]);
    let second = ask(&mut w, drill("flood", Level::Red, 600)).result.expect("opened").episode;
    assert!(w.close(false).is_ok());
    let third = ask(&mut w, drill("flood", Level::Red, 600)).result.expect("opened");
    assert!(first != second && second != third.episode && third.version == 1 && !third.is_flapping());
    w.run(s(910));
    assert_eq!((w.machine.open_alerts().count(), w.last().reason.as_str()), (0, "event_expired"));
}

// so many at once, and none that is too short or too long.
#[test]
fn drills_are_bounded() {
    let mut w = city();
    w.at(0);
    for seconds in [0, -5, 59, 86_401, i64::MAX / 2_000] {
        assert_eq!(refused(&mut w, drill("flood", Level::Red, seconds)), "bad_until");
    }
    for n in 0..limit::MAX_DRILLS {
        assert!(ask(&mut w, drill(&format!("d{n}"), Level::Blue, 600)).result.is_ok());
    }
    assert_eq!(refused(&mut w, drill("more", Level::Blue, 600)), "too_many");
    assert!(ask(&mut w, drill("d3", Level::Yellow, 600)).result.is_ok(), "those that are open go on");
    w.run(s(600));
    assert_eq!(w.machine.open_alerts().count(), 0);
    assert!(ask(&mut w, drill("more", Level::Blue, 60)).result.is_ok());
}

// one that ends while Maibo is stopped ends when it is back; an edit of the rules ends none; clocks move no end.
#[test]
fn a_drill_ends_at_its_time() {
    let mut w = city();
    w.at(0);
    assert!(ask(&mut w, drill("flood", Level::Blue, 100)).result.is_ok());
    w.edit(&depth("for = \"5s\"")).restart().at(s(40)).clock_step(s(30));
    w.at(s(150)).stopped(s(60)).expect(&["0 v1 firing blue event", "150000 v2 resolved blue event_expired"]);
}

// never with real alerts: in no incident, withheld by no maintenance.
#[test]
fn a_drill_is_apart() {
    let mut w = city();
    w.at(0);
    let opened = ask(&mut w, drill("flood", Level::Red, 600)).result.expect("opened");
    w.run(s(700));
    assert!(!w.facts.iter().any(|f| matches!(f.body, Body::Incident(_) | Body::Grouped(_) | Body::Inhibition { .. })));
    let all = MaintenanceScope::Place(PlaceCode::new("110000").expect("code"));
    assert!(!all.covers_alert(&opened.subject, opened.place.as_ref()));
}

// facts are law: what only the log has is open and ends some time; what it does not have is not.
#[test]
fn what_the_log_says_of_drills_stands() {
    let mut told = city();
    told.at(0);
    assert!(ask(&mut told, drill("flood", Level::Blue, 600)).result.is_ok());
    let opened = told.facts.iter().find(|f| f.body.judged().is_some()).expect("a fact").clone();
    let mut w = city();
    w.at(0).impose(&[], std::slice::from_ref(&opened));
    w.restart().at(s(1));
    let goes_on = ask(&mut w, drill("flood", Level::Red, 600)).result.expect("goes on");
    assert_eq!((goes_on.version, w.machine.open_alerts().count()), (2, 1));
    let mut w = city();
    w.at(0).impose(&[], std::slice::from_ref(&opened));
    w.run(s(90_000)).expect(&["86400000 v2 resolved blue event_expired"]);
    assert!(!w.facts.iter().any(|f| matches!(f.body, Body::Incident(_))));
    told.impose(std::slice::from_ref(&opened), &[]);
    told.restart();
    let open = |w: &World| w.machine.open_alerts().map(|t| t.episode).collect::<Vec<EpisodeId>>();
    assert_eq!(open(&told), []);
    told.run(s(1_000));
    let again = ask(&mut told, drill("flood", Level::Blue, 600)).result.expect("opened");
    assert_eq!((open(&told), again.started_at), (vec![again.episode], Timestamp(ZERO + s(1_000))));
}
