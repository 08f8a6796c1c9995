//! What a rule on trial would have told.

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::backtest::RuleSummary;
use maibo_core::engine::Versions;
use maibo_core::id::{RuleId, Version};
use maibo_core::time::{Millis, Timestamp};
use maibo_store::state::{Activation, ActivationOf, PAGE_MAX, SHADOW_EPISODES};

use super::{Fault, HttpState};
use crate::live::{Scope, words};

/// A day.
const DAY: Millis = Millis::from_secs(86_400);
/// Before so much time has passed a number a day says nothing.
const SOON: Millis = Millis::from_secs(60);

/// What a rule would have told since it is on trial. For callers who see every district: episodes are not counted by them.
#[utoipa::path(get, path = "/api/v1/rules/{id}/shadow", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, body = api::ShadowReport), (status = 404, body = api::Problem)))]
pub(super) async fn report(
    State(state): State<HttpState>,
    scope: Scope,
    Path(id): Path<String>,
) -> Result<Json<api::ShadowReport>, Fault> {
    let missing = || Fault::not_found("there is no such rule on trial");
    let rule = RuleId::new(&id).map_err(|_| missing())?;
    let roster = state.picture.roster();
    let told = roster.rules.get(&rule).filter(|r| r.shadow).ok_or_else(missing)?;
    let seen = maibo_core::place::Domain::ALL.into_iter().find(|d| words::domain(*d) == told.domain);
    if scope.districts.is_some() || !seen.is_some_and(|d| scope.allows_domain(d)) {
        return Err(missing());
    }
    // Activations of before they were kept are not known: then it counts from this start on.
    let (versions, wanted, started) = (state.shared.versions.current(), rule.clone(), state.shared.started_at);
    let (since, shadow) = state
        .stored(move |r| {
            let since =
                since(&r.activations(ActivationOf::Rules, None, PAGE_MAX)?, &versions, &wanted).unwrap_or(started);
            Ok((since, r.shadow(&wanted, since)?))
        })
        .await?;
    let until = state.picture.now(state.shared.clock.now()).max(since);
    // What is forgotten is not counted, and neither is the time it lies in.
    let kept_from = shadow.episodes.first().filter(|_| shadow.episodes.len() >= SHADOW_EPISODES).map(|e| e.opened_at);
    let since = kept_from.unwrap_or(since);
    let lasted = until.since(since);
    let days = lasted.0 as f64 / DAY.0 as f64;
    let figures = RuleSummary::of(&rule, &shadow.episodes);
    let mut open = api::LevelCounts::default();
    for level in &shadow.open {
        *open.of(words::level(*level)) += 1;
    }
    Ok(Json(api::ShadowReport {
        since: words::time(since),
        until: words::time(until),
        days: (days * 1_000.0).round() / 1_000.0,
        per_day: (lasted >= SOON).then(|| (figures.episodes as f64 / days * 100.0).round() / 100.0),
        last: shadow.episodes.iter().map(|e| e.opened_at).max().map(words::time),
        figures: crate::backtest::report::rule(&figures),
        open,
    }))
}

/// When the present trial of a rule began: the first of the latest activations in which it is on trial without a break.
fn since(newest_first: &[Activation], versions: &Versions, rule: &RuleId) -> Option<Timestamp> {
    let on_trial = |a: &&Activation| {
        let set = Version::parse(&a.version).and_then(|v| versions.rules(v));
        set.and_then(|set| set.get(rule)).is_some_and(|r| r.shadow)
    };
    newest_first.iter().take_while(on_trial).last().map(|a| Timestamp(a.at))
}
