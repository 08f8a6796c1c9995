//! Readings over time.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::id::{DeviceId, Quantity};
use maibo_core::time::{Millis, Timestamp};
use maibo_store::history::{HistoryReader, RAW_MAX};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Params;
use super::{Fault, HttpState, devices};
use crate::live::{Picture, Scope, words};

pub mod export;

/// Points where the caller does not say.
const POINTS: usize = 300;
/// Most points.
pub const POINTS_MAX: usize = 5_000;
/// Most raw readings of one answer: what history gives at once.
pub const READINGS_MAX: usize = RAW_MAX;
/// Span where the caller does not say.
const SPAN: Millis = Millis(3_600_000);

/// One bucket: begin, lowest, mean, highest, count.
pub type Bucket = (i64, f64, f64, f64, u64);

/// Readings could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read a series")]
pub struct SeriesError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// One reading as it is exported.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// Event time, ms.
    pub t: i64,
    /// In the quantity's canonical unit, finite.
    pub value: f64,
    /// Its quality's word, empty where that is not known.
    pub quality: &'static str,
}

/// Some readings of many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Oldest first.
    pub readings: Vec<Exported>,
    /// Where to go on; `None` where these were the last.
    pub next: Option<Timestamp>,
}

/// Where readings over time come from. Called where it may block.
pub trait SeriesSource: Send + Sync {
    /// Readings with `from <= time < to`, oldest first; `None` where there are more than `limit`, which is at most
    /// [`READINGS_MAX`]. A series nobody knows is empty.
    ///
    /// # Errors
    /// Where the source cannot be read.
    fn raw(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Option<Vec<(i64, f64)>>, SeriesError>;

    /// The first of the same readings, about `limit` of them, and where to go on.
    ///
    /// # Errors
    /// Where the source cannot be read.
    fn page(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Page, SeriesError>;

    /// The same in `points` buckets of equal width; empty buckets are left out.
    ///
    /// # Errors
    /// Where the source cannot be read.
    fn buckets(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        points: usize,
    ) -> Result<Vec<Bucket>, SeriesError>;
}

/// The last readings, from memory: what there is before history is open, and in tests.
pub struct Recent(pub Arc<Picture>);

impl SeriesSource for Recent {
    fn raw(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Option<Vec<(i64, f64)>>, SeriesError> {
        let mut points = self.0.recent(device, quantity.as_str()).unwrap_or_default();
        points.retain(|(at, _)| (from.0..to.0).contains(at));
        Ok((points.len() <= limit).then_some(points))
    }

    fn page(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        _limit: usize,
    ) -> Result<Page, SeriesError> {
        let points = self.raw(device, quantity, from, to, usize::MAX)?.unwrap_or_default();
        let readings = points.into_iter().map(|(t, value)| Exported { t, value, quality: "" }).collect();
        Ok(Page { readings, next: None })
    }

    fn buckets(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        points: usize,
    ) -> Result<Vec<Bucket>, SeriesError> {
        let raw = self.0.recent(device, quantity.as_str()).unwrap_or_default();
        Ok(gather(&raw, from, to, points))
    }
}

/// The history database: what is sealed, and what is still in memory.
pub struct Kept(pub HistoryReader);

impl SeriesSource for Kept {
    fn raw(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Option<Vec<(i64, f64)>>, SeriesError> {
        let answer = self.0.raw(device, quantity, from, to, limit).map_err(|e| SeriesError(Box::new(e)))?;
        let finite = answer.items.iter().filter(|s| s.value.is_finite()).map(|s| (s.t, s.value));
        Ok((!answer.more).then(|| finite.collect()))
    }

    fn page(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Page, SeriesError> {
        let answer = self.0.raw(device, quantity, from, to, limit).map_err(|e| SeriesError(Box::new(e)))?;
        let last = answer.items.last().filter(|_| answer.more);
        let next = last.map(|s| Timestamp(s.t.saturating_add(1)));
        let finite = answer.items.iter().filter(|s| s.value.is_finite());
        let exported = finite.map(|s| Exported { t: s.t, value: s.value, quality: s.quality.as_str() });
        Ok(Page { readings: exported.collect(), next })
    }

    fn buckets(
        &self,
        device: &DeviceId,
        quantity: &Quantity,
        from: Timestamp,
        to: Timestamp,
        points: usize,
    ) -> Result<Vec<Bucket>, SeriesError> {
        let answer = self.0.range(device, quantity, from, to, points).map_err(|e| SeriesError(Box::new(e)))?;
        Ok(answer.items.iter().map(|p| (p.t.0, p.min, p.mean, p.max, p.count)).collect())
    }
}

/// Gathers sorted readings into buckets of equal width.
pub fn gather(raw: &[(i64, f64)], from: Timestamp, to: Timestamp, points: usize) -> Vec<Bucket> {
    let span = i128::from(to.0) - i128::from(from.0);
    let points = points.max(1) as i128;
    let mut buckets: Vec<Bucket> = Vec::new();
    let mut last = -1;
    for (at, value) in raw.iter().filter(|(at, _)| (from.0..to.0).contains(at)) {
        let n = (i128::from(*at) - i128::from(from.0)) * points / span;
        match buckets.last_mut() {
            Some((_, low, sum, high, count)) if n == last => {
                *low = low.min(*value);
                *sum += value;
                *high = high.max(*value);
                *count += 1;
            }
            _ => {
                // The first millisecond that falls into bucket n.
                let begin = i128::from(from.0) + (n * span + points - 1) / points;
                buckets.push((i64::try_from(begin).unwrap_or(from.0), *value, *value, *value, 1));
                last = n;
            }
        }
    }
    for (_, _, sum, _, count) in &mut buckets {
        *sum /= *count as f64;
    }
    buckets
}

/// Parameters of a series.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SeriesQuery {
    /// RFC 3339 or milliseconds since 1970; an hour before `to` where it is left out.
    from: Option<String>,
    /// RFC 3339 or milliseconds since 1970; now where it is left out.
    to: Option<String>,
    /// Number of buckets, at most 5,000, default 300; 0 for raw readings, of which there may be 100,000 in the span.
    points: Option<String>,
}

/// One quantity of one device over time.
#[utoipa::path(get, path = "/api/v1/devices/{id}/series/{quantity}", tag = "devices",
    params(("id" = String, Path), ("quantity" = String, Path), SeriesQuery),
    responses((status = 200, body = api::Series), (status = 400, body = api::Problem),
        (status = 404, body = api::Problem)))]
pub(super) async fn series(
    State(state): State<HttpState>,
    scope: Scope,
    Path((id, quantity)): Path<(String, String)>,
    Params(query): Params<SeriesQuery>,
) -> Result<Json<api::Series>, Fault> {
    let (device, _) = devices::find(&state, &scope, &id)?;
    let quantity = known(&quantity)?;
    let now = state.picture.now(state.shared.clock.now());
    let to = time("to", query.to.as_deref())?.unwrap_or(now + Millis(1));
    let from = time("from", query.from.as_deref())?.unwrap_or(to - SPAN);
    if from >= to {
        return Err(Fault::bad_request("from: must be before to"));
    }
    let points = query.points.as_deref().map_or(Some(POINTS), |p| p.parse().ok().filter(|n| *n <= POINTS_MAX));
    let points = points.ok_or_else(|| Fault::bad_request(format!("points: must be 0 to {POINTS_MAX}")))?;
    let unit = words::unit(&quantity).to_owned();
    let name = quantity.to_string();
    let source = Arc::clone(&state.series);
    let read = move || match points {
        0 => source.raw(&device, &quantity, from, to, READINGS_MAX).map(|raw| raw.map(api::Points::Raw)),
        n => source.buckets(&device, &quantity, from, to, n).map(|buckets| Some(api::Points::Buckets(buckets))),
    };
    match state.blocking(read).await?.map_err(|e| Fault::internal(&e))? {
        Some(points) => Ok(Json(api::Series { quantity: name, unit, points })),
        None => Err(Fault::bad_request(format!(
            "from, to: more than {READINGS_MAX} readings lie between them; ask for a shorter span, or for points=1 to \
             {POINTS_MAX}"
        ))),
    }
}

/// A quantity by its name.
fn known(name: &str) -> Result<Quantity, Fault> {
    let known = Quantity::new(name).ok().filter(|q| maibo_core::reading::quantity::lookup(q.as_str()).is_some());
    known.ok_or_else(|| Fault::not_found("there is no such quantity"))
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Fault> {
    let bad = || Fault::bad_request(format!("{name}: must be RFC 3339 or milliseconds since 1970"));
    text.map(|t| words::parse_time(t).ok_or_else(bad)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: buckets are of equal width, keep lowest, mean, highest and count, leave gaps as gaps, and end before `to`.
    #[test]
    fn buckets() {
        let raw = [(0, 1.0), (9, 3.0), (10, 5.0), (39, 7.0), (40, 9.0)];
        let all = gather(&raw, Timestamp(0), Timestamp(40), 4);
        assert_eq!(all, [(0, 1.0, 2.0, 3.0, 2), (10, 5.0, 5.0, 5.0, 1), (30, 7.0, 7.0, 7.0, 1)]);
        // More buckets than milliseconds, and the widest span there is.
        assert_eq!(gather(&raw, Timestamp(0), Timestamp(40), 5_000).len(), 4);
        assert_eq!(gather(&raw, Timestamp(i64::MIN), Timestamp(i64::MAX), 5_000).len(), 1);
    }
}
