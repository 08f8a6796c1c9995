//! Whether the alert path still moves, seen from a thread of its own: one that hangs on a disk, or a runtime whose threads
//! all wait for something, cannot hold it up.
//!
//! ```text
//! sequencer ─commits─▶ decider ─steps─▶ … ─facts─▶ feed        each has a counter; no look takes a lock of theirs
//! ```
//!
//! After ten seconds without progress it says what stands still ([`Still`]); `standstill` tells people. After
//! `standstill_exit` it ends the process with exit code 70, so that a supervisor starts it anew: nothing acknowledged is
//! lost by that, and what was committed is decided then.
//!
//! What is no standstill: a disk without room, where waiting is right; a process that was frozen (looks that did not take
//! place do not count); a feed that reads errors and says so, since a new process would read the same. A thread that the
//! kernel holds in a call to a broken disk ends when the kernel lets it go: no process can do better.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use maibo_core::time::Millis;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::standstill::{self, Still};
use crate::app::Shared;
use crate::live::{Picture, SILENT};
use crate::pipeline::feed::Pace;
use crate::pipeline::{Observer, Step};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// What a look that came late counts for at most.
const LOOK_MOST: Duration = Duration::from_secs(2);
/// How long the last words may take: neither a log nor a disk that takes nothing may hold up the end.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Something of ours is wrong.
const INTERNAL: i32 = 70;

/// Counts the steps of the decider, each when everybody was told of it.
#[derive(Clone, Default)]
pub struct Steps(Arc<AtomicU64>);

impl Observer for Steps {
    fn observe(&mut self, _: &Step<'_>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// How far everything is, at one look.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Commits handed to the decider.
    commits: u64,
    /// Steps it took.
    steps: u64,
    /// Number of the next fact, and of the next that the feed wants.
    facts: u64,
    fed: u64,
    /// The feed cannot read and says so.
    failing: bool,
    /// Times that a log had no room, and whether messages wait for it.
    full: u64,
    scarce: bool,
}

/// What is remembered between looks.
struct Watch {
    last: Seen,
    at: Instant,
    /// How long the pipeline has taken no step.
    pipeline: Duration,
    /// How long the feed has not moved with something to read.
    feed: Duration,
}

impl Watch {
    fn new(seen: Seen, at: Instant) -> Self {
        Self { last: seen, at, pipeline: Duration::ZERO, feed: Duration::ZERO }
    }

    fn look(&mut self, seen: Seen, now: Instant) {
        let past = now.duration_since(self.at).min(LOOK_MOST);
        let last = std::mem::replace(&mut self.last, seen);
        self.at = now;
        let waits = seen.scarce || seen.full != last.full;
        self.pipeline = if seen.steps != last.steps || waits { Duration::ZERO } else { self.pipeline + past };
        // Where the pipeline takes nothing, the feed waits for it.
        let moves = seen.fed != last.fed || seen.fed >= seen.facts || waits || self.pipeline >= SILENT;
        self.feed = if moves { Duration::ZERO } else { self.feed + past };
    }

    /// Who makes no progress, where somebody has made none for `limit`, and for how long.
    fn stands(&self, limit: Duration) -> Option<(&'static str, Duration)> {
        if self.pipeline >= limit {
            // The sequencer hands over before it counts.
            let who = if self.last.commits > self.last.steps { "decider" } else { "sequencer" };
            return Some((who, self.pipeline));
        }
        (self.feed >= limit).then_some(("feed", self.feed))
    }

    /// The same, where a new process could do better.
    fn ends(&self, limit: Duration) -> Option<(&'static str, Duration)> {
        self.stands(limit).filter(|(who, _)| *who != "feed" || !self.last.failing)
    }
}

/// What is looked at.
pub(super) struct Watched {
    pub(super) shared: Arc<Shared>,
    pub(super) picture: Arc<Picture>,
    pub(super) steps: Steps,
    pub(super) feed: Pace,
    /// The pipeline has ended, as it should.
    pub(super) over: CancellationToken,
    /// Where `standstill` hears of it.
    pub(super) told: watch::Sender<Option<Still>>,
}

impl Watched {
    fn seen(&self) -> Seen {
        Seen {
            commits: *self.shared.inputs_wake.borrow(),
            steps: self.steps.0.load(Relaxed),
            facts: *self.shared.facts_wake.borrow(),
            fed: self.feed.next(),
            failing: self.feed.is_failing(),
            full: self.shared.metrics.log_full.get(),
            scarce: self.shared.scarce.borrow().is_some(),
        }
    }

    /// Looks until the pipeline has ended.
    fn run(self) {
        let mut watch = Watch::new(self.seen(), Instant::now());
        let mut still: Option<Still> = None;
        while !self.over.is_cancelled() {
            std::thread::sleep(EVERY);
            watch.look(self.seen(), Instant::now());
            // The page says of the pipeline what is told here: both go by the same pulse.
            let part = if self.picture.moving() {
                watch.stands(SILENT).filter(|(who, _)| *who == "feed").map(|_| standstill::FEED)
            } else {
                Some(standstill::PIPELINE)
            };
            if part != still.map(|s| s.part) {
                let since = || self.shared.clock.now() - Millis(SILENT.as_millis() as i64);
                still = part.map(|part| Still { part, since: since() });
                self.told.send_replace(still);
            }
            if let Some(limit) = self.shared.settings.standstill_exit
                && let Some((who, lasted)) = watch.ends(limit)
                && !self.over.is_cancelled()
            {
                end(who, lasted, &watch.last, still, self.shared.settings.data.clone());
            }
        }
    }
}

/// Starts the thread.
pub(super) fn start(watched: Watched) {
    if let Err(error) = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || watched.run()) {
        error!(%error, "nobody watches whether the pipeline moves: the thread cannot be started");
    }
}

/// Says what stands still, leaves a note for the next start, and ends the process.
fn end(who: &'static str, lasted: Duration, seen: &Seen, still: Option<Still>, data: PathBuf) -> ! {
    let (commits, facts) = (seen.commits.saturating_sub(seen.steps), seen.facts.saturating_sub(seen.fed));
    let (done, waited) = std::sync::mpsc::channel();
    let words = move || {
        let seconds = lasted.as_secs();
        error!(
            who,
            seconds,
            commits,
            facts,
            "the {who} has made no progress for {seconds} s: the process ends, to be started anew; nothing acknowledged is lost"
        );
        if let Some(still) = still {
            standstill::leave(&data, still);
        }
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(words).is_ok() {
        let _ = waited.recv_timeout(LAST_WORDS);
    }
    std::process::exit(INTERNAL);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    /// Looks once a second for so long while `seen` stays as it is; who stands still then.
    fn after(watch: &mut Watch, seconds: u64, seen: Seen) -> Option<&'static str> {
        for _ in 0..seconds {
            let now = watch.at + EVERY;
            watch.look(seen, now);
        }
        watch.ends(LIMIT).map(|(who, _)| who)
    }

    fn watch() -> Watch {
        Watch::new(Seen::default(), Instant::now())
    }

    // The thread that does not move is named; one step, and the time begins anew.
    #[test]
    fn who_stands_still() {
        let idle = Seen { commits: 7, steps: 7, ..Seen::default() };
        assert_eq!(after(&mut watch(), 60, idle), None, "the first look saw a step");
        assert_eq!(after(&mut watch(), 61, idle), Some("sequencer"));
        let behind = Seen { commits: 9, steps: 7, ..Seen::default() };
        let mut watch = watch();
        assert_eq!(after(&mut watch, 61, behind), Some("decider"));
        assert_eq!(after(&mut watch, 1, Seen { steps: 8, ..behind }), None);
        assert_eq!(after(&mut watch, 59, Seen { steps: 8, ..behind }), None);
    }

    // A feed with something to read must move, unless it waits for the pipeline; one that says why it cannot read is told
    // and ends nothing.
    #[test]
    fn the_feed() {
        let mut feed = watch();
        let mut steps = |seconds: u64, failing: bool, fed: u64| {
            let mut found = None;
            for _ in 0..seconds {
                let seen = Seen { steps: feed.last.steps + 1, facts: 5, fed, failing, ..Seen::default() };
                found = after(&mut feed, 1, seen);
            }
            (found, feed.stands(SILENT).map(|(who, _)| who))
        };
        assert_eq!(steps(61, false, 3), (Some("feed"), Some("feed")));
        assert_eq!(steps(100, false, 5), (None, None), "it has everything");
        assert_eq!(steps(61, true, 4), (None, Some("feed")));
        let waits = Seen { commits: 9, steps: 7, facts: 5, fed: 3, ..Seen::default() };
        assert_eq!(after(&mut watch(), 100, waits), Some("decider"));
    }

    // Waiting for room is right, a frozen process did not stand still, and a sync that hangs on a full disk did.
    #[test]
    fn what_is_no_standstill() {
        let mut full = watch();
        for n in 0..100 {
            assert_eq!(after(&mut full, 1, Seen { full: n, ..Seen::default() }), None);
        }
        let hangs = full.last;
        assert_eq!(after(&mut full, 61, hangs), Some("sequencer"));
        assert_eq!(after(&mut watch(), 100, Seen { scarce: true, ..Seen::default() }), None);
        let mut frozen = watch();
        frozen.look(Seen::default(), frozen.at + Duration::from_hours(1));
        assert_eq!(frozen.ends(LIMIT), None);
    }
}
