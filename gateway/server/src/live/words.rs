//! From the core's values to the words of the interface.

use maibo_api as api;
use maibo_core::alert::sentence;
use maibo_core::fact::{Reason, Stamp, Stamps, State, Transition};
use maibo_core::id::{Actor, EpisodeId, Quantity, Subject};
use maibo_core::place::{Domain, Level};
use maibo_core::reading::quantity;
use maibo_core::registry::place;
use maibo_core::rule::{Confidence, Words};
use maibo_core::time::Timestamp;

use super::roster::Roster;

/// RFC 3339 in UTC with milliseconds; times no calendar knows become its first or last day.
pub fn time(at: Timestamp) -> api::Time {
    let range = jiff::Timestamp::MIN.as_millisecond() + 1..=jiff::Timestamp::MAX.as_millisecond();
    let time = jiff::Timestamp::from_millisecond(at.0.clamp(*range.start(), *range.end()));
    format!("{:.3}", time.unwrap_or(jiff::Timestamp::UNIX_EPOCH))
}

/// Reads RFC 3339, or milliseconds since 1970.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(ms) = text.parse::<i64>() {
        return Some(Timestamp(ms));
    }
    text.parse::<jiff::Timestamp>().ok().map(|t| Timestamp(t.as_millisecond()))
}

/// The level on the interface.
pub fn level(level: Level) -> api::Level {
    match level {
        Level::Blue => api::Level::Blue,
        Level::Yellow => api::Level::Yellow,
        Level::Orange => api::Level::Orange,
        Level::Red => api::Level::Red,
    }
}

/// The domain on the interface.
pub fn domain(domain: Domain) -> api::Domain {
    match domain {
        Domain::Municipal => api::Domain::Municipal,
        Domain::Traffic => api::Domain::Traffic,
        Domain::Ecology => api::Domain::Ecology,
        Domain::Health => api::Domain::Health,
        Domain::Safety => api::Domain::Safety,
        Domain::Emergency => api::Domain::Emergency,
    }
}

/// How well founded a rule's limits are, on the interface.
pub fn confidence(confidence: Confidence) -> api::Confidence {
    match confidence {
        Confidence::Verified => api::Confidence::Verified,
        Confidence::Weak => api::Confidence::Weak,
        Confidence::Default => api::Confidence::Default,
    }
}

/// The domain's name.
pub fn domain_title(domain: Domain) -> api::Words {
    let (zh, en) = match domain {
        Domain::Municipal => ("市政管理", "Municipal services"),
        Domain::Traffic => ("城市交通", "Traffic"),
        Domain::Ecology => ("生态环境", "Ecology"),
        Domain::Health => ("公共卫生", "Public health"),
        Domain::Safety => ("社会安全", "Public safety"),
        Domain::Emergency => ("应急管理", "Emergency"),
    };
    words(zh, en)
}

/// Both languages.
pub fn words(zh: &str, en: &str) -> api::Words {
    api::Words { zh: zh.to_owned(), en: en.to_owned() }
}

/// The canonical unit of a quantity, empty where it is not registered.
pub fn unit(quantity: &Quantity) -> &'static str {
    quantity::lookup(quantity.as_str()).map_or("", |spec| spec.unit)
}

/// Firing or resolved.
pub fn state(state: State) -> api::AlertState {
    match state {
        State::Firing => api::AlertState::Firing,
        State::Resolved => api::AlertState::Resolved,
    }
}

/// A number that JSON can carry.
pub fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

/// The district an alert lies in.
pub fn district(t: &Transition) -> Option<&str> {
    t.place.as_ref().and_then(place::district)
}

/// An alert as everybody sees it. The catalogue of today gives name and position, the fact gives the rest.
pub fn alert(t: &Transition, roster: &Roster) -> api::Alert {
    let device = t.subject.device();
    // What is about the surroundings of a device is shown where that stands.
    let centre = if let Subject::Around(centre) = &t.subject { Some(centre) } else { device };
    let entry = centre.and_then(|id| roster.get(id));
    let district = district(t);
    let handling = t.handling.as_deref();
    api::Alert {
        id: t.episode.to_string(),
        rule: t.rule.to_string(),
        title: title(t, roster),
        subject: api::Subject { kind: t.subject.kind().to_owned(), id: t.subject.id().into_owned() },
        device: device.map(ToString::to_string),
        device_name: entry.map(|e| e.name.clone()),
        place: t.place.as_ref().map(ToString::to_string),
        district: district.map(str::to_owned),
        place_name: district.map(super::roster::district_name),
        domain: domain(t.domain),
        quantity: t.quantity.as_ref().map(ToString::to_string),
        unit: t.quantity.as_ref().map(|q| t.measure.as_ref().map_or_else(|| unit(q).to_owned(), |m| m.unit(unit(q)))),
        level: level(t.level),
        peak_level: level(t.peak),
        state: state(t.state),
        data: if t.stale { api::DataState::Stale } else { api::DataState::Fresh },
        historic: t.historic,
        started_at: time(t.started_at),
        updated_at: time(updated_at(t)),
        resolved_at: t.resolved_at.map(time),
        acknowledged: t.acknowledged.as_ref().map(|a| api::Acknowledged {
            by: a.by.to_string(),
            at: time(a.at),
            note: a.note.to_string(),
        }),
        value: finite(t.value),
        threshold: finite(t.threshold),
        reason: t.reason.as_str().to_owned(),
        version: t.version,
        lon: entry.and_then(|e| e.lon),
        lat: entry.and_then(|e| e.lat),
        assigned: handling.and_then(|h| h.assigned.as_ref()).map(|a| api::Assigned {
            to: a.to.to_string(),
            by: a.by.to_string(),
            at: time(a.at),
        }),
        silenced: t.silenced().map(|s| api::Silenced {
            until: time(s.until),
            by: s.by.to_string(),
            at: time(s.at),
            note: s.note.to_string(),
        }),
        flapping: t.is_flapping(),
        stamps: handling.map(|h| stamps(&h.stamps)).unwrap_or_default(),
        text: text(t, roster),
        measure: t.measure.as_ref().map(|m| api::Measure {
            signal: m.signal.to_string(),
            window_ms: m.window.0,
            expression: m.formula.as_ref().map(|f| f.text.to_string()),
        }),
        inhibited_by: None,
        drill: t.is_drill(),
    }
}

/// The same while a cause is told instead of it.
pub fn alert_by(t: &Transition, cause: Option<EpisodeId>, roster: &Roster) -> api::Alert {
    api::Alert { inhibited_by: cause.map(|c| c.to_string()), ..alert(t, roster) }
}

/// What an alert is called: by its rule, or by what a drill plays, which says that it is one wherever it stands alone.
pub fn title(t: &Transition, roster: &Roster) -> api::Words {
    match t.found.as_ref().filter(|_| t.is_drill()) {
        Some(played) => words(&format!("演练：{}", &*played.zh), &format!("Drill: {}", &*played.en)),
        None => roster.title(&t.rule),
    }
}

/// A transition in one sentence.
pub fn text(t: &Transition, roster: &Roster) -> api::Words {
    let title = title(t, roster);
    let said = sentence(t, &Words { zh: title.zh, en: title.en });
    api::Words { zh: said.zh, en: said.en }
}

/// What people call an actor, also one of an earlier format.
pub fn spoken(actor: &str) -> api::Words {
    let (zh, en) = Actor::new(actor).map_or_else(|_| (actor.to_owned(), actor.to_owned()), |actor| actor.spoken());
    api::Words { zh, en }
}

fn stamps(stamps: &Stamps) -> api::Stamps {
    let stamp = |stamp: &Option<Stamp>| {
        stamp.as_ref().map(|s| api::Stamp { at: time(s.at), by: s.by.as_ref().map(ToString::to_string) })
    };
    api::Stamps {
        published: stamp(&stamps.published),
        responding: stamp(&stamps.responding),
        fed_back: stamp(&stamps.fed_back),
        archived: stamp(&stamps.archived),
    }
}

/// When the latest version came to be. What people do moves no event time, but it is news.
fn updated_at(t: &Transition) -> Timestamp {
    let noted = t.handling.as_ref().and_then(|h| h.noted);
    let acknowledged = t.acknowledged.as_ref().filter(|_| t.reason == Reason::Acknowledged).map(|a| a.at);
    noted.or(acknowledged).unwrap_or(t.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: times are RFC 3339 with three digits and Z, and can be read back; impossible times do not break anything.
    #[test]
    fn times() {
        assert_eq!(time(Timestamp(1_764_000_000_000)), "2025-11-24T16:00:00.000Z");
        assert_eq!(time(Timestamp(1)), "1970-01-01T00:00:00.001Z");
        for far in [i64::MIN, i64::MAX] {
            assert!(time(Timestamp(far)).ends_with('Z'), "{}", time(Timestamp(far)));
        }
        assert_eq!(parse_time("2025-11-24T16:00:00.000Z"), Some(Timestamp(1_764_000_000_000)));
        assert_eq!(parse_time("2025-11-25T00:00:00+08:00"), Some(Timestamp(1_764_000_000_000)));
        assert_eq!(parse_time("1764000000000"), Some(Timestamp(1_764_000_000_000)));
        assert_eq!(parse_time("yesterday"), None);
    }
}
