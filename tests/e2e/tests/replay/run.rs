//! A gateway on the clock of a recording's stream.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use flate2::read::GzDecoder;
use maibo_e2e::broker::Mosquitto;
use maibo_e2e::maibo::{Maibo, Setup};
use maibo_e2e::{journal, until};
use maibo_sim::link::Target;
use maibo_sim::replay::{self, Replayed};
use serde_json::Value;

pub(crate) const HOUR: i64 = 3_600_000;
/// Messages published at a time. A field reports as fast as it measures, not years at once.
const BATCH: usize = 2_000;

/// (time in ms, value), in order of time.
pub(crate) type Series = Vec<(i64, f64)>;

pub(crate) fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let file = GzDecoder::new(File::open(path).expect("the recording"));
    csv::Reader::from_reader(file).deserialize().collect::<Result<_, _>>().expect("CSV")
}

/// A gateway on the clock of its stream, behind a broker that holds the whole recording. The broker must outlive it:
/// its end would be told as deafness.
pub(crate) struct Run {
    pub(crate) maibo: Maibo,
    pub(crate) _broker: Mosquitto,
    pub(crate) runtime: tokio::runtime::Runtime,
    /// One connection for hundreds of questions.
    pub(crate) client: reqwest::Client,
}

impl Run {
    /// Publishes everything and waits until all readings are in.
    pub(crate) fn of(mut setup: Setup, messages: &[Replayed], readings: usize) -> Self {
        let broker = Mosquitto::start(false);
        setup.external(broker.port, "auto");
        "clock = \"replay\"".clone_into(&mut setup.top);
        let mut maibo = Maibo::prepare(&setup);
        maibo.start();
        // Before the subscription stands the broker would drop what it gets.
        until("it listens", Duration::from_secs(10), || {
            (maibo.get("/api/v1/status")["sources"][0]["state"] == "listening").then_some(())
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("client");
        let target = Target::new("127.0.0.1", broker.port);
        let run = Self { maibo, _broker: broker, runtime, client };
        let mut sent = 0;
        for batch in messages.chunks(BATCH) {
            let report = run.runtime.block_on(replay::publish(batch, batch.len(), &target, None)).expect("published");
            assert_eq!((report.acknowledged, report.unsettled), (batch.len() as u64, 0));
            sent += batch.len() as u64;
            until("the batch is in", Duration::from_mins(1), || {
                (run.metric("maibo_ingest_messages_total{source=\"city\"}") >= sent).then_some(())
            });
        }
        // A message is counted when it comes, its readings when there was room for them.
        until("its readings are in", Duration::from_mins(1), || {
            (run.metric("maibo_ingest_readings_total") >= readings as u64).then_some(())
        });
        // Nothing came twice, nothing was refused.
        assert_eq!(run.metric("maibo_ingest_readings_total"), readings as u64);
        run
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.runtime.block_on(async {
            let response = self.client.get(format!("http://127.0.0.1:{}{path}", self.maibo.http)).send().await;
            let response = response.expect("an answer").error_for_status().expect("a good answer");
            response.text().await.expect("text")
        })
    }

    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics");
        let value = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("0");
        value.parse::<f64>().expect("a number") as u64
    }

    /// Raw readings of a series, window by window: an answer has at most 100,000.
    pub(crate) fn history(&self, device: &str, quantity: &str, from: i64, to: i64, window: i64) -> Series {
        let mut series = Series::new();
        let mut at = from;
        while at < to {
            let until = (at + window).min(to);
            let path = format!("/api/v1/devices/{device}/series/{quantity}?from={at}&to={until}&points=0");
            let answer: Value = serde_json::from_str(&self.get(&path)).expect("JSON");
            let points = answer["points"].as_array().expect("points");
            series.extend(points.iter().map(|p| (p[0].as_i64().expect("time"), p[1].as_f64().expect("value"))));
            at = until;
        }
        series
    }

    /// The same, once it has come so far: history follows the log.
    pub(crate) fn history_of(&self, device: &str, quantity: &str, from: i64, to: i64, count: usize) -> Series {
        until(&format!("{count} readings of {device} {quantity}"), Duration::from_mins(3), || {
            let series = self.history(device, quantity, from, to, 4_500 * HOUR);
            (series.len() >= count).then_some(series)
        })
    }

    /// Ends it in good order; every fact it recorded.
    pub(crate) fn facts(mut self) -> Vec<Value> {
        // Months of history came in a minute.
        assert_eq!(self.maibo.terminate_within(Duration::from_mins(1)).code(), Some(0));
        journal::inspect(&self.maibo.data(), "facts")
    }
}
