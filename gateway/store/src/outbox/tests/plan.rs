//! Response plans: who is called, whose time runs, who hears where it ran out.

use maibo_core::fact::{Acknowledged, Handling, Silenced};
use maibo_core::id::{Actor, PlaceCode};
use maibo_core::notify::{Answered, Manners, Plan, PlanSet, Task};
use maibo_core::rule::Words;
use maibo_core::time::Millis;

use super::*;

mod anew;
mod entered;
mod ladder;
mod versions;

fn words(text: &str) -> Words {
    Words { zh: text.to_owned(), en: text.to_owned() }
}

fn task(name: &str, owner: &str, seconds: i64) -> Task {
    Task {
        name: name.to_owned(),
        owner: owner.to_owned(),
        what: words(name),
        done: Answered::Acknowledged,
        within: Millis::from_secs(seconds),
        escalate: vec!["chief".to_owned()],
        then: Vec::new(),
    }
}

fn plan() -> Plan {
    Plan {
        name: "cloudburst".to_owned(),
        title: words("cloudburst"),
        matcher: Matcher { min_level: Level::Orange, ..Matcher::default() },
        rules: Vec::new(),
        receivers: vec!["water".to_owned(), "traffic".to_owned()],
        tasks: vec![task("pumps", "water", 60), task("close the road", "traffic", 30)],
    }
}

/// A set; its version is how many plans are in it.
fn set(plans: Vec<Plan>) -> Arc<PlanSet> {
    Arc::new(PlanSet { version: Version(plans.len() as u64), plans })
}

fn silent(name: &str) -> Receiver {
    Receiver { matcher: Matcher { planned: true, ..Matcher::default() }, ..receiver(name, Mode::All) }
}

fn bench() -> Bench {
    let mut bench = Bench::new(vec![silent("water"), silent("traffic"), silent("chief"), receiver("all", Mode::All)]);
    bench.outbox.set_plans(set(vec![plan()]));
    bench
}

fn flood(n: u32, version: u32, level: Level) -> Transition {
    let place = Some(PlaceCode::new("110105001").unwrap());
    Transition { level, peak: level, place, ..transition(n, version) }
}

fn secs(s: i64) -> Timestamp {
    NOW + Millis::from_secs(s)
}

/// The version that says it.
fn missed(overdue: &Overdue, t: Transition) -> Transition {
    let missed = Some(Box::new(overdue.missed(|_| true)));
    let handling = Some(Box::new(Handling { missed, ..Handling::default() }));
    Transition { reason: Reason::Escalated, handling, ..t }
}

impl Bench {
    fn at(&mut self, now: Timestamp, t: Transition) {
        let fact = Fact { at: now, ..told(self.outbox.cursor(), t) };
        self.outbox.follow(&[fact], &self.receivers, now, text).unwrap();
    }

    fn acknowledge(&mut self, now: Timestamp, receiver: &str, t: Transition) {
        self.acknowledge_as(now, Actor::at(receiver, "Wang").unwrap(), t);
    }

    fn acknowledge_as(&mut self, now: Timestamp, actor: Actor, t: Transition) {
        let note = maibo_core::reading::Text::from("");
        let acknowledged = Some(Acknowledged { by: actor.clone(), at: now, note });
        let t = Transition { reason: Reason::Acknowledged, acknowledged, ..t };
        let fact = Fact { at: now, actor: Some(actor), ..told(self.outbox.cursor(), t) };
        self.outbox.follow(&[fact], &self.receivers, now, text).unwrap();
    }

    /// Puts on record what is missed by now, one version a task. Gives tasks, numbers of alerts and versions.
    fn escalate(&mut self, now: Timestamp) -> Vec<(String, u32, u32)> {
        let mut all = Vec::new();
        while let Some(overdue) = self.outbox.overdue(now, 100).unwrap().into_iter().next() {
            let n = (1..=200).find(|n| episode(*n) == overdue.episode).unwrap();
            let version = overdue.version + 1;
            self.at(now, missed(&overdue, flood(n, version, Level::Orange)));
            all.push((overdue.task, n, version));
            assert!(all.len() < 50, "it is noted");
        }
        all
    }

    fn runs(&self) -> Vec<RunRow> {
        let reader = OutboxReader::open(&self.dir.path().join("outbox.db")).unwrap();
        reader.runs(&RunFilter::default(), None, PAGE_MAX).unwrap()
    }

    fn events(&self, n: u32) -> Vec<String> {
        let reader = OutboxReader::open(&self.dir.path().join("outbox.db")).unwrap();
        let events = reader.run_events_of(episode(n), (i64::MIN, 0), PAGE_MAX).unwrap();
        let word = |e: &RunEvent| {
            let parts = [Some(e.kind.as_str()), e.task.as_deref(), e.who.as_deref()];
            format!("{} {}", (e.at - NOW.0) / 1_000, parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
        };
        events.iter().map(word).collect()
    }

    /// Who is listed with which versions of an episode.
    fn told_of(&self, n: u32) -> Vec<(String, u32)> {
        let of = self.list().into_iter().filter(|r| r.episode == episode(n).to_string());
        of.map(|r| (r.receiver, r.version)).collect()
    }
}

fn listed(rows: &[(&str, u32)]) -> Vec<(String, u32)> {
    rows.iter().map(|(name, version)| ((*name).to_owned(), *version)).collect()
}

// Below its level nobody of the plan hears of it; from there on they do, whatever they want otherwise, to the end.
#[test]
fn a_plan_calls_its_receivers() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Yellow));
    assert_eq!(bench.told_of(1), listed(&[("all", 1)]));
    bench.at(NOW, flood(1, 2, Level::Orange));
    bench.at(NOW, Transition { level: Level::Blue, ..flood(1, 3, Level::Orange) });
    bench.at(NOW, Transition { state: State::Resolved, ..flood(1, 4, Level::Orange) });
    let called = listed(&[("water", 2), ("traffic", 2), ("all", 2), ("water", 3), ("traffic", 3), ("all", 3)]);
    assert_eq!(bench.told_of(1)[1..7], called);
    assert_eq!(bench.told_of(1)[7..], listed(&[("water", 4), ("traffic", 4), ("all", 4)]));
    assert!(bench.runs()[0].ended_at.is_some());
    // Others are not for it.
    bench.at(NOW, Transition { historic: true, ..flood(2, 1, Level::Red) });
    assert_eq!(bench.told_of(2), listed(&[("all", 1)]));
}

// One answers in time, one does not: the chief hears of the one that was missed, once, and a late answer is noted.
#[test]
fn who_does_not_answer_in_time() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    assert_eq!(bench.outbox.next_deadline().unwrap(), Some(secs(30)));
    bench.acknowledge(secs(10), "water", flood(1, 2, Level::Orange));
    assert_eq!(bench.escalate(secs(29)), []);
    bench.reopen();
    bench.outbox.set_plans(set(vec![plan()]));
    assert_eq!(bench.escalate(secs(31)), [("close the road".to_owned(), 1, 3)]);
    assert_eq!(bench.escalate(secs(99)), [], "the other one has answered");
    let all = listed(&[("water", 3), ("traffic", 3), ("chief", 3), ("all", 3)]);
    assert!(bench.told_of(1).ends_with(&all), "all who hear the alert, and the chief");
    let due = bench.claim("chief", secs(31), 10);
    assert_eq!((due.len(), due[0].stamp.version), (1, 3));
    bench.end(due[0].id, Ending::Delivered, secs(31));
    bench.acknowledge(secs(40), "traffic", flood(1, 4, Level::Orange));
    bench.at(secs(50), Transition { state: State::Resolved, ..flood(1, 5, Level::Orange) });
    assert_eq!(bench.claim("chief", secs(50), 10)[0].stamp.version, 4, "who was told hears the rest");
    let expected = [
        "0 began",
        "10 done pumps water/Wang",
        "31 missed close the road traffic",
        "31 escalated close the road chief",
        "40 done close the road traffic/Wang",
        "50 ended",
    ];
    assert_eq!(bench.events(1), expected);
    let [run] = <[RunRow; 1]>::try_from(bench.runs()).unwrap();
    let road = &run.tasks[1];
    assert_eq!((road.due_at, road.done_at, road.missed_at), (Some(secs(30).0), Some(secs(40).0), Some(secs(31).0)));
}

// A hundred alerts of one district are one joint action, of which any answer counts; another district has its own.
#[test]
fn one_run_for_what_happens_in_a_district() {
    let mut bench = bench();
    for n in 1..=100 {
        bench.at(NOW, flood(n, 1, Level::Orange));
    }
    bench.at(NOW, Transition { place: Some(PlaceCode::new("110108001").unwrap()), ..flood(200, 1, Level::Orange) });
    let runs = bench.runs();
    assert_eq!(runs.iter().map(|r| &*r.ground).collect::<Vec<_>>(), ["110108", "110105"]);
    assert_eq!((runs[1].episodes.len(), bench.told_of(100).len()), (32, 3), "those beyond are told all the same");
    bench.acknowledge(secs(5), "traffic", flood(7, 2, Level::Orange));
    bench.acknowledge(secs(5), "water", flood(8, 2, Level::Orange));
    let missed = bench.escalate(secs(99));
    assert_eq!(missed.len(), 2, "those of the other district");
    for n in 1..=32 {
        assert!(bench.runs()[1].ended_at.is_none());
        bench.at(secs(99), Transition { state: State::Resolved, ..flood(n, 3, Level::Orange) });
    }
    assert!(bench.runs()[1].ended_at.is_some());
}

// What is withheld hurries nobody: the time begins when somebody is owed it.
#[test]
fn the_time_begins_with_the_telling() {
    let mut bench = bench();
    let wait = Manners { wait: Some(Millis::from_secs(5)), ..Manners::default() };
    let fact = told(bench.outbox.cursor(), flood(1, 1, Level::Orange));
    bench.outbox.follow_by(&[fact], &bench.receivers, NOW, |_, _| wait, |t, _| text(t)).unwrap();
    assert_eq!((bench.runs()[0].began_at, bench.outbox.next_deadline().unwrap()), (None, None));
    let free = fact_of(&bench, Body::Inhibition { episode: episode(1), by: None });
    bench.outbox.follow(&[free], &bench.receivers, secs(3), text).unwrap();
    assert_eq!(bench.runs()[0].began_at, Some(secs(3).0));
    assert_eq!(bench.outbox.next_deadline().unwrap(), Some(secs(33)));
    // One that nobody decides on is told when it is late.
    let mut bench = super::plan::bench();
    let fact = told(bench.outbox.cursor(), flood(1, 1, Level::Orange));
    bench.outbox.follow_by(&[fact], &bench.receivers, NOW, |_, _| wait, |t, _| text(t)).unwrap();
    let at = bench.outbox.next_lift().unwrap().unwrap();
    bench.outbox.lift(at).unwrap();
    assert_eq!(bench.runs()[0].began_at, Some(at.0));
    // Silenced: nobody is told, and nobody's time runs.
    let mut bench = super::plan::bench();
    let silenced = Silenced { by: Actor::account("op").unwrap(), at: NOW, until: secs(600), note: "test".into() };
    let handling = Some(Box::new(Handling { silenced: Some(silenced), ..Handling::default() }));
    bench.at(NOW, Transition { handling, ..flood(1, 1, Level::Orange) });
    assert_eq!(bench.runs()[0].began_at, None);
}

// Who must not be told of an alert is not told of what it asked for: a silence or a maintenance that came after the plan had
// begun keeps the escalation back too, and its end lets it go.
#[test]
fn what_is_withheld_is_not_escalated() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    let silenced = Silenced { by: Actor::account("op").unwrap(), at: secs(5), until: secs(600), note: "test".into() };
    let handling = Some(Box::new(Handling { silenced: Some(silenced), ..Handling::default() }));
    bench.at(secs(5), Transition { reason: Reason::Silenced, handling, ..flood(1, 2, Level::Orange) });
    assert_eq!((bench.escalate(secs(90)), bench.outbox.next_deadline().unwrap()), (vec![], None));
    assert!(bench.runs()[0].ended_at.is_none(), "it goes on");
    // Another alert of the run, which is not silenced, is what the chief hears of.
    bench.at(secs(91), flood(2, 1, Level::Orange));
    assert_eq!(bench.escalate(secs(92)).len(), 2);
    let chief: Vec<_> = bench.list().into_iter().filter(|r| r.receiver == "chief").collect();
    let of: Vec<_> = chief.iter().map(|r| (r.episode == episode(2).to_string(), r.version)).collect();
    assert_eq!(of, [(true, 2), (true, 3)], "both, in a version each");

    let mut bench = super::plan::bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    let by = fact_of(&bench, Body::Inhibition { episode: episode(1), by: Some(episode(9)) });
    bench.outbox.follow(&[by], &bench.receivers, secs(5), text).unwrap();
    assert_eq!(bench.escalate(secs(90)), []);
    let free = fact_of(&bench, Body::Inhibition { episode: episode(1), by: None });
    bench.outbox.follow(&[free], &bench.receivers, secs(91), text).unwrap();
    assert_eq!(bench.escalate(secs(92)).len(), 2);
}

fn fact_of(bench: &Bench, body: Body) -> Fact {
    fact(bench.outbox.cursor(), body)
}

// When it gets worse, what was done and what was missed has to be done anew.
#[test]
fn worse_begins_anew() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    bench.acknowledge(secs(5), "water", flood(1, 2, Level::Orange));
    assert_eq!(bench.escalate(secs(35)).len(), 1);
    bench.at(secs(40), flood(1, 3, Level::Red));
    let run = &bench.runs()[0];
    assert_eq!(run.tasks.iter().map(|t| t.due_at).collect::<Vec<_>>(), [Some(secs(100).0), Some(secs(70).0)]);
    assert!(run.tasks.iter().all(|t| t.done_at.is_none() && t.missed_at.is_none()));
    bench.at(secs(41), flood(1, 4, Level::Red));
    assert_eq!(bench.runs()[0].tasks[0].due_at, Some(secs(100).0), "once");
    assert_eq!(bench.events(1).last().unwrap(), "40 raised red");
}

// Two tasks of one run that are missed, one after the other, are two versions, and the same chief is told both.
#[test]
fn each_that_is_missed_is_told() {
    let mut bench = bench();
    bench.receivers[2].group_every = Some(Millis::from_secs(600));
    bench.at(NOW, flood(1, 1, Level::Orange));
    assert_eq!(bench.escalate(secs(31)), [("close the road".to_owned(), 1, 2)]);
    let first = bench.claim("chief", secs(31), 10);
    bench.end(first[0].id, Ending::Delivered, secs(31));
    // What comes between waits for its group, but not when the next one comes behind it.
    bench.at(secs(40), flood(1, 3, Level::Orange));
    bench.at(secs(41), flood(1, 4, Level::Orange));
    let (id, version) = bench.claim("chief", secs(41), 10).first().map(|due| (due.id, due.stamp.version)).unwrap();
    bench.end(id, Ending::Delivered, secs(41));
    assert_eq!((version, bench.claim("chief", secs(41), 10).len()), (3, 0));
    assert_eq!(bench.escalate(secs(61)), [("pumps".to_owned(), 1, 5)]);
    for version in [4, 5] {
        let due = bench.claim("chief", secs(61), 10);
        assert_eq!(due.iter().map(|due| due.stamp.version).collect::<Vec<_>>(), [version]);
        bench.end(due[0].id, Ending::Delivered, secs(61));
    }
    assert_eq!(bench.outbox.overdue(secs(999), 10).unwrap(), []);
    let expected = [
        "0 began",
        "31 missed close the road traffic",
        "31 escalated close the road chief",
        "61 missed pumps water",
        "61 escalated pumps chief",
    ];
    assert_eq!(bench.events(1), expected);
}

// A version that says so is no miss where somebody did it meanwhile, by an answer about another alert of the run, or where its
// time began anew.
#[test]
fn a_late_word_is_no_miss() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    bench.at(NOW, flood(2, 1, Level::Orange));
    let overdue = bench.outbox.overdue(secs(99), 10).unwrap();
    assert_eq!(overdue.len(), 2);
    bench.acknowledge(secs(99), "traffic", flood(2, 2, Level::Orange));
    bench.at(secs(99), missed(&overdue[0], flood(1, 2, Level::Orange)));
    bench.at(secs(99), flood(2, 3, Level::Red));
    bench.at(secs(100), missed(&overdue[0], flood(1, 3, Level::Orange)));
    assert_eq!(bench.events(1), ["0 began", "99 done close the road traffic/Wang", "99 raised red"]);
    let due: Vec<_> = bench.runs()[0].tasks.iter().map(|t| (t.due_at, t.missed_at)).collect();
    assert_eq!(due, [(Some(secs(60).0), None), (Some(secs(129).0), None)]);
}

// Where the alert is withheld when the version comes, the chief is not told before its end.
#[test]
fn what_is_missed_can_be_withheld() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    let overdue = bench.outbox.overdue(secs(31), 10).unwrap().remove(0);
    let by = fact_of(&bench, Body::Inhibition { episode: episode(1), by: Some(episode(9)) });
    bench.outbox.follow(&[by], &bench.receivers, secs(31), text).unwrap();
    bench.at(secs(31), missed(&overdue, flood(1, 2, Level::Orange)));
    assert_eq!(bench.claim("chief", secs(32), 10), []);
    let free = fact_of(&bench, Body::Inhibition { episode: episode(1), by: None });
    bench.outbox.follow(&[free], &bench.receivers, secs(91), text).unwrap();
    assert_eq!(bench.claim("chief", secs(91), 10).first().map(|due| due.stamp.version), Some(2));
}
