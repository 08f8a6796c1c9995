//! The application while it runs, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use maibo_store::log::Log;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use super::{Shared, StartError};
use crate::config::Source;
use crate::pipeline::decider::Rest;
use crate::pipeline::feed::Pace;
use crate::pipeline::{PipelineError, Work, decider};

/// How long a drain may wait for room on a full disk.
const DRAIN: std::time::Duration = std::time::Duration::from_secs(8);

/// Running.
pub struct Running {
    /// What the outer parts work with.
    pub shared: Arc<Shared>,
    /// Where embedded brokers listen.
    pub brokers: Vec<SocketAddr>,
    /// How far the feed of the city machine is.
    pub pace: Pace,
    /// Cancelled when both threads of the pipeline have ended: nothing moves any more, as it should be.
    pub over: CancellationToken,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    #[cfg(feature = "embedded-broker")]
    pub(super) embedded: Vec<crate::ingest::embedded::Embedded>,
    pub(super) work: flume::Sender<Work>,
    /// Held so that the sequencer's housekeeping queue lives as long as the application.
    #[allow(dead_code, reason = "held for its lifetime")]
    pub(super) care: flume::Sender<Work>,
    /// Gives up what waits for room on a full disk.
    pub(super) abort: CancellationToken,
    /// The data directory is ours until everything is written.
    pub(super) lock: Option<maibo_store::disk::lock::DirLock>,
    pub(super) threads: Option<Threads>,
    pub(super) ended: tokio::sync::mpsc::Receiver<&'static str>,
}

pub(super) struct Threads {
    pub(super) sequencer: JoinHandle<Result<Box<dyn Log>, PipelineError>>,
    pub(super) decider: JoinHandle<Result<Rest, PipelineError>>,
}

impl Running {
    pub(super) async fn start_sources(&mut self) -> Result<(), StartError> {
        for source in &self.shared.settings.sources {
            match source.clone() {
                Source::Mqtt(settings) => {
                    let (ingest, metrics) = (Arc::clone(&self.shared.ingest), Arc::clone(&self.shared.metrics));
                    let task = crate::ingest::external::run(settings, ingest, metrics, self.stop.clone());
                    self.shared.alarm.spawn(&self.tasks, "source", task);
                }
                #[cfg(feature = "embedded-broker")]
                Source::Embedded(settings) => {
                    let ingest = Arc::clone(&self.shared.ingest);
                    let id = settings.id.to_string();
                    let watched = self.shared.alarm.watch("embedded broker");
                    // The broker builds a runtime of its own, which may not happen inside another.
                    let started = tokio::task::spawn_blocking(move || {
                        crate::ingest::embedded::Embedded::start(&settings, &ingest, watched)
                    });
                    let broker = started.await.map_err(|_| StartError::Internal("start the embedded broker"))?;
                    let broker = broker.map_err(|source| StartError::Source { id: id.clone(), source })?;
                    self.shared.metrics.listening.with_label_values(&[&id]).set(1);
                    self.brokers.push(broker.address);
                    self.embedded.push(broker);
                }
            }
        }
        self.tasks.close();
        Ok(())
    }

    /// A token that is cancelled when the application stops.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Resolves when a part ends by itself that must not, which is always a fault; names it.
    pub async fn fault(&mut self) -> &'static str {
        self.ended.recv().await.unwrap_or("pipeline")
    }

    /// Ends everything in order. Exit code 0, or 74 where a log failed and 70 where something else did.
    ///
    /// The lock of the data directory comes back with it, for whoever still writes there.
    pub async fn drain(mut self) -> (u8, Option<maibo_store::disk::lock::DirLock>) {
        info!("draining");
        let abort = self.abort.clone();
        let patience = tokio::spawn(async move {
            tokio::time::sleep(DRAIN).await;
            abort.cancel();
        });
        self.stop.cancel();
        self.tasks.wait().await;
        #[cfg(feature = "embedded-broker")]
        {
            let embedded = std::mem::take(&mut self.embedded);
            let stopped = tokio::task::spawn_blocking(move || {
                for mut broker in embedded {
                    broker.stop();
                }
            });
            if stopped.await.is_err() {
                warn!("the embedded broker did not stop cleanly");
            }
        }
        // An error means that the sequencer has ended already.
        let _ = self.work.send_async(Work::Stop).await;
        let Some(threads) = self.threads.take() else { return (70, self.lock.take()) };
        let over = self.over.clone();
        let code = tokio::task::spawn_blocking(move || finish(threads, &over)).await.unwrap_or(70);
        patience.abort();
        info!(code, "pipeline has stopped");
        (code, self.lock.take())
    }
}

/// Joins the pipeline's threads and saves the last snapshots.
fn finish(threads: Threads, over: &CancellationToken) -> u8 {
    let log = threads.sequencer.join();
    let rest = threads.decider.join();
    over.cancel();
    match (log, rest) {
        (Ok(Ok(mut log)), Ok(Ok(rest))) => {
            let saved = decider::save_all(&mut *log, &rest);
            info!(saved, "last snapshots are saved");
            0
        }
        (log, rest) => {
            let mut code = 70;
            for error in [log.ok().and_then(Result::err), rest.ok().and_then(Result::err)].into_iter().flatten() {
                error!(error = %crate::Chain(&error), "pipeline failed");
                if matches!(error, PipelineError::InputsClosed | PipelineError::FactsClosed(_)) {
                    code = 74;
                }
            }
            code
        }
    }
}

pub(super) fn spawn<T: Send + 'static>(
    name: &'static str,
    watched: super::Watched,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StartError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let _watched = watched;
            run()
        })
        .map_err(|_| StartError::Internal("start a thread"))
}
