//! §5, §11: series that nobody sends: results of expressions, and the air quality index.

use std::collections::BTreeSet;

use crate::Ms;
use crate::air::{Air, is_index};
use crate::device::{Device, Out};
use crate::pack::{Expression, Ladder, Named, Sense};
use crate::series::Held;
use crate::signal::named;
use crate::window::Asked;

/// Between the rule that a series of results is of, and what is computed.
const COMPUTES: &str = " computes ";

/// Whether a series is one of results: of quantities none is named so.
fn is_of_results(series: &str) -> bool {
    series.contains(COMPUTES)
}

impl Expression {
    /// What its results are a series of: the rule's, as long as it computes the same of the same series.
    pub(crate) fn series(&self, rule: &str) -> String {
        format!("{rule}{COMPUTES}{:?}", self.tree)
    }

    /// What it takes of a series.
    fn of<'a>(&self, quantity: &'a str) -> impl Iterator<Item = Sense> + use<'a> {
        self.tree.names().into_iter().filter(move |n| n.quantity == quantity).map(|n| n.sense)
    }
}

impl Ladder {
    /// What it asks of a series.
    pub(crate) fn asks(&self, series: &str, stale_after: Ms) -> Vec<Asked> {
        let judged = self.terms.iter().filter(|_| self.series == series).map(|t| t.sense);
        let computed = self.expression.iter().flat_map(|e| e.of(series));
        let asked = |sense| Asked { sense, stale_after, zone: self.zone.clone() };
        judged.chain(computed).map(asked).collect()
    }
}

impl Device {
    /// A reading of this series was accepted and judged: what is computed with it is. A result is as doubtful as the reading.
    pub(crate) fn compute(&mut self, series: &str, of: &Held, timed: bool, now: Ms, out: &mut Out<'_>) {
        let with_it = |ladder: &Ladder| ladder.expression.as_ref().is_some_and(|e| e.of(series).next().is_some());
        let ladders: Vec<Ladder> = self.cells.values().map(|c| &c.ladder).filter(|l| with_it(l)).cloned().collect();
        for ladder in ladders {
            if let Some((at, value)) = self.result(&ladder) {
                let before = self.series.get(&ladder.series).and_then(|s| s.held);
                let at = before.map_or(at, |before| at.max(before.at + 1));
                let lag = (now - at).max(0);
                let held = Held { at, value, claimed: None, lag, came_with: lag, doubtful: of.doubtful };
                self.accept(&ladder.series, held, timed, now, out);
            }
        }
    }

    /// §11: what the air quality index was, of what is over with this value.
    pub(crate) fn close_hours(&mut self, quantity: &str, of: &Held, now: Ms, out: &mut Out<'_>) {
        if !self.judges_air() {
            return;
        }
        for index in self.air.take(quantity, of.at, of.value) {
            // From the first rule on.
            let known = self.series.contains_key(index.quantity);
            if !known && !self.cells.values().any(|c| c.ladder.series == index.quantity) {
                continue;
            }
            let lag = (now - index.at).max(0);
            let held = Held { at: index.at, value: index.value, claimed: None, lag, came_with: lag, doubtful: false };
            // Its time is its own, whatever the reading's is.
            self.accept(index.quantity, held, true, now, out);
        }
    }

    /// What the expression gives now, and the time of the newest value in it.
    fn result(&self, ladder: &Ladder) -> Option<(Ms, f64)> {
        let expression = ladder.expression.as_ref()?;
        let names = expression.tree.names();
        let mut times = BTreeSet::new();
        for name in &names {
            let series = self.series.get(&name.quantity).filter(|s| s.hearing.deaf.is_none())?;
            times.insert(series.held?.at);
            self.taken(name)?;
        }
        let (first, last) = (*times.first()?, *times.last()?);
        let half = (self.entry.interval_or_minute() / 2).min(ladder.stale_after(&self.entry));
        if last - first > expression.within.unwrap_or(half) {
            return None;
        }
        let value = expression.tree.value(&|name| self.taken(name).expect("it was asked for before"))?;
        Some((last, value.counted()))
    }

    fn taken(&self, name: &Named) -> Option<f64> {
        named(name.sense, &name.quantity, self.series.get(&name.quantity)?)
    }

    fn judges_air(&self) -> bool {
        self.cells.values().any(|c| is_index(&c.ladder.series))
    }

    /// Results of what no rule computes any more are forgotten, and the open hour where no rule judges an index.
    pub(crate) fn forget_results(&mut self) {
        if !self.judges_air() {
            self.air = Air::default();
        }
        let judged: BTreeSet<String> = self.cells.values().map(|c| c.ladder.series.clone()).collect();
        self.series.retain(|name, _| !is_of_results(name) || judged.contains(name));
    }
}
