//! Accepts connections and speaks HTTP on them until told to stop.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::patient::Patient;

/// Connections at a time; beyond it new ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 1_024;
/// Time for the head of a request, and between requests of one connection.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Time in which a peer must take something of what it is sent.
pub const WRITE_TIME: Duration = Duration::from_secs(30);
/// Time for open requests to end after the stop.
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// Pause after a failed accept: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds an address; port 0 chooses one.
///
/// # Errors
/// Where it is taken or not this machine's.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until `stop`; then open requests may end and live clients are told goodbye (the router's state has the token for
/// that), both for [`DRAIN_TIME`].
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &permits) => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Some((stream, permit)) => {
                tokio::spawn(connection(stream, router.clone(), Held(Arc::new(permit)), WRITE_TIME, stop.clone()));
            }
            None => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    // Every connection and every live client holds one: having all means that all are gone.
    let drained = permits.acquire_many(CONNECTIONS_MAX as u32);
    if tokio::time::timeout(DRAIN_TIME, drained).await.is_err() {
        info!("some connections did not end in time");
    }
}

/// A connection's place among [`CONNECTIONS_MAX`], in every request's extensions: what outlives the request (a live
/// client) keeps it.
#[derive(Clone)]
pub(super) struct Held(#[expect(dead_code, reason = "held, never read")] Arc<OwnedSemaphorePermit>);

async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    // First the room, then the connection: what waits, waits in the kernel.
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            warn!(%error, "accept a connection");
            None
        }
    }
}

/// Speaks on one connection that holds no place.
#[cfg(test)]
pub(super) async fn alone(stream: TcpStream, router: Router, patience: Duration) {
    let place = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("a place");
    connection(stream, router, Held(Arc::new(place)), patience, CancellationToken::new()).await;
}

/// Speaks on one connection until it ends; after `stop` the request under way is the last.
async fn connection(stream: TcpStream, router: Router, held: Held, patience: Duration, stop: CancellationToken) {
    // Frames are small and must not wait for each other.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "set TCP_NODELAY");
    }
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(held.clone());
        inner.call(request)
    });
    let served = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(Patient::new(stream, patience)), service)
        .with_upgrades();
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended");
    }
}
