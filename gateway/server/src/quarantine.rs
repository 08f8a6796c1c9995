//! The last rejections, readable: what came, from where, and why it was refused.
//!
//! A bounded ring in memory; every rejection is also counted in the metrics, so nothing is lost but the sample. Samples
//! are redacted by the decoder that refused them; of vehicle formats only a hash is kept.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use maibo_core::decode::{Problem, Sample};
use maibo_core::id::SourceId;
use maibo_core::time::Timestamp;

/// How many rejections are kept.
pub const KEPT: usize = 1_000;

/// One rejection.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Grows by one a rejection, from 1.
    pub id: u64,
    /// When it came.
    pub at: Timestamp,
    /// Through which source.
    pub source: SourceId,
    /// On which topic, at most 200 characters.
    pub topic: String,
    /// Which decoder refused.
    pub format: &'static str,
    /// Why, from a closed set.
    pub reason: &'static str,
    /// Why, in words.
    pub detail: String,
    /// What is kept of the payload.
    pub sample: Option<Sample>,
}

/// The ring.
#[derive(Default)]
pub struct Quarantine {
    inner: Mutex<(u64, VecDeque<Entry>)>,
}

impl Quarantine {
    /// Keeps a decoder's problem.
    pub fn keep(&self, at: Timestamp, source: &SourceId, topic: &str, problem: &Problem) {
        self.push(at, source, topic, |e| {
            e.format = problem.format;
            e.reason = problem.reason.as_str();
            e.detail.clone_from(&problem.detail);
            e.sample = Some(problem.sample.clone());
        });
    }

    /// Keeps a refusal that is not a decoder's.
    pub fn note(&self, at: Timestamp, source: &SourceId, topic: &str, reason: &'static str, detail: &str) {
        self.push(at, source, topic, |e| {
            e.reason = reason;
            detail.clone_into(&mut e.detail);
        });
    }

    fn push(&self, at: Timestamp, source: &SourceId, topic: &str, fill: impl FnOnce(&mut Entry)) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 += 1;
        let topic = topic.chars().take(200).collect();
        let mut entry = Entry {
            id: inner.0,
            at,
            source: source.clone(),
            topic,
            format: "any",
            reason: "",
            detail: String::new(),
            sample: None,
        };
        fill(&mut entry);
        if inner.1.len() == KEPT {
            inner.1.pop_front();
        }
        inner.1.push_back(entry);
    }

    /// The kept rejections, newest first.
    pub fn list(&self) -> Vec<Entry> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).1.iter().rev().cloned().collect()
    }
}
