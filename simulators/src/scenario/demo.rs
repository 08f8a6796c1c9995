//! The staged day of the demonstration: lively, credible, and no alarm flood.
//!
//! It opens with [`opening`]: three acts within seconds, so that whoever opens the page has something to acknowledge,
//! and eleven within three minutes, in all six domains. They end one by one while the daily round takes over: every
//! [`SPACING_MS`] an alert of an act that one device notices and that lasts about a quarter of an hour, which makes about
//! fifteen open alerts and eight new ones in ten minutes (EEMUA 191 calls ten a flood). Three times an hour something larger
//! takes the place of three small acts. After an hour the round begins again, without a break.

use super::{Act, ActKind};
use crate::city::{DISTRICTS, District, district};
use crate::noise::{below, hash, unit};

/// After this the round begins again.
const CYCLE_MS: i64 = 3_600_000;
/// Acts of a round, large ones counted as [`LARGE_DEVICES`].
const SLOTS: i64 = 48;
const SPACING_MS: i64 = CYCLE_MS / SLOTS;
/// When the round begins.
const ROUND_MS: i64 = 200_000;
/// A large act is noticed by so many devices, and takes so many slots.
const LARGE_DEVICES: usize = 3;
/// One act in so many slots is large.
const LARGE_EVERY: i64 = 16;
/// The staged acts come up faster than real ones, at most this slowly.
const SLOWEST_RAMP_MS: i64 = 45_000;

/// What the small acts are, in turn, neighbours in different domains.
const SMALL: [ActKind; 14] = [
    ActKind::GasLeak,
    ActKind::CrowdSurge,
    ActKind::TrafficAccident,
    ActKind::Gale,
    ActKind::HeavyPollution,
    ActKind::ManholeShift,
    ActKind::ChlorineLoss,
    ActKind::Cloudburst,
    ActKind::Fire,
    ActKind::LoudSite,
    ActKind::PipeBurst,
    ActKind::TurbidWater,
    ActKind::Gale,
    ActKind::RiverSpill,
];

/// What the large acts are, in turn.
const LARGE: [ActKind; 3] = [ActKind::Cloudburst, ActKind::HeavyPollution, ActKind::CabinetPowerCut];

/// All acts: the opening once, the round for ever.
pub(super) fn acts(seed: u64) -> Vec<Act> {
    let mut acts = opening();
    let (mut slot, mut small, mut large) = (0, 0, 0);
    while slot < SLOTS {
        let h = hash(&[seed, slot.cast_unsigned()]);
        let from = ROUND_MS + slot * SPACING_MS;
        if slot >= LARGE_EVERY * large as i64 + LARGE_EVERY / 2 {
            let mut act = staged(LARGE[large % LARGE.len()], h, from);
            act.devices = LARGE_DEVICES;
            acts.push(act);
            large += 1;
            slot += LARGE_DEVICES as i64;
        } else {
            let kind = SMALL[small % SMALL.len()];
            acts.push(staged(kind, h, from));
            small += 1;
            slot += alerts(kind);
        }
    }
    acts
}

/// District, kind, begin and duration in seconds, strength. They end one by one between the fourth and the sixteenth minute.
const OPENING: [(&str, ActKind, i64, i64, f64); 11] = [
    ("110105", ActKind::GasLeak, 1, 760, 0.6),
    ("110108", ActKind::Fire, 3, 240, 1.0),
    ("110106", ActKind::Cloudburst, 4, 660, 0.68),
    ("110102", ActKind::ManholeShift, 14, 420, 0.3),
    ("110119", ActKind::Gale, 20, 520, 0.65),
    ("110101", ActKind::CrowdSurge, 45, 340, 0.4),
    ("110112", ActKind::ChlorineLoss, 50, 580, 0.75),
    ("110113", ActKind::HeavyPollution, 75, 780, 0.26),
    ("110105", ActKind::TrafficAccident, 80, 420, 0.8),
    ("110115", ActKind::GasLeak, 125, 700, 0.22),
    ("110118", ActKind::Cloudburst, 150, 640, 0.22),
];

fn opening() -> Vec<Act> {
    OPENING
        .into_iter()
        .filter_map(|(code, kind, from_s, lasting_s, peak)| {
            let mut act = Act::new(kind, district(code)?, from_s * 1000);
            (act.lasting_ms, act.ramp_ms, act.peak) = (lasting_s * 1000, 2000, peak);
            act.devices = devices(kind);
            Some(act)
        })
        .collect()
}

/// How many alerts a small act makes by the shipped rules, each of which takes a slot: an accident is slow traffic and an
/// event, a spill takes the oxygen and brings ammonia.
const fn alerts(kind: ActKind) -> i64 {
    if matches!(kind, ActKind::TrafficAccident | ActKind::RiverSpill) { 2 } else { 1 }
}

/// An accident is seen by a detector and a roadside unit.
const fn devices(kind: ActKind) -> usize {
    if matches!(kind, ActKind::TrafficAccident) { 2 } else { 1 }
}

/// An act of the round: what and when is given, where and how bad is chance.
fn staged(kind: ActKind, h: u64, from_ms: i64) -> Act {
    let place: &'static District = &DISTRICTS[below(hash(&[h, 1]), DISTRICTS.len() as u64) as usize];
    let mut act = Act::new(kind, place, from_ms);
    // Much chance here would make the queue swell and shrink.
    act.lasting_ms = (minutes(kind) * 60_000.0 * (0.95 + 0.2 * unit(hash(&[h, 2])))) as i64;
    act.ramp_ms = act.ramp_ms.min(SLOWEST_RAMP_MS);
    act.peak = peak(kind, unit(hash(&[h, 3])));
    act.devices = devices(kind);
    act.every_ms = CYCLE_MS;
    act
}

/// How long it lasts in the demonstration.
const fn minutes(kind: ActKind) -> f64 {
    match kind {
        ActKind::Fire => 8.0,
        ActKind::ManholeShift | ActKind::LoudSite | ActKind::Cloudburst | ActKind::Gale => 14.0,
        ActKind::GasLeak | ActKind::TrafficAccident | ActKind::CrowdSurge | ActKind::CabinetPowerCut => 16.0,
        _ => 17.5,
    }
}

/// How bad, from a draw in `0.0 .. 1.0`: the worse the rarer. The mildest takes every device over its lowest limit, also
/// at the low of the act's swell; the others lie inside a level's band where the device's calm value lets them, so that
/// the swell seldom changes the level.
fn peak(kind: ActKind, draw: f64) -> f64 {
    let grades: &[f64] = match kind {
        ActKind::Cloudburst => &[0.22, 0.42, 0.68, 1.0],
        ActKind::HeavyPollution => &[0.26, 0.42, 0.7, 1.0],
        ActKind::GasLeak => &[0.22, 0.355, 0.6, 1.0],
        ActKind::CrowdSurge => &[0.38, 0.48, 0.6, 0.9],
        ActKind::ManholeShift => &[0.3, 0.3, 0.6, 1.0],
        ActKind::Gale => &[0.42, 0.65, 0.9],
        ActKind::RiverSpill => &[0.6, 0.6, 0.85],
        ActKind::TrafficAccident => &[0.65, 0.65, 0.8, 1.0],
        ActKind::PipeBurst => &[0.75, 0.75, 1.0],
        ActKind::ChlorineLoss => &[0.75, 0.75, 0.9],
        ActKind::TurbidWater => &[0.3, 0.3, 0.8],
        ActKind::LoudSite => &[0.8, 0.8, 1.0],
        ActKind::CabinetPowerCut | ActKind::Fire => &[1.0],
    };
    let grade = [0.5, 0.8, 0.94].iter().filter(|bound| draw >= **bound).count();
    grades[grade.min(grades.len() - 1)]
}
