//! The machine of one device partition.
//!
//! A step takes one committed batch: what time brought first, then the inputs in their order. Inputs that change time
//! itself (a step of the clock, the beginning of deafness) come before the deadlines they bear upon.

use super::deaf::Ears;
use super::fleet::{Fleet, Law};
use super::{Counts, DeviceView, EngineError, Output, Versions, clock};
use crate::alert::Book;
use crate::fact::{State, Transition};
use crate::id::{PartitionId, Position, Version};
use crate::input::{Batch, Input};
use crate::time::{Deadline, Timestamp};

/// The machine of one device partition.
#[derive(Debug)]
pub struct Partition {
    pub(super) id: PartitionId,
    pub(super) now: Option<Timestamp>,
    pub(super) position: Option<Position>,
    pub(super) law: Law,
    pub(super) ears: Ears,
    pub(super) fleet: Fleet,
    pub(super) book: Book,
}

/// Checks that a batch follows the last one and names only known versions.
pub(super) fn check(
    last: (Option<Position>, Option<Timestamp>),
    position: Position,
    batch: &Batch,
    versions: &Versions,
) -> Result<(), EngineError> {
    if let Some(last) = last.0.filter(|last| *last >= position) {
        return Err(EngineError::PositionWentBack { last, position });
    }
    if let Some(last) = last.1.filter(|last| *last > batch.now) {
        return Err(EngineError::TimeWentBack { last, now: batch.now });
    }
    for input in &batch.inputs {
        match input {
            Input::Rules { version, .. } if versions.rules(*version).is_none() => {
                return Err(EngineError::UnknownRules(*version));
            }
            Input::Catalogue { version } if versions.catalogue(*version).is_none() => {
                return Err(EngineError::UnknownCatalogue(*version));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Partition {
    /// An empty machine.
    pub fn new(id: PartitionId) -> Self {
        Self {
            id,
            now: None,
            position: None,
            law: Law::default(),
            ears: Ears::default(),
            fleet: Fleet::default(),
            book: Book::default(),
        }
    }

    /// Takes one committed batch; appends what it gave to `out`.
    ///
    /// # Errors
    /// [`EngineError`]; then nothing has changed.
    pub fn step(
        &mut self,
        position: Position,
        batch: &Batch,
        versions: &Versions,
        out: &mut Output,
    ) -> Result<(), EngineError> {
        check((self.position, self.now), position, batch, versions)?;
        self.pass_time(batch);
        self.now = Some(batch.now);
        self.position = Some(position);
        for input in &batch.inputs {
            self.take(input, batch.now, versions, out);
        }
        self.fleet.settle(&self.law, &mut self.book, out);
        self.book.flush(self.id, position, out);
        Ok(())
    }

    /// Lets happen what is due by the batch's `now`, but nothing that lies in deaf time.
    fn pass_time(&mut self, batch: &Batch) {
        let mut until = batch.now;
        for input in &batch.inputs {
            match input {
                Input::ClockStep { by } => {
                    let by = clock::jump(*by, self.now, batch.now);
                    self.fleet.visit_all(&self.law, &mut self.book, |device, scene| device.shift(scene, by));
                    self.book.shift(by);
                }
                Input::Deaf { from, .. } => until = until.min(*from),
                _ => {}
            }
        }
        let floor = self.now.unwrap_or(until);
        loop {
            let to = self.book.horizon(self.fleet.next().map(|at| at.max(floor)), until);
            self.fleet.fire(&self.law, &mut self.book, floor, to);
            self.book.fire(floor, to);
            if to >= until {
                break;
            }
        }
        if until < batch.now {
            // What names its own end is over then, heard or not.
            self.fleet.visit_all(&self.law, &mut self.book, |device, scene| device.end_events(scene, floor, batch.now));
        }
        // People wait in deaf time too: what was due to be told meanwhile is told now.
        self.book.fire(batch.now, batch.now);
    }

    fn take(&mut self, input: &Input, now: Timestamp, versions: &Versions, out: &mut Output) {
        let Self { law, ears, fleet, book, .. } = self;
        match input {
            Input::Reading(reading) => {
                let counts = &mut out.counts;
                let known = fleet.with(law, book, &reading.device, now, |device, scene| {
                    device.read(scene, reading, now, counts);
                });
                note_unregistered(known, counts);
            }
            Input::Event(event) => {
                let counts = &mut out.counts.events;
                let known = fleet.with(law, book, &event.device, now, |device, scene| {
                    device.report(scene, event, now, counts);
                });
                counts.unregistered += u64::from(!known);
            }
            // A last will is the broker's word, not the device's: it is no sign of life, and silence is counted anyway.
            Input::Liveness(liveness) if liveness.alive => {
                fleet.with(law, book, &liveness.device, now, |device, scene| device.hear(scene, now));
            }
            Input::Deaf { source, from } => {
                ears.deafen(source.as_ref());
                let from = (*from).min(now);
                fleet.visit_all(law, book, |device, _| device.deafen(from));
            }
            Input::Listening { source } => {
                if ears.listen(source) {
                    fleet.visit_all(law, book, |device, scene| device.listen(scene, now));
                }
            }
            Input::Command(command) => {
                let outcome = book.command(command, now);
                if let Ok(closed) = outcome.result.as_ref()
                    && closed.state == State::Resolved
                    && let Some(id) = closed.subject.device()
                {
                    fleet.with(law, book, id, now, |device, scene| device.close(scene, closed, now));
                }
                out.commands.push(outcome);
            }
            Input::Rules { version, .. } => {
                if let Some(rules) = versions.rules(*version).filter(|_| law.rules_version != Some(*version)) {
                    let next = Law { rules: rules.clone(), rules_version: Some(*version), ..law.clone() };
                    self.enact(next.with_own_limits(), now);
                }
            }
            Input::Catalogue { version } => {
                let known = versions.catalogue(*version).filter(|_| law.catalogue_version != Some(*version));
                if let Some(catalogue) = known {
                    let next = Law { catalogue: catalogue.clone(), catalogue_version: Some(*version), ..law.clone() };
                    self.enact(next.with_own_limits(), now);
                }
            }
            // Its effect is in `pass_time`.
            Input::ClockStep { .. }
            | Input::Liveness(_)
            | Input::Delivered(_)
            | Input::Told { .. }
            | Input::Maintain(_)
            | Input::EndMaintenance { .. }
            | Input::Found(_)
            | Input::Drill(_)
            | Input::Plans { .. }
            | Input::Dropped { .. }
            | Input::Canary { .. } => {}
        }
    }

    /// Which partition it is.
    pub const fn id(&self) -> PartitionId {
        self.id
    }

    /// When the machine wants a batch even if nothing happens.
    pub fn next_deadline(&self) -> Option<Deadline> {
        let series = self.fleet.next().map(|at| Deadline { at, why: "series" });
        let alert = self.book.next_due().map(|at| Deadline { at, why: "alert" });
        series.into_iter().chain(alert).min()
    }

    /// Position of the last batch taken.
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// `now` of the last batch taken.
    pub const fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// The rule set in force.
    pub const fn rules(&self) -> Option<Version> {
        self.law.rules_version
    }

    /// The catalogue in force.
    pub const fn catalogue(&self) -> Option<Version> {
        self.law.catalogue_version
    }

    /// All open alerts, in the order of their ids.
    pub fn open_alerts(&self) -> impl Iterator<Item = &Transition> {
        self.book.records().filter(|r| !r.shadow).map(|r| &r.transition)
    }

    /// What is known of each device heard of so far.
    pub fn devices(&self) -> impl Iterator<Item = DeviceView<'_>> {
        self.fleet.devices().iter().map(|d| d.view(&self.law.rules))
    }
}

fn note_unregistered(known: bool, counts: &mut Counts) {
    counts.unregistered += u64::from(!known);
}
