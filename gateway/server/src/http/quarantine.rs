//! Rejected messages, the last thousand.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use maibo_api as api;
use maibo_core::decode::Sample;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Params};
use super::{Fault, HttpState};
use crate::live::{Scope, words};
use crate::quarantine::Entry;

/// Parameters of the list of rejections.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct QuarantineQuery {
    /// Of one format.
    format: Option<String>,
    /// For one reason.
    reason: Option<String>,
    /// 1 to 1,000, default 100.
    limit: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Rejections, newest first.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "quarantine", params(QuarantineQuery),
    responses((status = 200, body = api::Page<api::QuarantineEntry>), (status = 400, body = api::Problem)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<QuarantineQuery>,
) -> Result<Json<api::Page<api::QuarantineEntry>>, Fault> {
    let limit = extract::limit(query.limit.as_deref())?;
    let before = extract::cursor(query.cursor.as_deref())?.unwrap_or(u64::MAX);
    // What could not be read belongs to no district and no domain that anybody could name, and its sample may be from any
    // of them. It cannot be filtered, so it is for those who may see everything.
    let entries = if scope.is_everything() { state.shared.quarantine.list() } else { Vec::new() };
    let mut rest = entries.iter().filter(|e| {
        e.id < before
            && query.format.as_ref().is_none_or(|f| e.format == f)
            && query.reason.as_ref().is_none_or(|r| e.reason == r)
    });
    let page: Vec<&Entry> = rest.by_ref().take(limit).collect();
    let next = rest.next().and(page.last().map(|e| e.id.to_string()));
    Ok(Json(api::Page { items: page.into_iter().map(entry).collect(), next }))
}

fn entry(e: &Entry) -> api::QuarantineEntry {
    let (sample, sha256) = match &e.sample {
        Some(Sample::Redacted(text)) => (Some(text.clone()), None),
        Some(Sample::HashOnly(hash)) => (None, Some(hex(hash))),
        None => (None, None),
    };
    api::QuarantineEntry {
        id: e.id.to_string(),
        at: words::time(e.at),
        source: e.source.to_string(),
        topic: e.topic.clone(),
        format: e.format.to_owned(),
        reason: e.reason.to_owned(),
        detail: e.detail.clone(),
        sample,
        sha256,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
