//! `maibo journal inspect`: what the logs of a data directory hold, one JSON object a line.
//!
//! Takes the directory's lock, so it refuses while Maibo runs on it.

use std::io::Write;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use maibo_core::fact::{Body, Fact};
use maibo_core::id::PartitionId;
use maibo_core::input::{Act, Batch, Input, Told};
use maibo_core::place::Level;
use maibo_store::log::Log;
use serde_json::{Value, json};

use crate::Chain;
use crate::app::DataDir;

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
    let Command::Inspect { data, log, partition, limit } = command;
    if !crate::app::has_data(data) {
        eprintln!("{} holds no logs", data.display());
        return 65;
    }
    let logs = match DataDir::open(data, u64::MAX, false) {
        Ok(logs) => logs,
        Err(error) => {
            eprintln!("{}", Chain(&error));
            return error.exit_code();
        }
    };
    let limit = limit.unwrap_or(usize::MAX);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let printed = match log {
        Which::Inputs => inputs(&*logs.inputs, *partition, limit, &mut out),
        Which::Facts => facts(&logs.facts, limit, &mut out),
    };
    match printed.and_then(|()| out.flush().map_err(anyhow::Error::from)) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error:#}");
            74
        }
    }
}

fn inputs(log: &dyn Log, only: Option<u16>, limit: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let wanted = |p: &PartitionId| only.is_none_or(|o| o == p.0) && log.end(*p).is_some();
    let from: Vec<_> = PartitionId::all().filter(wanted).map(|p| (p, None)).collect();
    let mut left: std::collections::BTreeMap<_, _> =
        from.iter().filter_map(|(p, _)| log.end(*p).map(|e| (*p, e))).collect();
    let mut reader = log.reader(&from);
    let mut printed = 0;
    while !left.is_empty() && printed < limit {
        let Some(record) = reader.next()? else { continue };
        if left.get(&record.partition).is_some_and(|end| record.position >= *end) {
            left.remove(&record.partition);
        }
        let batch = Batch::from_bytes(&record.payload)?;
        let line = json!({
            "partition": record.partition.0,
            "position": record.position.0,
            "boot": format!("{:016x}", record.id.boot),
            "number": record.id.number,
            "now": batch.now.0,
            "inputs": batch.inputs.iter().map(input).collect::<Vec<_>>(),
        });
        writeln!(out, "{line}")?;
        printed += 1;
    }
    Ok(())
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
        Input::Rules { version } => json!({"kind": "rules", "version": version.to_string()}),
        Input::Catalogue { version } => json!({"kind": "catalogue", "version": version.to_string()}),
        Input::Found(f) => json!({
            "kind": "found", "check": f.check.rule(), "part": f.part.as_str(), "level": f.level.map(Level::as_str),
            "since": f.since.0, "words": {"zh": &*f.found.zh, "en": &*f.found.en},
        }),
        Input::Dropped { partition, first, last, batches } => json!({
            "kind": "dropped", "partition": partition.0, "first": first.0, "last": last.0, "batches": batches,
        }),
    }
}

fn told(t: &Told) -> Value {
    json!({
        "index": t.index, "episode": t.episode.to_string(), "version": t.version, "rule": t.rule.as_str(),
        "subject": t.subject.id(), "place": t.place.as_ref().map(maibo_core::id::PlaceCode::as_str),
        "state": t.state.as_str(), "level": t.level.as_str(), "stale": t.stale, "historic": t.historic,
        "started_at": t.started_at.0, "happened_at": t.at.0, "decided_at": t.decided.0,
    })
}

fn facts(log: &maibo_store::facts::FactsLog, limit: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut reader = log.reader(0);
    for _ in 0..limit {
        let Some(fact) = reader.next()? else { break };
        writeln!(out, "{}", fact_line(&fact))?;
    }
    Ok(())
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
            "said": t.handling.as_ref().and_then(|h| h.said.as_ref()).map(|s| s.note.to_string()),
        }),
        Body::RulesActivated { version } => json!({"kind": "rules_activated", "version": version.to_string()}),
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
