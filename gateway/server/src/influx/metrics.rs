//! The sink's counters. Registered only where a sink is configured.

use std::sync::Arc;

use maibo_core::time::Timestamp;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::status::{SinkState, SinkStatus};

/// Tells the time of the engine.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Counted by the sink itself.
pub(super) struct SinkMetrics {
    /// Requests, by what came of them.
    pub(super) requests: IntCounterVec,
    /// Lines stored.
    pub(super) written: IntCounter,
    /// Lines put into quarantine.
    pub(super) rejected: IntCounter,
    /// Values without a word in line protocol.
    pub(super) skipped: IntCounter,
    /// Gaps.
    pub(super) gaps: IntCounter,
}

impl SinkMetrics {
    /// Registers every family.
    ///
    /// # Errors
    /// Where a name is registered twice.
    pub(super) fn register(registry: &Registry, status: &SinkStatus, now: Now) -> Result<Self, prometheus::Error> {
        let options = |name: &str, help: &str| Opts::new(name, help).const_label("sink", status.id);
        let counter = |name: &str, help: &str| {
            let c = IntCounter::with_opts(options(name, help))?;
            registry.register(Box::new(c.clone()))?;
            Ok::<_, prometheus::Error>(c)
        };
        let requests = IntCounterVec::new(options("maibo_sink_requests_total", "requests, by outcome"), &["outcome"])?;
        registry.register(Box::new(requests.clone()))?;
        for outcome in ["stored", "too_large", "malformed", "refused", "again"] {
            requests.with_label_values(&[outcome]);
        }
        registry.register(Box::new(Seen {
            age: Gauge::with_opts(options("maibo_sink_age_seconds", "age of the oldest record that is not settled"))?,
            state: IntGaugeVec::new(options("maibo_sink_state", "1 for the state the sink is in"), &["state"])?,
            status: status.clone(),
            now,
        }))?;
        Ok(Self {
            requests,
            written: counter("maibo_sink_written_total", "lines stored")?,
            rejected: counter("maibo_sink_rejected_total", "lines put into quarantine")?,
            skipped: counter("maibo_sink_skipped_total", "values that are not finite and so not written")?,
            gaps: counter("maibo_sink_gaps_total", "times records were dropped at the quota before they were sent")?,
        })
    }
}

/// What is looked up when somebody asks, so that it also grows while the sink waits.
struct Seen {
    age: Gauge,
    state: IntGaugeVec,
    status: SinkStatus,
    now: Now,
}

impl Collector for Seen {
    fn desc(&self) -> Vec<&Desc> {
        [self.age.desc(), self.state.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let view = self.status.view();
        self.age.set(view.age((self.now)()).0 as f64 / 1_000.0);
        for state in SinkState::ALL {
            self.state.with_label_values(&[state.as_str()]).set(i64::from(state == view.state));
        }
        [self.age.collect(), self.state.collect()].concat()
    }
}
