//! Maibo about itself: metrics in a registry that is passed in, logs to standard error.
//!
//! Names begin with `maibo_`, units are base units, labels come from closed sets: never a device, a user or a topic.

use maibo_core::engine::{Counts, EventCounts};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

mod memory;

use memory::Memory;

/// Every metric family there is.
pub struct Metrics {
    /// Where they are registered.
    pub registry: Registry,
    /// Messages taken in, by source.
    pub messages: IntCounterVec,
    /// Readings taken in.
    pub readings: IntCounter,
    /// What the engine did with readings, by fate.
    pub judged: ReadingFates,
    /// What the engine did with events, by fate.
    pub events: EventFates,
    /// Rejections, by format and reason.
    pub rejected: IntCounterVec,
    /// Load shed by policy, by reason.
    pub shed: IntCounterVec,
    /// Facts recorded.
    pub facts: IntCounter,
    /// Of these, of rules on trial.
    pub shadow_facts: IntCounter,
    /// Time of one commit of the inputs log, sync included.
    pub inputs_sync: Histogram,
    /// Time of one append to the facts log, sync included.
    pub facts_sync: Histogram,
    /// Times the inputs log had no room.
    pub log_full: IntCounter,
    /// Steps of the wall clock by more than two seconds.
    pub clock_steps: IntCounter,
    /// The last of them, in milliseconds, forwards positive.
    pub clock_step: IntGauge,
    /// Batches on which this binary would have decided otherwise than the log says.
    pub divergences: IntCounter,
    /// Connection attempts to brokers, by source and outcome.
    pub connects: IntCounterVec,
    /// 1 while a source listens.
    pub listening: IntGaugeVec,
    /// Live clients.
    pub live_clients: IntGauge,
    /// Delivery attempts, by outcome.
    pub deliveries: IntCounterVec,
    /// What was given up and neither told after all nor set aside, as of a few seconds ago.
    pub dead_letters: IntGauge,
    memory: Memory,
}

/// One counter for each fate of a reading, and one for expressions without a result; all at zero from the start.
pub struct ReadingFates([IntCounter; 11]);

impl ReadingFates {
    fn new(family: &IntCounterVec) -> Self {
        let fates = [
            "judged",
            "late",
            "late_exceeding",
            "duplicate",
            "conflict",
            "too_old",
            "clock",
            "incomparable",
            "unregistered",
            "refused",
            "undefined",
        ];
        Self(fates.map(|fate| family.with_label_values(&[fate])))
    }

    /// Adds what a step counted.
    pub fn add(&self, counts: &Counts) {
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
            events: _,
        } = *counts;
        let counted = [
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
        ];
        for (counter, n) in self.0.iter().zip(counted) {
            counter.inc_by(n);
        }
    }
}

/// One counter for each fate of an event, all at zero from the start.
pub struct EventFates([IntCounter; 8]);

impl EventFates {
    fn new(family: &IntCounterVec) -> Self {
        let fates = ["judged", "duplicate", "late", "too_old", "unknown", "refused", "ignored", "unregistered"];
        Self(fates.map(|fate| family.with_label_values(&[fate])))
    }

    /// Adds what a step counted.
    pub fn add(&self, counts: &EventCounts) {
        let EventCounts { judged, duplicate, late, too_old, unknown, refused, ignored, unregistered } = *counts;
        let counted = [judged, duplicate, late, too_old, unknown, refused, ignored, unregistered];
        for (counter, n) in self.0.iter().zip(counted) {
            counter.inc_by(n);
        }
    }
}

impl Metrics {
    /// Registers every family.
    ///
    /// # Errors
    /// Where a name is registered twice.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str| {
            let c = IntCounter::new(name, help)?;
            registry.register(Box::new(c.clone()))?;
            Ok::<_, prometheus::Error>(c)
        };
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let c = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(c.clone()))?;
            Ok::<_, prometheus::Error>(c)
        };
        let seconds = |name: &str, help: &str| {
            let buckets = vec![0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0];
            let h = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?;
            registry.register(Box::new(h.clone()))?;
            Ok::<_, prometheus::Error>(h)
        };
        let live_clients = IntGauge::new("maibo_live_clients", "connected pages")?;
        registry.register(Box::new(live_clients.clone()))?;
        let dead_letters = IntGauge::new(
            "maibo_dead_letters",
            "versions of alerts that a receiver was not told, given up, and neither sent again nor set aside",
        )?;
        registry.register(Box::new(dead_letters.clone()))?;
        let clock_step = IntGauge::new("maibo_clock_last_step_milliseconds", "the last step of the wall clock")?;
        registry.register(Box::new(clock_step.clone()))?;
        let listening =
            IntGaugeVec::new(Opts::new("maibo_source_listening", "1 while the source delivers"), &["source"])?;
        registry.register(Box::new(listening.clone()))?;
        Ok(Self {
            messages: counters("maibo_ingest_messages_total", "messages taken in", &["source"])?,
            readings: counter("maibo_ingest_readings_total", "readings taken in")?,
            judged: ReadingFates::new(&counters(
                "maibo_engine_readings_total",
                "committed readings that reached the engine, by fate; late_exceeding are also late",
                &["fate"],
            )?),
            events: EventFates::new(&counters(
                "maibo_engine_events_total",
                "committed events that reached the engine, by fate",
                &["fate"],
            )?),
            rejected: counters("maibo_ingest_rejected_total", "rejections", &["format", "reason"])?,
            shed: counters("maibo_ingest_shed_total", "load shed by policy", &["reason"])?,
            facts: counter("maibo_facts_total", "facts recorded")?,
            shadow_facts: counter("maibo_shadow_facts_total", "facts of rules on trial, told to nobody")?,
            inputs_sync: seconds("maibo_inputs_commit_seconds", "one commit of the inputs log")?,
            facts_sync: seconds("maibo_facts_commit_seconds", "one append to the facts log")?,
            log_full: counter("maibo_inputs_full_total", "times the inputs log had no room")?,
            clock_steps: counter("maibo_clock_steps_total", "steps of the wall clock by more than two seconds")?,
            clock_step,
            divergences: counter("maibo_divergences_total", "batches this binary would decide otherwise")?,
            connects: counters("maibo_source_connects_total", "connection attempts", &["source", "outcome"])?,
            listening,
            live_clients,
            deliveries: counters("maibo_deliveries_total", "delivery attempts", &["outcome"])?,
            dead_letters,
            memory: Memory::register(&registry)?,
            registry,
        })
    }

    /// The Prometheus text format.
    pub fn text(&self) -> String {
        self.memory.refresh();
        prometheus::TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// Starts logging to standard error: `MAIBO_LOG` (or `RUST_LOG`) filters, `MAIBO_LOG_FORMAT=json` for machines.
pub fn init_logs() {
    let filter = std::env::var("MAIBO_LOG")
        .or_else(|_| std::env::var("RUST_LOG"))
        .unwrap_or_else(|_| "info,rmqtt=warn,rumqttc=warn".to_owned());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr);
    // A second call (tests) keeps the first subscriber.
    let _ = if std::env::var("MAIBO_LOG_FORMAT").is_ok_and(|f| f == "json") {
        builder.json().try_init()
    } else {
        builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init()
    };
}
