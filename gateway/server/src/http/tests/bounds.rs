//! Bounds on what one caller can hold: threads, memory, connections.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;

use maibo_core::id::{DeviceId, Quantity};
use maibo_core::time::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::series::{Bucket, READINGS_MAX, SeriesError, SeriesSource};
use super::*;

/// A source that does not answer until it is let go.
struct Stuck {
    entered: AtomicUsize,
    gate: Mutex<mpsc::Receiver<()>>,
}

impl SeriesSource for Stuck {
    fn raw(
        &self,
        _: &DeviceId,
        _: &Quantity,
        _: Timestamp,
        _: Timestamp,
        _: usize,
    ) -> Result<Option<Vec<(i64, f64)>>, SeriesError> {
        self.entered.fetch_add(1, Relaxed);
        // A gate that is gone is open.
        let _ = self.gate.lock().expect("a gate").recv();
        Ok(Some(Vec::new()))
    }

    fn page(
        &self,
        _: &DeviceId,
        _: &Quantity,
        _: Timestamp,
        _: Timestamp,
        _: usize,
    ) -> Result<series::Page, SeriesError> {
        Ok(series::Page::default())
    }

    fn buckets(
        &self,
        _: &DeviceId,
        _: &Quantity,
        _: Timestamp,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<Bucket>, SeriesError> {
        Ok(Vec::new())
    }
}

// P8: who gives up a read and asks again does not get a second thread while the first is still busy; what needs no such
// read is answered as ever, and the place is free again when the read is over.
#[tokio::test]
async fn an_abandoned_read_keeps_its_place() {
    let limits =
        Limits { request: Duration::from_millis(100), reads: Arc::new(Semaphore::new(1)), ..Limits::default() };
    let mut server = Server::build(false, limits).await;
    let (open, gate) = mpsc::channel();
    let stuck = Arc::new(Stuck { entered: AtomicUsize::new(0), gate: Mutex::new(gate) });
    let source: Arc<dyn SeriesSource> = Arc::clone(&stuck) as _;
    server.change(|state| state.series = source);
    let raw = "/api/v1/devices/wl-1/series/water_depth?points=0";
    for _ in 0..5 {
        let answer = server.get(raw).await;
        assert_eq!((answer.status(), answer.problem().code), (503, api::Code::Unavailable));
    }
    assert_eq!(stuck.entered.load(Relaxed), 1);
    assert_eq!(server.get("/api/v1/alerts").await.status(), 503);
    assert_eq!(server.get("/healthz").await.status(), 200);
    drop(open);
    // The first read ends on its own; nobody waits for it.
    while server.get(raw).await.status() != 200 {
        tokio::task::yield_now().await;
    }
    server.finish().await;
}

/// A source with too much of everything.
struct Endless;

impl SeriesSource for Endless {
    fn raw(
        &self,
        _: &DeviceId,
        _: &Quantity,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Option<Vec<(i64, f64)>>, SeriesError> {
        assert_eq!(limit, READINGS_MAX);
        let n = to.since(from).0 as usize;
        Ok((n <= limit).then(|| (from.0..to.0).map(|t| (t, 1.0)).collect()))
    }

    fn page(
        &self,
        _: &DeviceId,
        _: &Quantity,
        _: Timestamp,
        _: Timestamp,
        _: usize,
    ) -> Result<series::Page, SeriesError> {
        Ok(series::Page::default())
    }

    fn buckets(
        &self,
        _: &DeviceId,
        _: &Quantity,
        _: Timestamp,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<Bucket>, SeriesError> {
        Ok(Vec::new())
    }
}

// P8: raw readings come whole or not at all: a span with too many is refused, and the answer names the limit.
#[tokio::test]
async fn too_many_raw_readings() {
    let mut server = Server::build(false, Limits::default()).await;
    server.change(|state| state.series = Arc::new(Endless));
    let raw = |to: usize| format!("/api/v1/devices/wl-1/series/water_depth?points=0&from=0&to={to}");
    let all: Value = server.get(&raw(READINGS_MAX)).await.json();
    assert_eq!(all["points"].as_array().map(Vec::len), Some(READINGS_MAX));
    let answer = server.get(&raw(READINGS_MAX + 1)).await;
    assert_eq!(answer.status(), 400);
    assert!(answer.problem().detail.contains("100000"), "{}", answer.text());
    server.finish().await;
}

// P8: a peer that asks and never reads loses its connection; one that reads slowly gets everything.
#[tokio::test]
async fn a_peer_that_never_reads() {
    const SIZE: usize = 32 << 20;
    let large = || async { vec![7_u8; SIZE] };
    let router = Router::new().route("/", get(large));
    let patience = Duration::from_millis(300);
    let listener = serve::bind("127.0.0.1:0".parse().expect("an address")).await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let accept = async || listener.accept().await.expect("accepts").0;
    let serve = |stream| tokio::spawn(serve::alone(stream, router.clone(), patience));
    let ask = async || {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await.expect("asks");
        stream
    };
    let deaf = ask().await;
    let served = serve(accept().await);
    tokio::time::timeout(Duration::from_secs(20), served).await.expect("is let go").expect("ends");
    drop(deaf);
    let mut slow = ask().await;
    let served = serve(accept().await);
    let (mut read, mut buffer) = (0, vec![0; 4 << 20]);
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        match slow.read(&mut buffer).await.expect("reads") {
            0 => break,
            n => read += n,
        }
    }
    assert!(read > SIZE, "{read}");
    served.await.expect("ends");
}
