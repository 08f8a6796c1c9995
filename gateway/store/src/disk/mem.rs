//! A virtual disk for tests and simulation: it forgets, tears, fills up and fails on request, and does nothing else.
//!
//! What [`MemDisk::after_crash`] keeps of a file: everything synced; of what came since, a prefix of the operations, cut
//! at any byte or with any of its sectors never written (they read as zeros). Of a directory: everything synced, and
//! any subset of the operations since. After a failed sync the file is as treacherous as a real one: later syncs report
//! success and make nothing durable. Limits: whole files in memory, one lock for the disk.

mod file;
mod power;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::file::{Inode, MemFile};
pub use self::power::Power;
use super::{Disk, DiskFile};
use crate::seeded::Seeded;

/// Unit in which an unsynced write can go missing, in bytes.
pub const SECTOR: usize = 512;

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next_inode: u64,
    inodes: BTreeMap<u64, Inode>,
    /// The directory as the running process sees it.
    names: BTreeMap<String, u64>,
    /// The directory as of the last sync.
    synced_names: BTreeMap<String, u64>,
    pending_names: Vec<NameOp>,
    capacity: Option<u64>,
    faults: Faults,
    counts: Counts,
    power: Power,
}

#[derive(Clone, Debug)]
enum NameOp {
    Set(String, u64),
    Remove(String),
    Rename { from: String, to: String, inode: u64 },
}

#[derive(Debug, Default)]
struct Faults {
    append_in: Option<(u64, io::ErrorKind)>,
    syncs: u32,
    dir_syncs: u32,
    truncates: u32,
}

/// How often the disk was asked to do what costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Appends to files.
    pub appends: u64,
    /// Syncs of files.
    pub syncs: u64,
    /// Syncs of the directory.
    pub dir_syncs: u64,
}

impl MemDisk {
    /// An empty disk without a limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the disk on a switch.
    #[must_use]
    pub fn on(self, power: &Power) -> Self {
        self.state().power = power.clone();
        self
    }

    /// From now on all files together, with what they reserve, take at most `bytes`; `None`: no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// The next append writes `after` bytes of what it is given and fails with `kind`.
    pub fn fail_append(&self, after: u64, kind: io::ErrorKind) {
        self.state().faults.append_in = Some((after, kind));
    }

    /// The next `n` syncs of files fail.
    pub fn fail_syncs(&self, n: u32) {
        self.state().faults.syncs = n;
    }

    /// The next `n` syncs of the directory fail.
    pub fn fail_dir_syncs(&self, n: u32) {
        self.state().faults.dir_syncs = n;
    }

    /// The next `n` truncations fail.
    pub fn fail_truncates(&self, n: u32) {
        self.state().faults.truncates = n;
    }

    /// No fault that was asked for and has not happened yet happens any more.
    pub fn heal(&self) {
        self.state().faults = Faults::default();
    }

    /// Bytes taken by files and by what they reserve.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// What was asked of the disk so far.
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// Content of a file, if it is there.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(name).and_then(|i| state.inodes.get(i)).map(|inode| inode.bytes.clone())
    }

    /// Puts a file there, durable, whatever was there before: damage, or a file from elsewhere.
    pub fn put(&self, name: &str, content: Vec<u8>) {
        let mut state = self.state();
        let id = state.add(Inode::durable(content));
        state.names.insert(name.to_owned(), id);
        state.synced_names.insert(name.to_owned(), id);
    }

    /// A second disk with the same content, all of it durable.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        let state = self.state();
        for (name, id) in &state.names {
            copy.put(name, state.inodes.get(id).map(|inode| inode.bytes.clone()).unwrap_or_default());
        }
        drop(state);
        copy
    }

    /// What the power cut leaves. Files open on this disk stay on this one.
    #[must_use]
    pub fn after_crash(&self, seed: u64) -> Self {
        let mut seeded = Seeded::new(seed);
        let state = self.state();
        let mut names = state.synced_names.clone();
        for op in &state.pending_names {
            if seeded.chance(50) {
                op.apply(&mut names);
            }
        }
        let left = Self::new();
        left.state().capacity = state.capacity;
        for (name, id) in &names {
            let content = state.inodes.get(id).map(|inode| inode.after_crash(&mut seeded)).unwrap_or_default();
            left.put(name, content);
        }
        left
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NameOp {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Set(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Rename { from, to, inode } => {
                if names.get(from) == Some(inode) {
                    names.remove(from);
                }
                names.insert(to.clone(), *inode);
            }
        }
    }
}

impl State {
    fn add(&mut self, inode: Inode) -> u64 {
        self.next_inode += 1;
        self.inodes.insert(self.next_inode, inode);
        self.next_inode
    }

    fn used(&self) -> u64 {
        self.names.values().filter_map(|i| self.inodes.get(i)).map(Inode::used).sum()
    }

    fn free_for(&self, inode: u64) -> u64 {
        let own = self.inodes.get(&inode).map_or(0, |i| i.used().saturating_sub(i.bytes.len() as u64));
        self.capacity.map_or(u64::MAX, |c| c.saturating_sub(self.used()).saturating_add(own))
    }

    fn rename_op(&mut self, op: NameOp) {
        op.apply(&mut self.names);
        self.pending_names.push(op);
    }
}

fn not_found(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no file {name}"))
}

impl Disk for MemDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.power.spend()?;
        if state.names.contains_key(name) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{name} exists")));
        }
        let inode = state.add(Inode::default());
        state.rename_op(NameOp::Set(name.to_owned(), inode));
        Ok(Arc::new(MemFile::new(self.clone(), inode)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let inode = *self.state().names.get(name).ok_or_else(|| not_found(name))?;
        Ok(Arc::new(MemFile::new(self.clone(), inode)))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.power.spend()?;
        if !state.names.contains_key(name) {
            return Err(not_found(name));
        }
        state.rename_op(NameOp::Remove(name.to_owned()));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.power.spend()?;
        let inode = *state.names.get(from).ok_or_else(|| not_found(from))?;
        state.rename_op(NameOp::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        state.power.spend()?;
        state.counts.dir_syncs += 1;
        if state.faults.dir_syncs > 0 {
            state.faults.dir_syncs -= 1;
            return Err(file::failed("sync the directory"));
        }
        state.synced_names = state.names.clone();
        state.pending_names.clear();
        Ok(())
    }
}
