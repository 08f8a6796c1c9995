//! The staged day of the demonstration.
//!
//! The first act is on within seconds, so that whoever opens the page has something to acknowledge. Then a new act
//! begins every 55 s and lasts two to six minutes, touching one or two devices: one or two new alerts a minute and
//! about a dozen open. Twice an hour something larger happens, touching ten devices at most.

use super::{Act, ActKind};
use crate::city::{DISTRICTS, District, district};
use crate::noise::{below, hash, unit};

/// After this it begins again.
const CYCLE_MS: i64 = 3_600_000;
const SPACING_MS: i64 = 55_000;
const SHORTEST_MS: i64 = 110_000;
const LONGEST_MS: i64 = 360_000;

/// What the small acts are.
const SMALL: [ActKind; 8] = [
    ActKind::GasLeak,
    ActKind::CrowdSurge,
    ActKind::TrafficAccident,
    ActKind::ManholeShift,
    ActKind::PipeBurst,
    ActKind::Fire,
    ActKind::Cloudburst,
    ActKind::HeavyPollution,
];

/// The acts and the length of the cycle.
pub(super) fn acts(seed: u64) -> (Vec<Act>, i64) {
    let mut acts = opening();
    let mut from = SPACING_MS;
    let mut n = 0;
    while from + SHORTEST_MS < CYCLE_MS {
        acts.push(small(hash(&[seed, n]), n, from));
        n += 1;
        from += SPACING_MS;
    }
    for (code, kind, from, devices) in [
        ("110105", ActKind::Cloudburst, 600_000, 10),
        ("110108", ActKind::HeavyPollution, 1_500_000, 6),
        ("110106", ActKind::CabinetPowerCut, 2_100_000, 4),
        ("110112", ActKind::Cloudburst, 2_700_000, 8),
    ] {
        if let Some(district) = district(code) {
            let mut act = Act::new(kind, district, from);
            (act.lasting_ms, act.ramp_ms, act.devices) = (480_000, 90_000, devices);
            acts.push(act);
        }
    }
    (acts, CYCLE_MS)
}

/// On in seconds: one leak, one fire, one flooded underpass, in three districts.
fn opening() -> Vec<Act> {
    let plan = [
        ("110105", ActKind::GasLeak, 1000, 300_000, 0.7),
        ("110108", ActKind::Fire, 3000, 240_000, 1.0),
        ("110106", ActKind::Cloudburst, 4000, 330_000, 0.7),
    ];
    plan.into_iter()
        .filter_map(|(code, kind, from_ms, lasting_ms, peak)| {
            let district = district(code)?;
            Some(Act { kind, district, from_ms, lasting_ms, ramp_ms: 2000, peak, devices: 1 })
        })
        .collect()
}

/// The weakest act of a kind that still reaches a warning level.
const fn mildest(kind: ActKind) -> f64 {
    match kind {
        ActKind::Cloudburst => 0.2,
        ActKind::HeavyPollution | ActKind::GasLeak | ActKind::ManholeShift => 0.3,
        ActKind::CrowdSurge => 0.45,
        ActKind::TrafficAccident => 0.65,
        ActKind::PipeBurst => 0.75,
        ActKind::CabinetPowerCut | ActKind::Fire => 1.0,
    }
}

fn small(h: u64, n: u64, from_ms: i64) -> Act {
    // Every kind in turn, so that no domain stays dark for long; where is chance.
    let kind = SMALL[(n as usize) % SMALL.len()];
    let place: &'static District = &DISTRICTS[below(hash(&[h, 1]), DISTRICTS.len() as u64) as usize];
    let mut act = Act::new(kind, place, from_ms);
    act.lasting_ms = SHORTEST_MS + below(hash(&[h, 2]), (LONGEST_MS - SHORTEST_MS) as u64) as i64;
    // No act may hang over the end of the cycle.
    act.lasting_ms = act.lasting_ms.min(CYCLE_MS - 1 - from_ms);
    act.ramp_ms = act.ramp_ms.min(20_000);
    let least = mildest(kind);
    act.peak = least + (1.0 - least) * unit(hash(&[h, 3]));
    act.devices = if kind == ActKind::TrafficAccident { 2 } else { 1 + below(hash(&[h, 4]), 3) as usize / 2 };
    act
}
