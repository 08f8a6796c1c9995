//! Rules on recorded data, asked over HTTP: what rules that are not in force would have told.
//!
//! One at a time, on a thread of its own, far from what decides about the city; a second one is told to come back. The
//! turn is taken before the body is read, because the body is large. History keeps when a value was measured and not when
//! it came, so what is taken from there counts as received at once.
//!
//! Limits: [`BODY_MAX`] bytes, [`READINGS_MAX`] readings, [`SPAN_MAX`] of history, [`DEVICES_MAX`] devices of it,
//! [`TEXT_MAX`] bytes of rules, [`TIME`]. Beyond them the answer is a problem that says which.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use maibo_api as api;
use maibo_core::engine::DERIVED;
use maibo_core::id::{DeviceId, Quantity};
use maibo_core::reading::quantity;
use maibo_core::registry::Catalogue;
use maibo_core::rule::{RuleKind, RuleSet};
use maibo_core::time::{Millis, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use super::extract::Raw;
use super::series::{READINGS_MAX as SERIES_MAX, SeriesSource};
use super::{Fault, HttpState};
use crate::backtest::report::{self, report};
use crate::backtest::tape::{Measured, Tape};
use crate::backtest::{RunError, run, source};
use crate::live::{Roster, Scope, words};

/// Longest body, in bytes: [`READINGS_MAX`] readings fit in.
pub const BODY_MAX: usize = 24 << 20;
/// Most readings of one request.
pub const READINGS_MAX: usize = 200_000;
/// Longest span of history.
pub const SPAN_MAX: Millis = Millis::from_secs(30 * 86_400);
/// Most devices whose history is read.
pub const DEVICES_MAX: usize = 1_000;
/// Longest text of all packs together, in bytes.
pub const TEXT_MAX: usize = 1 << 20;
/// Time for reading and running, below that of a request.
pub const TIME: Duration = Duration::from_secs(8);
/// Most operators on shift.
const OPERATORS_MAX: u32 = 10_000;
/// Most episodes in each list of an answer.
const LISTED: usize = 1_000;
/// Problems of rules or readings in one answer.
const PROBLEMS: usize = 20;

/// The turn of one caller.
pub(super) struct Turn(OwnedSemaphorePermit);

impl FromRequestParts<HttpState> for Turn {
    type Rejection = Fault;
    async fn from_request_parts(_: &mut Parts, state: &HttpState) -> Result<Self, Fault> {
        let turn = Arc::clone(&state.limits.backtests).try_acquire_owned();
        turn.map(Self).map_err(|_| Fault::unavailable("another backtest is running; one runs at a time", 5))
    }
}

/// Runs rules over readings, or over this server's own history, and reports what they would have told.
#[utoipa::path(post, path = "/api/v1/rules/backtest", tag = "rules", request_body = api::BacktestRequest,
    responses((status = 200, body = api::BacktestReport), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 413, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn backtest(
    State(state): State<HttpState>,
    scope: Scope,
    Turn(turn): Turn,
    Raw(body): Raw<BODY_MAX>,
) -> Result<Json<api::BacktestReport>, Fault> {
    let ask = Ask {
        scope,
        roster: state.picture.roster(),
        catalogue: state.shared.catalogue(),
        versions: state.shared.versions.current(),
        series: Arc::clone(&state.series),
        until: Instant::now() + state.limits.backtest,
    };
    let work = move || {
        // Whoever asked may be gone; the turn ends with the work.
        let _turn = turn;
        ask.answer(&body)
    };
    let answer = tokio::task::spawn_blocking(work).await.map_err(|e| Fault::internal(&e))?;
    answer.map(Json)
}

/// What an answer is made with.
struct Ask {
    scope: Scope,
    roster: Arc<Roster>,
    catalogue: Arc<Catalogue>,
    versions: Arc<maibo_core::engine::Versions>,
    series: Arc<dyn SeriesSource>,
    until: Instant,
}

impl Ask {
    fn answer(&self, body: &Bytes) -> Result<api::BacktestReport, Fault> {
        let request: api::BacktestRequest =
            serde_json::from_slice(body).map_err(|e| Fault::bad_request(format!("body: {e}")))?;
        let operators = request.operators.unwrap_or(1);
        if !(1..=OPERATORS_MAX).contains(&operators) {
            return Err(Fault::bad_request(format!("operators: must be 1 to {OPERATORS_MAX}")));
        }
        let rules = Arc::new(rules(&request.rules)?);
        let active = match request.against {
            None => None,
            Some(api::Against::Active) => {
                let active = self.versions.rules(self.roster.rules_version).cloned();
                Some(active.ok_or_else(|| Fault::unavailable("the rules are just being changed", 1))?)
            }
        };
        let mut tape = Tape::new(None, None).limited(READINGS_MAX);
        match (&request.readings, &request.from, &request.to) {
            (Some(readings), None, None) if request.devices.is_none() => given(readings, &mut tape)?,
            (None, Some(from), Some(to)) => {
                let sets: Vec<&RuleSet> =
                    [Some(&rules), active.as_ref()].into_iter().flatten().map(AsRef::as_ref).collect();
                self.kept((from, to), request.devices.as_deref(), &sets, &mut tape)?;
            }
            _ => return Err(Fault::bad_request("needs either `readings`, or `from` and `to` (and `devices`)")),
        }
        tape.sort();
        let (outcome, took) = self.run(&rules, &tape)?;
        let before = active.as_ref().map(|active| self.run(active, &tape)).transpose()?;
        Ok(report(report::Parts {
            run: (&rules, &outcome),
            against: active.as_deref().zip(before.as_ref().map(|(outcome, _)| outcome)),
            data: tape.data(),
            took,
            operators,
            truth: None,
            listed: LISTED,
        }))
    }

    fn run(&self, rules: &Arc<RuleSet>, tape: &Tape) -> Result<(maibo_core::backtest::Outcome, Duration), Fault> {
        run(rules, &self.catalogue, tape, || self.is_late()).map_err(|error| match error {
            RunError::Stopped => late(),
            RunError::Backtest(maibo_core::backtest::BacktestError::TooManyEpisodes) => {
                Fault::bad_request(error.to_string())
            }
            RunError::Backtest(error) => Fault::internal(&error),
        })
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// The server's own history of the devices that the rules are about.
    fn kept(
        &self,
        (from, to): (&str, &str),
        devices: Option<&[String]>,
        sets: &[&RuleSet],
        tape: &mut Tape,
    ) -> Result<(), Fault> {
        let bad = |name: &str| Fault::bad_request(format!("{name}: must be RFC 3339 or milliseconds since 1970"));
        let from = words::parse_time(from).ok_or_else(|| bad("from"))?;
        let to = words::parse_time(to).ok_or_else(|| bad("to"))?;
        if from >= to || to.since(from) > SPAN_MAX {
            return Err(Fault::bad_request("from, to: must be in order and at most 30 days apart"));
        }
        for id in self.devices(devices)? {
            for quantity in judged(&self.catalogue, &id, sets) {
                if self.is_late() {
                    return Err(late());
                }
                self.read(&id, &quantity, (from, to), tape)?;
            }
        }
        Ok(())
    }

    fn read(&self, id: &DeviceId, name: &Quantity, span: (Timestamp, Timestamp), tape: &mut Tape) -> Result<(), Fault> {
        let most = (READINGS_MAX - tape.len()).min(SERIES_MAX);
        let found = self.series.raw(id, name, span.0, span.1, most).map_err(|e| Fault::internal(&e))?;
        let found = found.ok_or_else(|| {
            Fault::bad_request(format!(
                "from, to: more than {READINGS_MAX} readings lie between them (or {SERIES_MAX} of one series); ask for a \
                 shorter span or for fewer devices"
            ))
        })?;
        for (t, value) in found {
            keep(tape, (id.as_str(), name), Timestamp(t), value)?.map_err(Fault::bad_request)?;
        }
        Ok(())
    }

    /// The devices asked for, or all that the caller sees.
    fn devices(&self, asked: Option<&[String]>) -> Result<Vec<DeviceId>, Fault> {
        let sees = |id: &DeviceId| self.roster.get(id).is_some_and(|e| self.scope.allows(&e.district, e.domain));
        let found: Vec<DeviceId> = match asked {
            None => self.catalogue.devices().iter().map(|d| d.id.clone()).filter(sees).collect(),
            Some(ids) => {
                let missing = |id: &str| Fault::not_found(format!("devices: there is no `{}`", id.escape_debug()));
                let one = |id: &String| DeviceId::new(id).ok().filter(sees).ok_or_else(|| missing(id));
                ids.iter().take(DEVICES_MAX + 1).map(one).collect::<Result<_, _>>()?
            }
        };
        if found.len() > DEVICES_MAX {
            return Err(Fault::bad_request(format!("devices: more than {DEVICES_MAX}; name those that matter")));
        }
        Ok(found)
    }
}

fn late() -> Fault {
    Fault::unavailable(format!("it takes longer than {} s; ask for less", TIME.as_secs()), 5)
}

/// Compiles the packs of a request.
fn rules(packs: &[api::Pack]) -> Result<RuleSet, Fault> {
    if packs.iter().map(|p| p.text.len()).sum::<usize>() > TEXT_MAX {
        return Err(Fault::bad_request(format!("rules: are longer than {TEXT_MAX} bytes")));
    }
    let texts: Vec<(&str, &str)> = packs.iter().map(|p| (p.name.as_str(), p.text.as_str())).collect();
    let set = RuleSet::compile(&texts).map_err(|problems| {
        let shown: Vec<String> = problems.iter().take(PROBLEMS).map(|p| format!("rules: {p}")).collect();
        Fault::bad_request(shown.join("\n"))
    })?;
    if set.rules.is_empty() { Err(Fault::bad_request("rules: hold no rule")) } else { Ok(set) }
}

/// Takes the readings of a request.
fn given(readings: &[api::BacktestReading], tape: &mut Tape) -> Result<(), Fault> {
    if readings.len() > READINGS_MAX {
        return Err(Fault::bad_request(format!("readings: more than {READINGS_MAX}")));
    }
    for (n, reading) in readings.iter().enumerate() {
        let kept = match quantity::lookup(&reading.quantity).and_then(quantity::QuantitySpec::quantity) {
            Some(name) => match source::plausible(Timestamp(reading.t)) {
                Ok(at) => keep(tape, (&reading.device, &name), at, reading.value)?,
                Err(problem) => Err(problem),
            },
            None => Err(format!("`{}` is not a known quantity", reading.quantity.escape_debug())),
        };
        if let Err(problem) = kept {
            tape.bad("", n as u64 + 1, problem);
        }
    }
    let data = tape.data();
    if data.bad > 0 {
        let shown: Vec<String> =
            data.bad_samples.iter().map(|b| format!("readings[{}]: {}", b.line - 1, b.problem)).collect();
        return Err(Fault::bad_request(format!("{} of the readings are bad:\n{}", data.bad, shown.join("\n"))));
    }
    Ok(())
}

fn keep(
    tape: &mut Tape,
    (device, quantity): (&str, &Quantity),
    at: Timestamp,
    value: f64,
) -> Result<Result<(), String>, Fault> {
    let quality = quantity::lookup(quantity.as_str()).map_or_else(Default::default, |spec| spec.judge(value));
    let measured = Measured { now: at, device, quantity, at, received: at, value, quality, timed: true };
    tape.reading(measured).map_err(|e| Fault::bad_request(e.to_string()))
}

/// What the rules judge of a device; everything where one of them listens for silence.
fn judged(catalogue: &Catalogue, id: &DeviceId, sets: &[&RuleSet]) -> Vec<Quantity> {
    let Some(device) = catalogue.get(id) else { return Vec::new() };
    let about = sets.iter().flat_map(|s| s.about(device).into_iter().filter_map(|n| s.rules.get(n as usize)));
    let mut found = Vec::new();
    for rule in about {
        match &rule.kind {
            // An index is worked out from whatever the station measures.
            RuleKind::Threshold(ladder) if !DERIVED.contains(&ladder.quantity.as_str()) => {
                found.extend(ladder.quantities().cloned());
            }
            RuleKind::Threshold(_) | RuleKind::Absence(_) => {
                found.extend(quantity::all().iter().filter_map(quantity::QuantitySpec::quantity));
            }
            // History keeps no events; a quorum looks at what other rules judge.
            RuleKind::Event(_) | RuleKind::Quorum(_) => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
