//! A scripted receiver on loopback, and a scene: facts log, outbox and drivers in a temporary directory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use maibo_api as api;
use maibo_core::fact::{self, Cause, Fact, Reason, Transition};
use maibo_core::id::{EpisodeId, RuleId, SourceId, Subject, Version};
use maibo_core::place::{Domain, Level};
use maibo_core::time::Timestamp;
use maibo_store::disk::mem::MemDisk;
use maibo_store::facts::FactsLog;
use maibo_store::file_log::{FileLog, FileLogOptions};
use maibo_store::outbox::{Outbox, OutboxFilter, OutboxReader, OutboxRow};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{EngineClock, SystemClock};
use crate::deliver::format::Letter;
use crate::deliver::{Limits, Liveness, Parts, ReceiverSettings, Roll, Target, Told, start};
use crate::plan::PlanBook;
use crate::telemetry::Metrics;
use crate::versions::VersionStore;

/// Longest wait for anything that has to happen.
const PATIENCE: Duration = Duration::from_secs(15);

/// One request as received.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Heard {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// (episode, version)
    pub(super) fn what(&self) -> (String, u64) {
        let json = self.json();
        (json["data"]["id"].as_str().unwrap().to_owned(), json["data"]["version"].as_u64().unwrap())
    }
}

/// What the receiver does.
pub(super) enum Reply {
    Status(u16),
    With(u16, &'static str, String),
    Says(u16, &'static str),
    Hang,
    Endless,
}

type Script = Arc<dyn Fn(usize, &Heard) -> Reply + Send + Sync>;

/// A receiver that keeps what it heard and answers by script; the script gets the request's number, from 0.
pub(super) struct Ear {
    pub(super) port: u16,
    heard: watch::Receiver<Vec<Heard>>,
    _server: tokio_util::task::AbortOnDropHandle<()>,
}

impl Ear {
    pub(super) async fn new(script: impl Fn(usize, &Heard) -> Reply + Send + Sync + 'static) -> Self {
        let (sender, heard) = watch::channel(Vec::new());
        let state = (Arc::new(sender), Arc::new(script) as Script);
        let router = axum::Router::new().fallback(answer).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, heard, _server: tokio_util::task::AbortOnDropHandle::new(server) }
    }

    /// Everything heard, as soon as it is `n` requests.
    pub(super) async fn heard(&self, n: usize) -> Vec<Heard> {
        let mut heard = self.heard.clone();
        let list = tokio::time::timeout(PATIENCE, heard.wait_for(|h| h.len() >= n)).await;
        list.unwrap_or_else(|_| panic!("heard {} of {n}", self.heard.borrow().len())).unwrap().clone()
    }

    pub(super) fn so_far(&self) -> Vec<Heard> {
        self.heard.borrow().clone()
    }
}

async fn answer(
    State((heard, script)): State<(Arc<watch::Sender<Vec<Heard>>>, Script)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let one = Heard { path: uri.to_string(), headers, body };
    let mut n = 0;
    heard.send_modify(|list| {
        n = list.len();
        list.push(one.clone());
    });
    let builder = |code: u16| Response::builder().status(StatusCode::from_u16(code).unwrap());
    match script(n, &one) {
        Reply::Status(code) => builder(code).body(Body::empty()).unwrap(),
        Reply::With(code, name, value) => builder(code).header(name, value).body(Body::from("no")).unwrap(),
        Reply::Says(code, body) => builder(code).body(Body::from(body)).unwrap(),
        Reply::Hang => std::future::pending().await,
        Reply::Endless => {
            let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 8_192])));
            builder(200).body(Body::from_stream(chunks)).unwrap()
        }
    }
}

pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// An entry for a receiver on loopback.
pub(super) fn entry(name: &str, ear: &Ear) -> ReceiverSettings {
    ReceiverSettings {
        name: name.to_owned(),
        url: format!("http://127.0.0.1:{}/hook?token=t", ear.port),
        secret_file: "secret".to_owned(),
        allow: vec!["127.0.0.0/8".to_owned()],
        group_every: Some("0s".to_owned()),
        ..ReceiverSettings::default()
    }
}

/// What runs.
pub(super) struct Scene {
    pub(super) dir: tempfile::TempDir,
    pub(super) settled: mpsc::Receiver<fact::Delivery>,
    pub(super) metrics: Arc<Metrics>,
    /// How each receiver does.
    pub(super) alive: Vec<(String, Liveness)>,
    /// The receivers as operators see them.
    pub(super) roll: Roll,
    facts: FactsLog,
    wake: watch::Sender<u64>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Scene {
    pub(super) fn new(entries: &[ReceiverSettings]) -> Self {
        Self::with(entries, Limits::default())
    }

    pub(super) fn with(entries: &[ReceiverSettings], limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), SECRET).unwrap();
        let targets = super::super::validate(entries, &Arc::default(), dir.path()).unwrap();
        Self::over(dir, targets, limits)
    }

    /// Over a directory that may hold an outbox already.
    pub(super) fn over(dir: tempfile::TempDir, targets: Vec<Target>, limits: Limits) -> Self {
        let log = FileLog::open(Arc::new(MemDisk::new()), FileLogOptions::facts()).unwrap().0;
        let facts = FactsLog::open(Box::new(log)).unwrap();
        let outbox = Outbox::open(&dir.path().join("outbox.db"), 0).unwrap();
        let (settled_tx, settled) = mpsc::channel(100);
        let (wake, woken) = watch::channel(0);
        let metrics = Arc::new(Metrics::new().unwrap());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let clock = Arc::new(EngineClock::new(Box::<SystemClock>::default(), None));
        let (muted, roll) = (Arc::clone(&clock), Roll::default());
        let versions = Arc::new(VersionStore::open(&dir.path().join("versions")).unwrap());
        let parts = Parts {
            plans: PlanBook::new(versions, Arc::default()),
            facts: facts.reader(outbox.cursor()),
            outbox,
            wake: woken,
            targets,
            describe: Arc::new(|t, _| told(t)),
            ask: Arc::new(|_| Box::pin(std::future::ready(None))),
            polite: Arc::new(move |_, t| super::withheld::manners(t, muted.now())),
            clock,
            wall: Arc::new(SystemClock::default()),
            metrics: Arc::clone(&metrics),
            settled: settled_tx,
            limits,
            mark: crate::monitor::Mark::default(),
            alarm: crate::app::Alarm::new().0,
            roll: roll.clone(),
        };
        let alive = start(parts, &tasks, &stop).unwrap();
        Self { dir, settled, metrics, alive, roll, facts, wake, tasks, stop }
    }

    /// Puts transitions on record and wakes the follower.
    pub(super) fn tell(&mut self, transitions: Vec<Transition>) {
        self.put(transitions.into_iter().map(|t| fact::Body::Transition(Box::new(t))).collect());
    }

    /// The same of any decisions.
    pub(super) fn put(&mut self, bodies: Vec<fact::Body>) {
        let drafts = bodies.into_iter().map(|body| Fact {
            index: 0,
            cause: Cause::default(),
            actor: None,
            at: Timestamp(1_000),
            rules: Version(0),
            engine: 1,
            body,
        });
        self.facts.append(drafts.collect()).unwrap();
        self.wake.send_replace(self.facts.next_index());
    }

    /// The next outcome, as (receiver, version, outcome, error).
    pub(super) async fn outcome(&mut self) -> (String, u32, String, Option<String>) {
        let d = tokio::time::timeout(PATIENCE, self.settled.recv()).await.expect("an outcome").unwrap();
        (d.receiver.to_string(), d.version, d.outcome.to_string(), d.error.map(|e| e.to_string()))
    }

    /// The rows, oldest first, as soon as they are as wanted.
    pub(super) async fn rows(&self, wanted: impl Fn(&[OutboxRow]) -> bool) -> Vec<OutboxRow> {
        let reader = OutboxReader::open(&self.dir.path().join("outbox.db")).unwrap();
        let looking = async {
            loop {
                let mut rows = reader.list(&OutboxFilter::default(), None, 100).unwrap();
                rows.reverse();
                if wanted(&rows) {
                    return rows;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("rows as wanted")
    }

    /// Ends the tasks; gives the directory back.
    pub(super) async fn end(self) -> tempfile::TempDir {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.dir
    }
}

pub(super) fn episode(n: u32) -> EpisodeId {
    transition(n, 1).episode
}

/// A version of episode `n`.
pub(crate) fn transition(n: u32, version: u32) -> Transition {
    let rule = RuleId::new("underpass-waterlogging").unwrap();
    let subject = Subject::Source(SourceId::new(&format!("s{n}")).unwrap());
    Transition {
        episode: EpisodeId::derive(&rule, &subject, Timestamp(0), 0),
        version,
        rule,
        subject,
        quantity: None,
        place: None,
        domain: Domain::Traffic,
        state: fact::State::Firing,
        level: Level::Red,
        peak: Level::Red,
        stale: false,
        historic: false,
        value: Some(51.0),
        threshold: Some(50.0),
        started_at: Timestamp(0),
        at: Timestamp(1_000),
        resolved_at: None,
        acknowledged: None,
        reason: Reason::Threshold,
        handling: None,
        measure: None,
        found: None,
    }
}

pub(crate) fn told(t: &Transition) -> Told {
    let advice = api::Words { zh: "封闭下凹桥".to_owned(), en: "Close the underpass".to_owned() };
    Told { alert: alert(t), advice: Some(advice), plans: Vec::new(), escalated: None }
}

pub(super) fn alert(t: &Transition) -> api::Alert {
    let time = |_| "2026-11-23T12:00:00.000Z".to_owned();
    api::Alert {
        id: t.episode.to_string(),
        rule: t.rule.to_string(),
        title: api::Words { zh: "下凹桥区积水".to_owned(), en: "Underpass waterlogging".to_owned() },
        subject: api::Subject { kind: t.subject.kind().to_owned(), id: t.subject.id().into_owned() },
        device: None,
        device_name: None,
        place: None,
        district: None,
        place_name: None,
        domain: api::Domain::Traffic,
        quantity: None,
        unit: None,
        level: api::Level::Red,
        peak_level: api::Level::Red,
        state: match t.state {
            fact::State::Firing => api::AlertState::Firing,
            fact::State::Resolved => api::AlertState::Resolved,
        },
        data: api::DataState::Fresh,
        historic: false,
        started_at: time(t.started_at),
        updated_at: time(t.at),
        resolved_at: t.resolved_at.map(time),
        acknowledged: None,
        value: t.value,
        threshold: t.threshold,
        reason: t.reason.as_str().to_owned(),
        version: t.version,
        lon: None,
        lat: None,
        assigned: None,
        silenced: None,
        flapping: false,
        stamps: api::Stamps::default(),
        text: api::Words { zh: "积水".to_owned(), en: "Waterlogging".to_owned() },
        measure: None,
        inhibited_by: None,
        drill: false,
    }
}

/// A message that is kept.
pub(super) fn letter() -> Letter {
    Letter::unkept(b"{}".to_vec(), 1, Timestamp(1_000))
}
