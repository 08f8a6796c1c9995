//! VictoriaMetrics as a child process: the server that takes InfluxDB 2 writes and can be asked what it has.
//!
//! It answers 204 to anything, also to what it throws away: only reading back says something. What it took in the last
//! seconds is lost by kill -9, so it is stopped with SIGTERM.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::maibo::http;
use crate::{free_port, signal, until};

/// A server of its own, on a port of its own.
pub struct Victoria {
    dir: TempDir,
    child: Option<Child>,
    /// Where it listens on the loopback address.
    pub port: u16,
}

/// Values by series (name and tags) and time in ms.
pub type Samples = BTreeMap<(BTreeMap<String, String>, i64), f64>;

impl Victoria {
    /// Prepares one; it does not run yet.
    ///
    /// # Panics
    /// Where there is no room for its files.
    pub fn prepare() -> Self {
        Self { dir: TempDir::new().expect("temporary directory"), child: None, port: free_port() }
    }

    /// Starts it, with what it had.
    ///
    /// # Panics
    /// Where it does not answer within 20 s.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "still running");
        let program =
            ["/usr/bin/victoria-metrics", "/usr/sbin/victoria-metrics"].into_iter().find(|p| Path::new(p).exists());
        let child = Command::new(program.unwrap_or("victoria-metrics"))
            .arg(format!("-storageDataPath={}", self.dir.path().display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{}", self.port))
            // Two writes of one point are one point; nothing is too old.
            .args(["-dedup.minScrapeInterval=1ms", "-retentionPeriod=100y", "-memory.allowedBytes=64MB"])
            .args(["-loggerLevel=WARN", "-search.maxUniqueTimeseries=100000"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start VictoriaMetrics (apt-get install victoria-metrics)");
        self.child = Some(child);
        let port = self.port;
        until("VictoriaMetrics answers", Duration::from_secs(20), || {
            http(port, "GET", "/health", &[], "").filter(|(status, _)| *status == 200)
        });
    }

    /// SIGTERM, and waits for its end: what it took is on disk.
    ///
    /// # Panics
    /// Where it is not running.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("running");
        signal("-TERM", child.id());
        child.wait().expect("its end");
    }

    /// Everything that it has of one measurement; new points show after a second or so.
    ///
    /// # Panics
    /// Where its answer is none.
    pub fn samples(&self, measurement: &str) -> Samples {
        let _ = http(self.port, "GET", "/internal/force_flush", &[], "");
        let path = format!("/api/v1/export?match%5B%5D={measurement}_value&start=0&end=4102444800");
        let (status, body) = http(self.port, "GET", &path, &[], "").expect("an answer");
        assert_eq!(status, 200, "{body}");
        let mut samples = Samples::new();
        for line in body.lines() {
            let series: Value = serde_json::from_str(line).expect("a line of JSON");
            let tags = series["metric"].as_object().expect("tags").iter();
            let tags: BTreeMap<String, String> =
                tags.map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())).collect();
            let (values, times) = (series["values"].as_array(), series["timestamps"].as_array());
            for (value, at) in values.into_iter().flatten().zip(times.into_iter().flatten()) {
                let key = (tags.clone(), at.as_i64().expect("a time"));
                samples.insert(key, value.as_f64().expect("a value"));
            }
        }
        samples
    }
}

impl Drop for Victoria {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
