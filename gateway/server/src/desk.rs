//! The application with its page: pipeline, live picture, HTTP, and what follows the logs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use maibo_core::engine::Machine;
use maibo_core::fact::{Delivery, Fact, Transition};
use maibo_core::id::PartitionId;
use maibo_core::notify::Manners;
use maibo_store::outbox::{Covering, OutboxReader};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::answer::Answers;
use crate::app::{App, Running, Shared, StartError};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::deliver;
use crate::history;
use crate::http::{self, HttpState, Limits};
use crate::influx;
use crate::live::{self, Picture, Roster, follow, ticker};
use crate::monitor::{self, Board, Mark, Steps};
use crate::pipeline::Work;
use crate::plan;
use crate::versions::VersionStore;

/// Settled deliveries on their way to the record; what finds no room is reported again by the outbox.
const SETTLED: usize = 1_024;

/// How long what goes by five times a second may take to come round.
const STILL: Duration = Duration::from_secs(30);

/// Everything that runs.
pub struct Desk {
    /// Pipeline and sources.
    pub running: Running,
    /// Where HTTP listens.
    pub http: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Desk {
    /// Builds and starts everything. The page listens before the sources do, so that health can be asked meanwhile.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let app = tokio::task::spawn_blocking(move || App::build(settings))
            .await
            .map_err(|_| StartError::Internal("build"))??;
        let shared = Arc::clone(app.shared());
        let (follower, projection) =
            follow::open(&shared.settings.data.join("state.db"), app.logs().facts.next_index())
                .map_err(|source| StartError::State { source: Box::new(source) })?;
        let facts = app.logs().facts.reader(follower.cursor());
        let path = shared.settings.data.join("history.db");
        let options = history::options(shared.settings.clock);
        let (historian, history) = history::open(&path, options, &*app.logs().inputs, app.care())
            .map_err(|source| StartError::State { source: Box::new(source) })?;
        let path = shared.settings.data.join("outbox.db");
        let state = |source: maibo_store::outbox::OutboxError| StartError::State { source: Box::new(source) };
        let still_open = app.machines().iter().flat_map(Machine::open_alerts).map(|t| t.episode).collect();
        let board =
            Arc::new(Board::new(Arc::clone(&shared.clock), app.machines().iter().flat_map(Machine::open_alerts)));
        let outbox =
            deliver::open(&path, &app.logs().facts, &still_open, app.machines().iter().find_map(Machine::plans))
                .map_err(state)?;
        let owed = Arc::new(Mutex::new(OutboxReader::open(&path).map_err(state)?));
        let (mark, watched_projection, watched_history) = (Mark::default(), projection.clone(), history.clone());
        let looked_at = OutboxReader::open(&path).map_err(state)?;
        let owed_facts = app.logs().facts.reader(outbox.cursor());
        let picture = Arc::new(picture(&app, &shared));
        picture.known(app.machines().iter().flat_map(Machine::devices));
        picture.maintained(app.machines().iter().flat_map(Machine::maintenances));
        picture.inhibited(app.machines().iter().flat_map(Machine::inhibited));
        let answers = Answers::open(&shared.settings.data, &shared.settings.receivers)?;
        let (sink, sinks) = open_sink(&app, &shared, &picture)?.unzip();
        let listener = http::serve::bind(shared.settings.http)
            .await
            .map_err(|source| StartError::Listen { address: shared.settings.http, source })?;
        let address = listener.local_addr().map_err(|_| StartError::Internal("address of the page"))?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let roll = deliver::Roll::default();
        let router = http::router(HttpState {
            shared: Arc::clone(&shared),
            picture: Arc::clone(&picture),
            projection,
            series: Arc::new(http::series::Kept(history.reader().clone())),
            history: Some(history),
            sinks: sinks.iter().cloned().collect(),
            mode: shared.settings.mode,
            inputs_bytes: Arc::clone(&shared.inputs_bytes),
            outbox: Some(owed),
            receivers: roll.clone(),
            answers: answers.clone(),
            stop: stop.clone(),
            limits: Limits { names: shared.settings.http_names.clone().into(), ..Limits::default() },
        });
        let observer = picture.observer();
        tasks.spawn(follower.run(facts, shared.facts_wake.clone(), stop.clone()));
        tasks.spawn(historian.run(shared.inputs_wake.clone(), stop.clone()));
        if let Some(sink) = sink {
            tasks.spawn(sink.run(shared.inputs_wake.clone(), stop.clone()));
        }
        let round = shared.alarm.round("ticker", ("页面刷新", "what keeps the page up to date"), STILL);
        let ticking = ticker::run(Arc::clone(&picture), Arc::clone(&shared.clock), round, stop.clone());
        shared.alarm.spawn(&tasks, "ticker of the page", ticking);
        shared.alarm.spawn(&tasks, "page", http::serve::serve(listener, router, stop.clone()));
        let settled = record_deliveries(&shared, &tasks);
        let shown = Arc::clone(&picture);
        let plans = shared.plans.clone();
        let describe: deliver::Describe = Arc::new(move |t: &Transition, covering: Option<&[Covering]>| {
            let roster = shown.roster();
            let plans = plans.covering(covering, t);
            let (orders, escalated) = (plan::orders(&plans), plan::escalated(&plans, t));
            let alert = live::words::alert(t, &roster);
            deliver::Told { alert, advice: roster.advice(&t.rule), plans: orders, escalated }
        });
        let wall: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let (mut targets, limits) = (shared.settings.receivers.clone(), deliver::Limits::default());
        for target in targets.iter_mut().filter(|t| t.answers) {
            target.links.clone_from(&answers);
        }
        let client = |source: deliver::ClientError| StartError::State { source: Box::new(source) };
        let last_word = deliver::LastWord::new(&targets, Arc::clone(&describe), &wall, limits).map_err(client)?;
        let second_way = deliver::LastWord::new(&targets, Arc::clone(&describe), &wall, limits).map_err(client)?;
        let parts = deliver::Parts {
            outbox,
            facts: owed_facts,
            wake: shared.facts_wake.clone(),
            targets,
            plans: shared.plans.clone(),
            describe,
            polite: polite(&shared.versions),
            ask: asking(&shared, &picture),
            clock: Arc::clone(&shared.clock),
            wall,
            metrics: Arc::clone(&shared.metrics),
            settled,
            limits,
            mark: mark.clone(),
            alarm: shared.alarm.clone(),
            roll,
        };
        let receivers = deliver::start(parts, &tasks, &stop).map_err(client)?;
        let steps = Steps::default();
        let watched = monitor::Parts {
            shared: Arc::clone(&shared),
            board,
            picture: Arc::clone(&picture),
            steps: steps.clone(),
            last_word: second_way,
            projection: watched_projection,
            history: watched_history,
            delivery: mark,
            sinks: sinks.into_iter().collect(),
            owed: looked_at,
            receivers,
            http: address,
        };
        let canaries = monitor::canary::Seen(Arc::clone(&shared.ingest.canaries));
        // Last, so that a step counts when everybody was told.
        let observers = vec![observer, Box::new(canaries), Box::new(steps)];
        let running = app.start(observers, Some(Box::new(last_word))).await?;
        monitor::start(watched, &running, &tasks, &stop);
        info!(http = %address, "ready");
        Ok(Self { running, http: address, stop, tasks })
    }

    /// Ends everything in order: sources, pipeline, then what reads from it. The exit code.
    pub async fn drain(self) -> u8 {
        let (code, lock) = self.running.drain().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        // Only now may another process write here.
        drop(lock);
        info!(code, "stopped");
        code
    }
}

/// The long-term sink, where one is configured.
fn open_sink(
    app: &App,
    shared: &Arc<Shared>,
    picture: &Arc<Picture>,
) -> Result<Option<(influx::Follower<influx::Influx2>, influx::SinkStatus)>, influx::SinkError> {
    let Some(target) = &shared.settings.influx else { return Ok(None) };
    let (clock, shown) = (Arc::clone(&shared.clock), Arc::clone(picture));
    let now: influx::Now = Arc::new(move || shown.now(clock.now()));
    let parts = influx::Parts {
        data: &shared.settings.data,
        log: &*app.logs().inputs,
        work: app.care(),
        versions: Arc::clone(&shared.versions),
        catalogue: shared.settings.catalogue.version,
        registry: &shared.metrics.registry,
        now,
        seed: shared.clock.boot_id(),
        limits: influx::Limits::of(target),
    };
    influx::open(target, parts).map(Some)
}

/// Has a command decided by the machine of its alert. What the page does not know, an alert that is over long ago, nobody is asked.
fn asking(shared: &Arc<Shared>, picture: &Arc<Picture>) -> deliver::Ask {
    let (ingest, picture) = (Arc::clone(&shared.ingest), Arc::clone(picture));
    Arc::new(move |command| {
        let (ingest, picture) = (Arc::clone(&ingest), Arc::clone(&picture));
        Box::pin(async move {
            let partition = PartitionId::home(&picture.alert(command.episode)?.subject);
            let (reply, answer) = oneshot::channel();
            ingest.urge(Work::Command { partition, command, reply }).await.ok()?;
            answer.await.ok()
        })
    })
}

/// Puts settled deliveries on record, through the pipeline like everything that is decided on.
fn record_deliveries(shared: &Arc<Shared>, tasks: &TaskTracker) -> mpsc::Sender<Delivery> {
    let (settled, mut receiver) = mpsc::channel(SETTLED);
    let ingest = Arc::clone(&shared.ingest);
    shared.alarm.spawn(tasks, "record of deliveries", async move {
        while let Some(delivery) = receiver.recv().await {
            // Where the pipeline has ended, the outbox reports again at the next start.
            if ingest.urge(Work::Delivered(Box::new(delivery))).await.is_err() {
                return;
            }
        }
    });
    settled
}

/// What the rules say about telling that were in force when a fact was decided. Where they are not kept they say nothing.
fn polite(versions: &Arc<VersionStore>) -> deliver::Polite {
    let versions = Arc::clone(versions);
    Arc::new(move |fact: &Fact, t: &Transition| {
        versions.current().rules(fact.rules).map_or_else(Manners::default, |rules| Manners::by(rules, t, fact.at))
    })
}

/// The first picture: what the recovered machines know.
fn picture(app: &App, shared: &Shared) -> Picture {
    let open = app.machines().iter().flat_map(Machine::open_alerts).cloned().collect();
    let catalogue = shared.catalogue();
    Picture::new(live::Start {
        roster: Roster::new(&catalogue, &shared.settings.rules),
        versions: Arc::clone(&shared.versions),
        open,
        sources: live::configured(&shared.settings),
        now: shared.started_at,
        clock: shared.settings.clock,
        epoch: format!("{:x}", shared.clock.boot_id()),
        scarce: shared.scarce.clone(),
    })
}
