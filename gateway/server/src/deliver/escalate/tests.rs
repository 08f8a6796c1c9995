#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;

use maibo_core::engine::Refusal;
use maibo_core::fact::{Body, Cause, Fact, Handling, Reason, Transition};
use maibo_core::id::Version;
use maibo_core::notify::{Answered, Matcher, Mode, Plan, Receiver, Task};
use maibo_core::rule::Words;
use maibo_core::time::{Millis, Timestamp};
use maibo_store::outbox::Outbox;

use super::*;
use crate::clock::{EngineClock, SystemClock};
use crate::deliver::shelf::Report;
use crate::deliver::tests::support::transition;
use crate::telemetry::Metrics;

fn words(text: &str) -> Words {
    Words { zh: text.to_owned(), en: text.to_owned() }
}

/// Everybody has a minute, which was over long ago.
fn plan(tasks: &[&str]) -> Plan {
    let task = |name: &&str| Task {
        name: (*name).to_owned(),
        owner: "water".to_owned(),
        what: words(name),
        done: Answered::Acknowledged,
        within: Millis::from_secs(60),
        escalate: vec!["chief".to_owned(), "gone".to_owned()],
        then: Vec::new(),
    };
    Plan {
        name: "flood".to_owned(),
        title: words("flood"),
        matcher: Matcher::default(),
        rules: Vec::new(),
        receivers: vec!["water".to_owned()],
        tasks: tasks.iter().map(task).collect(),
    }
}

fn receivers() -> Vec<Receiver> {
    let silent = |name: &str| Receiver {
        name: name.to_owned(),
        mode: Mode::All,
        matcher: Matcher { planned: true, ..Matcher::default() },
        group_every: None,
    };
    vec![silent("water"), silent("chief")]
}

fn follow(outbox: &mut Outbox, t: Transition) {
    let body = Body::Transition(Box::new(t));
    let (index, rules) = (outbox.cursor(), Version(0));
    let fact = Fact { index, cause: Cause::default(), actor: None, at: Timestamp(200_000), rules, engine: 1, body };
    outbox.follow(&[fact], &receivers(), Timestamp(1_000), |_| Vec::new()).unwrap();
}

/// An outbox with alerts of one run each, and a machine that answers as it is told and keeps what it was asked.
struct Scene {
    looking: Looking,
    asked: Arc<Mutex<Vec<Command>>>,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new(
        tasks: &[&str],
        alerts: u32,
        answer: impl Fn(&Command) -> Option<CommandOutcome> + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut outbox = Outbox::open(&dir.path().join("outbox.db"), 0).unwrap();
        outbox.set_plans(Arc::new(crate::plan::set(vec![plan(tasks)])));
        for n in 1..=alerts {
            follow(&mut outbox, transition(n, 1));
        }
        let report = Report::new(tokio::sync::mpsc::channel(9).0, Arc::new(Metrics::new().unwrap()));
        let clock = Arc::new(EngineClock::new(Box::<SystemClock>::default(), None));
        let asked: Arc<Mutex<Vec<Command>>> = Arc::default();
        let kept = Arc::clone(&asked);
        let ask: Ask = Arc::new(move |command| {
            let outcome = answer(&command);
            kept.lock().unwrap().push(command);
            Box::pin(std::future::ready(outcome))
        });
        let looking = Looking {
            shelf: Shelf::new(outbox, report, clock),
            names: vec!["water".to_owned(), "chief".to_owned()].into(),
            ask,
            round: Mark::default(),
            trouble: Trouble::default(),
            wanted: BTreeMap::new(),
        };
        Self { looking, asked, _dir: dir }
    }

    /// What is asked in one round: task, version that was seen, who is told; and whether something came of it.
    async fn round(&mut self) -> (Vec<(String, u32, String)>, bool) {
        let more = self.looking.look().await.unwrap();
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        let line = |command: Command| {
            assert_eq!(command.actor.as_str(), "plan:flood");
            let Act::Escalate(missed) = command.act else { panic!("{:?}", command.act) };
            let to: Vec<&str> = missed.to.iter().map(|name| &**name).collect();
            (missed.task.0.to_string(), command.seen, to.join(" "))
        };
        (asked.into_iter().map(line).collect(), more)
    }

    async fn follow(&self, t: Transition) {
        self.looking.shelf.with(move |outbox, _| follow(outbox, t)).await.unwrap();
    }
}

/// The version that a command makes of the first alert.
fn made(command: &Command) -> Transition {
    let Act::Escalate(missed) = &command.act else { panic!("{:?}", command.act) };
    let handling = Some(Box::new(Handling { missed: Some(missed.clone()), ..Handling::default() }));
    Transition { reason: Reason::Escalated, handling, ..transition(1, command.seen + 1) }
}

fn taken(command: &Command) -> CommandOutcome {
    CommandOutcome { episode: command.episode, result: Ok(made(command)) }
}

fn asked(task: &str, seen: u32) -> Vec<(String, u32, String)> {
    vec![(task.to_owned(), seen, "chief".to_owned())]
}

// Of one alert one at a time, the next when the outbox has the version of the one before; nothing is written by looking.
#[tokio::test]
async fn one_after_the_other() {
    let mut scene = Scene::new(&["pumps", "road"], 1, |command| Some(taken(command)));
    assert_eq!(scene.round().await, (asked("pumps", 1), true));
    assert_eq!(scene.round().await, (vec![], false), "the outbox does not have it yet");
    let due = scene.looking.shelf.with(|outbox, now| outbox.overdue(now, 9).unwrap()).await.unwrap();
    assert_eq!(due.len(), 2, "looking notes nothing");
    scene.follow(made(&command(&due[0], &["chief".to_owned()]).unwrap())).await;
    assert_eq!(scene.round().await, (asked("road", 2), true));
}

// What was refused because somebody was faster is asked again behind that; what got no answer, in the next round.
#[tokio::test]
async fn refused_or_not_taken_in() {
    let mut scene = Scene::new(&["pumps"], 1, |command| {
        let refusal = Refusal { reason: "newer_fact", current: Some(transition(1, 3)) };
        Some(CommandOutcome { episode: command.episode, result: Err(refusal) })
    });
    assert_eq!(scene.round().await, (asked("pumps", 1), false));
    assert_eq!(scene.round().await, (vec![], false));
    scene.follow(transition(1, 2)).await;
    assert_eq!(scene.round().await, (vec![], false), "that is not the present yet");
    scene.follow(transition(1, 3)).await;
    assert_eq!(scene.round().await, (asked("pumps", 3), false));

    let mut scene = Scene::new(&["pumps"], 1, |_| None);
    for _ in 0..3 {
        assert_eq!(scene.round().await, (asked("pumps", 1), false));
    }
}
