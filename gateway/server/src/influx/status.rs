//! How the sink does, for whoever asks: status, metrics, alerts.

use std::sync::Arc;

use maibo_core::time::{Millis, Timestamp};
use tokio::sync::watch;

use crate::monitor::Mark;

/// A sink that is further back than this although its server takes everything is behind.
pub const BEHIND: Millis = Millis::from_secs(60);
/// Longest text of an error, in characters.
const WORDS_MAX: usize = 300;

/// The state of a sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SinkState {
    /// It does not run: no answer of the server yet, or not any more.
    #[default]
    Off,
    /// It keeps up.
    Running,
    /// The server takes everything, and more than [`BEHIND`] is still to be sent: it catches up, or cannot keep up.
    Behind,
    /// The server does not answer, or not now.
    Down,
    /// The server will not have anything from us until somebody changes a configuration.
    Refused,
}

impl SinkState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Off, Self::Running, Self::Behind, Self::Down, Self::Refused];

    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Running => "running",
            Self::Behind => "behind",
            Self::Down => "down",
            Self::Refused => "refused",
        }
    }
}

/// A span of readings that were dropped from the log before the sink had them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkGap {
    /// Engine time of the last record before it; `None` where nothing was settled before.
    pub from: Option<Timestamp>,
    /// Engine time of the first record after it; `None` until there is one.
    pub to: Option<Timestamp>,
}

/// What is known of a sink at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkView {
    /// How it does.
    pub state: SinkState,
    /// Since when, in engine time.
    pub since: Timestamp,
    /// Why it does not do better, in words for the operator; of the last failure, `None` while it runs well.
    pub error: Option<String>,
    /// Engine time of the last record that is settled: stored, rejected or without readings.
    pub until: Option<Timestamp>,
    /// Engine time of the oldest record that was read and is not settled.
    pub waiting: Option<Timestamp>,
    /// Lines stored since the start; those sent again after a crash count again.
    pub written: u64,
    /// Lines put into quarantine since the start.
    pub rejected: u64,
    /// Values since the start that line protocol has no word for: not a number, infinite.
    pub skipped: u64,
    /// Times since the start that records were dropped at the log's quota before they were sent, each partition apart.
    pub gaps: u64,
    /// The last such time.
    pub gap: Option<SinkGap>,
}

impl SinkView {
    /// How old the oldest unsettled record is; zero where there is none.
    pub fn age(&self, now: Timestamp) -> Millis {
        self.waiting.map_or(Millis(0), |waiting| Millis(now.since(waiting).0.max(0)))
    }

    /// Whether somebody should look: down or refused.
    pub fn is_troubled(&self) -> bool {
        matches!(self.state, SinkState::Down | SinkState::Refused)
    }

    /// How long it has been in its state.
    pub fn lasted(&self, now: Timestamp) -> Millis {
        Millis(now.since(self.since).0.max(0))
    }
}

/// The shared state of one sink. Reading never waits for the sink.
#[derive(Clone)]
pub struct SinkStatus {
    /// Its name, such as `influx`.
    pub id: &'static str,
    /// Where it writes to, without secrets.
    pub target: Arc<str>,
    view: Arc<watch::Sender<SinkView>>,
    mark: Mark,
}

impl SinkStatus {
    /// Of a sink that does not run yet.
    pub fn new(id: &'static str, target: &str) -> Self {
        Self { id, target: target.into(), view: Arc::default(), mark: Mark::default() }
    }

    /// How it does now.
    pub fn view(&self) -> SinkView {
        self.view.borrow().clone()
    }

    /// Commits of the inputs log that it has looked at.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Told of every change; what lies between two looks may be missed.
    pub fn subscribe(&self) -> watch::Receiver<SinkView> {
        self.view.subscribe()
    }

    /// Changes it; true where the state is another than before.
    pub(super) fn update(&self, now: Timestamp, change: impl FnOnce(&mut SinkView)) -> bool {
        let mut other = false;
        self.view.send_modify(|view| {
            let before = view.state;
            change(view);
            other = view.state != before;
            if other {
                view.since = now;
            }
        });
        other
    }
}

/// Foreign words on one line, without control characters, and not too many.
pub(super) fn words(text: &str) -> String {
    let mut out = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > 4 * WORDS_MAX {
            break;
        }
    }
    match out.char_indices().nth(WORDS_MAX) {
        Some((at, _)) => format!("{}…", &out[..at]),
        None => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // `since` is the beginning of the state, not the last word about it.
    #[test]
    fn since_is_when_the_state_began() {
        let status = SinkStatus::new("influx", "http://x/");
        assert!(status.update(Timestamp(5), |v| v.state = SinkState::Down));
        assert!(!status.update(Timestamp(9), |v| v.error = Some("again".to_owned())));
        let view = status.view();
        assert_eq!((view.since, view.lasted(Timestamp(11)), view.is_troubled()), (Timestamp(5), Millis(6), true));
        status.update(Timestamp(20), |v| (v.state, v.waiting) = (SinkState::Running, Some(Timestamp(15))));
        assert_eq!((status.view().age(Timestamp(22)), status.view().is_troubled()), (Millis(7), false));
        assert_eq!(status.view().age(Timestamp(3)), Millis(0), "a clock behind is no negative age");
    }

    // A server's words stay words: one line, bounded.
    #[test]
    fn foreign_words_are_tamed() {
        assert_eq!(words("a\r\n\tb\u{1b}[31m  c"), "a b [31m c");
        let long = words(&"é".repeat(10_000));
        assert_eq!(long.chars().count(), WORDS_MAX + 1);
    }
}
