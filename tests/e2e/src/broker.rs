//! mosquitto as a child process.

use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{free_port, signal, until};

/// A broker of its own, on a port of its own.
pub struct Mosquitto {
    dir: TempDir,
    child: Option<Child>,
    /// Where it listens on the loopback address.
    pub port: u16,
}

impl Mosquitto {
    /// Starts a broker that keeps sessions on disk or only in memory.
    ///
    /// # Panics
    /// Where mosquitto is not installed.
    pub fn start(persistence: bool) -> Self {
        Self::start_with(persistence, None)
    }

    /// The same with access rules, in mosquitto's words.
    ///
    /// # Panics
    /// Where mosquitto is not installed.
    pub fn start_with(persistence: bool, rules: Option<&str>) -> Self {
        let dir = TempDir::new().expect("temporary directory");
        let port = free_port();
        let path = dir.path().display();
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 1000\n\
             max_packet_size 4194304\npersistence {persistence}\npersistence_location {path}/\nautosave_interval 1\nuser root\n"
        );
        let access = dir.path().join("acl");
        let mut text = text;
        if let Some(rules) = rules {
            std::fs::write(&access, rules).expect("write its access rules");
            let _ = writeln!(text, "acl_file {}", access.display());
        }
        std::fs::write(dir.path().join("mosquitto.conf"), text).expect("write its configuration");
        let mut broker = Self { dir, child: None, port };
        broker.resume();
        broker
    }

    /// Starts it again after it was stopped, on the same port and files.
    ///
    /// # Panics
    /// Where it does not listen within ten seconds.
    pub fn resume(&mut self) {
        assert!(self.child.is_none(), "still running");
        let program = if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
        let child = Command::new(program)
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start mosquitto (apt-get install mosquitto)");
        self.child = Some(child);
        let port = self.port;
        until("mosquitto listens", Duration::from_secs(10), || TcpStream::connect(("127.0.0.1", port)).ok());
    }

    /// SIGTERM, and waits for its end: sessions are saved where it keeps any.
    ///
    /// # Panics
    /// Where it is not running.
    pub fn terminate(&mut self) {
        let mut child = self.child.take().expect("running");
        signal("-TERM", child.id());
        child.wait().expect("its end");
    }

    /// SIGSTOP: its connections stay open, and nothing answers.
    ///
    /// # Panics
    /// Where it is not running.
    pub fn freeze(&mut self) {
        signal("-STOP", self.child.as_ref().expect("running").id());
    }

    /// SIGCONT.
    ///
    /// # Panics
    /// Where it is not running.
    pub fn thaw(&mut self) {
        signal("-CONT", self.child.as_ref().expect("running").id());
    }

    /// SIGKILL.
    ///
    /// # Panics
    /// Where it is not running.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("running");
        child.kill().expect("kill -9");
        child.wait().expect("its end");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
