//! Debian's Prometheus and Alertmanager as child processes, and `amtool`: what they really say and take, not what we think.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::maibo::http;
use crate::{free_port, until};

/// An Alertmanager of its own, without a cluster.
pub struct Alertmanager {
    /// Where it listens on the loopback address.
    pub port: u16,
    _running: Running,
}

/// A Prometheus of its own, which scrapes nothing.
pub struct Prometheus {
    /// Where it listens on the loopback address.
    pub port: u16,
    _running: Running,
}

/// A process and its files; both go together.
struct Running {
    child: Child,
    dir: TempDir,
}

impl Alertmanager {
    /// Starts one that tells each alert of Maibo's as a group of its own, to `hook`, beginning and end.
    ///
    /// # Panics
    /// Where it does not answer within 20 s.
    pub fn start(hook: &str) -> Self {
        let (dir, port) = (TempDir::new().expect("temporary directory"), free_port());
        let configuration = format!(
            "route: {{ receiver: hook, group_by: [maibo_alert], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }}\n\
             receivers: [{{ name: hook, webhook_configs: [{{ url: \"{hook}\", send_resolved: true }}] }}]\n"
        );
        std::fs::write(dir.path().join("alertmanager.yml"), configuration).expect("write");
        let arguments = [
            format!("--config.file={}", dir.path().join("alertmanager.yml").display()),
            format!("--storage.path={}", dir.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--cluster.listen-address=".to_owned(),
        ];
        Self { port, _running: Running::start("/usr/bin/prometheus-alertmanager", &arguments, dir, port) }
    }

    /// Gives it alerts, as `POST /api/v2/alerts` has them.
    ///
    /// # Panics
    /// Where it does not take them.
    pub fn post(&self, alerts: &Value) {
        let json = [("Content-Type", "application/json")];
        let (status, body) =
            http(self.port, "POST", "/api/v2/alerts", &json, &alerts.to_string()).expect("the Alertmanager answers");
        assert_eq!(status, 200, "{body}");
    }
}

impl Prometheus {
    /// Starts one that evaluates `rules` (a rule file) and posts what fires to `alertmanager`, again every second.
    ///
    /// # Panics
    /// Where it does not answer within 20 s.
    pub fn start(rules: &str, alertmanager: u16, token: &str) -> Self {
        let (dir, port) = (TempDir::new().expect("temporary directory"), free_port());
        let file = |name: &str| dir.path().join(name);
        let configuration = format!(
            "global: {{ evaluation_interval: 1s }}\nrule_files: [\"{}\"]\nalerting:\n  alertmanagers:\n    \
             - static_configs: [{{ targets: [\"127.0.0.1:{alertmanager}\"] }}]\n      \
             authorization: {{ type: Bearer, credentials_file: \"{}\" }}\n",
            file("rules.yml").display(),
            file("token").display()
        );
        for (name, text) in [("prometheus.yml", configuration.as_str()), ("rules.yml", rules), ("token", token)] {
            std::fs::write(file(name), text).expect("write");
        }
        let arguments = [
            format!("--config.file={}", file("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", file("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--rules.alert.resend-delay=1s".to_owned(),
        ];
        Self { port, _running: Running::start("/usr/bin/prometheus", &arguments, dir, port) }
    }

    /// The sum of one of its own metrics over its labels.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn own(&self, metric: &str) -> f64 {
        let (_, text) = http(self.port, "GET", "/metrics", &[], "").expect("Prometheus answers");
        let lines = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(metric));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }
}

impl Running {
    fn start(program: &str, arguments: &[String], dir: TempDir, port: u16) -> Self {
        let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = std::fs::File::create(dir.path().join("log")).expect("log file");
        let child = Command::new(program)
            .args(arguments)
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("start {program} (apt-get install {name}): {e}"));
        let mut running = Self { child, dir };
        until(&format!("{name} is ready"), Duration::from_secs(20), || {
            let ended = running.child.try_wait().expect("wait");
            assert!(ended.is_none(), "{name} ended with {ended:?}");
            http(port, "GET", "/-/ready", &[], "").filter(|(status, _)| *status == 200)
        });
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default());
        }
    }
}

/// What `amtool alert query` prints about whoever listens at `port`.
///
/// # Panics
/// Where it fails.
pub fn amtool(port: u16, arguments: &[&str]) -> String {
    let mut command = Command::new("/usr/bin/amtool");
    command.arg(format!("--alertmanager.url=http://127.0.0.1:{port}")).args(["alert", "query"]).args(arguments);
    let out = command.output().expect("start amtool (apt-get install prometheus-alertmanager)");
    assert!(out.status.success(), "amtool {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}
