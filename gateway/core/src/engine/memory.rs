//! What a series remembers beyond its last value: windows, and how long the value has not moved.
//!
//! Kept once for all rules that ask for the same. An edit keeps what the new rules still ask for and forgets the rest, so
//! that a window is as old as the first rule that asked for it. Bounded: [`crate::limit::MAX_TERMS`] a rule, and most
//! series have none.

use minicbor::{Decode, Encode};

use super::ladder::stale_after;
use super::profile::Profile;
use super::window::{Stuck, Window};
use crate::reading::quantity::QuantitySpec;
use crate::registry::Device;
use crate::rule::{ExpressionInput, Signal, Term, Threshold};
use crate::time::{Millis, Timestamp};

/// What one or more terms ask for.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
enum Asked {
    /// The readings of this length of time; a percentile keeps its own.
    #[n(0)]
    Window {
        #[n(0)]
        length: Millis,
        #[n(1)]
        percentile: bool,
    },
    /// How long the value stays within the tolerance; a gap of this length begins anew.
    #[n(1)]
    Run {
        #[n(0)]
        tolerance: f64,
        #[n(1)]
        gap: Millis,
    },
    /// What is usual at each hour of the week, by the clock of a zone.
    #[n(2)]
    Profile {
        #[n(0)]
        zone: u64,
    },
}

impl Asked {
    /// `None` for a term that asks for the last value only.
    fn by(term: &Term, ladder: &Threshold, device: &Device) -> Option<Self> {
        match term.signal {
            Signal::Last => None,
            Signal::Stuck { tolerance } => {
                let gap = stale_after(ladder, device);
                Some(Self::Run { tolerance, gap })
            }
            Signal::Baseline { .. } => Some(Self::Profile { zone: ladder.zone() }),
            signal => Self::window(signal, term.window),
        }
    }

    /// `None` for a signal without a window.
    fn window(signal: Signal, length: Millis) -> Option<Self> {
        let percentile = matches!(signal, Signal::Percentile(_));
        (length > Millis::ZERO).then_some(Self::Window { length, percentile })
    }
}

/// What is kept for it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
enum Kept {
    #[n(0)]
    Window(#[n(0)] Box<Window>),
    /// `None` before the first reading.
    #[n(1)]
    Run(#[n(0)] Option<Stuck>),
    #[n(2)]
    Profile(#[n(0)] Box<Profile>),
}

/// All that a series remembers.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub(super) struct Memories {
    #[n(0)]
    kept: Vec<(Asked, Kept)>,
    #[cbor(skip)]
    scratch: Vec<f64>,
}

impl Memories {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Keeps what these ladders ask for, and expressions that name the series.
    pub(super) fn select<'a>(
        &mut self,
        ladders: impl Iterator<Item = &'a Threshold>,
        inputs: impl Iterator<Item = &'a ExpressionInput>,
        spec: Option<&QuantitySpec>,
        device: &Device,
    ) {
        let mut old = core::mem::take(&mut self.kept);
        let terms = ladders.flat_map(|l| l.first().iter().map(move |t| (l, t)));
        let of_terms = terms.filter_map(|(ladder, term)| Asked::by(term, ladder, device));
        for asked in of_terms.chain(inputs.filter_map(|i| Asked::window(i.signal, i.window))) {
            if self.kept.iter().any(|(a, _)| *a == asked) {
                continue;
            }
            let kept = match old.iter().position(|(a, _)| *a == asked) {
                Some(i) => old.swap_remove(i).1,
                None => new(asked, spec),
            };
            self.kept.push((asked, kept));
        }
    }

    /// Takes an accepted value.
    pub(super) fn push(&mut self, before: Option<Timestamp>, at: Timestamp, value: f64, interval: Millis) {
        for (asked, kept) in &mut self.kept {
            match (kept, *asked) {
                (Kept::Window(window), _) => window.push(at, value, interval),
                (Kept::Run(run), Asked::Run { tolerance, gap }) => match run {
                    Some(run) => {
                        let gap = before.is_some_and(|b| at.since(b) >= gap);
                        run.observe(at, value, tolerance, gap);
                    }
                    None => *run = Some(Stuck::begin(at, value)),
                },
                // Looked at and learnt by the clocks of its rules.
                (Kept::Profile(_) | Kept::Run(_), _) => {}
            }
        }
    }

    /// Begins everything anew.
    pub(super) fn restart(&mut self) {
        for (_, kept) in &mut self.kept {
            match kept {
                Kept::Window(window) => window.restart(),
                Kept::Run(run) => *run = None,
                Kept::Profile(profile) => profile.restart(),
            }
        }
    }

    /// The window of a signal.
    pub(super) fn window(&mut self, signal: Signal, length: Millis) -> Option<&mut Window> {
        let asked = Asked::window(signal, length)?;
        self.kept.iter_mut().find(|(a, _)| *a == asked).and_then(|(_, k)| match k {
            Kept::Window(window) => Some(&mut **window),
            Kept::Run(_) | Kept::Profile(_) => None,
        })
    }

    /// What a window says, and how far its window can be believed: coverage, and whether it is full.
    pub(super) fn value(&mut self, signal: Signal, length: Millis) -> Option<(f64, f64, bool)> {
        let mut scratch = core::mem::take(&mut self.scratch);
        let said = self.window(signal, length).and_then(|w| {
            let value = w.value(signal, &mut scratch)?;
            Some((value, w.coverage(), w.is_full()))
        });
        self.scratch = scratch;
        said
    }

    /// How long the value has not moved at `at`, in seconds.
    pub(super) fn stuck(&self, ladder: &Threshold, term: &Term, device: &Device, at: Timestamp) -> Option<f64> {
        let asked = Asked::by(term, ladder, device)?;
        self.kept.iter().find(|(a, _)| *a == asked).and_then(|(_, k)| match k {
            Kept::Run(run) => run.map(|r| at.since(r.since).0 as f64 / 1000.0),
            Kept::Window(_) | Kept::Profile(_) => None,
        })
    }

    /// The profile by the clock of a rule.
    pub(super) fn profile(&mut self, ladder: &Threshold) -> Option<&mut Profile> {
        let asked = Asked::Profile { zone: ladder.zone() };
        self.kept.iter_mut().find(|(a, _)| *a == asked).and_then(|(_, k)| match k {
            Kept::Profile(profile) => Some(&mut **profile),
            Kept::Window(_) | Kept::Run(_) => None,
        })
    }
}

fn new(asked: Asked, spec: Option<&QuantitySpec>) -> Kept {
    match asked {
        Asked::Window { length, percentile } => {
            let plausible = spec.filter(|_| percentile).map(|s| (s.min, s.max));
            Kept::Window(Box::new(Window::new(length, plausible)))
        }
        Asked::Run { .. } => Kept::Run(None),
        Asked::Profile { .. } => Kept::Profile(Box::new(Profile::new())),
    }
}
