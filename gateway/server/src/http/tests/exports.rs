//! Tables for download: complete, bounded, and over when the client is.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use maibo_core::id::{DeviceId, Position, Quantity};
use maibo_core::input::Batch;
use maibo_core::time::{Millis, Timestamp};
use maibo_store::history::{HistoryWriter, Options};

use super::*;
use crate::http::series::{Bucket, Exported, Kept, Page, SeriesError, SeriesSource};

const EXPORT: &str = "/api/v1/devices/wl-1/series/water_depth/export";

fn records(answer: &Answer) -> Vec<::csv::StringRecord> {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(answer.body.as_ref());
    reader.records().collect::<Result<_, _>>().expect("rows of one length")
}

// P8: more readings than one answer of the series may have; count and sum are those of the series read in parts, in
// order of time, from what is in memory and what is on disk.
#[tokio::test]
async fn everything_there_is() {
    let mut server = Server::build(false, Limits::default()).await;
    let options = Options { retention: None, grace: Millis(0), ..Options::default() };
    let (mut writer, reader) = HistoryWriter::open(&server.dir.path().join("history.db"), options).expect("opens");
    writer.recover().expect("reads");
    let begin = 1_760_000_000_000_i64;
    let n = 150_000_i64;
    for (position, minute) in (1..).zip(0..n / 60) {
        let inputs = (0..60).map(|second| {
            let mut reading = reading("wl-1", 0, ((minute * 7 + second * 13) % 500) as f64 / 10.0);
            reading.at = Timestamp(begin + (minute * 60 + second) * 1_000);
            reading.received = reading.at;
            Input::Reading(reading)
        });
        let batch = Batch { now: Timestamp(begin + minute * 60_000), inputs: inputs.collect() };
        writer.apply(PartitionId(0), Position(position), &batch).expect("applies");
        if minute == n / 120 {
            writer.checkpoint().expect("writes");
        }
    }
    server.change(|state| state.series = Arc::new(Kept(reader)));
    let whole = format!("/api/v1/devices/wl-1/series/water_depth?points=0&from={begin}&to={}", begin + n * 1_000);
    assert_eq!(server.get(&whole).await.status(), 400, "too many for one answer");
    let (mut count, mut sum) = (0, 0.0);
    for half in 0..2 {
        let (from, to) = (begin + half * n * 500, begin + (half + 1) * n * 500);
        let path = format!("/api/v1/devices/wl-1/series/water_depth?points=0&from={from}&to={to}");
        let api::Points::Raw(points) = server.get(&path).await.json::<api::Series>().points else { panic!("raw") };
        count += points.len();
        sum += points.iter().map(|(_, value)| value).sum::<f64>();
    }
    let answer = server.get(EXPORT).await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"wl-1_water_depth.csv\"");
    let rows = records(&answer);
    assert_eq!(rows[0], ["device", "quantity", "time", "value [cm]", "quality"][..]);
    assert_eq!(rows[1].iter().take(3).collect::<Vec<_>>(), ["wl-1", "water_depth", "2025-10-09T08:53:20.000Z"]);
    assert_eq!(&rows[1][4], "good");
    assert!(rows[1..].windows(2).all(|pair| pair[0][2] < pair[1][2]), "in order, each once");
    let exported: f64 = rows[1..].iter().map(|row| row[3].parse::<f64>().expect("a number")).sum();
    assert_eq!((rows.len() - 1, count), (n as usize, n as usize));
    assert!((exported - sum).abs() < 1e-6, "{exported} {sum}");
    let part = format!("{EXPORT}?from={}&to={}", begin + 1_000, begin + 3_000);
    assert_eq!(records(&server.get(&part).await).len(), 3);
    for wrong in [format!("{EXPORT}?from=9&to=9"), format!("{EXPORT}?from=x"), format!("{EXPORT}?points=1")] {
        assert_eq!(server.get(&wrong).await.problem().status, 400);
    }
    let unknown = EXPORT.replace("wl-1", "nobody");
    assert_eq!(server.get(&unknown).await.problem().status, 404);
    server.finish().await;
}

/// A series without an end, that counts how often it is asked.
struct Endless(AtomicUsize);

impl SeriesSource for Endless {
    fn raw(
        &self,
        _: &DeviceId,
        _: &Quantity,
        _: Timestamp,
        _: Timestamp,
        _: usize,
    ) -> Result<Option<Vec<(i64, f64)>>, SeriesError> {
        Ok(None)
    }

    fn page(&self, _: &DeviceId, _: &Quantity, _: Timestamp, _: Timestamp, limit: usize) -> Result<Page, SeriesError> {
        let n = self.0.fetch_add(1, Ordering::SeqCst) as i64;
        if n == 1_000 {
            return Err(SeriesError("the disk is gone".into()));
        }
        let readings = (0..limit as i64).map(|t| Exported { t, value: 1.0, quality: "good" }).collect();
        Ok(Page { readings, next: Some(Timestamp(n)) })
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

// P8: the next page is read when the one before was taken; a client that goes away ends the work and gives its place to
// another; so many at a time; what breaks is broken off and does not look whole.
#[tokio::test]
async fn a_client_that_goes_away_ends_the_work() {
    let mut server = Server::build(false, Limits::default()).await;
    let endless = Arc::new(Endless(AtomicUsize::new(0)));
    let source = Arc::clone(&endless);
    server.change(|state| state.series = source);
    let open = || {
        let request = Request::get(EXPORT).header("host", "127.0.0.1:8080").body(Body::empty()).expect("a request");
        server.router.clone().oneshot(request)
    };
    let mut bodies = Vec::new();
    for _ in 0..pages::EXPORTS_MAX {
        bodies.push(open().await.expect("answers").into_body().into_data_stream());
    }
    assert_eq!(server.get(EXPORT).await.problem().status, 503);
    for _ in 0..3 {
        let page = bodies[0].next().await.expect("a page").expect("readings");
        assert!(page.len() < 1 << 20);
    }
    let asked = endless.0.load(Ordering::SeqCst);
    assert!(asked <= 4, "{asked} pages for three that were taken");
    drop(bodies);
    assert_eq!(server.state.limits.exports.available_permits(), pages::EXPORTS_MAX);
    assert!(endless.0.load(Ordering::SeqCst) <= asked + 1);
    endless.0.store(999, Ordering::SeqCst);
    let mut body = open().await.expect("answers").into_body().into_data_stream();
    assert!(body.next().await.expect("a page").is_ok());
    assert!(body.next().await.expect("its end").is_err(), "broken off");
    drop(body);
    server.finish().await;
}

// P: one line an episode, as the list has them, filters and all.
#[tokio::test]
async fn alerts_are_one_line_each() {
    let server = Server::start().await;
    for (id, depth) in [("wl-1", 30.0), ("wl-2", 60.0)] {
        server.alert(id, depth).await;
    }
    let all = format!("/api/v1/alerts?after={}", server.state.picture.facts());
    let listed = server.get(&all).await.json::<api::Page<api::Alert>>().items;
    assert_eq!(listed.len(), 2);
    let rows = records(&server.get("/api/v1/alerts/export").await);
    let column = |name: &str| rows[0].iter().position(|n| n == name).expect("a column");
    assert_eq!(rows.len() - 1, listed.len());
    for (row, alert) in rows[1..].iter().zip(&listed) {
        assert_eq!(&row[column("id")], alert.id);
        assert_eq!(&row[column("started")], alert.started_at);
        assert_eq!(row[column("value")].parse().ok(), alert.value);
        assert_eq!(&row[column("level")], serde_json::to_value(alert.level).expect("a word").as_str().expect("a word"));
        assert_eq!(&row[column("device")], alert.device.as_deref().unwrap_or_default());
        assert_eq!(row[column("version")].parse().ok(), Some(alert.version));
    }
    let devices = listed.iter().filter(|a| a.device.as_deref() == Some("wl-2")).count();
    assert_eq!(records(&server.get("/api/v1/alerts/export?device=wl-2").await).len() - 1, devices);
    assert_eq!(records(&server.get("/api/v1/alerts/export?to=1000").await).len(), 1);
    assert_eq!(records(&server.get("/api/v1/alerts/export?from=1000").await).len(), rows.len());
    assert_eq!(server.get("/api/v1/alerts/export?state=perhaps").await.problem().status, 400);
    server.finish().await;
}
