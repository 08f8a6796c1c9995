//! The generator's own record of what was acknowledged, for tests that kill the gateway.
//!
//! One line `device t seq` per acknowledgement, appended and fsynced every 100 ms by its own thread. An entry may be
//! missing after a crash of the generator, but none stands here that was not acknowledged.
//!
//! **Limit:** above 8 MiB of unwritten lines the caller itself writes, and waits for the disk.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;

const FLUSH_EVERY: Duration = Duration::from_millis(100);
const MAX_BUFFER: usize = 8 << 20;

/// One acknowledged message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Device id.
    pub device: String,
    /// Time of its newest reading, in ms since 1970.
    pub t: i64,
    /// Number of the message, counted per device from 0.
    pub seq: u64,
}

#[derive(Debug, Default)]
struct Pending {
    lines: Vec<u8>,
    closing: bool,
    failed: Option<String>,
}

#[derive(Debug)]
struct Shared {
    pending: Mutex<Pending>,
    wake: Condvar,
    file: Mutex<File>,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is pending and syncs it. The file is locked first, so that lines keep their order.
    fn flush(&self) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = core::mem::take(&mut self.pending().lines);
        if lines.is_empty() {
            return;
        }
        if let Err(e) = file.write_all(&lines).and_then(|()| file.sync_data()) {
            self.pending().failed.get_or_insert_with(|| e.to_string());
        }
    }
}

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Ledger {
    /// Opens `path` for appending.
    ///
    /// # Errors
    /// Where the file or its thread can't be had.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("ledger {}", path.display()))?;
        let shared = Arc::new(Shared { pending: Mutex::default(), wake: Condvar::new(), file: Mutex::new(file) });
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || keep_flushing(&shared)
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Notes an acknowledgement.
    pub fn record(&self, device: &str, t: i64, seq: u64) {
        let full = {
            let mut pending = self.shared.pending();
            // Writing to a Vec can't fail.
            let _ = writeln!(pending.lines, "{device} {t} {seq}");
            pending.lines.len() > MAX_BUFFER
        };
        if full {
            self.shared.flush();
        }
    }

    /// Writes and syncs everything recorded so far.
    ///
    /// # Errors
    /// Where any write since the opening failed.
    pub fn sync(&self) -> anyhow::Result<()> {
        self.shared.flush();
        match &self.shared.pending().failed {
            Some(e) => anyhow::bail!("ledger: {e}"),
            None => Ok(()),
        }
    }

    /// Reads a ledger; a last line that was torn off is left out.
    ///
    /// # Errors
    /// Where the file can't be read, or a whole line is no entry.
    pub fn read(path: &Path) -> anyhow::Result<Vec<Entry>> {
        let text = std::fs::read_to_string(path).with_context(|| format!("ledger {}", path.display()))?;
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let parse = |(n, line): (usize, &str)| entry(line).with_context(|| format!("ledger line {}", n + 1));
        whole.lines().enumerate().map(parse).collect()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.shared.pending().closing = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep_flushing(shared: &Shared) {
    loop {
        let closing = {
            let pending = shared.pending();
            let waited = shared.wake.wait_timeout_while(pending, FLUSH_EVERY, |p| !p.closing);
            waited.unwrap_or_else(PoisonError::into_inner).0.closing
        };
        shared.flush();
        if closing {
            return;
        }
    }
}

fn entry(line: &str) -> Option<Entry> {
    let mut words = line.split(' ');
    let (device, t, seq) = (words.next()?, words.next()?, words.next()?);
    let entry = Entry { device: device.to_owned(), t: t.parse().ok()?, seq: seq.parse().ok()? };
    words.next().is_none().then_some(entry)
}
