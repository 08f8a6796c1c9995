//! Rules brought by a request: checked as a whole, put on record, and in force in every partition from one input on.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use maibo_api as api;
use maibo_core::id::Version;
use maibo_core::input::Input;
use maibo_core::registry::misfits;
use maibo_core::rule::RuleSet;
use maibo_store::state::ActivationOf;

use super::extract::{Caller, Raw};
use super::rule_versions::difference;
use super::{Fault, HttpState};
use crate::live::Scope;
use crate::pipeline::Work;
use crate::versions::{Kind, Packs, compile_rules};

/// Longest body, in bytes.
const BODY_MAX: usize = 1 << 20;
/// Rule sets kept, each compiled in memory because a replay may need it: what a person brings by hand in years.
pub(super) const RULE_SETS_MAX: usize = 1_000;
/// Longest note, in characters.
pub(super) const NOTE_MAX: usize = 1_000;
/// Between two looks whether the picture has it.
const LOOK: Duration = Duration::from_millis(10);

/// Puts a rule set in force, all of it or nothing: with one mistake in one pack what is in force stays.
#[utoipa::path(post, path = "/api/v1/rules", tag = "rules", request_body = api::RulesUpload,
    params(("Maibo-Actor" = Option<String>, Header, description = "who; `operator` by default")),
    responses((status = 200, body = api::RulesActivated), (status = 400, body = api::Problem),
        (status = 403, body = api::Problem), (status = 413, body = api::Problem),
        (status = 422, body = api::Problem), (status = 503, body = api::Problem)))]
pub(super) async fn upload(
    State(state): State<HttpState>,
    scope: Scope,
    Caller(actor): Caller,
    Raw(body): Raw<BODY_MAX>,
) -> Result<Json<api::RulesActivated>, Fault> {
    if !scope.is_everything() {
        return Err(Fault::forbidden("rules are about the whole city; only who sees all of it may bring them"));
    }
    // One at a time: what is compared with what is in force is in force until this one is.
    let turn = Arc::clone(&state.limits.uploads).try_acquire_owned();
    let _turn = turn.map_err(|_| Fault::unavailable("other rules or plans are just being brought", 1))?;
    let ask: api::RulesUpload = serde_json::from_slice(&body).map_err(|e| Fault::bad_request(format!("body: {e}")))?;
    if ask.note.chars().count() > NOTE_MAX {
        return Err(Fault::invalid(format!("note: is longer than {NOTE_MAX} characters")));
    }
    let shared = Arc::clone(&state.shared);
    let packs: Packs = ask.packs.into_iter().map(|p| (p.name, p.text)).collect();
    let (packs, set) = state.blocking(move || check(packs, &shared.catalogue())).await??;
    let known = state.shared.versions.current();
    if known.rule_sets() >= state.limits.rule_sets && known.rules(set.version).is_none() {
        let most = state.limits.rule_sets;
        return Err(Fault::invalid(format!(
            "{most} rule sets are kept, and that is the most; one that is kept can be brought again, others by the configured files"
        )));
    }
    let before = known.rules(state.picture.roster().rules_version).cloned();
    let told = api::RulesActivated {
        version: set.version.to_string(),
        activated: !ask.dry_run,
        rules: set.rules.len() as u64,
        shadow: set.shadows().count() as u64,
        difference: difference(&before.unwrap_or_default(), &set),
    };
    if ask.dry_run {
        return Ok(Json(told));
    }
    let (shared, version, by) = (Arc::clone(&state.shared), set.version, actor.clone());
    let keep = move || {
        shared.versions.keep_rules(&packs, &set)?;
        let now = shared.clock.now();
        shared.versions.bring(Kind::Rules, (version, shared.settings.files), &by, &ask.note, now)
    };
    state.blocking(keep).await?.map_err(|e| Fault::internal(&e))?;
    let work = Work::Everywhere(Input::Rules { version, by: Some(actor) });
    state.shared.ingest.urge(work).await.map_err(|_| Fault::unavailable("the pipeline has ended", 5))?;
    in_force(&state, version).await?;
    Ok(Json(told))
}

/// Compiles packs and holds them against the catalogue; all problems are told at once.
fn check(packs: Packs, catalogue: &maibo_core::registry::Catalogue) -> Result<(Packs, Arc<RuleSet>), Fault> {
    let set = compile_rules(&packs).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Fault::invalid(all.join("\n"))
    })?;
    let misfits: Vec<String> = misfits(&set, catalogue).iter().map(ToString::to_string).collect();
    if misfits.is_empty() { Ok((packs, Arc::new(set))) } else { Err(Fault::invalid(misfits.join("\n"))) }
}

/// Waits until the picture and the record have it, and so every read after this answer.
async fn in_force(state: &HttpState, version: Version) -> Result<(), Fault> {
    let look = async {
        loop {
            let last = state.stored(|r| r.activations(ActivationOf::Rules, None, 1)).await?;
            let recorded = last.first().is_some_and(|a| a.version == version.to_string());
            if recorded && state.picture.roster().rules_version == version {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let late = |_| Fault::unavailable("the rules are kept and on their way; they are not in force yet", 1);
    tokio::time::timeout(state.limits.command, look).await.map_err(late)?
}
