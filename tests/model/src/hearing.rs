//! §7, §9: who counts as not heard, and how much time that cost.

use std::collections::BTreeSet;

use crate::Ms;

/// Maibo's own ears.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ears {
    /// Deaf since a start, until the first that listens.
    all: bool,
    /// Sources that said that they are deaf.
    sources: BTreeSet<String>,
}

impl Ears {
    pub(crate) fn deaf(&mut self, source: Option<&str>) {
        if let Some(source) = source {
            self.sources.insert(source.to_owned());
        } else {
            self.sources.clear();
            self.all = true;
        }
    }

    /// A source delivers again. Whether that makes Maibo listen again.
    pub(crate) fn listening(&mut self, source: &str) -> bool {
        let before = self.is_deaf();
        self.all = false;
        self.sources.remove(source);
        before && !self.is_deaf()
    }

    fn is_deaf(&self) -> bool {
        self.all || !self.sources.is_empty()
    }
}

/// How a series, or a whole device, is heard. All of it is over with the next sign.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hearing {
    /// Not heard since then, and Maibo does not listen yet.
    pub(crate) deaf: Option<Ms>,
    /// When Maibo last listened again since the last sign.
    pub(crate) listened: Option<Ms>,
    /// Time lost to deafness since the last sign.
    pub(crate) lost: Ms,
}

impl Hearing {
    /// Maibo heard nothing from then on.
    pub(crate) fn deafen(&mut self, from: Ms) {
        // What is deaf already stays so since then.
        self.deaf.get_or_insert(from);
    }

    /// Maibo listens again at `now`; the last sign was taken at `taken`.
    pub(crate) fn listen(&mut self, now: Ms, taken: Ms) {
        if let Some(deaf) = self.deaf.take() {
            let began = deaf.max(taken).max(self.listened.unwrap_or(deaf));
            self.lost += (now - began).max(0);
            self.listened = Some(now);
        }
    }

    /// Whether Maibo was deaf since the last sign.
    pub(crate) fn was_deaf(&self) -> bool {
        self.deaf.is_some() || self.listened.is_some()
    }

    pub(crate) fn step(&mut self, by: Ms) {
        self.deaf = self.deaf.map(|at| at + by);
        self.listened = self.listened.map(|at| at + by);
    }
}
