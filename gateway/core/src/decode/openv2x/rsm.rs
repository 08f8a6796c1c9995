//! Road users around a unit, in the standard body and in the DAWNLINE body: counted and averaged, never followed.
//!
//! A message gives one count for each of the three classes and one for participants of no known class, 0 included, and a
//! mean speed for each class that has a valid speed. An empty list counts as what it says: nobody is there. Nothing that tells one participant from another is
//! read: neither `ptcId` nor `global_track_id` nor a plate.

use super::super::json::{Json, Scalar};
use super::super::{Decoded, ProblemReason};
use super::{Context, Trouble};
use crate::reading::Quality;
use crate::time::Timestamp;

/// The raw speed that means "not available".
const SPEED_INVALID: f64 = 8191.0;
/// Metres per second of one raw step of the standard body.
const SPEED_STEP: f64 = 0.02;
/// Kilometres per hour of one metre per second.
const KM_PER_H: f64 = 3.6;

/// Class, name of its count, name of its mean speed.
const CLASSES: [(&str, &str); 3] = [
    ("count_motor", "mean_speed_motor"),
    ("count_non_motor", "mean_speed_non_motor"),
    ("count_pedestrian", "mean_speed_pedestrian"),
];

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    count: u32,
    speeds: u32,
    sum: f64,
}

#[derive(Debug, Default)]
struct Scene {
    classes: [Tally; 3],
    unknown: u32,
    latest: Option<Timestamp>,
    bad_time: bool,
}

/// Reads a message; an array is the DAWNLINE body, an object the standard one.
pub(super) fn decode(context: &Context<'_>, body: &Json<'_>, out: &mut Decoded) {
    let mut scene = Scene::default();
    let usable = match body {
        Json::Array(parts) => each(context, parts, "content", &mut scene, dawnline, out),
        Json::Object(_) => {
            let list = body.get("content").and_then(|c| c.get("rsms")).or_else(|| body.get("rsms"));
            match list.filter(|l| **l != Json::Scalar(Scalar::Null)) {
                Some(list) => each(context, list.one_or_many(), "participants", &mut scene, standard, out),
                // A single DAWNLINE part without its array.
                None => each(context, core::slice::from_ref(body), "content", &mut scene, dawnline, out),
            }
        }
        Json::Scalar(_) => {
            context.problem(out, (ProblemReason::BadShape, "neither rsms nor an array of parts"));
            false
        }
    };
    if usable {
        scene.emit(context, out);
    }
}

type Read = fn(&Json<'_>, &mut Scene) -> Result<(), Trouble>;

/// Reads the participants of all parts; says whether any part had a list of them, or there was no part at all.
fn each(
    context: &Context<'_>,
    parts: &[Json<'_>],
    key: &str,
    scene: &mut Scene,
    read: Read,
    out: &mut Decoded,
) -> bool {
    let mut usable = parts.is_empty();
    for part in parts {
        let Some(Json::Array(participants)) = part.get(key) else {
            context.problem(out, (ProblemReason::BadShape, "a part has no list of participants"));
            continue;
        };
        usable = true;
        for participant in participants {
            if let Err(trouble) = read(participant, scene) {
                context.problem(out, trouble);
            }
        }
    }
    usable
}

fn standard(participant: &Json<'_>, scene: &mut Scene) -> Result<(), Trouble> {
    let speed = speed(participant)?.filter(|raw| *raw != SPEED_INVALID).map(|raw| raw * SPEED_STEP);
    if speed.is_some_and(|s| s > SPEED_INVALID * SPEED_STEP) {
        return Err((ProblemReason::BadValue, "speed is above 8191"));
    }
    scene.add(participant, speed)
}

fn dawnline(participant: &Json<'_>, scene: &mut Scene) -> Result<(), Trouble> {
    let speed = speed(participant)?;
    scene.add(participant, speed)?;
    match participant.get("timeStamp").and_then(Json::scalar) {
        None => {}
        Some(value) => match value.whole(true) {
            Some(ms) => scene.latest = scene.latest.max(Some(Timestamp(ms))),
            None => scene.bad_time = true,
        },
    }
    Ok(())
}

/// The raw speed, without its sign; nothing where the participant has none.
fn speed(participant: &Json<'_>) -> Result<Option<f64>, Trouble> {
    if !participant.is_object() {
        return Err((ProblemReason::BadShape, "a participant must be an object"));
    }
    match participant.get("speed") {
        None | Some(Json::Scalar(Scalar::Null)) => Ok(None),
        Some(value) => match value.number(true) {
            Some(raw) => Ok(Some(raw.abs())),
            None => Err((ProblemReason::BadValue, "speed is no number")),
        },
    }
}

impl Scene {
    fn add(&mut self, participant: &Json<'_>, speed: Option<f64>) -> Result<(), Trouble> {
        let class = match participant.get("ptcType").and_then(Json::scalar) {
            Some(Scalar::Str(s)) => match s.as_ref() {
                "motor" | "1" => Some(0),
                "non-motor" | "non_motor" | "2" => Some(1),
                "pedestrian" | "3" => Some(2),
                "rsu" | "4" => return Ok(()),
                _ => None,
            },
            Some(Scalar::Int(4)) => return Ok(()),
            Some(Scalar::Int(n @ 1..=3)) => Some(*n as usize - 1),
            Some(_) => None,
            None => return Err((ProblemReason::MissingField, "ptcType")),
        };
        match class.and_then(|c| self.classes.get_mut(c)) {
            Some(tally) => {
                tally.count += 1;
                if let Some(speed) = speed {
                    tally.speeds += 1;
                    tally.sum += speed;
                }
            }
            None => self.unknown += 1,
        }
        Ok(())
    }

    fn emit(&self, context: &Context<'_>, out: &mut Decoded) {
        let quality = if self.bad_time && self.latest.is_none() { Quality::Clock } else { Quality::Good };
        if self.bad_time {
            context.problem(out, (ProblemReason::BadTime, "timeStamp is no time"));
        }
        for (tally, (count, mean_speed)) in self.classes.iter().zip(CLASSES) {
            context.push(count, f64::from(tally.count), self.latest, quality, out);
            if tally.speeds > 0 {
                let mean = tally.sum / f64::from(tally.speeds) * KM_PER_H;
                context.push(mean_speed, mean, self.latest, quality, out);
            }
        }
        context.push("count_unknown", f64::from(self.unknown), self.latest, quality, out);
    }
}
