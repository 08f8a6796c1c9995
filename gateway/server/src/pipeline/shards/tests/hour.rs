//! One hour of the demo city, through the real decoders, the real pipeline and real files, with the stream's own clock.
//!
//! A commit holds so many messages as [`COMMITS`] says, by turns: a single one, and bursts large enough for every thread. (One
//! message a commit, as the replay of recorded data has it, would wake no second thread.)

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use maibo_core::codec;
use maibo_core::decode::{DecodeStage, Decoded, Message, Profile, Route};
use maibo_core::id::SourceId;
use maibo_sim::fault::{Fault, FaultPlan};
use maibo_sim::report::Reporter;
use maibo_sim::{City, Scenario};

use super::*;
use crate::app::{App, DataDir};
use crate::config::Settings;
use crate::ingest::{Admission, ClockMode, Receipt};
use crate::pipeline::{Observer, Step, Work};
use crate::versions::{VersionStore, compile_rules};

const SEED: u64 = 2023;
const HOUR: i64 = 3_600_000;
/// Between two snapshots.
const PAUSE: i64 = 120_000;
/// A debug build takes a tenth of the city.
const SENSORS: u32 = if cfg!(debug_assertions) { maibo_sim::city::SENSORS / 10 } else { maibo_sim::city::SENSORS };
/// Messages of one commit, by turns.
const COMMITS: [usize; 8] = [1, 40, 900, 3, 250, 1_500, 7, 110];

/// What arrives in the hour, decoded, commit by commit.
fn arrivals(city: &Arc<City>) -> Vec<Vec<(PartitionId, Input)>> {
    let reporter = Reporter::new(Arc::clone(city), &Scenario::demo(SEED), &faults(), BEGIN);
    let mut next: Vec<i64> =
        city.devices().iter().zip(0..).map(|(d, n)| BEGIN + (n * 37) % d.interval_ms().min(15_000)).collect();
    let mut due: BTreeSet<(i64, u32)> = next.iter().copied().zip(0..).collect();
    let mut stage =
        DecodeStage::new(vec![Route::standard(Profile::Native), Route::standard(Profile::OpenV2x)]).unwrap();
    let mut sizes = COMMITS.iter().cycle();
    let (mut commits, mut commit, mut left) = (Vec::new(), Vec::new(), COMMITS[0]);
    for now in (BEGIN..BEGIN + HOUR).step_by(1_000).map(|t| t + 1_000) {
        for device in reporter.roused(now - 1_000, now) {
            let at = &mut next[device as usize];
            due.remove(&(*at, device));
            *at = now;
            due.insert((now, device));
        }
        while let Some((t, device)) = due.pop_first() {
            if t > now {
                due.insert((t, device));
                break;
            }
            for message in reporter.messages(device, t) {
                commit.extend(decode(&mut stage, &message));
                left -= 1;
                if left == 0 {
                    commits.push(std::mem::take(&mut commit));
                    left = *sizes.next().unwrap();
                }
            }
            next[device as usize] = reporter.next_due(device, t);
            due.insert((next[device as usize], device));
        }
    }
    commits.push(commit);
    commits
}

/// The demo's faults, but those of a clock ahead: it would take a replay's clock along.
fn faults() -> FaultPlan {
    let mut faults = FaultPlan::default();
    for (fault, rate) in Fault::ALL.iter().zip(&mut faults.per_10_000) {
        if matches!(fault, Fault::FastClock | Fault::WrongZone) {
            *rate = 0;
        }
    }
    faults
}

fn decode(stage: &mut DecodeStage, message: &maibo_sim::report::Message) -> Vec<(PartitionId, Input)> {
    let mut decoded = Decoded::default();
    let (topic, payload, received) = (message.topic.as_str(), &message.payload[..], Timestamp(message.t));
    stage.decode(&Message { topic, payload, retained: false, received }, &mut decoded);
    assert!(decoded.problems.is_empty(), "{:?}", decoded.problems);
    let readings = decoded.readings.into_iter().map(|mut r| {
        // As a source's readings in a replay.
        r.received = if r.timed { r.at } else { r.received };
        (PartitionId::of(&r.device), Input::Reading(r))
    });
    let events = decoded.events.into_iter().map(|e| (PartitionId::of(&e.device), Input::Event(e)));
    let liveness = decoded.liveness.into_iter().map(|l| (PartitionId::of(&l.device), Input::Liveness(l)));
    readings.chain(events).chain(liveness).collect()
}

fn settings(city: &City, data: &Path, shards: usize) -> Settings {
    let packs: Vec<_> = crate::packs::SHIPPED.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    let catalogue_text = city.catalogue_csv();
    Settings {
        monitor: crate::config::Monitor::default(),
        allowance: crate::ingest::Allowance::default(),
        standstill_exit: None,
        data: data.to_owned(),
        http: ([127, 0, 0, 1], 0).into(),
        http_names: Vec::new(),
        clock: ClockMode::Replay,
        admission: Admission::Admit,
        inputs_quota: 2 << 30,
        shards,
        sources: Vec::new(),
        routes: Vec::new(),
        files: maibo_core::id::Version::default(),
        rules: compile_rules(&packs).unwrap(),
        packs,
        catalogue: Catalogue::parse(&catalogue_text).unwrap(),
        catalogue_text,
        districts: None,
        receivers: Vec::new(),
        file_plans: Arc::default(),
        plans_by: None,
        plans: Arc::default(),
        alarms: Vec::new(),
        influx: None,
        mode: "run",
    }
}

/// Counts the commits of which a second of so many shards has a share worth handing over.
struct Large(usize, Arc<AtomicUsize>);

impl Observer for Large {
    fn observe(&mut self, step: &Step<'_>) {
        let of_second = step.batches.iter().filter(|(p, ..)| usize::from(p.0) % self.0 == 1);
        let share: usize = of_second.map(|(_, _, batch)| 1 + batch.inputs.len()).sum();
        self.1.fetch_add(usize::from(share >= HAND_OVER_FROM), Relaxed);
    }
}

/// Runs the whole pipeline over the hour. Of how many commits more than one thread had a share.
async fn run(settings: Settings, arrivals: &[Vec<(PartitionId, Input)>]) -> usize {
    let large = Arc::new(AtomicUsize::new(0));
    let observer = Large(settings.shards, Arc::clone(&large));
    let app = tokio::task::spawn_blocking(|| App::build(settings)).await.unwrap().unwrap();
    let ingest = Arc::clone(&app.shared().ingest);
    let running = app.start(vec![Box::new(observer)], None).await.unwrap();
    let source = SourceId::new("city").unwrap();
    ingest.tell(Work::Listening { source: source.clone() }).await.unwrap();
    for inputs in arrivals {
        let message = Work::Message { source: source.clone(), inputs: inputs.clone(), receipt: Receipt::none() };
        ingest.tell(message).await.unwrap();
    }
    assert_eq!(running.drain().await.0, 0);
    large.load(Relaxed)
}

/// What a run has left behind: its commits, and every fact in canonical bytes.
fn recorded(dir: &Path) -> (Vec<Arc<Vec<Item>>>, Vec<Vec<u8>>) {
    let logs = DataDir::open(dir, u64::MAX, false).unwrap();
    let from: Vec<_> = PartitionId::all().map(|p| (p, Some(Position(0)))).collect();
    let mut reader = logs.inputs.reader(&from);
    let mut left: BTreeSet<_> = PartitionId::all().filter(|p| logs.inputs.end(*p).is_some()).collect();
    let (mut commits, mut commit) = (Vec::new(), Vec::<Item>::new());
    while !left.is_empty() {
        let Some(record) = reader.next().unwrap() else { continue };
        let batch = Batch::from_bytes(&record.payload).unwrap();
        if commit.last().is_some_and(|(p, _, b)| *p >= record.partition || b.now != batch.now) {
            commits.push(Arc::new(std::mem::take(&mut commit)));
        }
        if logs.inputs.end(record.partition) == Some(record.position) {
            left.remove(&record.partition);
        }
        commit.push((record.partition, record.position, batch));
    }
    commits.push(Arc::new(commit));
    let mut reader = logs.facts.reader(0);
    let facts = std::iter::from_fn(|| reader.next().unwrap()).map(|f| codec::encode(&f)).collect();
    (commits, facts)
}

/// All machines, and how many commits and facts lay behind them.
struct Moment {
    commits: usize,
    facts: usize,
    states: Vec<Vec<u8>>,
}

fn restored(states: &[Vec<u8>], versions: &Versions) -> Vec<Machine> {
    PartitionId::all().zip(states).map(|(p, s)| Machine::restore(p, s, versions).unwrap()).collect()
}

/// Decides commits anew and holds every fact against what was recorded, at once: the first that differs is named.
fn decide(
    mut shards: Shards,
    commits: &[Arc<Vec<Item>>],
    mut facts: &[Vec<u8>],
    index: usize,
    versions: &Arc<Versions>,
    mut before: impl FnMut(usize, usize, &Shards),
) {
    let (mut out, mut index) = (Output::default(), index);
    for (n, commit) in commits.iter().enumerate() {
        before(n, index, &shards);
        out.clear();
        shards.step(commit, versions, &mut out, &mut Answers::new()).unwrap();
        for mut fact in out.facts.drain(..) {
            fact.index = index as u64;
            let (first, rest) = facts.split_first().expect("no more facts than were recorded");
            assert!(*first == codec::encode(&fact), "{fact:?}");
            (facts, index) = (rest, index + 1);
        }
    }
    assert!(facts.is_empty(), "{} facts are missing", facts.len());
    shards.into_machines();
}

fn start(machines: Vec<Machine>, of: usize) -> Shards {
    Shards::start(machines, of, Deadlines::default()).unwrap()
}

// P3: the facts of an hour of the demo city are the same with one thread and with four, from the start and from the
// snapshots of every other minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_the_city_gives_the_same_facts() {
    let dir = tempfile::tempdir().unwrap();
    let (one, four) = (dir.path().join("one"), dir.path().join("four"));
    let city = Arc::new(City::new(SEED, SENSORS, maibo_sim::city::ROADSIDE_UNITS));
    let arrivals = arrivals(&city);
    let inputs: usize = arrivals.iter().map(Vec::len).sum();
    run(settings(&city, &one, 1), &arrivals).await;
    let large = run(settings(&city, &four, 4), &arrivals).await;
    let (commits, facts) = recorded(&one);
    let (least, share) = if cfg!(debug_assertions) { (100_000, 10) } else { (1_000_000, 100) };
    assert!(inputs > least && facts.len() > least / 10_000, "{inputs} inputs, {} facts", facts.len());
    assert!(large > share, "{large} commits for more than one thread");
    let again = recorded(&four);
    assert!(commits == again.0, "the inputs");
    assert!(facts == again.1, "the facts");

    let versions = VersionStore::open(&one.join("versions")).unwrap().current();
    let machines = || PartitionId::all().map(Machine::new).collect();
    let mut moments: Vec<Moment> = Vec::new();
    decide(start(machines(), 1), &commits, &facts, 0, &versions, |n, facts, shards| {
        let now = commits[n][0].2.now.0;
        if now >= BEGIN + PAUSE * (moments.len() as i64 + 1) {
            let states = (0..shards.len()).map(|p| shards.get(p).unwrap().snapshot()).collect();
            moments.push(Moment { commits: n, facts, states });
        }
    });
    assert!(moments.len() >= 28, "{} snapshots", moments.len());
    decide(start(machines(), 4), &commits, &facts, 0, &versions, |_, _, _| {});
    let (moments, commits, facts, versions) = (&moments, &commits, &facts, &versions);
    std::thread::scope(|scope| {
        for of in [1, 4] {
            let mine = moments.iter().skip(of / 4).step_by(2);
            scope.spawn(move || {
                for Moment { commits: n, facts: index, states } in mine {
                    let machines = restored(states, versions);
                    decide(start(machines, of), &commits[*n..], &facts[*index..], *index, versions, |_, _, _| {});
                }
            });
        }
    });
}
