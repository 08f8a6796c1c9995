//! HTTP on one address: the page, the API under `/api/v1`, live frames at `/ws`, health and metrics.
//!
//! Place in the data path: reads come from the live picture (the present) and from the state database (alerts and their
//! history); the one way to change anything is a command, which goes through the pipeline like every other input.
//!
//! Invariants: every error is `application/problem+json` with a stable code; every query sees only its [`Scope`](crate::live::Scope); every
//! command has an [`Caller`](extract::Caller) and is answered after what it did is durable *and* can be read; a request that
//! names another server is not answered.
//!
//! Limits: [`guard::BODY_MAX`] bytes a body ([`backtest::BODY_MAX`] of the one at a time that may be large), [`guard::REQUESTS_MAX`] requests at a time, [`guard::REQUEST_TIME`] each,
//! [`blocking::READS_MAX`] reads of databases at a time, [`pages::EXPORTS_MAX`] long answers, [`serve::CONNECTIONS_MAX`] connections,
//! [`socket::CLIENTS_MAX`] live clients. Beyond a limit the answer is 413, 503 with `Retry-After`, or waiting. A peer that
//! takes nothing for [`serve::WRITE_TIME`] is let go.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use maibo_store::outbox::OutboxReader;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

use crate::answer::Answers;
use crate::app::Shared;
use crate::deliver::Roll;
use crate::history::History;
use crate::influx::SinkStatus;
use crate::live::follow::Projection;
use crate::live::{Picture, client};

mod acknowledge;
mod acts;
mod alarms;
mod alerts;
mod answer;
pub mod backtest;
pub mod blocking;
mod csv;
mod deliveries;
mod devices;
mod drills;
pub mod extract;
pub mod guard;
mod health;
mod host;
mod incidents;
mod index;
mod maintenance;
mod openapi;
mod page;
pub mod pages;
mod patient;
mod places;
mod plan_versions;
mod plans;
mod problem;
mod quarantine;
mod receivers;
mod rule_versions;
mod rules;
pub mod series;
pub mod serve;
mod shadow;
pub mod socket;
mod status;
mod timeline;
mod upload;
mod view;

pub use problem::Fault;
pub use series::SeriesSource;

/// What the handlers work with.
#[derive(Clone)]
pub struct HttpState {
    /// The application's parts.
    pub shared: Arc<Shared>,
    /// The present.
    pub picture: Arc<Picture>,
    /// Alerts and deliveries.
    pub projection: Projection,
    /// Readings over time.
    pub series: Arc<dyn SeriesSource>,
    /// What is owed to receivers; `None` where only settled deliveries are known.
    pub outbox: Option<Arc<Mutex<OutboxReader>>>,
    /// Who is told, and how they do.
    pub receivers: Roll,
    /// Takes answers of receivers; `None` where none may answer.
    pub answers: Option<Arc<Answers>>,
    /// How far history has come; `None` where there is none to wait for.
    pub history: Option<History>,
    /// Long-term sinks.
    pub sinks: Arc<[SinkStatus]>,
    /// `demo` or `run`.
    pub mode: &'static str,
    /// Bytes of the inputs log, kept up to date by whoever knows.
    pub inputs_bytes: Arc<AtomicU64>,
    /// Cancelled when live clients are to be told goodbye.
    pub stop: CancellationToken,
    /// Waits and limits; the defaults but in tests.
    pub limits: Limits,
}

/// Waits and limits of the interface.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For a command's answer.
    pub command: Duration,
    /// For a read to see what a command did.
    pub after: Duration,
    /// For any request.
    pub request: Duration,
    /// Of one live client.
    pub client: client::Limits,
    /// Live clients.
    pub clients: Arc<Semaphore>,
    /// Requests at a time.
    pub requests: Arc<Semaphore>,
    /// Reads that may block at a time.
    pub reads: Arc<Semaphore>,
    /// Long answers at a time.
    pub exports: Arc<Semaphore>,
    /// Backtests at a time.
    pub backtests: Arc<Semaphore>,
    /// Rule sets being brought at a time.
    pub uploads: Arc<Semaphore>,
    /// Rule sets kept; with so many no other can be brought.
    pub rule_sets: usize,
    /// For one backtest.
    pub backtest: Duration,
    /// Names this server is asked for by, besides its addresses and `localhost`.
    pub names: Arc<[String]>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command: Duration::from_secs(5),
            after: Duration::from_secs(2),
            request: guard::REQUEST_TIME,
            client: client::Limits::default(),
            clients: Arc::new(Semaphore::new(socket::CLIENTS_MAX)),
            requests: Arc::new(Semaphore::new(guard::REQUESTS_MAX)),
            reads: Arc::new(Semaphore::new(blocking::READS_MAX)),
            exports: Arc::new(Semaphore::new(pages::EXPORTS_MAX)),
            backtests: Arc::new(Semaphore::new(1)),
            uploads: Arc::new(Semaphore::new(1)),
            rule_sets: upload::RULE_SETS_MAX,
            backtest: backtest::TIME,
            names: Arc::default(),
        }
    }
}

/// One route: method, path as in the OpenAPI document, handler.
struct Route {
    #[cfg_attr(not(test), expect(dead_code, reason = "for the test that compares routes and document"))]
    method: &'static str,
    path: &'static str,
    handler: MethodRouter<HttpState>,
}

/// Every documented route. A test holds this list against the OpenAPI document, both ways.
fn routes() -> Vec<Route> {
    let read = |path, handler| Route { method: "get", path, handler };
    let command = |path, handler| Route { method: "post", path, handler };
    vec![
        read("/healthz", get(health::healthz)),
        read("/readyz", get(health::readyz)),
        read("/metrics", get(health::metrics)),
        read("/api/openapi.json", get(openapi::document)),
        read("/api/v1/status", get(status::status)),
        read("/api/v1/domains", get(places::domains)),
        read("/api/v1/places", get(places::places)),
        read("/api/v1/districts", get(places::districts)),
        read("/api/v1/devices", get(devices::list)),
        read("/api/v1/devices/{id}", get(devices::one)),
        read("/api/v1/devices/{id}/series/{quantity}", get(series::series)),
        read("/api/v1/devices/{id}/series/{quantity}/export", get(series::export::export)),
        read("/api/v1/alerts", get(alerts::list)),
        read("/api/v1/alerts/export", get(alerts::export::export)),
        read("/api/v1/alerts/{id}", get(alerts::one)),
        read("/api/v1/alerts/{id}/timeline", get(timeline::timeline)),
        command("/api/v1/alerts/{id}/acknowledge", post(acknowledge::acknowledge)),
        read("/api/v1/index", get(index::index)),
        read("/api/v1/index/explain", get(index::explain)),
        read("/api/v1/incidents", get(incidents::list)),
        read("/api/v1/incidents/{id}", get(incidents::one)),
        command("/api/v1/alerts/{id}/assign", post(acts::assign)),
        command("/api/v1/alerts/{id}/comment", post(acts::comment)),
        command("/api/v1/alerts/{id}/silence", post(acts::silence)),
        command("/api/v1/alerts/{id}/unsilence", post(acts::unsilence)),
        command("/api/v1/alerts/{id}/close", post(acts::close)),
        command("/api/v1/alerts/{id}/feedback", post(acts::feedback)),
        command("/api/v1/alerts/{id}/answer", post(answer::entered::enter)),
        read("/answer/{token}", get(answer::show)),
        command("/api/v1/answer/{token}", post(answer::take)),
        command("/api/v1/alarms", post(alarms::cap)),
        read("/api/v2/alerts", get(alarms::get)),
        command("/api/v2/alerts", post(alarms::post)),
        read("/api/v1/maintenance", get(maintenance::list)),
        command("/api/v1/maintenance", post(maintenance::plan)),
        command("/api/v1/maintenance/{id}/end", post(maintenance::end)),
        read("/api/v1/drills", get(drills::list)),
        command("/api/v1/drills", post(drills::open)),
        read("/api/v1/deliveries", get(deliveries::list)),
        command("/api/v1/deliveries/{id}/replay", post(deliveries::replay)),
        command("/api/v1/deliveries/{id}/dismiss", post(deliveries::dismiss)),
        read("/api/v1/receivers", get(receivers::list)),
        command("/api/v1/receivers/{name}/test", post(receivers::test)),
        read("/api/v1/plans", get(plans::list)),
        command("/api/v1/plans", post(plan_versions::upload)),
        read("/api/v1/plans/versions", get(plan_versions::list)),
        read("/api/v1/plans/versions/{version}", get(plan_versions::one)),
        read("/api/v1/plans/runs", get(plans::runs)),
        command("/api/v1/plans/simulate", post(plans::simulate)),
        read("/api/v1/quarantine", get(quarantine::list)),
        read("/api/v1/rules", get(rules::list)),
        command("/api/v1/rules", post(upload::upload)),
        read("/api/v1/rules/versions", get(rule_versions::list)),
        read("/api/v1/rules/versions/{version}", get(rule_versions::one)),
        read("/api/v1/rules/{id}/shadow", get(shadow::report)),
        command("/api/v1/rules/backtest", post(backtest::backtest)),
        read("/api/v1/view/devices", get(view::devices)),
        read("/api/v1/view/snapshot", get(view::snapshot)),
    ]
}

/// The whole interface.
pub fn router(state: HttpState) -> Router {
    let mut api = Router::new();
    for Route { path, handler, .. } in routes() {
        api = api.route(path, handler);
    }
    // A path below /api that no route has must not be answered with the page.
    let api = api
        .route("/api/{*rest}", axum::routing::any(problem::no_such_path))
        .fallback(page::asset)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(CompressionLayer::new());
    let guarded = api.layer(axum::middleware::from_fn_with_state(state.clone(), guard::guard));
    // The socket lives longer than a request may, and has limits of its own.
    let live = Router::new().route("/ws", get(socket::upgrade));
    let named = guarded.merge(live).layer(axum::middleware::from_fn_with_state(state.clone(), host::check));
    named.layer(axum::middleware::from_fn(guard::headers)).with_state(state)
}

#[cfg(test)]
mod tests;
