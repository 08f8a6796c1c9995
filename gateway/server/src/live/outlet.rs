//! A view from outside: its frames, its last heartbeat, its last snapshot, all to be had without the picture's lock.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use maibo_api as api;
use maibo_core::place::Domain;
use maibo_core::time::Timestamp;

use super::hub::Hub;
use super::index::{Group, Sight};
use super::model::Shot;
use super::view::{Scope, View, encode};

/// What a heartbeat is made of, as of one moment.
pub(super) struct Beat {
    pub(super) now: Timestamp,
    pub(super) sight: Sight,
    pub(super) sources: Vec<api::Source>,
    /// Readings a second; alerts opened in ten minutes.
    pub(super) rates: (f64, u64),
    pub(super) evaluating: bool,
}

/// One view.
pub(super) struct Outlet {
    pub(super) id: &'static str,
    /// Who sees less than this may not have the view.
    pub(super) scope: Arc<Scope>,
    pub(super) hub: Arc<Hub>,
    heartbeat: Mutex<Option<api::Heartbeat>>,
    /// The snapshot that was encoded last, with its sequence number.
    shot: Mutex<Option<(u64, Bytes)>>,
}

impl Outlet {
    pub(super) fn of(view: &View) -> Self {
        Self {
            id: view.id,
            scope: Arc::clone(&view.scope),
            hub: Arc::clone(&view.hub),
            heartbeat: Mutex::default(),
            shot: Mutex::default(),
        }
    }

    /// Publishes a heartbeat.
    pub(super) fn beat(&self, beat: &Beat) {
        let tally = beat.sight.tally(&self.scope);
        let score = |(domain, group): (&Domain, &Group)| {
            (domain.as_str().to_owned(), api::Score { index: group.index, coverage: group.coverage() })
        };
        let district = |(code, g): (&String, &Group)| {
            (code.clone(), api::DistrictState { devices: g.devices, online: g.online, open: g.open })
        };
        let heartbeat = api::Heartbeat {
            s: self.hub.seq(),
            ts: beat.now.0,
            rate: beat.rates.0,
            devices: tally.devices,
            online: tally.online,
            sources: beat.sources.clone(),
            index: api::Indices {
                city: tally.index,
                coverage: tally.coverage(),
                domains: tally.domains.iter().map(score).collect(),
            },
            districts: tally.districts.iter().map(district).collect(),
            alarm_rate_10min: beat.rates.1,
            evaluating: beat.evaluating,
        };
        *self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner) = Some(heartbeat.clone());
        let seq = heartbeat.s;
        self.hub.heartbeat(seq, encode(&api::ServerFrame::Hb(heartbeat)));
    }

    /// The snapshot as JSON: what was made last, as long as nothing was published since, else a new one of what `copy`
    /// gives.
    ///
    /// One is made at a time. Who asks meanwhile waits, and gets it if it is recent enough for him; a crowd that comes
    /// back at once costs the picture one copy.
    pub(super) fn snapshot(&self, copy: impl FnOnce() -> Option<Shot>) -> Option<Bytes> {
        let wanted = self.hub.seq();
        let mut last = self.shot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = last.as_ref().filter(|(seq, _)| *seq >= wanted) {
            return Some(bytes.clone());
        }
        let shot = copy()?;
        let heartbeat = self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let snapshot = shot.snapshot(&self.scope, self.hub.epoch(), heartbeat);
        let bytes = Bytes::from(serde_json::to_vec(&snapshot).unwrap_or_default());
        *last = Some((snapshot.seq, bytes.clone()));
        Some(bytes)
    }
}
