//! Which receipts wait for which partitions of a commit.

use std::collections::BTreeSet;

use maibo_core::id::PartitionId;

use crate::ingest::Receipt;

/// Receipts of one commit, in order of arrival.
#[derive(Default)]
pub(super) struct Tickets(Vec<(Receipt, BTreeSet<PartitionId>)>);

impl Tickets {
    /// Adds a receipt that waits for these partitions (none: settled with the commit, in its place).
    pub(super) fn add(&mut self, receipt: Receipt, partitions: BTreeSet<PartitionId>) {
        self.0.push((receipt, partitions));
    }

    /// Settles all as durable, in order: every partition of the commit is.
    pub(super) fn durable(&mut self) {
        for (receipt, _) in self.0.drain(..) {
            receipt.durable();
        }
    }

    /// Settles, in order, the receipts before the first that waits for one of `missing`; the rest fails by drop.
    pub(super) fn settle_except(&mut self, missing: &BTreeSet<PartitionId>) {
        for (receipt, _) in self.0.drain(..).take_while(|(_, partitions)| partitions.is_disjoint(missing)) {
            receipt.durable();
        }
    }
}
