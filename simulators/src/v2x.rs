//! Roadside units in the OpenV2X dialect: heartbeat, registration, running information, road users, road events.
//!
//! A unit introduces itself when it was started, and again every hour. Heartbeats, registration and running information
//! go at QoS 0 as such units do; road users and events at QoS 1. A unit sends an event again with every report while it
//! lasts, and cancels it once it is over.

use serde_json::{Value, json};

use crate::city::Device;
use crate::civil::rfc3339;
use crate::noise::{below, hash, unit};
use crate::report::Message;
use crate::scenario::{ActKind, Effect};
use crate::signal;

/// Running information goes with every sixth heartbeat.
const RUNNING_INFO_EVERY: i64 = 6;
/// A unit introduces itself with its first report, and with every so many.
const INFO_EVERY: i64 = 360;
/// Most road users in one message.
const MAX_PARTICIPANTS: u64 = 16;
/// Accident, as numbered in national traffic event codes.
const ACCIDENT: u32 = 100;

/// The messages of one report at `t`, `running_ms` after the unit was started, under `effect`; `before` is what was the
/// case one report earlier.
pub fn messages(unit: &Device, t: i64, running_ms: i64, effect: &Effect, before: &Effect) -> Vec<Message> {
    let mut out = vec![
        message("V2X/RSU/HB/UP".to_owned(), &heartbeat(unit, t), false, t),
        message(format!("V2X/RSU/{}/RSM/UP", unit.id), &road_users(unit, t, effect), true, t),
    ];
    if t.div_euclid(unit.interval_ms()) % RUNNING_INFO_EVERY == 0 {
        out.push(message("V2X/RSU/RunningInfo/UP".to_owned(), &running_info(unit, t), false, t));
    }
    if running_ms.div_euclid(unit.interval_ms()) % INFO_EVERY == 0 {
        out.push(message("V2X/RSU/INFO/UP".to_owned(), &info(unit), false, t));
    }
    let (now, earlier) = (effect.begun(ActKind::TrafficAccident), before.begun(ActKind::TrafficAccident));
    let event = now.map(|begun| (begun, true)).or(earlier.map(|begun| (begun, false)));
    if let Some((begun, active)) = event {
        out.push(message(format!("V2X/RSU/{}/RSI/UP", unit.id), &accident(unit, t, begun, active), true, t));
    }
    out
}

fn message(topic: String, body: &Value, at_least_once: bool, t: i64) -> Message {
    Message { topic, payload: body.to_string().into_bytes(), at_least_once, t }
}

/// Degrees as the integers of the standard, 1e-7 each.
fn fixed(degrees: f64) -> i64 {
    (degrees * 1e7) as i64
}

fn position(lon: f64, lat: f64) -> Value {
    json!({"lat": fixed(lat), "lon": fixed(lon), "ele": 460})
}

fn heartbeat(unit: &Device, t: i64) -> Value {
    json!({
        "rsuId": unit.id, "rsuEsn": unit.id, "rsuName": unit.name, "rsuStatus": true, "protocolVersion": "v1",
        "ack": false, "seqNum": 0, "timestamp": t,
    })
}

fn info(unit: &Device) -> Value {
    json!({
        "rsuId": unit.id, "rsuEsn": unit.id, "rsuName": unit.name, "version": "v1", "rsuStatus": "Normal",
        "location": {"lat": fixed(unit.lat), "lon": fixed(unit.lon)}, "config": {},
    })
}

fn running_info(device: &Device, t: i64) -> Value {
    let share =
        |n: u64, low: f64, high: f64| low + (high - low) * unit(hash(&[device.seed, n, t.div_euclid(60_000) as u64]));
    let (cpu, mem) = (share(11, 12.0, 46.0), share(12, 0.3, 0.6));
    json!({
        "rsuEsn": device.id,
        "runningInfo": {
            "cpu": {"load": signal::round(cpu / 40.0, 2), "uti": signal::round(cpu, 1)},
            "mem": {"total": 4096, "used": (4096.0 * mem) as i64, "free": 4096 - (4096.0 * mem) as i64},
            "disk": {"total": 64_000, "used": 21_000, "free": 43_000, "tps": 12, "write": 180, "read": 24},
            "net": {"rx": 420, "tx": 310, "rxByte": 53_000, "txByte": 39_000},
        },
    })
}

/// Road users near the unit. They are drawn anew each time: no one can be followed through the city.
fn road_users(device: &Device, t: i64, effect: &Effect) -> Value {
    let jammed = effect.strength(ActKind::TrafficAccident);
    let draw = |n: u64, what: u64| unit(hash(&[device.seed, 20, t as u64, n, what]));
    let count = 2 + below(hash(&[device.seed, 21, t as u64]), MAX_PARTICIPANTS - 6) + (4.0 * jammed) as u64;
    let participants: Vec<Value> = (0..count.min(MAX_PARTICIPANTS))
        .map(|n| {
            let (kind, fast, size) = match draw(n, 0) {
                x if x < 0.7 => ("motor", 8.0 + 12.0 * draw(n, 1), (180, 460, 30)),
                x if x < 0.85 => ("non-motor", 3.0 + 3.0 * draw(n, 1), (70, 180, 32)),
                _ => ("pedestrian", 0.6 + draw(n, 1), (60, 60, 34)),
            };
            let speed = fast * (1.0 - 0.9 * jammed);
            let (lon, lat) = (device.lon + 0.001 * (draw(n, 2) - 0.5), device.lat + 0.001 * (draw(n, 3) - 0.5));
            json!({
                "ptcType": kind, "ptcId": n + 1, "global_track_id": format!("{:05x}", hash(&[device.seed, t as u64, n]) & 0xf_ffff),
                "source": 7, "secMark": t.rem_euclid(60_000), "pos": position(lon, lat),
                "speed": (speed / 0.02) as i64, "heading": below(hash(&[device.seed, t as u64, n, 4]), 28_800),
                "lane": 1 + n % 4, "size": {"width": size.0, "length": size.1, "height": size.2},
            })
        })
        .collect();
    json!({
        "name": "rsm", "id": device.id,
        "content": {"rsms": [{"refPos": position(device.lon, device.lat), "participants": participants}]},
    })
}

fn accident(device: &Device, t: i64, begun_ms: i64, active: bool) -> Value {
    json!({
        "rsiSourceType": "rsu", "rsiSourceId": device.id,
        "rsiDatas": [{
            "alertID": format!("{}-{begun_ms}", device.id), "duration": 900, "eventStatus": active,
            "timeStamp": rfc3339(t), "eventClass": "AbnormalTraffic", "eventType": ACCIDENT,
            "eventSource": "detection", "eventConfidence": 180,
            "eventPosition": {"lat": fixed(device.lat), "lon": fixed(device.lon)}, "eventRadius": 500,
            "eventDescription": "交通事故", "eventPriority": 5, "referencePaths": [],
        }],
    })
}
