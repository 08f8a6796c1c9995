//! What goes wrong, and when.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use maibo::pipeline::Pause;
use maibo_store::disk::mem::{MemDisk, Power};
use maibo_store::seeded::Seeded;

use crate::clocks::Clocks;

/// Both disks and the mains.
pub(crate) struct Disks {
    pub(crate) power: Power,
    pub(crate) inputs: MemDisk,
    pub(crate) facts: MemDisk,
    /// Pauses of a full disk until there is room again.
    full_for: Arc<AtomicU32>,
    /// Something was made to fail since the process began: a log may be closed.
    pub(crate) harmed: bool,
}

impl Disks {
    pub(crate) fn new() -> Self {
        let power = Power::default();
        let disk = || MemDisk::new().on(&power);
        Self { inputs: disk(), facts: disk(), power: power.clone(), full_for: Arc::default(), harmed: false }
    }

    /// Makes something fail soon.
    pub(crate) fn harm(&mut self, choices: &mut Seeded) -> &'static str {
        self.harmed = true;
        let disk = if choices.chance(50) { &self.inputs } else { &self.facts };
        match choices.below(5) {
            0 => {
                let kind = if choices.chance(50) { ErrorKind::StorageFull } else { ErrorKind::Other };
                disk.fail_append(choices.below(400), kind);
                "an append fails"
            }
            1 => {
                disk.fail_syncs(1 + choices.below(2) as u32);
                "syncs fail"
            }
            2 => {
                disk.fail_dir_syncs(1);
                "a sync of the directory fails"
            }
            3 => {
                disk.fail_truncates(1);
                "a truncation fails"
            }
            _ => {
                disk.set_capacity(Some(disk.used() + choices.below(3_000)));
                // Facts are given up after fifty pauses.
                self.full_for.store(1 + choices.below(60) as u32, Relaxed);
                "the disk is full"
            }
        }
    }

    /// The power goes, or the process is killed, before an operation: one of so many, behind `later` others.
    pub(crate) fn doom(&self, later: u32, within: u64, choices: &mut Seeded) {
        self.power.cut_in(1 + later + choices.below(within) as u32);
    }

    /// What is left for the next start. `cut`: the power went; else only the process died, and the system kept what it had.
    pub(crate) fn after(&mut self, cut: bool, choices: &mut Seeded) {
        if cut {
            self.inputs = self.inputs.after_crash(choices.draw());
            self.facts = self.facts.after_crash(choices.draw());
        }
        self.power = Power::default();
        self.inputs = self.inputs.clone().on(&self.power);
        self.facts = self.facts.clone().on(&self.power);
        self.heal();
        self.harmed = false;
    }

    /// Nothing fails any more.
    pub(crate) fn heal(&self) {
        for disk in [&self.inputs, &self.facts] {
            disk.heal();
            disk.set_capacity(None);
        }
    }

    /// Time that a full disk is given: after some of it there is room.
    pub(crate) fn pause(&self, clocks: &Clocks) -> Pause {
        let (disks, left, clocks) = ([self.inputs.clone(), self.facts.clone()], self.full_for.clone(), clocks.clone());
        Arc::new(move || {
            clocks.pass(200);
            if left.load(Relaxed) == 0 || left.fetch_sub(1, Relaxed) == 1 {
                for disk in &disks {
                    disk.set_capacity(None);
                }
            }
        })
    }
}
