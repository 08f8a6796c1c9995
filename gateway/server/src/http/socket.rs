//! `/ws`: from the upgrade to the live session.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::serve::Held;
use super::{Fault, HttpState, guard};
use crate::live::{Scope, client};

/// Live clients at a time; one more is told to come back later.
pub const CLIENTS_MAX: usize = 500;

/// Takes a client in.
pub(super) async fn upgrade(
    State(state): State<HttpState>,
    scope: Scope,
    headers: HeaderMap,
    held: Option<Extension<Held>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Fault> {
    if !guard::same_origin(&headers) {
        return Err(Fault::forbidden("live frames are for this server's own page"));
    }
    let upgrade = upgrade.map_err(|e| Fault::bad_request(e.body_text()))?;
    let permit = Arc::clone(&state.limits.clients).try_acquire_owned();
    // The session holds the limit itself and closes with a reason; this only bounds memory.
    let upgrade = upgrade.max_message_size(4 * client::INBOUND_MAX).max_frame_size(4 * client::INBOUND_MAX);
    Ok(upgrade.on_upgrade(async move |socket| {
        let _held = held;
        let Ok(_permit) = permit else {
            client::refuse(socket).await;
            return;
        };
        let gauge = state.shared.metrics.live_clients.clone();
        gauge.inc();
        client::serve(socket, &state.picture, &scope, &state.shared.clock, state.limits.client, &state.stop).await;
        gauge.dec();
    }))
}
