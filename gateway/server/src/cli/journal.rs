//! `maibo journal inspect`: what the logs of a data directory hold, one JSON object a line. `maibo journal verify`:
//! whether they are sound.
//!
//! Both refuse while Maibo runs on it, and change nothing. What is damaged is told behind what is whole.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use maibo_core::fact::{Body, Fact, Missed};
use maibo_core::input::{Act, Batch, Input, Told};
use maibo_core::place::Level;
use maibo_store::disk::lock::DirLock;
use maibo_store::disk::os::OsDisk;
use maibo_store::facts::unpack;
use maibo_store::file_log::survey::{Held, Survey};
use maibo_store::log::Record;
use serde_json::{Value, json};

use crate::Chain;
use crate::upkeep::UpkeepError;

mod verify;

/// What to do with the logs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the records of a log.
    Inspect {
        /// The data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Which log.
        #[arg(long, value_enum, default_value = "facts")]
        log: Which,
        /// Only this partition of the inputs log (256 is the city).
        #[arg(long)]
        partition: Option<u16>,
        /// At most so many records.
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Check both logs, the snapshots and the kept rule sets, every byte; change nothing.
    Verify {
        /// The data directory, or a copy of one.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

/// Which log.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Which {
    /// What came in.
    Inputs,
    /// What was decided.
    Facts,
}

/// Runs a journal command.
pub(super) fn run(command: &Command) -> u8 {
    let (data, log, partition, limit) = match command {
        Command::Inspect { data, log, partition, limit } => (data, log, partition, limit),
        Command::Verify { data } => return verify::run(data),
    };
    if !crate::app::has_data(data) {
        eprintln!("{} holds no logs", data.display());
        return 65;
    }
    let _lock = match DirLock::look(data) {
        Ok(lock) => lock,
        Err(source) => {
            let error = UpkeepError::Lock { path: data.clone(), source };
            eprintln!("{}", Chain(&error));
            return error.exit_code();
        }
    };
    let limit = limit.unwrap_or(usize::MAX);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut lines = Lines { out: &mut out, left: limit, failed: None };
    let printed = match log {
        Which::Inputs => walk(data, "inputs", &mut |record| inputs(record, *partition, &mut lines)),
        Which::Facts => walk(data, "facts", &mut |record| facts(record, &mut lines)),
    };
    let failed = lines.failed.take();
    let printed = failed.map_or(printed, Err).and_then(|survey| Ok(out.flush().map(|()| survey)?));
    match printed {
        Ok(survey) if survey.is_sound() => 0,
        Ok(survey) => {
            for problem in &survey.problems {
                eprintln!("damaged: {problem}");
            }
            65
        }
        Err(error) => {
            eprintln!("{error:#}");
            74
        }
    }
}

/// Where lines go, and how many more are wanted.
struct Lines<'a> {
    out: &'a mut dyn Write,
    left: usize,
    failed: Option<anyhow::Error>,
}

impl Lines<'_> {
    fn write(&mut self, line: &Value) -> ControlFlow<()> {
        if self.left == 0 {
            return ControlFlow::Break(());
        }
        self.left -= 1;
        match writeln!(self.out, "{line}") {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: impl Into<anyhow::Error>) -> ControlFlow<()> {
        self.failed = Some(error.into());
        ControlFlow::Break(())
    }
}

fn walk(data: &Path, kind: &str, each: &mut dyn FnMut(&Record) -> ControlFlow<()>) -> anyhow::Result<Survey> {
    let disk = OsDisk::reading(&data.join(kind))?;
    Ok(Held::hold(&disk, kind)?.visit(&mut |found| each(&found.record))?)
}

fn inputs(record: &Record, only: Option<u16>, lines: &mut Lines<'_>) -> ControlFlow<()> {
    if only.is_some_and(|only| only != record.partition.0) {
        return ControlFlow::Continue(());
    }
    let batch = match Batch::from_bytes(&record.payload) {
        Ok(batch) => batch,
        Err(error) => return lines.fail(error),
    };
    lines.write(&json!({
        "partition": record.partition.0,
        "position": record.position.0,
        "boot": format!("{:016x}", record.id.boot),
        "number": record.id.number,
        "now": batch.now.0,
        "inputs": batch.inputs.iter().map(input).collect::<Vec<_>>(),
    }))
}

fn facts(record: &Record, lines: &mut Lines<'_>) -> ControlFlow<()> {
    match unpack(record) {
        Ok(facts) => facts.iter().try_for_each(|fact| lines.write(&fact_line(fact))),
        Err(error) => lines.fail(error),
    }
}

fn input(input: &Input) -> Value {
    match input {
        Input::Reading(r) => json!({
            "kind": "reading", "device": r.device.as_str(), "quantity": r.quantity.as_str(), "at": r.at.0,
            "received": r.received.0, "value": r.value, "quality": r.quality.as_str(), "timed": r.timed,
        }),
        Input::Event(e) => json!({
            "kind": "event", "device": e.device.as_str(), "code": &*e.code, "identity": &*e.identity, "at": e.at.0,
            "received": e.received.0, "cancelled": e.cancelled, "text": &*e.text,
            "ahead": e.ahead.as_ref().map(|f| json!({"zh": &*f.zh, "en": &*f.en})),
        }),
        Input::Liveness(l) => {
            json!({"kind": "liveness", "device": l.device.as_str(), "received": l.received.0, "alive": l.alive})
        }
        Input::Deaf { source, from } => {
            json!({"kind": "deaf", "source": source.as_ref().map(maibo_core::id::SourceId::as_str), "from": from.0})
        }
        Input::Listening { source } => json!({"kind": "listening", "source": source.as_str()}),
        Input::Command(c) => {
            let mut line = json!({
                "kind": c.act.as_str(), "actor": c.actor.as_str(), "episode": c.episode.to_string(), "seen": c.seen,
                "note": c.act.note(),
            });
            let more = match &c.act {
                Act::Assign { to, .. } => Some(("to", json!(&**to))),
                Act::Silence { until, .. } => Some(("until", json!(until.0))),
                Act::Close { forced, .. } => Some(("forced", json!(forced))),
                Act::Feedback { stage, .. } => Some(("stage", json!(stage.as_str()))),
                Act::Escalate(m) => Some(("missed", missed(m))),
                Act::Acknowledge { .. } | Act::Comment { .. } | Act::Unsilence => None,
            };
            if let Some((key, value)) = more {
                line[key] = value;
            }
            line
        }
        Input::Delivered(d) => json!({
            "kind": "delivered", "receiver": &*d.receiver, "episode": d.episode.to_string(), "version": d.version,
            "outcome": &*d.outcome, "attempts": d.attempts,
        }),
        Input::Told { first, next, items } => json!({
            "kind": "told", "first": first, "next": next, "items": items.iter().map(told).collect::<Vec<_>>(),
        }),
        Input::Maintain(m) => json!({
            "kind": "maintain", "maintenance": m.id.to_string(), "of": m.scope.kind(), "id": m.scope.id(),
            "from": m.from.0, "until": m.until.0, "by": m.by.as_str(), "reason": &*m.reason,
        }),
        Input::EndMaintenance { id, by } => json!({
            "kind": "end_maintenance", "maintenance": id.to_string(), "by": by.as_str(),
        }),
        Input::ClockStep { by } => json!({"kind": "clock_step", "by_ms": by.0}),
        Input::Rules { version, by } => json!({
            "kind": "rules", "version": version.to_string(), "by": by.as_ref().map(maibo_core::id::Actor::as_str),
        }),
        Input::Plans { version, by } => json!({
            "kind": "plans", "version": version.to_string(), "by": by.as_ref().map(maibo_core::id::Actor::as_str),
        }),
        Input::Catalogue { version } => json!({"kind": "catalogue", "version": version.to_string()}),
        Input::Found(f) => json!({
            "kind": "found", "check": f.check.rule(), "part": f.part.as_str(), "level": f.level.map(Level::as_str),
            "since": f.since.0, "words": {"zh": &*f.found.zh, "en": &*f.found.en},
        }),
        Input::Drill(d) => json!({
            "kind": "drill", "name": d.name.as_str(), "words": {"zh": &*d.title.zh, "en": &*d.title.en},
            "domain": d.domain.as_str(), "place": d.place.as_ref().map(maibo_core::id::PlaceCode::as_str),
            "level": d.level.as_str(), "lasts_ms": d.lasts.0, "by": d.by.as_str(),
        }),
        Input::Canary { source, number } => json!({"kind": "canary", "source": source.as_str(), "number": number}),
        Input::Dropped { partition, first, last, batches } => json!({
            "kind": "dropped", "partition": partition.0, "first": first.0, "last": last.0, "batches": batches,
        }),
    }
}

fn missed(m: &Missed) -> Value {
    let to: Vec<&str> = m.to.iter().map(|name| &**name).collect();
    json!({"plan": &*m.plan, "task": &*m.task, "owner": &*m.owner, "due_at": m.due_at.0, "to": to})
}

fn told(t: &Told) -> Value {
    json!({
        "index": t.index, "episode": t.episode.to_string(), "version": t.version, "rule": t.rule.as_str(),
        "subject": t.subject.id(), "place": t.place.as_ref().map(maibo_core::id::PlaceCode::as_str),
        "state": t.state.as_str(), "level": t.level.as_str(), "stale": t.stale, "historic": t.historic,
        "started_at": t.started_at.0, "happened_at": t.at.0, "decided_at": t.decided.0,
    })
}

fn fact_line(fact: &Fact) -> Value {
    let mut line = json!({
        "index": fact.index,
        "cause": {"partition": fact.cause.partition.0, "position": fact.cause.position.0, "seq": fact.cause.seq},
        "actor": fact.actor.as_ref().map(maibo_core::id::Actor::as_str),
        "at": fact.at.0,
        "rules": fact.rules.to_string(),
        "engine": fact.engine,
    });
    let body = body(&fact.body);
    if let (Value::Object(line), Value::Object(body)) = (&mut line, body) {
        line.extend(body);
    }
    line
}

fn body(body: &Body) -> Value {
    match body {
        Body::Transition(t) | Body::Shadow(t) => json!({
            "kind": if matches!(body, Body::Shadow(_)) { "shadow" } else { "transition" }, "episode": t.episode.to_string(), "version": t.version, "rule": t.rule.as_str(),
            "subject": t.subject.id(), "subject_kind": t.subject.kind(),
            "quantity": t.quantity.as_ref().map(maibo_core::id::Quantity::as_str), "place": t.place.as_ref().map(maibo_core::id::PlaceCode::as_str),
            "domain": t.domain.as_str(), "state": t.state.as_str(), "level": t.level.as_str(),
            "peak": t.peak.as_str(), "stale": t.stale, "historic": t.historic, "value": t.value,
            "threshold": t.threshold, "started_at": t.started_at.0, "happened_at": t.at.0,
            "resolved_at": t.resolved_at.map(|r| r.0),
            "acknowledged_by": t.acknowledged.as_ref().map(|a| a.by.as_str().to_owned()),
            "reason": t.reason.as_str(), "flapping": t.is_flapping(),
            "assigned_to": t.handling.as_ref().and_then(|h| h.assigned.as_ref()).map(|a| a.to.to_string()),
            "silenced_until": t.silenced().map(|s| s.until.0),
            "missed": t.missed().map(missed),
            "said": t.handling.as_ref().and_then(|h| h.said.as_ref()).map(|s| s.note.to_string()),
        }),
        Body::RulesActivated { version } => json!({"kind": "rules_activated", "version": version.to_string()}),
        Body::PlansActivated { version } => json!({"kind": "plans_activated", "version": version.to_string()}),
        Body::CatalogueActivated { version } => {
            json!({"kind": "catalogue_activated", "version": version.to_string()})
        }
        Body::ClockStepped { by_ms } => json!({"kind": "clock_stepped", "by_ms": by_ms}),
        Body::Source { source, listening, deaf_from } => json!({
            "kind": "source", "source": source.as_str(), "listening": listening, "deaf_from": deaf_from.0,
        }),
        Body::Gap { partition, first, last, batches } => json!({
            "kind": "gap", "partition": partition.0, "first": first.0, "last": last.0, "batches": batches,
        }),
        Body::Delivery(d) => json!({
            "kind": "delivery", "receiver": &*d.receiver, "episode": d.episode.to_string(), "version": d.version,
            "outcome": &*d.outcome, "attempts": d.attempts, "error": d.error.as_ref().map(|e| e.to_string()),
        }),
        Body::Incident(i) => json!({
            "kind": "incident", "incident": i.id.to_string(), "version": i.version, "state": i.state.as_str(),
            "rule": i.rule.as_str(), "district": i.district.as_ref().map(maibo_core::id::PlaceCode::as_str),
            "domain": i.domain.as_str(), "level": i.level.as_str(), "episodes": i.episodes, "open": i.open,
            "devices": i.devices, "historic": i.historic, "started_at": i.started_at.0, "opened_at": i.opened_at.0,
            "places": i.places.iter().map(maibo_core::id::PlaceCode::as_str).collect::<Vec<_>>(),
            "latest_at": i.latest_at.0, "into": i.into.map(|id| id.to_string()),
        }),
        Body::Grouped(groups) => json!({
            "kind": "grouped",
            "groups": groups.iter().map(|g| json!({
                "incident": g.incident.to_string(),
                "episodes": g.episodes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        }),
        Body::Inhibition { episode, by } => json!({
            "kind": "inhibition", "episode": episode.to_string(), "by": by.map(|by| by.to_string()),
        }),
        Body::Released { parent, episodes } => json!({
            "kind": "released", "parent": parent.to_string(),
            "episodes": episodes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        Body::Maintenance(m) => json!({
            "kind": "maintenance", "maintenance": m.id.to_string(), "state": m.state.as_str(), "of": m.scope.kind(),
            "id": m.scope.id(), "from": m.from.0, "until": m.until.0, "by": m.by.as_str(), "reason": &*m.reason,
            "ended_by": m.ended_by.as_ref().map(maibo_core::id::Actor::as_str),
        }),
        Body::Refused { episode, reason } => {
            json!({"kind": "refused", "episode": episode.to_string(), "reason": &**reason})
        }
    }
}
