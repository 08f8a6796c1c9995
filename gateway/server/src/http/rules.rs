//! Rules in force.

use axum::Json;
use axum::extract::State;
use maibo_api as api;
use maibo_core::id::RuleId;
use maibo_core::place::Domain;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Params};
use super::{Fault, HttpState};
use crate::live::{Scope, words};

/// Parameters of the list of rules.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RulesQuery {
    /// 1 to 1,000, default 100.
    limit: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Rules of the caller's domains by identifier, with the open alerts that the caller sees.
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules", params(RulesQuery),
    responses((status = 200, body = api::Page<api::Rule>), (status = 400, body = api::Problem)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<RulesQuery>,
) -> Result<Json<api::Page<api::Rule>>, Fault> {
    let limit = extract::limit(query.limit.as_deref())?;
    let cursor = query.cursor.as_deref().map(RuleId::new).transpose();
    let after = cursor.map_err(|_| Fault::bad_request("cursor: is not one that this list gave"))?;
    let roster = state.picture.roster();
    let open = state.picture.open_by_rule(&scope);
    // A rule is about a domain; districts are not in it, so that one who sees one district sees the rules of all.
    let domains = Domain::ALL.into_iter().filter(|d| scope.allows_domain(*d)).map(words::domain);
    let domains: Vec<api::Domain> = domains.collect();
    let seen = roster.rules.iter().filter(|(_, rule)| domains.contains(&rule.domain));
    let mut rest = seen.filter(|(id, _)| after.as_ref().is_none_or(|a| *id > a));
    let items: Vec<api::Rule> = rest
        .by_ref()
        .take(limit)
        .map(|(id, rule)| api::Rule { open: open.get(id).copied().unwrap_or(0), ..rule.clone() })
        .collect();
    let next = rest.next().and(items.last().map(|r| r.id.clone()));
    Ok(Json(api::Page { items, next }))
}
