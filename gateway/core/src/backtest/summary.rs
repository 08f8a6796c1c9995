//! One rule's part in an outcome.

use std::collections::BTreeMap;

use super::{Episode, Outcome};
use crate::id::{RuleId, Subject};
use crate::rule::RuleSet;
use crate::time::{Millis, Timestamp};

/// An episode that opens so soon after the one before it of the same rule and subject is a flap.
pub const FLAP: Millis = Millis::from_secs(600);

/// What one rule gave.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSummary {
    /// Which rule; also Maibo's own about sources and clocks, where they told something.
    pub rule: RuleId,
    /// Its episodes.
    pub episodes: u64,
    /// Of these by highest level, blue first.
    pub peaks: [u64; 4],
    /// Of these open when the data end.
    pub open: u64,
    /// Of these opened again within [`FLAP`].
    pub flaps: u64,
    /// How often a level rose within an episode.
    pub raised: u64,
    /// When it first opened.
    pub first: Option<Timestamp>,
    /// Median length of the episodes that ended.
    pub median: Option<Millis>,
    /// Longest of them.
    pub longest: Option<Millis>,
    /// How it did on the events that are known to have been; `None` without such a list.
    pub detection: Option<Detection>,
}

/// How a rule did on events that are known to have been.
///
/// An event is detected by an episode that is open when it begins (delay 0), or else by the first that opens before the
/// next event begins. Which device told of it does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Events in the list.
    pub events: u64,
    /// Of these detected.
    pub detected: u64,
    /// Median delay of the detected ones.
    pub median: Option<Millis>,
    /// Longest delay of the detected ones.
    pub longest: Option<Millis>,
}

/// Every rule of the set, and whatever else told something, by identifier. `truth` lists when events began, if known.
pub fn summaries(outcome: &Outcome, rules: &RuleSet, truth: Option<&[Timestamp]>) -> Vec<RuleSummary> {
    let mut by_rule: BTreeMap<&RuleId, Vec<&Episode>> = rules.rules.iter().map(|r| (&r.id, Vec::new())).collect();
    for episode in &outcome.episodes {
        by_rule.entry(&episode.rule).or_default().push(episode);
    }
    let mut truth = truth.map(<[Timestamp]>::to_vec);
    if let Some(truth) = &mut truth {
        truth.sort_unstable();
    }
    by_rule.into_iter().map(|(rule, episodes)| summary(rule, &episodes, truth.as_deref())).collect()
}

impl RuleSummary {
    /// Of one rule's episodes, those of a subject in the order they opened.
    pub fn of(rule: &RuleId, episodes: &[Episode]) -> Self {
        summary(rule, &episodes.iter().collect::<Vec<_>>(), None)
    }
}

fn summary(rule: &RuleId, episodes: &[&Episode], truth: Option<&[Timestamp]>) -> RuleSummary {
    let mut peaks = [0; 4];
    for episode in episodes {
        if let Some(peak) = peaks.get_mut(episode.peak as usize) {
            *peak += 1;
        }
    }
    let lengths = episodes.iter().filter_map(|e| e.ended_at.map(|end| end.since(e.started_at)));
    let (median, longest) = middle_and_longest(lengths.collect());
    RuleSummary {
        rule: rule.clone(),
        episodes: episodes.len() as u64,
        peaks,
        open: episodes.iter().filter(|e| e.ended_at.is_none()).count() as u64,
        flaps: flaps(episodes),
        raised: episodes.iter().map(|e| u64::from(e.raised)).sum(),
        first: episodes.iter().map(|e| e.opened_at).min(),
        median,
        longest,
        detection: truth.map(|truth| detection(episodes, truth)),
    }
}

fn flaps(episodes: &[&Episode]) -> u64 {
    let mut by_subject: BTreeMap<&Subject, Vec<&Episode>> = BTreeMap::new();
    for episode in episodes {
        by_subject.entry(&episode.subject).or_default().push(episode);
    }
    let soon = |pair: &&[&Episode]| match pair {
        [before, after] => before.ended_at.is_some_and(|end| after.opened_at.since(end) <= FLAP),
        _ => false,
    };
    by_subject.values().map(|list| list.windows(2).filter(soon).count() as u64).sum()
}

fn detection(episodes: &[&Episode], truth: &[Timestamp]) -> Detection {
    let mut opened: Vec<Timestamp> = episodes.iter().map(|e| e.opened_at).collect();
    opened.sort_unstable();
    let is_open = |at: Timestamp| episodes.iter().any(|e| e.opened_at <= at && e.ended_at.is_none_or(|end| end > at));
    let delays: Vec<Millis> = truth
        .iter()
        .enumerate()
        .filter_map(|(n, at)| {
            let next = truth.get(n + 1).copied().unwrap_or(Timestamp::MAX);
            let first = opened.get(opened.partition_point(|t| t < at)).filter(|t| **t < next);
            if is_open(*at) { Some(Millis::ZERO) } else { first.map(|t| t.since(*at)) }
        })
        .collect();
    let detected = delays.len() as u64;
    let (median, longest) = middle_and_longest(delays);
    Detection { events: truth.len() as u64, detected, median, longest }
}

/// The middle one (of an even number the lower) and the longest.
fn middle_and_longest(mut lengths: Vec<Millis>) -> (Option<Millis>, Option<Millis>) {
    lengths.sort_unstable();
    let middle = lengths.len().saturating_sub(1) / 2;
    (lengths.get(middle).copied(), lengths.last().copied())
}
