//! The OpenAPI document: every handler's path, every type's schema.

use std::sync::OnceLock;

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi;

use super::{
    acknowledge, acts, alarms, alerts, answer, backtest, deliveries, devices, drills, health, incidents, index,
    maintenance, places, plan_versions, plans, quarantine, receivers, rule_versions, rules, series, shadow, status,
    timeline, upload, view,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Maibo", description = "A city's sensing and operations gateway."),
    paths(
        health::healthz,
        health::readyz,
        health::metrics,
        document,
        status::status,
        places::domains,
        places::places,
        places::districts,
        devices::list,
        devices::one,
        series::series,
        series::export::export,
        alerts::list,
        alerts::export::export,
        alerts::one,
        timeline::timeline,
        acknowledge::acknowledge,
        index::index,
        index::explain,
        incidents::list,
        incidents::one,
        acts::assign,
        acts::comment,
        acts::silence,
        acts::unsilence,
        acts::close,
        acts::feedback,
        answer::entered::enter,
        answer::show,
        answer::take,
        alarms::cap,
        alarms::post,
        alarms::get,
        maintenance::list,
        maintenance::plan,
        maintenance::end,
        drills::list,
        drills::open,
        deliveries::list,
        deliveries::replay,
        deliveries::dismiss,
        receivers::list,
        receivers::test,
        plan_versions::list,
        plan_versions::one,
        plan_versions::upload,
        plans::list,
        plans::runs,
        plans::simulate,
        quarantine::list,
        rules::list,
        upload::upload,
        rule_versions::list,
        rule_versions::one,
        shadow::report,
        backtest::backtest,
        view::devices,
        view::snapshot,
    )
)]
struct Document;

/// The document with every schema.
pub(super) fn build() -> utoipa::openapi::OpenApi {
    let mut document = maibo_api::Schemas::openapi();
    document.info = Document::openapi().info;
    document.merge(Document::openapi());
    document
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "status", responses((status = 200, body = Object)))]
pub(super) async fn document() -> impl IntoResponse {
    // Fixed at compile time: built once.
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| serde_json::to_string(&build()).unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json")], text.as_str())
}
