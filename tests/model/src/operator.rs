//! What operators do about the episodes of one device.

use crate::Ms;
use crate::act::Order;
use crate::clock;
use crate::device::{Desk, Device, Out};
use crate::episode::{Episode, Teller};

impl Device {
    /// What an operator does about an episode, if it is one of this device.
    pub(crate) fn act(&mut self, order: &Order, now: Ms, out: &mut Out<'_>) {
        for (rule, cell) in &mut self.cells {
            let Some(open) = cell.episode.as_mut().filter(|open| open.is(&order.episode)) else { continue };
            // Without force it is closed only where no fresh value speaks against it.
            let closes = open.stale;
            if open.act(order, closes, &mut out.of(now, rule, &self.id, &self.entry)) {
                let forced = open.handled.forced;
                cell.close(forced);
                // Where the value is back already, and only time was waited for, there is nothing to keep shut.
                if self.series.get(&cell.ladder.series).is_some_and(|series| cell.counts(series, now)) {
                    cell.is_latched();
                }
            }
        }
        for (rule, cell) in &mut self.absences {
            let mut to = out.of(now, rule, &self.id, &self.entry);
            cell.latched |= act_on(&mut cell.episode, order, &mut to);
        }
        let mut to = out.of(now, clock::RULE, &self.id, &self.entry);
        self.clock.latched |= act_on(&mut self.clock.episode, order, &mut to);
        for (rule, cell) in &mut self.events {
            cell.act(order, now, &mut Desk { rule, id: &self.id, entry: &self.entry, out });
        }
    }

    /// Silences end that are over at `until`, but for those on thresholds and events, which can end first.
    pub(crate) fn end_other_silences(&mut self, until: Ms, last: Ms, out: &mut Out<'_>) {
        let absences = self.absences.iter_mut().map(|(rule, cell)| (rule.as_str(), &mut cell.episode));
        let clock = std::iter::once((clock::RULE, &mut self.clock.episode));
        for (rule, open) in absences.chain(clock) {
            let Some(open) = open else { continue };
            if let Some(at) = open.silent_until().filter(|at| *at <= until) {
                open.end_silence(&mut out.of(at.max(last), rule, &self.id, &self.entry));
            }
        }
    }

    /// All silences end that are over at `now`.
    pub(crate) fn end_silences(&mut self, now: Ms, out: &mut Out<'_>) {
        let cells = self.cells.iter_mut().map(|(rule, cell)| (rule.as_str(), &mut cell.episode));
        let absences = self.absences.iter_mut().map(|(rule, cell)| (rule.as_str(), &mut cell.episode));
        let clock = std::iter::once((clock::RULE, &mut self.clock.episode));
        let over = |open: &&mut Episode| open.silent_until().is_some_and(|until| until <= now);
        for (rule, open) in cells.chain(absences).chain(clock) {
            if let Some(open) = open.as_mut().filter(over) {
                open.end_silence(&mut out.of(now, rule, &self.id, &self.entry));
            }
        }
        for (rule, cell) in &mut self.events {
            let mut desk = Desk { rule, id: &self.id, entry: &self.entry, out };
            for (identity, open) in cell.episodes().filter(|(_, open)| over(open)) {
                open.end_silence(&mut desk.of(now, identity));
            }
        }
    }
}

/// An act on an episode that is closed only by force. Whether it closed it.
fn act_on(episode: &mut Option<Episode>, order: &Order, to: &mut Teller<'_>) -> bool {
    let closed = episode.as_mut().filter(|open| open.is(&order.episode)).is_some_and(|open| open.act(order, false, to));
    if closed {
        *episode = None;
    }
    closed
}
