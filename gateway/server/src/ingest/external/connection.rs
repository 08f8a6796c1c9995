//! One connection to a broker, whichever protocol it speaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{ACKS, Heard, Lost, Settings, Source, Token, WAITING_KIB};

/// Longest wait, when stopping, for the acknowledgements of what is being committed.
const FAREWELL: Duration = Duration::from_secs(5);

/// A client library for one version of the protocol.
pub(super) trait Wire: 'static {
    /// Sends requests.
    type Client: Clone + Send + Sync + 'static;
    /// Receives.
    type Events: Send + 'static;

    /// Prepares a connection; nothing is sent before the first poll.
    fn open(settings: &Settings) -> (Self::Client, Self::Events);
    /// The next thing heard; `Ok(None)` for what is of no interest.
    fn poll(events: &mut Self::Events) -> impl Future<Output = Result<Option<Heard>, Lost>> + Send;
    /// Subscribes to a filter at QoS 1.
    fn subscribe(client: &Self::Client, filters: &[String]) -> impl Future<Output = Result<(), String>> + Send;
    /// Acknowledges one message.
    fn acknowledge(client: &Self::Client, token: Token) -> impl Future<Output = ()> + Send;
    /// Says farewell.
    fn disconnect(client: &Self::Client) -> impl Future<Output = ()> + Send;
}

/// Connects and handles what is heard until the connection ends; `None` when told to stop.
pub(super) async fn connect<W: Wire>(source: &mut Source, stop: &CancellationToken) -> Option<Lost> {
    let (client, mut events) = W::open(&source.settings);
    let (acks, settled) = flume::bounded(ACKS);
    let acknowledging = tokio::spawn(acknowledge::<W>(client.clone(), settled, Arc::clone(&source.epoch)));
    // Polling has a task of its own: keep-alive must not wait for a full queue behind us.
    // Nor may acknowledgements: the library sends a few per packet read, so reading must go on. As many messages may wait
    // as there are packet identifiers, within a budget of bytes.
    let (heard_tx, heard_rx) = flume::bounded(ACKS);
    let budget = Arc::new(Semaphore::new(WAITING_KIB));
    let room = Arc::clone(&budget);
    let polling = tokio::spawn(async move {
        loop {
            let heard = match W::poll(&mut events).await {
                Ok(Some(heard)) => Ok(heard),
                Ok(None) => continue,
                Err(lost) => Err(lost),
            };
            let ended = heard.is_err();
            if let Ok(heard) = &heard
                && let Ok(taken) = room.acquire_many(heard.kib()).await
            {
                // Given back by whoever takes the message out of the queue.
                taken.forget();
            }
            // At the farewell nobody listens any more, but acknowledgements still leave through this loop.
            let _ = heard_tx.send_async(heard).await;
            if ended {
                return;
            }
        }
    });
    let lost = loop {
        let heard = tokio::select! {
            heard = heard_rx.recv_async() => heard,
            () = stop.cancelled() => break None,
        };
        let outcome = match heard {
            Ok(Ok(heard)) => {
                budget.add_permits(heard.kib() as usize);
                if let Heard::Connected = heard {
                    source.connected();
                    // Even when the session was kept: its subscriptions may be those of another configuration.
                    if let Err(why) = W::subscribe(&client, &source.ingest.subscriptions()).await {
                        break Some(Lost::because(why));
                    }
                }
                // What waits for room when we are told to stop is not acknowledged, and comes again.
                tokio::select! {
                    outcome = source.heard(heard, &acks) => outcome,
                    () = stop.cancelled() => break None,
                }
            }
            Ok(Err(lost)) => Err(lost),
            Err(_) => Err(Lost::because("the MQTT client library failed")),
        };
        if let Err(lost) = outcome {
            break Some(lost);
        }
    };
    if lost.is_none() {
        // Nothing new is taken; drop our end so that the queue closes when the last message in flight is settled.
        drop(heard_rx);
        // Nobody gives room back any more, and reading must go on until the farewell.
        budget.close();
        drop(acks);
        farewell::<W>(acknowledging, &client).await;
    } else {
        acknowledging.abort();
    }
    polling.abort();
    lost
}

/// Sends acknowledgements of this connection in the order of their commits.
async fn acknowledge<W: Wire>(client: W::Client, settled: flume::Receiver<(u64, Token)>, epoch: Arc<AtomicU64>) {
    while let Ok((of, token)) = settled.recv_async().await {
        if of == epoch.load(SeqCst) {
            W::acknowledge(&client, token).await;
        }
    }
}

async fn farewell<W: Wire>(acknowledging: JoinHandle<()>, client: &W::Client) {
    if tokio::time::timeout(FAREWELL, acknowledging).await.is_err() {
        warn!("some messages were still being committed at the farewell; the broker sends them again");
    }
    W::disconnect(client).await;
    // The poll task writes what is queued; give it the time of one flush.
    tokio::time::sleep(Duration::from_millis(50)).await;
}
