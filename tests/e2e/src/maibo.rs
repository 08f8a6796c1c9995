//! Maibo as a child process.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use crate::{binary, free_port, signal, until};

/// A data directory, a configuration, and the process that uses them while it runs.
pub struct Maibo {
    /// Holds configuration, catalogue, rules, data and logs.
    pub dir: TempDir,
    /// Where HTTP listens.
    pub http: u16,
    child: Option<Child>,
    starts: u32,
}

/// What to put into a configuration.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The `[[source]]` tables.
    pub sources: String,
    /// Anything at the top level.
    pub top: String,
    /// Other tables, such as routes.
    pub tables: String,
    /// The device catalogue (CSV).
    pub catalogue: String,
    /// The rule pack (TOML).
    pub rules: String,
}

impl Setup {
    /// Adds the broker inside on a free port, and tells the port.
    pub fn embedded(&mut self) -> u16 {
        let port = free_port();
        let _ =
            write!(self.sources, "[[source]]\nid = \"inside\"\nkind = \"embedded\"\nlisten = \"127.0.0.1:{port}\"\n");
        port
    }

    /// Adds a waterlogging sensor to the catalogue.
    pub fn device(&mut self, id: &str, interval: &str) {
        if self.catalogue.is_empty() {
            self.catalogue.push_str(CATALOGUE_HEAD);
        }
        let _ = writeln!(self.catalogue, "{id},waterlogging,{id},110105001,116.4,39.9,traffic,,{interval},,,");
    }

    /// Adds a broker elsewhere.
    pub fn external(&mut self, port: u16, protocol: &str) {
        let _ = write!(
            self.sources,
            "[[source]]\nid = \"city\"\nkind = \"mqtt\"\nurl = \"mqtt://127.0.0.1:{port}\"\nprotocol = \"{protocol}\"\n"
        );
    }
}

impl Maibo {
    /// Writes the configuration; nothing runs yet.
    ///
    /// # Panics
    /// Where files cannot be written.
    pub fn prepare(setup: &Setup) -> Self {
        keep_panics();
        let dir = TempDir::new().expect("temporary directory");
        let http = free_port();
        let catalogue = if setup.catalogue.is_empty() { CATALOGUE_HEAD } else { &setup.catalogue };
        std::fs::write(dir.path().join("devices.csv"), catalogue).expect("write");
        std::fs::write(dir.path().join("rules.toml"), &setup.rules).expect("write");
        let text = format!(
            "data = \"data\"\nrules = [\"rules.toml\"]\ncatalogue = \"devices.csv\"\n{}\n[http]\nlisten = \"127.0.0.1:{http}\"\n{}\n{}\n",
            setup.top, setup.sources, setup.tables
        );
        std::fs::write(dir.path().join("maibo.toml"), text).expect("write");
        Self { dir, http, child: None, starts: 0 }
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// Where it is not ready within 30 s.
    pub fn start(&mut self) {
        self.spawn(&[]);
        self.ready();
    }

    /// Starts it with environment variables and does not wait.
    ///
    /// # Panics
    /// Where it runs already or cannot be started.
    pub fn spawn(&mut self, environment: &[(&str, &str)]) {
        assert!(self.child.is_none(), "still running");
        self.starts += 1;
        let log = File::create(self.log(self.starts)).expect("log file");
        let mut command = Command::new(binary());
        command.args(["run", "--config"]).arg(self.config()).stdout(Stdio::null()).stderr(log);
        command.envs(environment.iter().copied());
        self.child = Some(command.spawn().expect("start maibo"));
    }

    /// Starts it behind another program, which must become it (`strace -D`), and does not wait.
    ///
    /// # Panics
    /// Where it runs already or cannot be started.
    pub fn spawn_under(&mut self, words: &[&str]) {
        assert!(self.child.is_none(), "still running");
        self.starts += 1;
        let log = File::create(self.log(self.starts)).expect("log file");
        let (program, arguments) = words.split_first().expect("a program");
        let mut command = Command::new(program);
        command.args(arguments).arg(binary()).args(["run", "--config"]).arg(self.config());
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().expect("start maibo"));
    }

    /// Waits until `/readyz` says yes.
    ///
    /// # Panics
    /// After 30 s, or when the process ends.
    pub fn ready(&mut self) {
        until("maibo is ready", Duration::from_secs(30), || {
            if let Some(status) = self.child.as_mut().and_then(|c| c.try_wait().ok()).flatten() {
                panic!("maibo ended with {status}: {}", self.last_log());
            }
            (self.get_status("/readyz") == Some(200)).then_some(())
        });
    }

    /// Whether the process still runs.
    pub fn running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|c| c.try_wait().is_ok_and(|s| s.is_none()))
    }

    /// SIGTERM; its exit status.
    ///
    /// # Panics
    /// Where it is not running, or does not end within 15 s.
    pub fn terminate(&mut self) -> ExitStatus {
        self.terminate_within(Duration::from_secs(15))
    }

    /// The same where more is left to do: a process that ends first writes down all the history that it has taken in.
    ///
    /// # Panics
    /// Where it is not running, or does not end in time.
    pub fn terminate_within(&mut self, time: Duration) -> ExitStatus {
        let mut child = self.child.take().expect("running");
        signal("-TERM", child.id());
        until("maibo ends on SIGTERM", time, || child.try_wait().expect("wait"))
    }

    /// SIGSTOP, and SIGCONT after `span`.
    ///
    /// # Panics
    /// Where it is not running.
    pub fn freeze_for(&self, span: Duration) {
        let pid = self.pid().expect("running");
        signal("-STOP", pid);
        std::thread::sleep(span);
        signal("-CONT", pid);
    }

    /// SIGKILL.
    ///
    /// # Panics
    /// Where it is not running.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("running");
        let _ = child.kill();
        child.wait().expect("its end");
    }

    /// Waits for an end that comes by itself (a failpoint).
    ///
    /// # Panics
    /// Where it does not come within the limit.
    pub fn ended(&mut self, limit: Duration) -> ExitStatus {
        let mut child = self.child.take().expect("running");
        until("maibo ends by itself", limit, || child.try_wait().expect("wait"))
    }

    /// Gives up waiting for an end and kills. True if it had ended by itself.
    pub fn ended_or_killed(&mut self, limit: Duration) -> bool {
        let started = std::time::Instant::now();
        while started.elapsed() < limit {
            if !self.running() {
                self.child = None;
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        false
    }

    /// Process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("maibo.toml")
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// What the last start logged.
    pub fn last_log(&self) -> String {
        std::fs::read_to_string(self.log(self.starts)).unwrap_or_default()
    }

    fn log(&self, start: u32) -> PathBuf {
        self.dir.path().join(format!("maibo-{start}.log"))
    }

    /// The status of a GET, `None` where nothing answers.
    pub fn get_status(&self, path: &str) -> Option<u16> {
        http(self.http, "GET", path, &[], "").map(|(status, _)| status)
    }

    /// A GET that must give JSON.
    ///
    /// # Panics
    /// Where it does not.
    pub fn get(&self, path: &str) -> serde_json::Value {
        let (status, body) = http(self.http, "GET", path, &[], "").expect("an answer");
        assert_eq!(status, 200, "GET {path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// A POST of JSON; status and body.
    ///
    /// # Panics
    /// Where nothing answers.
    pub fn post(&self, path: &str, body: &serde_json::Value) -> (u16, serde_json::Value) {
        let headers = [("Content-Type", "application/json"), ("Maibo-Actor", "tester")];
        let (status, body) = http(self.http, "POST", path, &headers, &body.to_string()).expect("an answer");
        (status, serde_json::from_str(&body).unwrap_or(serde_json::Value::Null))
    }
}

impl Drop for Maibo {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.last_log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
            eprintln!("── end of maibo's last log ──\n{}", tail.join("\n"));
            // Said again where a reader of the end of a long output finds it.
            eprintln!("── failed: {}", PANIC.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// Lines of a log that are shown with a failure.
const LOG_LINES: usize = 60;
/// What went wrong last.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Keeps what went wrong, besides telling it.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            panic.to_string().clone_into(&mut PANIC.lock().unwrap_or_else(PoisonError::into_inner));
            before(panic);
        }));
    });
}

/// Head of a device catalogue.
pub const CATALOGUE_HEAD: &str = "id,kind,name,place,lon,lat,domain,owner,interval,power,labels,data_class\n";

/// One HTTP exchange on the loopback address; `None` where nobody listens.
pub fn http(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<(u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().ok()?;
        let method = reqwest::Method::from_bytes(method.as_bytes()).ok()?;
        let mut request = client.request(method, format!("http://127.0.0.1:{port}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_owned()).send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.text().await.ok()?))
    })
}

/// Runs a command of the binary and gives its output.
///
/// # Panics
/// Where it cannot be started.
pub fn command(arguments: &[&str], directory: &Path) -> (Option<i32>, String, String) {
    let out = Command::new(binary()).args(arguments).current_dir(directory).output().expect("run maibo");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (out.status.code(), text(out.stdout), text(out.stderr))
}
