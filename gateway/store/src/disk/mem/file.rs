//! One file of the virtual disk: what a reader sees, what is durable, and what has happened in between.

use std::io;

use super::{MemDisk, SECTOR, State};
use crate::disk::DiskFile;
use crate::seeded::Seeded;

#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    pub(super) bytes: Vec<u8>,
    synced: Vec<u8>,
    pending: Vec<FileOp>,
    reserved: u64,
    /// A sync failed: nothing written becomes durable any more, whatever sync says.
    treacherous: bool,
}

#[derive(Clone, Debug)]
enum FileOp {
    Append(Vec<u8>),
    Truncate(usize),
}

impl Inode {
    /// A file that is as it is, whatever happens.
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self { synced: bytes.clone(), bytes, ..Self::default() }
    }

    pub(super) fn used(&self) -> u64 {
        self.reserved.max(self.bytes.len() as u64)
    }

    pub(super) fn after_crash(&self, seeded: &mut Seeded) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        // Everything before this is as it was synced, whatever else happens.
        let mut stable = bytes.len();
        let keep = seeded.below(self.pending.len() as u64 + 1) as usize;
        for op in &self.pending[..keep] {
            op.apply(&mut bytes);
            stable = stable.min(bytes.len());
        }
        if seeded.chance(50) {
            let cut = stable + seeded.below((bytes.len() - stable) as u64 + 1) as usize;
            bytes.truncate(cut);
        }
        if seeded.chance(50) {
            let mut at = stable;
            while at < bytes.len() {
                let end = (at / SECTOR * SECTOR + SECTOR).min(bytes.len());
                if seeded.chance(30) {
                    bytes[at..end].fill(0);
                }
                at = end;
            }
        }
        bytes
    }
}

impl FileOp {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Append(more) => bytes.extend_from_slice(more),
            Self::Truncate(len) => bytes.truncate(*len),
        }
    }
}

pub(super) fn failed(what: &str) -> io::Error {
    io::Error::other(format!("input/output error: {what}"))
}

#[derive(Debug)]
pub(super) struct MemFile {
    disk: MemDisk,
    inode: u64,
}

impl MemFile {
    pub(super) fn new(disk: MemDisk, inode: u64) -> Self {
        Self { disk, inode }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State, &mut Inode) -> T) -> T {
        let mut state = self.disk.state();
        // Taken out and put back, so that the disk's and the file's state can both be changed.
        let mut inode = state.inodes.remove(&self.inode).unwrap_or_default();
        let answer = f(&mut state, &mut inode);
        state.inodes.insert(self.inode, inode);
        answer
    }
}

impl DiskFile for MemFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let free = self.disk.state().free_for(self.inode);
        self.with(|state, inode| {
            state.power.spend()?;
            state.counts.appends += 1;
            let (room, kind) = match state.faults.append_in.take() {
                Some((after, kind)) => (after.min(free), kind),
                None if free < bytes.len() as u64 => (free, io::ErrorKind::StorageFull),
                None => (u64::MAX, io::ErrorKind::StorageFull),
            };
            let written = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            inode.bytes.extend_from_slice(&bytes[..written]);
            inode.pending.push(FileOp::Append(bytes[..written].to_vec()));
            if room == u64::MAX { Ok(()) } else { Err(io::Error::new(kind, "append failed")) }
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state, inode| {
            state.power.spend()?;
            state.counts.syncs += 1;
            if state.faults.syncs > 0 {
                state.faults.syncs -= 1;
                inode.treacherous = true;
                return Err(failed("sync"));
            }
            if !inode.treacherous {
                for op in inode.pending.drain(..) {
                    op.apply(&mut inode.synced);
                }
            }
            Ok(())
        })
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.with(|_, inode| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(inode.bytes.len());
            let n = buf.len().min(inode.bytes.len() - start);
            buf[..n].copy_from_slice(&inode.bytes[start..start + n]);
            Ok(n)
        })
    }

    fn len(&self) -> io::Result<u64> {
        self.with(|_, inode| Ok(inode.bytes.len() as u64))
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.with(|state, inode| {
            state.power.spend()?;
            if state.faults.truncates > 0 {
                state.faults.truncates -= 1;
                return Err(failed("truncate"));
            }
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            if len < inode.bytes.len() {
                inode.bytes.truncate(len);
                inode.pending.push(FileOp::Truncate(len));
            }
            inode.reserved = 0;
            Ok(())
        })
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        let free = self.disk.state().free_for(self.inode);
        self.with(|_, inode| {
            if len.saturating_sub(inode.bytes.len() as u64) > free {
                return Err(io::Error::new(io::ErrorKind::StorageFull, "no room to reserve"));
            }
            inode.reserved = inode.reserved.max(len);
            Ok(())
        })
    }
}
