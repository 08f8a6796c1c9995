//! CAP as it comes in: one message, read strictly, and the event that it is.
//!
//! Times are `YYYY-MM-DDThh:mm:ss±hh:mm` and nothing else: no `Z`, no fraction, and not the comma that the schema's pattern
//! takes for a sign. `Alert` and `Update` report, `Cancel` ends what it refers to; `Update` without an end in sight (its only
//! response `AllClear`) ends as well. `Ack`, `Error`, and whatever is not `Actual` is understood and not taken.
//!
//! Of several blocks `info` those in Chinese count, where there are any, else those in the first one's language; the worst
//! gives code, text and beginning, the latest `expires` the end.
//!
//! A warning counts from `sent`, however far ahead its `onset` lies: it is told to be acted upon before. When it begins is said
//! in words, and so is its `headline` (without one its `event`): between quotes, which it has none of, so that nobody takes it
//! for a sentence of Maibo's own. The Chinese one is of the block that counts, the English one of the worst block in English,
//! where there is one. An `onset` is said whether it is ahead or past: an update that only repeats it says the same.

use jiff::tz::{Offset, TimeZone};
use maibo_core::input::Found;
use maibo_core::place::Level;
use maibo_core::reading::{Event, Text};
use maibo_core::rule::Words;
use maibo_core::time::Timestamp;

use super::xml::{self, Element};
use super::{AlarmSource, chain::Link, code, line};

const BEIJING: Offset = Offset::constant(8);
/// References of one message.
const REFERENCES_MAX: usize = 200;
/// Characters of a headline that its alert repeats.
const QUOTE_MAX: usize = 100;
/// Longest sender and identifier, in bytes.
const NAME_MAX: usize = 256;

/// What a message does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It reports.
    Reports,
    /// It ends what it refers to.
    Ends,
    /// Nothing here: an exercise, a test, an acknowledgement.
    Nothing,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who sent it.
    pub sender: String,
    /// Which of the sender's.
    pub identifier: String,
    /// When.
    pub sent: Timestamp,
    /// `Actual`, …
    pub status: String,
    /// `Alert`, …
    pub kind: String,
    /// What it does.
    pub does: Does,
    /// Sender and identifier of those it refers to, in order.
    pub references: Vec<(String, String)>,
    /// The worst of what it says, and when all of it is over.
    pub info: Option<Info>,
}

/// What it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// The event's code where there is one, else its name.
    pub what: String,
    /// By the colour in a parameter, else by severity.
    pub level: Option<Level>,
    /// Its beginning: `onset`, else `effective`.
    pub begins: Option<Timestamp>,
    /// Whether that is its `onset`, which says when it happens; the other says when the message counts.
    pub happens: bool,
    /// Its end.
    pub expires: Option<Timestamp>,
    /// One line for a reader.
    pub text: Text,
    /// The same in English, where a block in English has one.
    pub english: Option<Text>,
    /// Longitude and latitude.
    pub position: Option<(f64, f64)>,
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(text: &str) -> Result<Message, String> {
    let root = xml::parse(text)?;
    if root.name() != "alert" {
        return Err("is no alert".to_owned());
    }
    let need = |name: &'static str| root.first(name).ok_or_else(|| format!("{name}: is missing"));
    let (sender, identifier) = (name("sender", need("sender")?)?, name("identifier", need("identifier")?)?);
    let sent = time("sent", need("sent")?)?;
    let status = one_of("status", need("status")?, &["Actual", "Exercise", "System", "Test", "Draft"])?;
    let kind = one_of("msgType", need("msgType")?, &["Alert", "Update", "Cancel", "Ack", "Error"])?;
    one_of("scope", need("scope")?, &["Public", "Restricted", "Private"])?;
    let references = references(root.first("references").unwrap_or_default())?;
    let (infos, english) = infos(&root)?;
    if kind != "Alert" && references.is_empty() {
        return Err(format!("references: is missing, which {kind} needs"));
    }
    let clear = !infos.is_empty() && infos.iter().all(|(_, clear)| *clear);
    let does = match (status, kind) {
        ("Actual", "Cancel") => Does::Ends,
        ("Actual", "Update") if clear => Does::Ends,
        ("Actual", "Alert" | "Update") if infos.is_empty() => return Err("info: is missing".to_owned()),
        ("Actual", "Alert" | "Update") => Does::Reports,
        _ => Does::Nothing,
    };
    let latest = infos.iter().map(|(info, _)| info.expires).reduce(|a, b| Some(a?.max(b?))).flatten();
    let english = worst(english).map(|info| info.text);
    let info = worst(infos).map(|info| Info { expires: latest, english, ..info });
    let (status, kind) = (status.to_owned(), kind.to_owned());
    Ok(Message { sender, identifier, sent, status, kind, does, references, info })
}

/// The worst of some blocks, of equals the first.
fn worst(infos: Vec<(Info, bool)>) -> Option<Info> {
    infos.into_iter().map(|(info, _)| info).rev().max_by_key(|info| info.level)
}

/// The events that a message is; `links` are those of its chain that it speaks of: its own, or all it ends.
pub fn events(message: &Message, links: &[Link], source: &AlarmSource, received: Timestamp) -> Vec<Event> {
    let cancelled = message.does == Does::Ends;
    let info = message.info.as_ref();
    let what = info.map_or("", |i| i.what.as_str());
    let begins = info.and_then(|i| i.begins).filter(|begins| *begins > message.sent);
    // What is yet to begin does not end before, for want of an end.
    let from = begins.unwrap_or(message.sent);
    let event = |(n, link): (usize, &Link)| {
        // What takes in another chain ends it: the first is what goes on.
        let cancelled = cancelled || n > 0;
        Event {
            device: source.device.clone(),
            code: code(&source.prefix, info.and_then(|i| i.level), what),
            identity: Text::from(link.root.as_str()),
            // A second holds several messages of one chain; each has a millisecond of its own.
            at: message.sent + link.place(),
            received,
            expires: (!cancelled).then(|| info.and_then(|i| i.expires).unwrap_or(from + source.valid_for)),
            cancelled,
            position: info.and_then(|i| i.position),
            text: info.map(|i| i.text.clone()).unwrap_or_default(),
            ahead: info.filter(|_| !cancelled).map(|info| Box::new(words(info, message.sent))),
        }
    };
    links.iter().enumerate().map(event).collect()
}

/// What it says of itself, and from when on, in Beijing time.
fn words(info: &Info, sent: Timestamp) -> Found {
    let zh = quoted(&info.text);
    let en = quoted(info.english.as_ref().unwrap_or(&info.text));
    let mut words = Words { zh: format!("原文{zh}"), en: format!("in its own words {en}") };
    if let Some(begins) = info.begins.filter(|begins| info.happens || *begins > sent) {
        let at = jiff::Timestamp::from_millisecond(begins.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let at = at.to_zoned(TimeZone::fixed(BEIJING)).strftime("%Y-%m-%d %H:%M");
        words = Words { zh: format!("{}，{at} 起", words.zh), en: format!("{}, from {at}", words.en) };
    }
    Found::new(&words.zh, &words.en)
}

/// Somebody else's words, short and between quotes, of which they have none themselves.
fn quoted(text: &str) -> String {
    let inner = |c: char| match c {
        '“' => '‘',
        '”' | '„' | '‟' => '’',
        '"' => '\'',
        other => other,
    };
    let more = if text.chars().nth(QUOTE_MAX).is_some() { "…" } else { "" };
    let said: String = text.chars().take(QUOTE_MAX).map(inner).collect();
    format!("“{said}{more}”")
}

fn one_of<'a>(name: &str, text: &'a str, words: &[&str]) -> Result<&'a str, String> {
    if words.contains(&text) { Ok(text) } else { Err(format!("{name}: is not one of {}", words.join(", "))) }
}

/// A sender or identifier: no space, comma, `<` or `&`.
fn name(of: &str, text: &str) -> Result<String, String> {
    if text.len() > NAME_MAX || text.contains([',', '<', '&']) || text.contains(char::is_whitespace) {
        return Err(format!("{of}: has a space, comma, < or &, or more than {NAME_MAX} bytes"));
    }
    Ok(text.to_owned())
}

/// `YYYY-MM-DDThh:mm:ss±hh:mm`.
fn time(of: &str, text: &str) -> Result<Timestamp, String> {
    let shape = |(i, b): (usize, u8)| match i {
        4 | 7 => b == b'-',
        10 => b == b'T',
        13 | 16 | 22 => b == b':',
        19 => matches!(b, b'+' | b'-'),
        _ => b.is_ascii_digit(),
    };
    let fine = text.len() == 25 && text.bytes().enumerate().all(shape);
    // UTC may be written as -00:00.
    let plain = text.replace("-00:00", "+00:00");
    let read = fine.then(|| plain.parse::<jiff::Timestamp>().ok()).flatten();
    read.map(|t| Timestamp(t.as_millisecond()))
        .ok_or_else(|| format!("{of}: is not a time like 2026-11-23T20:00:00+08:00"))
}

fn references(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for reference in text.split_whitespace() {
        let mut parts = reference.split(',');
        let (Some(sender), Some(identifier), Some(sent), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("references: are not sender,identifier,sent".to_owned());
        };
        time("references", sent)?;
        found.push((name("references", sender)?, name("references", identifier)?));
    }
    if found.len() > REFERENCES_MAX {
        return Err(format!("references: are more than {REFERENCES_MAX}"));
    }
    Ok(found)
}

/// A block, and whether it only says that all is clear.
type Block = (Info, bool);

/// The blocks that count, and those in English, where these are others.
fn infos(root: &Element) -> Result<(Vec<Block>, Vec<Block>), String> {
    let language = |info: &Element| info.first("language").unwrap_or("en-US").to_ascii_lowercase();
    let begins = |with: &str| root.all("info").map(language).find(|l| l.starts_with(with));
    let Some(wanted) = begins("zh").or_else(|| root.all("info").map(language).next()) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let of = |wanted: &str| root.all("info").filter(|i| language(i) == wanted).map(info).collect::<Result<_, _>>();
    let english = begins("en").filter(|english| *english != wanted);
    Ok((of(&wanted)?, english.map_or_else(|| Ok(Vec::new()), |english| of(&english))?))
}

fn info(info: &Element) -> Result<(Info, bool), String> {
    let event = info.first("event").ok_or("event: is missing")?;
    if info.first("category").is_none() {
        return Err("category: is missing".to_owned());
    }
    one_of(
        "urgency",
        info.first("urgency").unwrap_or_default(),
        &["Immediate", "Expected", "Future", "Past", "Unknown"],
    )?;
    let certainties = ["Observed", "Likely", "Possible", "Unlikely", "Unknown", "Very Likely"];
    one_of("certainty", info.first("certainty").unwrap_or_default(), &certainties)?;
    let severities = ["Extreme", "Severe", "Moderate", "Minor", "Unknown"];
    let severity = one_of("severity", info.first("severity").unwrap_or_default(), &severities)?;
    let level = info.all("parameter").find_map(colour).or(match severity {
        "Extreme" => Some(Level::Red),
        "Severe" => Some(Level::Orange),
        "Moderate" => Some(Level::Yellow),
        "Minor" => Some(Level::Blue),
        _ => None,
    });
    let expires = info.first("expires").map(|t| time("expires", t)).transpose()?;
    let [onset, effective] = ["onset", "effective"].map(|name| info.first(name).map(|t| time(name, t)).transpose());
    let (onset, effective) = (onset?, effective?);
    let (begins, happens) = (onset.or(effective), onset.is_some());
    let what = info.all("eventCode").find_map(kind).unwrap_or(event).to_owned();
    let text = line(info.first("headline").unwrap_or(event));
    let mut responses = info.all("responseType").peekable();
    let clear = responses.peek().is_some() && responses.all(|r| r.text() == "AllClear");
    let position = info.all("area").find_map(position);
    Ok((Info { what, level, begins, happens, expires, text, english: None, position }, clear))
}

/// What kind of event a code names. Some codes of the German weather service are about the message: the version of its
/// profile, its licence, the colour of areas on a map.
fn kind(code: &Element) -> Option<&str> {
    let about = ["PROFILE_VERSION", "LICENSE", "AREA_COLOR"];
    code.first("value").filter(|_| !code.first("valueName").is_some_and(|name| about.contains(&name)))
}

/// The colour in a parameter that is named for it.
fn colour(parameter: &Element) -> Option<Level> {
    let name = parameter.first("valueName")?.to_ascii_lowercase();
    let value = parameter.first("value")?.to_lowercase();
    if !matches!(name.as_str(), "level" | "colorcode" | "color" | "colour") {
        return None;
    }
    let colours = [
        ("红", "red", Level::Red),
        ("橙", "orange", Level::Orange),
        ("黄", "yellow", Level::Yellow),
        ("蓝", "blue", Level::Blue),
    ];
    colours.into_iter().find(|(zh, en, _)| value.contains(zh) || value.contains(en)).map(|(_, _, level)| level)
}

/// Where an area is: the middle of its circle, or of its polygon's corners.
fn position(area: &Element) -> Option<(f64, f64)> {
    let pair = |text: &str| {
        let (lat, lon) = text.split_once(',')?;
        let (lat, lon): (f64, f64) = (lat.parse().ok()?, lon.parse().ok()?);
        (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some((lon, lat))
    };
    if let Some(circle) = area.first("circle") {
        return pair(circle.split_whitespace().next()?);
    }
    let corners: Vec<(f64, f64)> = area.first("polygon")?.split_whitespace().map(pair).collect::<Option<_>>()?;
    // The first corner stands at the end again.
    let corners = corners.split_last().map(|(_, rest)| rest).filter(|rest| !rest.is_empty())?;
    let n = corners.len() as f64;
    Some((corners.iter().map(|c| c.0).sum::<f64>() / n, corners.iter().map(|c| c.1).sum::<f64>() / n))
}
