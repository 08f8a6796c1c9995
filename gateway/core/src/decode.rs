//! Turns messages into readings, events, signs of life, registrations, problems and replies.
//!
//! The stage stands between the sources and the sequencer. It is keyed by source: each source has its own
//! [`DecodeStage`], whose decoders keep bounded state of that source only. Values are converted to canonical units and
//! de-identified here, so that nothing behind this stage, the inputs log included, ever sees a raw payload.
//!
//! ```text
//! (topic, payload) ─▶ topic allowed? ─▶ first matching route ─▶ decoder ─▶ retained? sort ─▶ Decoded
//! ```
//!
//! Rules that hold for every format:
//! - A payload that is not well formed (truncated, too deep, too large) gives one problem and nothing else.
//! - In a well-formed payload one bad element costs itself: it is one problem, and the good elements survive.
//! - A well-formed payload of a valid device that gives no reading and no event, because everything in it is absent or
//!   refused, is a sign of life: what a device says can be useless, but it is not silent.
//! - Readings of one message come out in time order, equal times in the order written.
//! - A retained message is state. It gives registrations; its readings, events and signs of life are dropped and
//!   counted as ignored.
//! - A value outside its plausible range is kept and marked; an unknown unit is a problem.
//! - No input makes a decoder panic, recurse without bound or allocate more than a small multiple of the payload.
//!
//! Limits: 64 KiB per payload unless configured otherwise (at most 16 MiB), depth 16, 256 keys per object, 1,000
//! elements per array, 4 problems per reason and message. This stage does not know devices, rules or clocks: whether a
//! time is plausible is decided behind it.

pub mod chirpstack;
mod json;
pub mod mapped;
pub mod native;
pub mod openv2x;
mod output;
mod sample;
mod scope;
mod stamp;
mod text;
pub mod topic;

pub use chirpstack::ChirpStackSpec;
pub use mapped::MappingSpec;
pub use output::{Decoded, Problem, ProblemReason, Registration, Reply};
pub use sample::Sample;
pub use topic::{TopicError, TopicFilter};

use crate::time::Timestamp;
use scope::Scope;

/// Largest payload accepted where nothing else is configured, in bytes.
pub const DEFAULT_LIMIT: usize = 64 * 1024;
/// Largest limit that can be configured, in bytes.
pub const MAX_LIMIT: usize = 16 * 1024 * 1024;

/// One message as it came from a source.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The topic it came on.
    pub topic: &'a str,
    /// Its body.
    pub payload: &'a [u8],
    /// Whether the broker delivered it from its store: then it is state, not news.
    pub retained: bool,
    /// When Maibo got it.
    pub received: Timestamp,
}

/// Reads one format of one source.
pub trait Decoder: Send {
    /// The format's constant word, for metric labels and the quarantine.
    fn format(&self) -> &'static str;

    /// Whether the payload may describe vehicles or people, so that no sample of it may be kept.
    fn is_private(&self) -> bool {
        false
    }

    /// Appends what `m` says to `out`. Never fails: what cannot be used is a problem in `out`.
    fn decode(&mut self, m: &Message<'_>, out: &mut Decoded);
}

/// The known formats.
#[derive(Clone, Debug, PartialEq)]
pub enum Profile {
    /// `maibo/v1/{device}/{telemetry,event,status}`.
    Native,
    /// Any JSON, by a declared mapping.
    Mapped(MappingSpec),
    /// ChirpStack v4, JSON.
    ChirpStack(ChirpStackSpec),
    /// OpenV2X roadside units and radars.
    OpenV2x,
}

impl Profile {
    /// The topics of the format where nothing else is configured; none for a mapping.
    pub const fn default_filters(&self) -> &'static [&'static str] {
        match self {
            Self::Native => &["maibo/v1/+/telemetry", "maibo/v1/+/event", "maibo/v1/+/status"],
            Self::Mapped(_) => &[],
            Self::ChirpStack(_) => &["application/+/device/+/event/+"],
            Self::OpenV2x => &["V2X/RSU/#", "V2X/RADAR/#"],
        }
    }

    fn decoder(self, problems: &mut Vec<String>) -> Box<dyn Decoder> {
        match self {
            Self::Native => Box::new(native::Native),
            Self::Mapped(spec) => Box::new(mapped::Mapped::new(spec, problems)),
            Self::ChirpStack(spec) => Box::new(chirpstack::ChirpStack::new(spec, problems)),
            Self::OpenV2x => Box::new(openv2x::OpenV2x),
        }
    }
}

/// Which topics go to which format. The routes of one stage are tried in order; the first that matches takes the message.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The topics.
    pub filters: Vec<TopicFilter>,
    /// The format.
    pub profile: Profile,
}

impl Route {
    /// A route for one filter.
    pub fn new(filter: TopicFilter, profile: Profile) -> Self {
        Self { filters: vec![filter], profile }
    }

    /// A route for the format's own topics.
    pub fn standard(profile: Profile) -> Self {
        let filters = profile.default_filters().iter().filter_map(|f| TopicFilter::new(f).ok()).collect();
        Self { filters, profile }
    }
}

struct Line {
    filters: Vec<TopicFilter>,
    decoder: Box<dyn Decoder>,
}

/// All routes of one source, with the decoders' state.
pub struct DecodeStage {
    lines: Vec<Line>,
    limit: usize,
}

impl core::fmt::Debug for DecodeStage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let formats: Vec<_> = self.lines.iter().map(|l| l.decoder.format()).collect();
        f.debug_struct("DecodeStage").field("formats", &formats).field("limit", &self.limit).finish()
    }
}

impl DecodeStage {
    /// A stage with these routes and the default limit.
    ///
    /// # Errors
    /// All problems of all routes at once, each with its route's number from 0.
    pub fn new(routes: Vec<Route>) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut lines = Vec::with_capacity(routes.len());
        for (i, Route { filters, profile }) in routes.into_iter().enumerate() {
            let mut found = Vec::new();
            if filters.is_empty() {
                found.push("has no topic filter".to_owned());
            }
            let decoder = profile.decoder(&mut found);
            problems.extend(found.into_iter().map(|p| format!("route {i}: {p}")));
            lines.push(Line { filters, decoder });
        }
        if problems.is_empty() { Ok(Self { lines, limit: DEFAULT_LIMIT }) } else { Err(problems) }
    }

    /// The same stage with another limit on the payload, in bytes, at most [`MAX_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit.min(MAX_LIMIT);
        self
    }

    /// What to subscribe to, in route order.
    pub fn subscriptions(&self) -> impl Iterator<Item = &TopicFilter> {
        self.lines.iter().flat_map(|l| &l.filters)
    }

    /// Appends what `m` says to `out`.
    pub fn decode(&mut self, m: &Message<'_>, out: &mut Decoded) {
        if let Err(e) = topic::check_name(m.topic) {
            return Scope::private("none", m, out).problem(out, ProblemReason::BadTopic, e);
        }
        let found = self.lines.iter_mut().find(|l| l.filters.iter().any(|f| f.matches(m.topic)));
        let Some(line) = found else {
            return Scope::private("none", m, out).problem(out, ProblemReason::TopicNotAllowed, "no route takes it");
        };
        let decoder = &mut line.decoder;
        if m.payload.len() > self.limit {
            let scope = Scope::of(decoder.as_ref(), m, out);
            let detail = format_args!("{} bytes, allowed are {}", m.payload.len(), self.limit);
            return scope.problem(out, ProblemReason::TooLarge, detail);
        }
        let mark = out.mark();
        decoder.decode(m, out);
        if m.retained {
            let dropped = out.drop_values_since(mark);
            out.ignored = out.ignored.saturating_add(u32::try_from(dropped).unwrap_or(u32::MAX));
        }
        let fresh = &mut out.readings[mark.readings..];
        if !fresh.is_sorted_by_key(|r| r.at) {
            fresh.sort_by_key(|r| r.at);
        }
        let fresh = &mut out.events[mark.events..];
        if !fresh.is_sorted_by_key(|e| e.at) {
            fresh.sort_by_key(|e| e.at);
        }
    }
}
