//! Reports that are no messages of a broker: whoever brings them reads the format, and waits for the receipt.

use std::time::Duration;

use maibo_core::decode::Decoded;
use maibo_core::id::SourceId;
use maibo_core::reading::Event;

use super::{Ingest, Receipt};
use crate::pipeline::Work;

/// Why reports are not taken; then none of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Their device reports more than it may: how long to wait.
    Flood(Duration),
    /// Their device is not in the catalogue, and such are refused.
    Unknown,
    /// The pipeline has ended.
    Stopped,
}

impl Ingest {
    /// Takes reports of one device; waits while the queue is full.
    ///
    /// # Errors
    /// [`Refused`]; the receipt is then settled as failed.
    pub async fn report(
        &self,
        source: &SourceId,
        topic: &str,
        events: Vec<Event>,
        receipt: Receipt,
    ) -> Result<(), Refused> {
        let wanted = events.len();
        let (inputs, wait) = self.admit(source, topic, Decoded { events, ..Decoded::default() });
        if !wait.is_zero() {
            self.metrics.rejected.with_label_values(&["any", "flood"]).inc();
            return Err(Refused::Flood(wait));
        }
        if inputs.len() < wanted {
            return Err(Refused::Unknown);
        }
        self.metrics.messages.with_label_values(&[source.as_str()]).inc();
        let work = Work::Message { source: source.clone(), inputs, receipt };
        self.take_in(work).await.map_err(|_| Refused::Stopped)
    }
}
