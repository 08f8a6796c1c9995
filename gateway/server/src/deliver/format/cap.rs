//! OASIS CAP 1.2 (`urn:oasis:names:tc:emergency:cap:1.2`, July 2010), one message a version.
//!
//! The first version that a receiver has is an `Alert`, the next ones are an `Update` of it, the end is a `Cancel`; each names
//! the last one it replaces. Two `info` blocks say the same in Chinese and English. Levels are severities as Chinese warnings
//! have them: blue Minor, yellow Moderate, orange Severe, red Extreme; the colour stands in a parameter as well.
//!
//! Identifiers: the episode and its version; with a unit's code (`code` of `[sender]`) those of the Chinese warning platforms,
//! `code_YYYYMMDDhhmmss_N` in Beijing time, where N is the tenth of a second: see [`maibo_store::outbox::Stamp::slot`].
//!
//! Times are in Beijing time, whole seconds, with the zone as `+08:00`: the schema's own pattern takes a comma there, and `Z` is
//! no zone in CAP.

use std::borrow::Cow;

use maibo_api::{Alert, DataState, Domain, Level, Words};
use maibo_core::time::Timestamp;
use maibo_store::outbox::Stamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::beat::Beat;
use super::language::{Language, local, read};
use super::notice::{escalated, tasks};
use super::{FormatError, Kept, Letter, Outgoing, over, word};
use crate::deliver::sender::Sender;

const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";
/// Characters of a headline, as the standard advises.
const HEADLINE: usize = 160;

type Out = Writer<Vec<u8>>;

/// The message of one version.
pub(super) fn alert(kept: &Kept, letter: &Letter, receiver: &str, sender: &Sender) -> Result<Outgoing, FormatError> {
    let alert = &kept.data.alert;
    let mut out = Writer::new(Vec::new());
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let level = word(&alert.level)?;
    let kind = match (&letter.before, over(alert)) {
        (None, _) => "Alert",
        (Some(_), false) => "Update",
        (Some(_), true) => "Cancel",
    };
    out.create_element("alert").with_attribute(("xmlns", NAMESPACE)).write_inner_content(|out| {
        text(out, "identifier", &identifier(alert, letter.stamp, sender))?;
        text(out, "sender", &sender.name)?;
        text(out, "sent", &time(letter.stamp.at))?;
        text(out, "status", status(kept))?;
        text(out, "msgType", kind)?;
        text(out, "source", "Maibo")?;
        // To those who act, not to the public.
        text(out, "scope", "Private")?;
        text(out, "addresses", receiver)?;
        if let Some(note) = note(kept) {
            text(out, "note", note)?;
        }
        if let Some(before) = letter.before {
            let reference = [sender.name.clone(), identifier(alert, before, sender), time(before.at)].join(",");
            text(out, "references", &reference)?;
        }
        for language in [Language::Chinese, Language::English] {
            info(out, kept, &level, language, sender)?;
        }
        Ok(())
    })?;
    Ok(Outgoing { content_type: "application/cap+xml", headers: Vec::new(), body: out.into_inner() })
}

/// A sign of life, between systems.
pub(super) fn beat(beat: &Beat<'_>, sender: &Sender) -> Result<Outgoing, FormatError> {
    let mut out = Writer::new(Vec::new());
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    out.create_element("alert").with_attribute(("xmlns", NAMESPACE)).write_inner_content(|out| {
        text(out, "identifier", beat.key)?;
        text(out, "sender", &sender.name)?;
        text(out, "sent", &time(beat.now))?;
        text(out, "status", "System")?;
        text(out, "msgType", "Alert")?;
        text(out, "source", "Maibo")?;
        text(out, "scope", "Private")?;
        text(out, "addresses", beat.receiver)?;
        text(out, "note", &format!("heartbeat, every {} ms; nothing has happened", beat.every.0))
    })?;
    Ok(Outgoing { content_type: "application/cap+xml", headers: Vec::new(), body: out.into_inner() })
}

/// Of the standard's words those for what happens, for what is played, and for what is tried.
const fn status(kept: &Kept) -> &'static str {
    match (kept.data.test, kept.data.alert.drill) {
        (true, _) => "Test",
        (false, true) => "Exercise",
        (false, false) => "Actual",
    }
}

const fn note(kept: &Kept) -> Option<&'static str> {
    match (kept.data.test, kept.data.alert.drill, kept.data.recorded) {
        (true, ..) => Some("a test; nothing has happened"),
        (false, true, true) => Some("演练，并无实际险情 an exercise; nothing has happened"),
        (false, true, false) => {
            Some("演练，并无实际险情 an exercise; nothing has happened; told before it was on record")
        }
        (false, false, false) => Some("told before it could be put on record"),
        (false, false, true) => None,
    }
}

fn info(out: &mut Out, kept: &Kept, level: &str, language: Language, sender: &Sender) -> std::io::Result<()> {
    let alert = &kept.data.alert;
    out.create_element("info").write_inner_content(|out| {
        let title = language.of(&alert.title);
        text(out, "language", language.tag())?;
        text(out, "category", category(alert.domain))?;
        text(out, "event", title)?;
        text(out, "responseType", if over(alert) { "AllClear" } else { "Assess" })?;
        text(out, "urgency", if over(alert) || alert.historic { "Past" } else { "Immediate" })?;
        text(out, "severity", severity(alert.level))?;
        text(out, "certainty", if alert.data == DataState::Stale { "Likely" } else { "Observed" })?;
        if let Some(started) = read(&alert.started_at) {
            text(out, "onset", &time(started))?;
        }
        // A message without an end stands for ever; one that is over need not.
        if let Some(end) = alert.resolved_at.as_deref().filter(|_| over(alert)).and_then(read) {
            text(out, "expires", &time(end))?;
        }
        text(out, "senderName", language.of(&sender.title))?;
        let place = alert.place_name.as_ref().map_or("", |p| language.of(p));
        text(out, "headline", &headline(title, place))?;
        text(out, "description", language.of(&alert.text))?;
        let instruction = instruction(kept, language);
        if !instruction.is_empty() {
            text(out, "instruction", &instruction)?;
        }
        // One address fits in: the page that takes answers shows the alert, too.
        let answer = kept.data.answer.as_ref().map(|a| a.url.clone());
        if let Some(link) = answer.or_else(|| sender.link(&alert.id)) {
            text(out, "web", &link)?;
        }
        parameter(out, "level", level)?;
        parameter(out, "alert", &alert.id)?;
        parameter(out, "version", &alert.version.to_string())?;
        parameter(out, "rule", &alert.rule)?;
        for plan in &kept.data.plans {
            parameter(out, "plan", &plan.name)?;
        }
        if let Some(missed) = &kept.data.escalated {
            parameter(out, "escalated", &format!("{}/{}", missed.plan, missed.task))?;
        }
        for (name, value) in [("value", alert.value), ("threshold", alert.threshold)] {
            if let Some(value) = value {
                parameter(out, name, &value.to_string())?;
            }
        }
        if let Some(unit) = alert.unit.as_deref().filter(|u| !u.is_empty()) {
            parameter(out, "unit", unit)?;
        }
        area(out, alert, place, sender)
    })?;
    Ok(())
}

/// What to do, a line each: why somebody is told who otherwise would not be, the advice, the tasks of plans.
fn instruction(kept: &Kept, language: Language) -> String {
    let said = |label: &str, words: &Words| format!("{label}{}{}", language.pick("：", ": "), language.of(words));
    let escalated = escalated(kept).map(|words| said(language.pick("升级", "Escalated"), &words));
    let advice = kept.data.advice.as_ref().map(|advice| language.of(advice).to_owned());
    let tasks = tasks(kept).map(|words| said(language.pick("任务", "Task"), &words));
    let lines: Vec<String> = escalated.into_iter().chain(advice).chain(tasks).collect();
    lines.join("\n")
}

/// Where it is: a point where its position is known, else the outline of its place where that is configured.
fn area(out: &mut Out, alert: &Alert, place: &str, sender: &Sender) -> std::io::Result<()> {
    let device = alert.device_name.as_deref().unwrap_or(&alert.subject.id);
    let words = if place.is_empty() { device.to_owned() } else { format!("{place} {device}") };
    out.create_element("area").write_inner_content(|out| {
        text(out, "areaDesc", words.trim())?;
        if let (Some(lat), Some(lon)) = (alert.lat, alert.lon) {
            // A radius of 0 km is a point.
            text(out, "circle", &format!("{lat},{lon} 0"))?;
        } else {
            for polygon in sender.outlines.of(alert.place.as_deref(), alert.district.as_deref()) {
                text(out, "polygon", polygon)?;
            }
        }
        for code in [&alert.district, &alert.place].into_iter().flatten() {
            // GB/T 2260 has six digits for a district; what is longer goes on below it.
            pair(out, "geocode", if code.len() > 6 { "place" } else { "GB/T 2260" }, code)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn parameter(out: &mut Out, name: &str, value: &str) -> std::io::Result<()> {
    pair(out, "parameter", name, value)
}

fn pair(out: &mut Out, element: &str, name: &str, value: &str) -> std::io::Result<()> {
    out.create_element(element).write_inner_content(|out| {
        text(out, "valueName", name)?;
        text(out, "value", value)
    })?;
    Ok(())
}

fn text(out: &mut Out, element: &str, content: &str) -> std::io::Result<()> {
    out.create_element(element).write_text_content(BytesText::new(&clean(content)))?;
    Ok(())
}

/// What XML 1.0 knows no character for becomes U+FFFD (§2.2 `Char`).
fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(bad) { text.replace(bad, "\u{fffd}").into() } else { text.into() }
}

fn headline(title: &str, place: &str) -> String {
    let whole = if place.is_empty() { title.to_owned() } else { format!("{place} {title}") };
    whole.chars().take(HEADLINE).collect()
}

fn identifier(alert: &Alert, stamp: Stamp, sender: &Sender) -> String {
    match &sender.code {
        None => format!("{}-{}", alert.id, stamp.version),
        Some(code) => {
            let second = Timestamp(stamp.slot.div_euclid(10).saturating_mul(1_000));
            format!("{code}_{}_{}", local(second).strftime("%Y%m%d%H%M%S"), stamp.slot.rem_euclid(10))
        }
    }
}

fn time(at: Timestamp) -> String {
    format!("{}+08:00", local(at).strftime("%Y-%m-%dT%H:%M:%S"))
}

const fn category(domain: Domain) -> &'static str {
    match domain {
        Domain::Municipal => "Infra",
        Domain::Traffic => "Transport",
        Domain::Ecology => "Env",
        Domain::Health => "Health",
        Domain::Safety => "Security",
        Domain::Emergency => "Safety",
    }
}

const fn severity(level: Level) -> &'static str {
    match level {
        Level::Blue => "Minor",
        Level::Yellow => "Moderate",
        Level::Orange => "Severe",
        Level::Red => "Extreme",
    }
}
