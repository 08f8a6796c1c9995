//! A receiver of webhooks: what a bureau's system would be, with all its moods.
//!
//! It takes deliveries on any path, checks their signature, notes every one (in memory, and as JSON lines in a file where
//! asked), and answers as its [`Mode`] says; the mode can be changed while it runs.
//!
//! **Limits:** bodies above 1 MiB are refused; the newest 100,000 deliveries are kept in memory, older ones are counted; a
//! hanging answer comes after ten minutes.

mod signature;

pub use signature::{Headers, TOLERANCE_S, Verdict, key, verify};

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::civil::now_ms;

const MAX_BODY: usize = 1 << 20;
const MAX_KEPT: usize = 100_000;
const HANG: Duration = Duration::from_mins(10);

/// How the sink answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// 204, where the signature is valid or unchecked; else 401.
    Ok,
    /// 500.
    Fail,
    /// No answer.
    Hang,
    /// 302 to an address on this machine.
    Redirect,
    /// 410.
    Gone,
    /// 429 with `Retry-After: 2`.
    TooMany,
}

/// How to run a sink.
#[derive(Clone, Debug)]
pub struct SinkOptions {
    /// Where to listen; port 0 chooses one.
    pub listen: SocketAddr,
    /// `whsec_…`; without it nothing is checked.
    pub secret: Option<String>,
    /// How to answer at first.
    pub mode: Mode,
    /// File to append one JSON line per delivery to.
    pub record: Option<PathBuf>,
}

impl Default for SinkOptions {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), secret: None, mode: Mode::Ok, record: None }
    }
}

/// One delivery as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// When, in ms since 1970.
    pub at: i64,
    /// Path and query it came to.
    pub path: String,
    /// `webhook-id`
    pub id: Option<String>,
    /// `webhook-timestamp`
    pub timestamp: Option<String>,
    /// `webhook-signature`
    pub signature: Option<String>,
    /// `content-type`
    pub content_type: Option<String>,
    /// What the check found.
    pub verdict: Verdict,
    /// Status it was answered with; 0 while hanging.
    pub answer: u16,
    /// The body; what is no UTF-8 in it is replaced.
    pub body: String,
}

#[derive(Debug, Default)]
struct Kept {
    deliveries: VecDeque<Delivery>,
    forgotten: u64,
    record: Option<File>,
}

#[derive(Debug)]
struct Shared {
    key: Option<Vec<u8>>,
    mode: Mutex<Mode>,
    kept: Mutex<Kept>,
    changed: watch::Sender<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running sink.
#[derive(Debug)]
pub struct Sink {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Sink {
    /// Starts to listen.
    ///
    /// # Errors
    /// Where the secret is no base64, or the address or the file can't be had.
    pub async fn start(options: SinkOptions) -> anyhow::Result<Self> {
        let key = options.secret.as_deref().map(key).transpose()?;
        let record = options.record.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        let shared = Arc::new(Shared {
            key,
            mode: Mutex::new(options.mode),
            kept: Mutex::new(Kept { record, ..Kept::default() }),
            changed: watch::Sender::new(0),
        });
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let app =
            Router::new().fallback(receive).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(Arc::clone(&shared));
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let task = tokio::spawn(async move {
            // Hanging answers are cut off, not waited for.
            tokio::select! {
                served = axum::serve(listener, app) => served,
                _ = async { stopped.wait_for(|s| *s).await.is_ok() } => Ok(()),
            }
        });
        Ok(Self { addr, shared, stop, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes how it answers.
    pub fn set_mode(&self, mode: Mode) {
        *lock(&self.shared.mode) = mode;
    }

    /// The newest deliveries, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.shared.kept).deliveries.iter().cloned().collect()
    }

    /// How many deliveries came, forgotten ones included.
    pub fn count(&self) -> u64 {
        *self.shared.changed.borrow()
    }

    /// Waits until at least `n` deliveries came; false where `limit` passed before.
    pub async fn wait_for(&self, n: u64, limit: Duration) -> bool {
        let mut changed = self.shared.changed.subscribe();
        matches!(tokio::time::timeout(limit, changed.wait_for(|count| *count >= n)).await, Ok(Ok(_)))
    }

    /// Stops listening.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

async fn receive(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mode = *lock(&shared.mode);
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let signed =
        Headers { id: text("webhook-id"), timestamp: text("webhook-timestamp"), signature: text("webhook-signature") };
    let now = now_ms();
    let verdict = shared.key.as_ref().map_or(Verdict::Unchecked, |key| verify(key, signed, &body, now / 1000));
    let answer = answer(mode, verdict);
    shared.note(Delivery {
        at: now,
        path: uri.path_and_query().map_or_else(String::new, ToString::to_string),
        id: signed.id.map(str::to_owned),
        timestamp: signed.timestamp.map(str::to_owned),
        signature: signed.signature.map(str::to_owned),
        content_type: text("content-type").map(str::to_owned),
        verdict,
        answer: answer.as_ref().map_or(0, |a| a.status().as_u16()),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    if let Some(answer) = answer {
        return answer;
    }
    tokio::time::sleep(HANG).await;
    StatusCode::GATEWAY_TIMEOUT.into_response()
}

fn answer(mode: Mode, verdict: Verdict) -> Option<Response> {
    Some(match mode {
        Mode::Ok if matches!(verdict, Verdict::Valid | Verdict::Unchecked) => StatusCode::NO_CONTENT.into_response(),
        Mode::Ok => StatusCode::UNAUTHORIZED.into_response(),
        Mode::Fail => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mode::Hang => return None,
        Mode::Redirect => (StatusCode::FOUND, [("location", "http://127.0.0.1:9/")]).into_response(),
        Mode::Gone => StatusCode::GONE.into_response(),
        Mode::TooMany => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "2")]).into_response(),
    })
}

impl Shared {
    fn note(&self, delivery: Delivery) {
        let mut kept = lock(&self.kept);
        if let (Some(file), Ok(line)) = (&mut kept.record, serde_json::to_string(&delivery)) {
            // A sink that can't write goes on receiving: the deliveries in memory are what tests look at.
            let _ = file.write_all((line + "\n").as_bytes());
        }
        kept.deliveries.push_back(delivery);
        if kept.deliveries.len() > MAX_KEPT {
            kept.deliveries.pop_front();
            kept.forgotten += 1;
        }
        let count = kept.forgotten + kept.deliveries.len() as u64;
        drop(kept);
        self.changed.send_replace(count);
    }
}
