//! One commit while it is put together.

use std::collections::BTreeMap;

use maibo_core::engine::CommandOutcome;
use maibo_core::id::PartitionId;
use maibo_core::input::Input;
use tokio::sync::oneshot;

use crate::pipeline::tickets::Tickets;

/// One commit being put together.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) batches: BTreeMap<PartitionId, Vec<Input>>,
    pub(super) tickets: Tickets,
    pub(super) replies: Vec<(PartitionId, oneshot::Sender<CommandOutcome>)>,
    pub(super) messages: usize,
    pub(super) inputs: usize,
}

impl Pending {
    /// Puts an input behind all others, in every partition.
    pub(super) fn everywhere(&mut self, input: &Input) {
        for partition in PartitionId::all() {
            self.batches.entry(partition).or_default().push(input.clone());
        }
    }

    /// Puts inputs before all others where a partition of devices is told anything.
    pub(super) fn first_of_devices(&mut self, inputs: &[Input]) {
        for (_, batch) in self.batches.iter_mut().filter(|(p, _)| **p != PartitionId::CITY) {
            batch.splice(0..0, inputs.iter().cloned());
        }
    }

    /// Puts inputs before all others, in every partition.
    pub(super) fn first_everywhere(&mut self, inputs: &[Input]) {
        for partition in PartitionId::all() {
            let batch = self.batches.entry(partition).or_default();
            batch.splice(0..0, inputs.iter().cloned());
        }
    }
}
