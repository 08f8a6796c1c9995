//! What a healthy sensor measures on a calm day: a daily curve, the place's own offset, and bounded noise.
//!
//! A value is a pure function of device, quantity and time. The curves and swings are chosen so that no calm value
//! reaches a warning limit; a test holds them to it.

use core::f64::consts::TAU;

use crate::city::Device;
use crate::noise;

/// Beijing is eight hours ahead of UTC, without summer time.
const ZONE_MS: i64 = 8 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// The value of `quantity` at `t` (ms since 1970), rounded like the sensor would; 0 for a quantity nobody described.
pub fn value(device: &Device, quantity: &str, t: i64) -> f64 {
    let (mean, swing, low, high) = curve(device, quantity, hour(t));
    let key = noise::hash(&[device.seed, name_key(quantity)]);
    let step = t.div_euclid(device.interval_ms().max(1));
    round((mean + swing * noise::wander(key, step)).clamp(low, high), decimals(quantity))
}

/// Digits after the point.
pub fn decimals(quantity: &str) -> u8 {
    match quantity {
        "pm25" | "pm10" | "no2" | "o3" | "so2" | "power" | "smoke" | "intrusion" | "crowd_count" | "fever_visits"
        | "traffic_flow" | "visibility" | "wind_direction" | "queue_length" | "battery" => 0,
        "water_pressure" => 3,
        "co" | "chlorine" | "turbidity" | "tilt" | "crowd_density" | "rain" | "ph" | "water_level" | "nh3n"
        | "vibration" => 2,
        _ => 1,
    }
}

/// Rounds half away from zero to so many digits.
pub fn round(value: f64, decimals: u8) -> f64 {
    let scale = 10_f64.powi(i32::from(decimals));
    (value * scale).round() / scale
}

/// Local hour of the day, `0.0 .. 24.0`.
pub fn hour(t: i64) -> f64 {
    (t + ZONE_MS).rem_euclid(DAY_MS) as f64 / 3_600_000.0
}

fn name_key(quantity: &str) -> u64 {
    quantity.bytes().fold(0, |h, b| noise::hash(&[h, u64::from(b)]))
}

/// The rush hours, 0 to 1: two bells at 8:00 and 18:00.
fn rush(hour: f64) -> f64 {
    let bell = |at: f64| (-((hour - at) / 1.6).powi(2)).exp();
    (bell(8.0) + bell(18.0)).min(1.0)
}

/// Waking life, 0 at 3:00 to 1 at 15:00.
fn awake(hour: f64) -> f64 {
    0.5 - 0.5 * ((hour - 3.0) / 24.0 * TAU).cos()
}

fn is_night(hour: f64) -> bool {
    !(6.0..22.0).contains(&hour)
}

const ANY: f64 = 1e9;

/// Mean, swing, lowest and highest value.
fn curve(device: &Device, quantity: &str, hour: f64) -> (f64, f64, f64, f64) {
    let bias = device.bias();
    match quantity {
        "water_depth" => (0.3 * bias, 0.5, 0.0, ANY),
        "mean_speed" => (72.0 - 8.0 * rush(hour) + 12.0 * bias, 6.0, 1.0, ANY),
        "traffic_flow" => (120.0 + (900.0 + 900.0 * bias) * (0.4 * awake(hour) + 0.6 * rush(hour)), 90.0, 0.0, ANY),
        "occupancy" => (4.0 + 20.0 * rush(hour), 3.0, 0.0, 100.0),
        "queue_length" => (8.0 + 50.0 * rush(hour), 8.0, 0.0, ANY),
        "gas_ch4" => (0.6 + 1.4 * bias, 0.9, 0.0, 100.0),
        "gas_h2s" => (0.3, 0.3, 0.0, ANY),
        "oxygen" => (20.8, 0.2, 0.0, 21.0),
        "manhole_tilt" => (0.4 + 1.6 * bias, 0.6, 0.0, 90.0),
        "level_percent" => (22.0 + 16.0 * awake(hour), 6.0, 0.0, 100.0),
        "water_pressure" => (0.27 + 0.06 * bias - 0.05 * rush(hour), 0.02, 0.0, ANY),
        "room_temperature" => (20.6 + 1.8 * bias + 0.5 * awake(hour), 0.8, 0.0, ANY),
        "power" => (1.0, 0.0, 0.0, 1.0),
        "voltage" => (225.0 + 4.0 * bias - 4.0 * awake(hour), 3.0, 0.0, ANY),
        "light_on" => (99.2, 0.8, 0.0, 100.0),
        "vibration" => (0.3 + 0.8 * awake(hour), 0.25, 0.0, ANY),
        "tilt" => (0.04 + 0.04 * bias, 0.02, 0.0, ANY),
        "settlement" => (1.0 + 2.0 * bias, 0.3, -ANY, ANY),
        "pm25" => (27.0 + 12.0 * bias + 9.0 * rush(hour), 11.0, 1.0, ANY),
        "pm10" => (52.0 + 20.0 * bias + 18.0 * rush(hour), 20.0, 1.0, ANY),
        "no2" => (26.0 + 22.0 * rush(hour) + 8.0 * bias, 8.0, 1.0, ANY),
        "o3" => (35.0 + 60.0 * awake(hour), 14.0, 1.0, ANY),
        "so2" => (4.0 + 2.0 * bias, 2.0, 1.0, ANY),
        "co" => (0.5 + 0.3 * rush(hour), 0.2, 0.1, ANY),
        "noise" => (quiet_level(device, hour), 3.5, 25.0, ANY),
        "water_level" => (20.0 + 25.0 * bias, 0.1, 0.0, ANY),
        "dissolved_oxygen" => (7.4 + 0.8 * awake(hour), 0.6, 0.0, ANY),
        "ph" => (7.4 + 0.4 * bias, 0.15, 0.0, 14.0),
        "turbidity" if device.kind.name == "tap-water" => (0.25 + 0.2 * bias, 0.12, 0.0, ANY),
        "turbidity" => (6.0 + 6.0 * bias, 3.0, 0.0, ANY),
        "nh3n" => (0.3 + 0.2 * bias, 0.15, 0.0, ANY),
        "chlorine" => (0.30 + 0.25 * bias, 0.08, 0.0, ANY),
        "beds_used" => (62.0 + 10.0 * bias, 5.0, 0.0, 100.0),
        "fever_visits" => (4.0 + 14.0 * awake(hour), 4.0, 0.0, ANY),
        "crowd_density" => (0.2 + 0.9 * awake(hour) * (0.5 + 0.5 * bias), 0.3, 0.0, ANY),
        "crowd_count" => (90.0 + 380.0 * awake(hour) * (0.5 + 0.5 * bias), 120.0, 0.0, ANY),
        "wind_speed" => (1.6 + 1.8 * awake(hour), 1.4, 0.0, ANY),
        "wind_direction" => (180.0 + 120.0 * (bias - 0.5), 60.0, 0.0, 359.0),
        "temperature" => (10.0 + 8.0 * awake(hour), 2.0, -ANY, ANY),
        "humidity" => (55.0 - 15.0 * awake(hour), 8.0, 5.0, 100.0),
        "pressure" => (1016.0, 4.0, 500.0, ANY),
        "visibility" => (14_000.0, 4000.0, 50.0, ANY),
        "battery" => (84.0 + 12.0 * bias, 1.0, 0.0, 100.0),
        // Yes/no alarms and rain: nothing on a calm day.
        _ => (0.0, 0.0, 0.0, ANY),
    }
}

/// Mean noise by class of place: below 60/50 dB(A) in streets, below 70/55 at main roads.
fn quiet_level(device: &Device, hour: f64) -> f64 {
    match (device.at_main_road(), is_night(hour)) {
        (true, false) => 63.5,
        (true, true) => 49.5,
        (false, false) => 53.5,
        (false, true) => 43.5,
    }
}
