//! Alerts as a table, one line an episode.

use axum::extract::State;
use axum::response::Response;
use maibo_api as api;
use maibo_core::time::Timestamp;
use maibo_store::state::{AlertFilter, PAGE_MAX};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

use super::{AlertsQuery, filter};
use crate::http::csv::Rows;
use crate::http::extract::{self, Params};
use crate::http::pages::{self, PageError, Pages};
use crate::http::{Fault, HttpState};
use crate::live::follow::Projection;
use crate::live::{Picture, Scope, words};

/// Bytes of a page, about.
const PAGE: usize = 256 * 1024;

/// Parameters of the table of alerts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ExportQuery {
    /// Only episodes that began then or later: RFC 3339 or milliseconds since 1970.
    from: Option<String>,
    /// Only episodes that began before.
    to: Option<String>,
    /// `firing` or `resolved`.
    state: Option<String>,
    /// One of the six domains.
    domain: Option<String>,
    /// District code, six digits.
    district: Option<String>,
    /// `blue`, `yellow`, `orange` or `red`.
    level: Option<String>,
    /// `true` or `false`.
    acknowledged: Option<String>,
    /// Of one device.
    device: Option<String>,
    /// Of one rule.
    rule: Option<String>,
    /// `true`: only drills; without it none, so that they are in nobody's figures.
    drill: Option<String>,
}

/// Alerts as CSV, the latest opened first, one line an episode as it stands now.
#[utoipa::path(get, path = "/api/v1/alerts/export", tag = "alerts", params(ExportQuery),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 400, body = api::Problem),
        (status = 503, body = api::Problem)))]
pub(in crate::http) async fn export(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<ExportQuery>,
) -> Result<Response, Fault> {
    let time = |name: &str, text: &Option<String>| {
        let bad = || Fault::bad_request(format!("{name}: must be RFC 3339 or milliseconds since 1970"));
        text.as_deref().map(|t| words::parse_time(t).ok_or_else(bad)).transpose()
    };
    let span = (time("from", &query.from)?, time("to", &query.to)?);
    let ExportQuery { state: wanted, domain, district, level, acknowledged, device, rule, drill, .. } = query;
    let drill = drill.or_else(|| Some("false".to_owned()));
    let (limit, cursor, after) = (None, None, None);
    let query =
        AlertsQuery { state: wanted, domain, district, level, acknowledged, device, rule, drill, limit, cursor, after };
    let filter = filter(&scope, query)?;
    // What was decided before the question is in the answer.
    extract::wait_for(&state, Some(state.picture.facts()), state.limits.after).await?;
    let (projection, picture) = (state.projection.clone(), Arc::clone(&state.picture));
    let left = filter.map(|filter| (filter, None));
    pages::table(&state, "alerts", Alerts { projection, picture, left, span, headed: false })
}

/// The alerts, from where the last page ended.
struct Alerts {
    projection: Projection,
    picture: Arc<Picture>,
    /// The filter and the cursor; `None` behind the last page, and where the caller may see none.
    left: Option<(AlertFilter, Option<u64>)>,
    span: (Option<Timestamp>, Option<Timestamp>),
    headed: bool,
}

const HEAD: [&str; 30] = [
    "id",
    "rule",
    "title zh",
    "title en",
    "domain",
    "level",
    "peak level",
    "state",
    "data",
    "subject kind",
    "subject",
    "device",
    "device name",
    "place",
    "place name zh",
    "place name en",
    "district",
    "quantity",
    "value",
    "threshold",
    "unit",
    "started",
    "updated",
    "resolved",
    "duration [s]",
    "acknowledged by",
    "acknowledged",
    "assigned to",
    "historic",
    "version",
];

impl Pages for Alerts {
    fn next(&mut self) -> Result<Option<Vec<u8>>, PageError> {
        let mut rows = Rows::default();
        if !std::mem::replace(&mut self.headed, true) {
            for name in HEAD {
                rows.text(name);
            }
            rows.end();
        } else if self.left.is_none() {
            return Ok(None);
        }
        while let Some((filter, before)) = self.left.take() {
            let some = self.projection.read(|r| r.alerts(&filter, before, PAGE_MAX))?;
            let within = |t: Timestamp| self.span.0.is_none_or(|f| t >= f) && self.span.1.is_none_or(|to| t < to);
            for row in some.iter().filter(|row| within(row.alert.started_at)) {
                let lasted = row.alert.resolved_at.map(|end| end.since(row.alert.started_at).0);
                line(&mut rows, &self.picture.shown(&row.alert), lasted);
            }
            if let Some(last) = some.last().filter(|_| some.len() == PAGE_MAX) {
                self.left = Some((filter, Some(last.opened)));
            }
            if rows.len() >= PAGE {
                break;
            }
        }
        Ok(Some(rows.into_bytes()))
    }
}

fn line(rows: &mut Rows, a: &api::Alert, lasted: Option<i64>) {
    let place = a.place_name.as_ref();
    rows.text(&a.id).text(&a.rule).text(&a.title.zh).text(&a.title.en);
    rows.text(&word(&a.domain)).text(&word(&a.level)).text(&word(&a.peak_level)).text(&word(&a.state));
    rows.text(&word(&a.data)).text(&word(&a.subject.kind)).text(&a.subject.id);
    rows.maybe(a.device.as_deref()).maybe(a.device_name.as_deref()).maybe(a.place.as_deref());
    rows.maybe(place.map(|p| p.zh.as_str())).maybe(place.map(|p| p.en.as_str()));
    rows.maybe(a.district.as_deref()).maybe(a.quantity.as_deref());
    for number in [a.value, a.threshold] {
        match number {
            Some(n) => rows.plain(n),
            None => rows.plain(""),
        };
    }
    rows.maybe(a.unit.as_deref()).plain(&a.started_at).plain(&a.updated_at).maybe(a.resolved_at.as_deref());
    match lasted {
        Some(ms) => rows.plain(ms as f64 / 1_000.0),
        None => rows.plain(""),
    };
    rows.maybe(a.acknowledged.as_ref().map(|w| w.by.as_str())).maybe(a.acknowledged.as_ref().map(|w| w.at.as_str()));
    rows.maybe(a.assigned.as_ref().map(|w| w.to.as_str())).plain(a.historic).plain(a.version).end();
}

/// The word under which a value of a closed set goes in the interface.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
