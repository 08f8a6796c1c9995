//! From facts to episodes, with the furthest value of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::BacktestError;
use crate::fact::{Fact, Reason, State, Transition};
use crate::id::{DeviceId, EpisodeId, Quantity, RuleId, Subject};
use crate::input::Input;
use crate::limit;
use crate::place::Level;
use crate::reading::Reading;
use crate::rule::{Bound, Direction, RuleSet, Signal, Threshold};
use crate::time::Timestamp;

/// One episode as the data gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// Its identity, the same as in the city's own log.
    pub id: EpisodeId,
    /// The rule.
    pub rule: RuleId,
    /// What it is about.
    pub subject: Subject,
    /// What was judged, for threshold rules.
    pub quantity: Option<Quantity>,
    /// Since when the condition held, event time.
    pub started_at: Timestamp,
    /// When an operator would have been told of it, engine time.
    pub opened_at: Timestamp,
    /// When it was over, event time; `None` where it is open when the data end.
    pub ended_at: Option<Timestamp>,
    /// The level it was first told with.
    pub first: Level,
    /// The highest level.
    pub peak: Level,
    /// The value furthest out in the rule's direction while it was open, in the quantity's canonical unit: the highest of
    /// `above`, the lowest of `below`, of `outside` the one furthest from the middle of the lowest level's band.
    pub furthest: Option<f64>,
    /// How often something about it was told: levels, staleness, its end.
    pub transitions: u32,
    /// How often its level rose.
    pub raised: u32,
    /// Why it last changed.
    pub reason: Reason,
}

/// An open episode.
struct Open {
    /// Its place in the list.
    at: usize,
    /// Time of the last value seen.
    last: Timestamp,
}

/// Takes facts and the readings behind them.
pub(super) struct Ledger {
    rules: Arc<RuleSet>,
    episodes: Vec<Episode>,
    open: BTreeMap<EpisodeId, Open>,
    /// Open episodes by device, for the values.
    watched: BTreeMap<DeviceId, Vec<EpisodeId>>,
    end: Option<Timestamp>,
    cut_off: u64,
}

impl Ledger {
    pub(super) fn new(rules: Arc<RuleSet>) -> Self {
        Self { rules, episodes: Vec::new(), open: BTreeMap::new(), watched: BTreeMap::new(), end: None, cut_off: 0 }
    }

    /// From here on there are no data.
    pub(super) fn data_end(&mut self, end: Timestamp) {
        self.end = Some(end);
    }

    /// Takes one fact.
    pub(super) fn fact(&mut self, fact: &Fact) -> Result<(), BacktestError> {
        let Some(t) = fact.body.judged() else { return Ok(()) };
        let after_end = self.end.is_some_and(|end| fact.at > end);
        if self.open.contains_key(&t.episode) {
            if !(after_end && t.reason == Reason::DataStale) {
                self.change(t);
            }
        } else if t.version > 1 {
            // Of a silence that is cut off.
        } else if after_end && matches!(t.reason, Reason::Absent | Reason::SourceDeaf) {
            self.cut_off += 1;
        } else if self.episodes.len() >= limit::BACKTEST_EPISODES {
            return Err(BacktestError::TooManyEpisodes);
        } else {
            self.begin(fact.at, t);
        }
        Ok(())
    }

    fn begin(&mut self, opened_at: Timestamp, t: &Transition) {
        let at = self.episodes.len();
        self.episodes.push(Episode {
            id: t.episode,
            rule: t.rule.clone(),
            subject: t.subject.clone(),
            quantity: t.quantity.clone(),
            started_at: t.started_at,
            opened_at,
            ended_at: None,
            first: t.level,
            peak: t.peak,
            furthest: None,
            transitions: 0,
            raised: 0,
            reason: t.reason,
        });
        self.open.insert(t.episode, Open { at, last: t.at });
        if let Subject::Device(device) = &t.subject {
            self.watched.entry(device.clone()).or_default().push(t.episode);
        }
        self.change(t);
    }

    fn change(&mut self, t: &Transition) {
        // Nobody is at the desk of a recording: that it reminds is no finding.
        if t.reason == Reason::Unacknowledged {
            return;
        }
        let Some(open) = self.open.get_mut(&t.episode) else { return };
        let Some(episode) = self.episodes.get_mut(open.at) else { return };
        open.last = open.last.max(t.at);
        episode.transitions += 1;
        episode.raised += u32::from(t.reason == Reason::Raised);
        episode.peak = t.peak;
        episode.reason = t.reason;
        // The value that ends it is a good one.
        if t.state == State::Resolved {
            episode.ended_at = Some(t.resolved_at.unwrap_or(t.at));
            self.open.remove(&t.episode);
            if let Subject::Device(device) = &t.subject
                && let Some(of) = self.watched.get_mut(device)
            {
                of.retain(|id| *id != t.episode);
                if of.is_empty() {
                    self.watched.remove(device);
                }
            }
        } else if let Some(value) = t.value {
            look(episode, &self.rules, value);
        }
    }

    /// Takes the values of a batch whose facts were taken.
    pub(super) fn readings(&mut self, inputs: &[Input]) {
        if self.watched.is_empty() {
            return;
        }
        for input in inputs {
            if let Input::Reading(reading) = input {
                self.reading(reading);
            }
        }
    }

    fn reading(&mut self, reading: &Reading) {
        if !reading.quality.comparable() || !reading.value.is_finite() {
            return;
        }
        for id in self.watched.get(&reading.device).into_iter().flatten() {
            let Some(open) = self.open.get_mut(id) else { continue };
            let Some(episode) = self.episodes.get_mut(open.at) else { continue };
            // A late value is not judged, so it is not what the episode reached.
            let measured = self.rules.get(&episode.rule).and_then(|r| r.threshold()).is_some_and(judges_values);
            if measured && episode.quantity.as_ref() == Some(&reading.quantity) && reading.at > open.last {
                open.last = reading.at;
                look(episode, &self.rules, reading.value);
            }
        }
    }

    /// All episodes in their order, and how many silences were cut off.
    pub(super) fn close(mut self) -> (Vec<Episode>, u64) {
        self.episodes.sort_by(|a, b| {
            (a.started_at, &a.rule, &a.subject, a.opened_at).cmp(&(b.started_at, &b.rule, &b.subject, b.opened_at))
        });
        (self.episodes, self.cut_off)
    }
}

fn look(episode: &mut Episode, rules: &RuleSet, value: f64) {
    let ladder = rules.get(&episode.rule).and_then(|r| r.threshold());
    let is_further = match (episode.furthest, ladder) {
        (None, _) => true,
        (Some(old), Some(ladder)) => further(ladder, value, old),
        (Some(_), None) => false,
    };
    if is_further {
        episode.furthest = Some(value);
    }
}

/// Whether what a rule judges is the values themselves. Of a window only what the transitions told is known.
fn judges_values(ladder: &Threshold) -> bool {
    matches!(ladder.first(), [term] if term.signal == Signal::Last)
}

fn further(ladder: &Threshold, value: f64, old: f64) -> bool {
    let Some(term) = ladder.first().first() else { return false };
    match (term.direction, term.steps.first().map(|s| s.bound)) {
        (Direction::Below, _) => value < old,
        (Direction::Outside, Some(Bound::Band { low, high })) => {
            let middle = low.midpoint(high);
            (value - middle).abs() > (old - middle).abs()
        }
        _ => value > old,
    }
}
