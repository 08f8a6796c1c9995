//! What roadside units say about themselves.

use super::super::json::Json;
use super::super::{Decoded, ProblemReason, Registration, text};
use super::{Context, FORMAT, position, word};
use crate::reading::{Liveness, Quality};

/// A heartbeat. Its time and number are not looked at: units re-send the same bytes.
pub(super) fn heartbeat(context: &Context<'_>, out: &mut Decoded) {
    out.liveness.push(Liveness { device: context.device.clone(), received: context.received, alive: true });
}

/// The unit introduces itself.
pub(super) fn info(context: &Context<'_>, body: &Json<'_>, out: &mut Decoded) {
    let mut attributes = Vec::new();
    for (key, word_out) in [
        ("version", "version"),
        ("rsuStatus", "status"),
        ("protocolVersion", "protocol"),
        ("hardwareVersion", "hardware"),
        ("SoftwareVersion", "software"),
    ] {
        if let Some(value) = word(body.get(key)) {
            attributes.push((word_out, value));
        }
    }
    out.registrations.push(Registration {
        device: context.device.clone(),
        format: FORMAT,
        received: context.received,
        name: body.get("rsuName").and_then(Json::str).map(|name| text::line(name, 64)),
        position: body.get("location").and_then(|l| position(l, "lon", "lat")),
        attributes,
    });
    if !context.retained {
        heartbeat(context, out);
    }
}

/// Processor, memory and disk of the unit, in per cent used.
pub(super) fn running(context: &Context<'_>, body: &Json<'_>, out: &mut Decoded) {
    let Some(info) = body.get("runningInfo").filter(|i| i.is_object()) else {
        return context.problem(out, (ProblemReason::MissingField, "runningInfo"));
    };
    if let Some(cpu) = info.get("cpu") {
        match cpu.get("uti").and_then(|v| v.number(true)) {
            Some(used) => context.push("rsu_cpu", used, None, Quality::Good, out),
            None => context.problem(out, (ProblemReason::BadValue, "cpu.uti is no number")),
        }
    }
    for (part, name, trouble) in [
        ("mem", "rsu_mem", "mem: used and total must be numbers, total above 0"),
        ("disk", "rsu_disk", "disk: used and total must be numbers, total above 0"),
    ] {
        let Some(part) = info.get(part) else { continue };
        let number = |key: &str| part.get(key).and_then(|v| v.number(true));
        match (number("used"), number("total")) {
            (Some(used), Some(total)) if total > 0.0 => {
                context.push(name, used / total * 100.0, None, Quality::Good, out);
            }
            _ => context.problem(out, (ProblemReason::BadValue, trouble)),
        }
    }
}
