//! All readings of a series, however many.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maibo_api as api;
use maibo_core::id::{DeviceId, Quantity};
use maibo_core::time::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{SeriesSource, known, time};
use crate::http::csv::Rows;
use crate::http::extract::Params;
use crate::http::pages::{self, PageError, Pages};
use crate::http::{Fault, HttpState, devices};
use crate::live::{Scope, words};

/// Readings of one page.
pub const PAGE: usize = 5_000;

/// Parameters of an export.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ExportQuery {
    /// RFC 3339 or milliseconds since 1970; from the first reading where it is left out.
    from: Option<String>,
    /// RFC 3339 or milliseconds since 1970; to the last reading where it is left out.
    to: Option<String>,
}

/// Every reading of one quantity of one device as CSV, oldest first: device, quantity, time, value, quality.
#[utoipa::path(get, path = "/api/v1/devices/{id}/series/{quantity}/export", tag = "devices",
    params(("id" = String, Path), ("quantity" = String, Path), ExportQuery),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem), (status = 503, body = api::Problem)))]
pub(in crate::http) async fn export(
    State(state): State<HttpState>,
    scope: Scope,
    Path((id, quantity)): Path<(String, String)>,
    Params(query): Params<ExportQuery>,
) -> Result<Response, Fault> {
    let (device, _) = devices::find(&state, &scope, &id)?;
    let quantity = known(&quantity)?;
    let from = time("from", query.from.as_deref())?.unwrap_or(Timestamp(i64::MIN));
    let to = time("to", query.to.as_deref())?.unwrap_or(Timestamp(i64::MAX));
    if from >= to {
        return Err(Fault::bad_request("from: must be before to"));
    }
    let name = format!("{device}_{quantity}");
    let source = Arc::clone(&state.series);
    pages::table(&state, &name, Readings { source, device, quantity, next: Some(from), to, headed: false })
}

/// The readings, from where the last page ended.
struct Readings {
    source: Arc<dyn SeriesSource>,
    device: DeviceId,
    quantity: Quantity,
    /// `None` behind the last page.
    next: Option<Timestamp>,
    to: Timestamp,
    headed: bool,
}

impl Pages for Readings {
    fn next(&mut self) -> Result<Option<Vec<u8>>, PageError> {
        let Some(from) = self.next else { return Ok(None) };
        let mut rows = Rows::default();
        if !std::mem::replace(&mut self.headed, true) {
            let unit = words::unit(&self.quantity);
            rows.text("device").text("quantity").text("time").text(&format!("value [{unit}]")).text("quality").end();
        }
        let page = self.source.page(&self.device, &self.quantity, from, self.to, PAGE)?;
        for reading in page.readings {
            rows.text(self.device.as_str()).text(self.quantity.as_str());
            rows.plain(words::time(Timestamp(reading.t))).plain(reading.value).text(reading.quality).end();
        }
        self.next = page.next;
        Ok(Some(rows.into_bytes()))
    }
}
