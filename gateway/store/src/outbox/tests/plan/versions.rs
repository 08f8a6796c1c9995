//! Plans that come into force while alerts go on.

use maibo_core::fact::Body;

use super::*;

/// A fact that puts a set in force.
fn activated(index: u64, version: u64) -> Fact {
    Fact { body: Body::PlansActivated { version: Version(version) }, ..told(index, flood(1, 1, Level::Orange)) }
}

/// One task only, and somebody else's.
fn other() -> Plan {
    Plan { tasks: vec![task("barriers", "traffic", 90)], receivers: vec!["traffic".to_owned()], ..plan() }
}

// Facts behind it are covered by the new plans and not by those before, however they are given; a restart knows which.
#[test]
fn it_stops_where_other_plans_come_into_force() {
    let mut bench = bench();
    let facts: Vec<Fact> =
        vec![told(0, flood(1, 1, Level::Orange)), activated(1, 0), told(2, flood(2, 1, Level::Orange))];
    let follow = |bench: &mut Bench| bench.outbox.follow(&facts, &bench.receivers, NOW, text).unwrap();
    assert_eq!(bench.outbox.plans_version(), None);
    follow(&mut bench);
    assert_eq!((bench.outbox.cursor(), bench.outbox.plans_version()), (2, Some(Version(0))));
    bench.reopen();
    assert_eq!(bench.outbox.plans_version(), Some(Version(0)));
    bench.outbox.set_plans(set(Vec::new()));
    follow(&mut bench);
    assert_eq!(bench.outbox.cursor(), 3);
    assert_eq!(bench.told_of(1), listed(&[("water", 1), ("traffic", 1), ("all", 1)]));
    assert_eq!(bench.told_of(2), listed(&[("all", 1)]));
    // What was begun goes on without its plan.
    assert_eq!(bench.escalate(secs(31)).len(), 1);
    assert_eq!(bench.runs()[0].plans.as_deref(), Some(&*Version(1).to_string()));
}

// A run keeps the tasks that it was begun with, and a message says those: by the set that its run was begun by.
#[test]
fn a_run_keeps_its_version() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    let changed = Arc::new(PlanSet { version: Version(9), plans: vec![other()] });
    bench.outbox.set_plans(changed);
    let mut said = Vec::new();
    for (n, version) in [(1, 2), (2, 1)] {
        let fact = told(bench.outbox.cursor(), flood(n, version, Level::Orange));
        let body = |t: &Transition, covering: &[Covering]| {
            said.extend(covering.iter().map(|one| (one.plan.clone(), one.version)));
            assert!(covering[0].covers);
            text(t)
        };
        bench.outbox.follow_by(&[fact], &bench.receivers, NOW, |_, _| Manners::default(), body).unwrap();
    }
    assert_eq!(said, vec![("cloudburst".to_owned(), Version(1)); 2]);
    let names: Vec<String> = bench.runs()[0].tasks.iter().map(|task| task.name.clone()).collect();
    assert_eq!(names, ["pumps", "close the road"]);
    // The next one is begun by what is in force.
    for n in [1, 2] {
        bench.at(secs(1), Transition { state: State::Resolved, ..flood(n, 3, Level::Orange) });
    }
    bench.at(secs(2), flood(3, 1, Level::Orange));
    let run = &bench.runs()[0];
    assert_eq!((run.plans.as_deref(), &*run.tasks[0].name), (Some(&*Version(9).to_string()), "barriers"));
}

// Who has to do something by the plan that a run was begun by hears of what comes to that run, though the plan in force has
// forgotten them: nobody is accused of what nobody told them.
#[test]
fn owners_of_a_run_hear_of_it() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    bench.acknowledge(secs(5), "water", flood(1, 2, Level::Orange));
    bench.outbox.set_plans(Arc::new(PlanSet { version: Version(9), plans: vec![other()] }));
    bench.at(secs(10), flood(2, 1, Level::Red));
    assert_eq!(bench.told_of(2), listed(&[("water", 1), ("traffic", 1), ("all", 1)]));
    assert_eq!(bench.outbox.next_deadline().unwrap(), Some(secs(30)), "it got worse: all of it has to be done anew");
    let over = bench.outbox.overdue(secs(70), 9).unwrap();
    assert!(over.iter().any(|o| o.owner == "water" && o.episode == episode(2)), "{over:?}");
}

// Where the plan in force does not cover an alert of a run any more, its messages have no tasks to say by it.
#[test]
fn what_covers_is_said() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    let high = Plan { matcher: Matcher { min_level: Level::Red, ..Matcher::default() }, ..other() };
    for (plans, covers) in [(vec![high], false), (vec![other()], true), (Vec::new(), false)] {
        bench.outbox.set_plans(Arc::new(PlanSet { version: Version(9), plans }));
        let version = bench.told_of(1).iter().map(|(_, version)| *version).max().unwrap() + 1;
        let fact = told(bench.outbox.cursor(), flood(1, version, Level::Orange));
        let body = |t: &Transition, covering: &[Covering]| {
            assert_eq!(covering.iter().map(|c| (c.version, c.covers)).collect::<Vec<_>>(), [(Version(1), covers)]);
            text(t)
        };
        bench.outbox.follow_by(&[fact], &bench.receivers, NOW, |_, _| Manners::default(), body).unwrap();
    }
}

// A run of a file of before says no set: it was begun by the one that ends where the first other one comes into force.
#[test]
fn runs_of_before_were_begun_by_the_first_set() {
    let mut bench = bench();
    bench.at(NOW, flood(1, 1, Level::Orange));
    bench.outbox.connection.execute_batch("UPDATE run SET plans = NULL").unwrap();
    bench.outbox.follow(&[activated(1, 9)], &bench.receivers, NOW, text).unwrap();
    assert_eq!(bench.runs()[0].plans.as_deref(), Some(&*Version(1).to_string()));
}
