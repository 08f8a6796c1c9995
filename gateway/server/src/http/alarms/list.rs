//! Maibo's alerts in the shape of an Alertmanager's, and the questions that its tools ask.

use std::collections::BTreeMap;

use maibo_api as api;
use utoipa::IntoParams;

use crate::http::Fault;

/// Parameters of the list; what tools ask besides is passed over.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "for the document: `filter` comes more than once, so that the query is read by hand")]
pub(super) struct ListQuery {
    /// Those that are told; default true.
    active: Option<bool>,
    /// Those under a silence; default true.
    silenced: Option<bool>,
    /// Those told by their cause; default true.
    inhibited: Option<bool>,
    /// `name="value"` or `name!="value"`; any number of them, and all must hold.
    filter: Option<String>,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    active: bool,
    silenced: bool,
    inhibited: bool,
    /// Label, value, and whether it has to be that.
    matchers: Vec<(String, String, bool)>,
}

impl Wanted {
    pub(super) fn parse(query: &str) -> Result<Self, Fault> {
        let mut wanted = Self { active: true, silenced: true, inhibited: true, matchers: Vec::new() };
        let address = reqwest::Url::parse(&format!("http://localhost/?{query}"));
        let address = address.map_err(|_| Fault::bad_request("the query cannot be read"))?;
        for (name, value) in address.query_pairs() {
            let flag =
                || value.parse::<bool>().map_err(|_| Fault::bad_request(format!("{name}: must be true or false")));
            match &*name {
                "active" => wanted.active = flag()?,
                "silenced" => wanted.silenced = flag()?,
                "inhibited" => wanted.inhibited = flag()?,
                "filter" => wanted.matchers.push(
                    matcher(&value)
                        .ok_or_else(|| Fault::bad_request("filter: must be name=\"value\" or name!=\"value\""))?,
                ),
                _ => {}
            }
        }
        Ok(wanted)
    }

    pub(super) fn takes(&self, alert: &api::GettableAlert) -> bool {
        let held = !self.active && alert.status.state == "active"
            || !self.silenced && !alert.status.silenced_by.is_empty()
            || !self.inhibited && !alert.status.inhibited_by.is_empty();
        let has = |(name, value, is): &(String, String, bool)| {
            (alert.labels.get(name).map_or("", String::as_str) == value) == *is
        };
        !held && self.matchers.iter().all(has)
    }
}

fn matcher(text: &str) -> Option<(String, String, bool)> {
    let (name, value) = text.split_once('=')?;
    let (name, is) = name.strip_suffix('!').map_or((name, true), |name| (name, false));
    // Patterns (`=~`, `!~`) are not taken: half an answer would be a wrong one.
    let value = value.trim();
    if value.starts_with('~') {
        return None;
    }
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    Some((name.trim().to_owned(), value.to_owned(), is)).filter(|(name, ..)| !name.is_empty())
}

/// One alert.
pub(super) fn alert(alert: &api::Alert) -> api::GettableAlert {
    let word = |value: serde_json::Result<serde_json::Value>| {
        value.ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let mut labels = BTreeMap::from([
        ("alertname".to_owned(), alert.rule.clone()),
        ("severity".to_owned(), word(serde_json::to_value(alert.level))),
        ("domain".to_owned(), word(serde_json::to_value(alert.domain))),
        ("subject".to_owned(), alert.subject.id.clone()),
        ("maibo_alert".to_owned(), alert.id.clone()),
    ]);
    let optional = [("device", &alert.device), ("district", &alert.district), ("place", &alert.place)];
    labels.extend(optional.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?))));
    if alert.drill {
        labels.insert("maibo_drill".to_owned(), "true".to_owned());
    }
    let annotations = BTreeMap::from([
        ("summary".to_owned(), alert.title.zh.clone()),
        ("summary_en".to_owned(), alert.title.en.clone()),
        ("description".to_owned(), alert.text.zh.clone()),
        ("description_en".to_owned(), alert.text.en.clone()),
    ]);
    let silenced_by: Vec<String> = alert.silenced.iter().map(|s| s.by.clone()).collect();
    let inhibited_by: Vec<String> = alert.inhibited_by.iter().cloned().collect();
    let state = if silenced_by.is_empty() && inhibited_by.is_empty() { "active" } else { "suppressed" };
    api::GettableAlert {
        fingerprint: alert.id.chars().take(16).collect(),
        labels,
        annotations,
        starts_at: alert.started_at.clone(),
        updated_at: alert.updated_at.clone(),
        // An alert here ends when it is over; there it must have an end, and be told again before.
        ends_at: "9999-12-31T23:59:59.000Z".to_owned(),
        generator_url: String::new(),
        receivers: Vec::new(),
        status: api::GettableStatus { state: state.to_owned(), silenced_by, inhibited_by, muted_by: Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: what tools ask is understood, or refused: a filter that is passed over would be a wrong answer.
    #[test]
    fn questions() {
        let wanted =
            Wanted::parse("active=true&silenced=false&inhibited=false&filter=alertname%3D%22flood%22&filter=a!%3Db")
                .expect("understood");
        assert_eq!((wanted.active, wanted.silenced, wanted.inhibited), (true, false, false));
        let one = |n: &str, v: &str, is| (n.to_owned(), v.to_owned(), is);
        assert_eq!(wanted.matchers, [one("alertname", "flood", true), one("a", "b", false)]);
        for bad in ["filter=a%3D~%22x.*%22", "filter=a!~x", "filter=a", "active=1"] {
            assert!(Wanted::parse(bad).is_err(), "{bad}");
        }
    }
}
