//! Maibo watches itself: what is wrong with it is an alert like any other, with one runbook each
//! (`docs/operate/own-alerts.md`).
//!
//! ```text
//! checks ─unwell/well─▶ board ─Work::City(Found)─▶ sequencer ─▶ city machine ─▶ facts ─▶ page, receivers
//!                                    when nothing moves any more: last way out ─▶ receivers, `recorded: false`
//! ```
//!
//! A check looks every few seconds and says how a part is; the board tells the city machine where that changed. It goes
//! before messages, so that it arrives also when they pile up or the disk has no room for them. What was open at the start
//! ends when its check says so, or when nobody confirms it for [`board::CONFIRM`].
//!
//! Nothing here is on the alert path: a check that hangs costs its own alert only. In a replay nothing is watched. One check
//! has teeth: `watchdog` ends a process whose alert path stands still.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use maibo_store::outbox::OutboxReader;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{Running, Shared};
use crate::config::Source;
use crate::deliver::{LastWord, Liveness};
use crate::influx::SinkStatus;
use crate::ingest::{ClockMode, canary::TOPIC};
use crate::live::Picture;
use crate::live::follow::Projection;

mod board;
pub mod canary;
mod counters;
mod followers;
mod page;
mod receivers;
mod sinks;
mod space;
mod standstill;
mod time;
mod watchdog;

pub use board::Board;
pub use followers::Mark;
pub use watchdog::Steps;

/// What is watched.
pub struct Parts {
    /// Settings, clock, counters, the way into the pipeline.
    pub shared: Arc<Shared>,
    /// Where the checks report.
    pub board: Arc<Board>,
    /// Whether steps come in.
    pub picture: Arc<Picture>,
    /// Steps of the decider.
    pub steps: Steps,
    /// For when nothing can be decided any more.
    pub last_word: LastWord,
    /// How far alerts for queries are.
    pub projection: Projection,
    /// How far history is.
    pub history: crate::history::History,
    /// How far the outbox is.
    pub delivery: Mark,
    /// Where readings go for good.
    pub sinks: Vec<SinkStatus>,
    /// Who is owed what. A reader of its own: nobody waits for it.
    pub owed: OutboxReader,
    /// How each receiver does, by name.
    pub receivers: Vec<(String, Liveness)>,
    /// Where the page is served.
    pub http: SocketAddr,
}

/// Starts all checks; they end at `stop`.
pub fn start(parts: Parts, running: &Running, tasks: &TaskTracker, stop: &CancellationToken) {
    if parts.shared.settings.clock == ClockMode::Replay {
        return;
    }
    let Parts { shared, board, picture, steps, last_word, projection, history, delivery, sinks, owed, receivers, http } =
        parts;
    let telling = Arc::clone(&board).run(Arc::clone(&shared.ingest), stop.clone());
    shared.alarm.spawn(tasks, "own alerts", telling);
    let (told, still) = watch::channel(None);
    let teller = standstill::Teller { still, last_word, clock: Arc::clone(&shared.clock), board: Arc::clone(&board) };
    let telling = teller.run(standstill::left(&shared.settings.data), stop.clone());
    shared.alarm.spawn(tasks, "watch over standstills", telling);
    watchdog::start(watchdog::Watched {
        shared: Arc::clone(&shared),
        picture: Arc::clone(&picture),
        steps,
        feed: running.pace.clone(),
        over: running.over.clone(),
        told,
    });
    if !shared.settings.monitor.time_servers.is_empty() {
        let servers = shared.settings.monitor.time_servers.clone();
        tasks.spawn(time::run(servers, Arc::clone(&board), stop.clone()));
    }
    for way in ways(&shared, &running.brokers) {
        tasks.spawn(canary::run(way, Arc::clone(&shared), Arc::clone(&picture), Arc::clone(&board), stop.clone()));
    }
    tasks.spawn(space::run(Arc::clone(&shared), Arc::clone(&board), stop.clone()));
    tasks.spawn(counters::run(
        Arc::clone(&shared.metrics),
        Arc::clone(&shared.ingest),
        Arc::clone(&board),
        stop.clone(),
    ));
    let answers = shared.alarm.round(page::PART, page::WORDS, page::WITHIN);
    tasks.spawn(page::run(reachable(http), answers, stop.clone()));
    let watched = followers::Watched {
        facts: shared.facts_wake.clone(),
        inputs: shared.inputs_wake.clone(),
        projection,
        history,
        delivery,
        rounds: shared.alarm.rounds(),
    };
    tasks.spawn(followers::run(watched, Arc::clone(&board), stop.clone()));
    tasks.spawn(sinks::run(
        sinks,
        shared.inputs_wake.clone(),
        Arc::clone(&shared.clock),
        Arc::clone(&board),
        stop.clone(),
    ));
    let (dead_letters, clock) = (shared.metrics.dead_letters.clone(), Arc::clone(&shared.clock));
    tasks.spawn(receivers::run(owed, receivers, dead_letters, clock, board, stop.clone()));
}

/// Where this machine reaches what listens at an address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(loopback, address.port())
}

/// The ways that canaries take: by every source whose routes have room for them.
fn ways(shared: &Shared, brokers: &[SocketAddr]) -> Vec<canary::Way> {
    if !shared.settings.monitor.canary || !shared.ingest.allows(TOPIC) {
        return Vec::new();
    }
    let mut brokers = brokers.iter();
    let way = |source: &Source| match source {
        Source::Mqtt(s) => Some(canary::Way {
            source: s.id.clone(),
            host: s.host.clone(),
            port: s.port,
            client_id: format!("{}-canary", s.client_id),
            login: s.login.clone(),
        }),
        #[cfg(feature = "embedded-broker")]
        Source::Embedded(s) => brokers.next().map(|address| {
            let (address, client_id) = (reachable(*address), format!("maibo-canary-{}", s.id));
            let host = address.ip().to_string();
            canary::Way { source: s.id.clone(), host, port: address.port(), client_id, login: None }
        }),
    };
    shared.settings.sources.iter().filter_map(way).collect()
}
