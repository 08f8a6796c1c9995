//! The rule sets that were in force, who brought them, and what differs between them.

use axum::Json;
use axum::extract::{Path, State};
use maibo_api as api;
use maibo_core::engine::Versions;
use maibo_core::id::{RuleId, Version};
use maibo_core::rule::{RuleDifference, RuleSet};
use maibo_core::time::Timestamp;
use maibo_store::state::{Activation, ActivationOf};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{self, Params};
use super::{Fault, HttpState};
use crate::live::{Scope, words};
use crate::versions::{Brought, FILE, Kind};

/// Parameters of the list of versions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionsQuery {
    /// 1 to 1,000, default 100.
    pub(super) limit: Option<String>,
    /// Where the last page ended.
    pub(super) cursor: Option<String>,
}

/// Activations of rule sets, newest first. For callers who see every domain: a set is about all of them.
#[utoipa::path(get, path = "/api/v1/rules/versions", tag = "rules", params(VersionsQuery),
    responses((status = 200, body = api::Page<api::RuleVersion>), (status = 400, body = api::Problem)))]
pub(super) async fn list(
    State(state): State<HttpState>,
    scope: Scope,
    Params(query): Params<VersionsQuery>,
) -> Result<Json<api::Page<api::RuleVersion>>, Fault> {
    let limit = extract::limit(query.limit.as_deref())?;
    let before = extract::cursor(query.cursor.as_deref())?;
    if scope.domains.is_some() {
        return Ok(Json(api::Page { items: Vec::new(), next: None }));
    }
    // One more than is told: the last one differs from something too.
    let rows = state.stored(move |r| r.activations(ActivationOf::Rules, before, limit + 1)).await?;
    let versions = state.shared.versions.current();
    let in_force = state.picture.roster().rules_version;
    let store = std::sync::Arc::clone(&state.shared.versions);
    let brought = state.blocking(move || store.brought(Kind::Rules)).await?;
    let items: Vec<api::RuleVersion> =
        (0..rows.len().min(limit)).map(|n| told(&rows, n, &versions, &brought, in_force)).collect();
    let next = rows.get(limit).and(rows.get(limit.saturating_sub(1))).map(|row| row.fact.to_string());
    Ok(Json(api::Page { items, next }))
}

fn told(
    rows: &[Activation],
    n: usize,
    versions: &Versions,
    brought: &[Brought],
    in_force: Version,
) -> api::RuleVersion {
    let row = &rows[n];
    let by = Brought::of(brought, row, rows.get(n + 1));
    let set = |row: &Activation| Version::parse(&row.version).and_then(|v| versions.rules(v).cloned());
    let (rules, before) = (set(row), rows.get(n + 1).and_then(set));
    api::RuleVersion {
        version: row.version.clone(),
        activated_at: words::time(Timestamp(row.at)),
        // The record has the name; what was brought before it did, and what a start put in force, is known by the store.
        author: row.actor.as_deref().or(by.map(|b| &*b.author)).unwrap_or(FILE).to_owned(),
        note: by.map(|b| b.note.clone()).filter(|note| !note.is_empty()),
        in_force: row.version == in_force.to_string(),
        rules: rules.as_ref().map(|set| set.rules.len() as u64),
        shadow: rules.as_ref().map(|set| set.shadows().count() as u64),
        difference: before.zip(rules).map(|(before, rules)| difference(&before, &rules)),
    }
}

pub(super) fn difference(before: &RuleSet, after: &RuleSet) -> api::RuleDifference {
    let ids = |list: Vec<RuleId>| list.iter().map(ToString::to_string).collect();
    let RuleDifference { added, removed, changed } = RuleDifference::between(before, after);
    api::RuleDifference { added: ids(added), removed: ids(removed), changed: ids(changed) }
}

/// Parameters of one version.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionQuery {
    /// A version to compare with: what is told is the difference from it.
    pub(super) from: Option<String>,
}

/// The texts of a rule set that was in force.
#[utoipa::path(get, path = "/api/v1/rules/versions/{version}", tag = "rules",
    params(("version" = String, Path), VersionQuery),
    responses((status = 200, body = api::RuleTexts), (status = 404, body = api::Problem)))]
pub(super) async fn one(
    State(state): State<HttpState>,
    scope: Scope,
    Path(version): Path<String>,
    Params(query): Params<VersionQuery>,
) -> Result<Json<api::RuleTexts>, Fault> {
    let missing = || Fault::not_found("there is no such rule set");
    if scope.domains.is_some() {
        return Err(missing());
    }
    let versions = state.shared.versions.current();
    let find = |text: &str| Version::parse(text).and_then(|v| versions.rules(v)).ok_or_else(missing);
    let set = find(&version)?;
    let difference = query.from.as_deref().map(find).transpose()?.map(|from| difference(from, set));
    let (store, number) = (std::sync::Arc::clone(&state.shared.versions), set.version);
    let packs = state.blocking(move || store.packs(number)).await?.map_err(|e| Fault::internal(&e))?;
    let packs = packs.into_iter().map(|(name, text)| api::Pack { name, text }).collect();
    Ok(Json(api::RuleTexts { version, packs, difference }))
}
