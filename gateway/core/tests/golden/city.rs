//! What the city machine decides of.

use super::*;

pub(super) fn incident() -> Incident {
    let rule = RuleId::new("underpass-waterlogging").expect("id");
    let district = PlaceCode::new("110106").ok();
    let id = IncidentId::derive(&rule, district.as_ref(), T, 1);
    Incident {
        id,
        version: 4,
        state: IncidentState::Closed,
        into: Some(IncidentId::derive(&rule, None, T, 2)),
        rule,
        district,
        domain: Domain::Traffic,
        level: Level::Orange,
        episodes: 9,
        open: 0,
        devices: 7,
        places: PlaceCode::new("110106002").into_iter().collect(),
        historic: false,
        started_at: T,
        opened_at: Timestamp(T.0 + 30_000),
        latest_at: Timestamp(T.0 + 60_000),
    }
}

pub(super) fn maintenance() -> Maintenance {
    Maintenance {
        id: MaintenanceId::derive(&actor(), "device wl-17", "pump", T, 1),
        scope: MaintenanceScope::Device(device()),
        from: T,
        until: Timestamp(T.0 + 3_600_000),
        by: actor(),
        reason: Text::from("pump"),
        state: MaintenanceState::Running,
        ended_by: None,
    }
}
