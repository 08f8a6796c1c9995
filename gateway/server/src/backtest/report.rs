//! From outcomes to the report of the interface.

use std::time::Duration;

use maibo_api as api;
use maibo_core::backtest::{Difference, Episode, LIMITS, Load, Outcome, RuleSummary, Strain, summaries};
use maibo_core::engine::Counts;
use maibo_core::id::Quantity;
use maibo_core::place::Level;
use maibo_core::rule::RuleSet;
use maibo_core::time::{Millis, Timestamp};

use crate::live::words;

/// What a report is made of.
pub struct Parts<'a> {
    /// The rules asked about, and what they gave.
    pub run: (&'a RuleSet, &'a Outcome),
    /// The rules they are held against, and what those gave.
    pub against: Option<(&'a RuleSet, &'a Outcome)>,
    /// What was read.
    pub data: api::BacktestData,
    /// How long the run took.
    pub took: Duration,
    /// Operators on shift.
    pub operators: u32,
    /// When events began that are known to have been.
    pub truth: Option<&'a [Timestamp]>,
    /// Most episodes in each list.
    pub listed: usize,
}

/// Makes the report.
pub fn report(parts: Parts<'_>) -> api::BacktestReport {
    let Parts { run: (rules, outcome), against, data, took, operators, truth, listed } = parts;
    let seconds = took.as_secs_f64();
    let per_second = (seconds > 0.0).then(|| outcome.inputs as f64 / seconds);
    api::BacktestReport {
        rules: rules.version.to_string(),
        from: outcome.begin.map(words::time),
        to: outcome.end.map(words::time),
        data: with_counts(data, outcome, per_second),
        load: load(&Load::of(outcome, operators)),
        by_rule: summaries(outcome, rules, truth).iter().map(rule).collect(),
        episodes: outcome.episodes.iter().take(listed).map(episode).collect(),
        difference: against.map(|(other, before)| {
            let found = Difference::of(&before.episodes, &outcome.episodes);
            let list = |episodes: &[Episode]| episodes.iter().take(listed).map(episode).collect();
            let change = |c: &maibo_core::backtest::Change| api::BacktestChange {
                before: episode(&c.before),
                after: episode(&c.after),
            };
            api::BacktestDifference {
                against: other.version.to_string(),
                load: load(&Load::of(before, operators)),
                same: found.same,
                gone_count: found.gone.len() as u64,
                gone: list(&found.gone),
                new_count: found.new.len() as u64,
                new: list(&found.new),
                changed_count: found.changed.len() as u64,
                changed: found.changed.iter().take(listed).map(change).collect(),
            }
        }),
    }
}

fn with_counts(data: api::BacktestData, outcome: &Outcome, per_second: Option<f64>) -> api::BacktestData {
    let Counts {
        judged,
        late,
        late_exceeding,
        duplicate,
        conflict,
        too_old,
        clock,
        incomparable,
        unregistered,
        refused,
        undefined,
        events,
    } = outcome.counts;
    api::BacktestData {
        inputs: outcome.inputs,
        judged,
        late,
        late_exceeding,
        duplicate,
        conflict,
        too_old,
        clock,
        incomparable,
        unregistered,
        refused,
        undefined,
        events: events.judged,
        cut_off: outcome.cut_off,
        readings_per_second: per_second,
        ..data
    }
}

fn load(load: &Load) -> api::BacktestLoad {
    let peak = |(from, openings): (Timestamp, u64)| api::BacktestPeak { from: words::time(from), openings };
    let over = LIMITS.into_iter().zip(load.over).zip(load.shares());
    api::BacktestLoad {
        operators: load.operators,
        openings: load.openings,
        days: load.days,
        per_day: load.per_day,
        strain: match load.strain {
            Strain::Acceptable => api::Strain::Acceptable,
            Strain::Manageable => api::Strain::Manageable,
            Strain::OverDemanding => api::Strain::OverDemanding,
            Strain::Unacceptable => api::Strain::Unacceptable,
        },
        spans: load.spans,
        over: over.map(|((openings, spans), share)| api::BacktestOver { openings, spans, share }).collect(),
        floods: load.floods,
        worst: load.worst.map(peak),
        worst_day: load.worst_day.map(peak),
    }
}

/// One rule's figures.
pub fn rule(summary: &RuleSummary) -> api::BacktestRule {
    let mut peaks = api::LevelCounts::default();
    for (level, n) in Level::ALL.into_iter().zip(summary.peaks) {
        *peaks.of(words::level(level)) = n;
    }
    let ms = |length: Option<Millis>| length.map(|m| m.0);
    api::BacktestRule {
        rule: summary.rule.to_string(),
        episodes: summary.episodes,
        peaks,
        open: summary.open,
        flaps: summary.flaps,
        raised: summary.raised,
        first: summary.first.map(words::time),
        median_ms: ms(summary.median),
        longest_ms: ms(summary.longest),
        detection: summary.detection.as_ref().map(|d| api::BacktestDetection {
            events: d.events,
            detected: d.detected,
            median_ms: ms(d.median),
            longest_ms: ms(d.longest),
        }),
    }
}

fn episode(e: &Episode) -> api::BacktestEpisode {
    api::BacktestEpisode {
        rule: e.rule.to_string(),
        subject_kind: e.subject.kind().to_owned(),
        subject: e.subject.id().into_owned(),
        quantity: e.quantity.as_ref().map(Quantity::to_string),
        started_at: words::time(e.started_at),
        opened_at: words::time(e.opened_at),
        ended_at: e.ended_at.map(words::time),
        peak_level: words::level(e.peak),
        furthest: words::finite(e.furthest),
        transitions: e.transitions,
    }
}
