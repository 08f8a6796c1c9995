//! Devices and rules in force, as the page needs them: compiled once per activation, shared, never changed.
//!
//! The only place that looks into the registry and the rule set, so that the rest of the picture works on plain values.

use std::collections::BTreeMap;
use std::sync::Arc;

use maibo_api as api;
use maibo_core::engine::{CLOCK_RULE, DRILL_RULE, MANY_RULE, SOURCE_RULE};
use maibo_core::id::{DeviceId, Quantity, RuleId, Version};
use maibo_core::input::Check;
use maibo_core::place::Domain;
use maibo_core::registry::{Catalogue, Device, place};
use maibo_core::rule::{
    Bound, Direction, Expression, ExpressionInput, Rule, RuleKind, RuleSet, Signal, Term, Threshold,
};
use maibo_core::time::Millis;

use super::score::Scale;
use super::words;

/// One device of the catalogue.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its identifier.
    pub id: DeviceId,
    /// What it is.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Code of its place.
    pub place: String,
    /// Code of the district it lies in; empty where the place is no smaller than the city.
    pub district: String,
    /// WGS-84 degrees.
    pub lon: Option<f64>,
    /// WGS-84 degrees.
    pub lat: Option<f64>,
    /// Which of the six domains.
    pub domain: Domain,
    /// Age at which it is stale, where no rule says anything.
    pub stale_after: Millis,
    /// What is judged first about it.
    pub primary: Option<Quantity>,
    /// From its value to the device's score; shared by all devices that the same rules are about.
    pub(super) scale: Arc<Scale>,
    /// Number of its street and domain in [`Roster::streets`].
    pub street: u32,
}

impl Entry {
    /// Code of the street it lies in; its place's where that is no smaller than a district.
    pub fn street_code(&self) -> &str {
        street_code(&self.place)
    }
}

/// What of one domain lies in one street.
#[derive(Clone, Debug)]
pub struct Street {
    /// The street's code.
    pub code: String,
    /// Code of its district; empty where it lies in none.
    pub district: String,
    /// Which domain.
    pub domain: Domain,
}

/// Devices and rules in force.
pub struct Roster {
    /// Version of the rule set.
    pub rules_version: Version,
    /// Version of the catalogue.
    pub catalogue_version: Version,
    /// In the catalogue's order; a device is its position.
    pub devices: Vec<Entry>,
    /// Streets that have devices of a domain, once a domain: what the domains' indices are made of.
    pub streets: Vec<Street>,
    /// Their numbers.
    numbers: BTreeMap<Domain, BTreeMap<String, u32>>,
    /// The rules as told, with no open alerts counted.
    pub rules: BTreeMap<RuleId, api::Rule>,
    catalogue: Arc<Catalogue>,
}

impl Roster {
    /// Compiles both.
    pub fn new(catalogue: &Arc<Catalogue>, rules: &RuleSet) -> Self {
        let mut numbers: BTreeMap<Domain, BTreeMap<String, u32>> = BTreeMap::new();
        let mut streets = Vec::new();
        let mut scales = BTreeMap::new();
        let mut devices = Vec::with_capacity(catalogue.len());
        for device in catalogue.devices() {
            let code = street_code(device.place.as_str());
            let known = numbers.entry(device.domain).or_default();
            let street = known.get(code).copied().unwrap_or_else(|| {
                let district = place::district(&device.place).unwrap_or_default().to_owned();
                streets.push(Street { code: code.to_owned(), district, domain: device.domain });
                let number = streets.len() as u32 - 1;
                known.insert(code.to_owned(), number);
                number
            });
            devices.push(entry(device, rules, street, &mut scales));
        }
        Self {
            rules_version: rules.version,
            catalogue_version: catalogue.version,
            devices,
            streets,
            numbers,
            rules: rules.rules.iter().map(|r| (r.id.clone(), told(r))).collect(),
            catalogue: Arc::clone(catalogue),
        }
    }

    /// Position of a device.
    pub fn position(&self, id: &DeviceId) -> Option<usize> {
        self.catalogue.number(id).map(|n| n as usize)
    }

    /// One device.
    pub fn get(&self, id: &DeviceId) -> Option<&Entry> {
        self.devices.get(self.position(id)?)
    }

    /// Number of the street of a domain that a place lies in, or is; `None` where no device of the domain is in it.
    pub fn street(&self, place: &str, domain: Domain) -> Option<u32> {
        self.numbers.get(&domain)?.get(street_code(place)).copied()
    }

    /// A rule's title; of a rule that is gone its identifier.
    pub fn title(&self, id: &RuleId) -> api::Words {
        match self.rules.get(id) {
            Some(rule) => rule.title.clone(),
            None if id.as_str() == SOURCE_RULE => words::words("消息源中断", "Source of messages is silent"),
            None if id.as_str() == MANY_RULE => words::words("众多事件", "Many incidents"),
            None if id.as_str() == DRILL_RULE => words::words("演练", "Drill"),
            None if id.as_str() == CLOCK_RULE => words::words("设备时钟异常", "Device clock is wrong"),
            None => match Check::of(id).map(Check::title) {
                Some((zh, en)) => words::words(zh, en),
                None => words::words(id.as_str(), id.as_str()),
            },
        }
    }

    /// What a rule says is to be done; `None` of a rule that is gone, and of Maibo's own.
    pub fn advice(&self, id: &RuleId) -> Option<api::Words> {
        self.rules.get(id).map(|rule| rule.advice.clone())
    }

    /// The columns of the devices at these positions. Their version is the hash of everything in them.
    pub fn columns(&self, members: &[u32]) -> api::ViewDevices {
        let mut c = api::ViewDevices::default();
        for entry in members.iter().filter_map(|m| self.devices.get(*m as usize)) {
            c.id.push(entry.id.to_string());
            c.lon.push(entry.lon);
            c.lat.push(entry.lat);
            c.kind.push(entry.kind.clone());
            c.district.push(entry.district.clone());
            c.domain.push(entry.domain.as_str().to_owned());
            c.name.push(entry.name.clone());
            c.quantity.push(entry.primary.as_ref().map(ToString::to_string).unwrap_or_default());
            c.unit.push(entry.primary.as_ref().map(words::unit).unwrap_or_default().to_owned());
        }
        c.version = Version::of(&serde_json::to_vec(&c).unwrap_or_default()).to_string();
        c
    }
}

fn entry(device: &Device, rules: &RuleSet, street: u32, scales: &mut BTreeMap<Vec<u32>, Arc<Scale>>) -> Entry {
    // What is on trial moves no figure that people see.
    let ladder = |n: u32| rules.rules.get(n as usize).filter(|r| !r.shadow).and_then(Rule::threshold);
    let mut judged: Vec<u32> = rules.about(device).into_iter().filter(|n| ladder(*n).is_some()).collect();
    // Rules are in the order of their identifiers: the same device always shows the same quantity first.
    let measured = judged.iter().find_map(|n| ladder(*n)?.shown());
    let named = || judged.iter().find_map(|n| ladder(*n)?.quantities().next());
    let primary = measured.or_else(named).cloned();
    judged.retain(|n| ladder(*n).map(|t| &t.quantity) == primary.as_ref());
    let make = |judged: &Vec<u32>| Arc::new(Scale::new(judged.iter().filter_map(|n| ladder(*n))));
    let scale = Arc::clone(scales.entry(judged).or_insert_with_key(make));
    Entry {
        id: device.id.clone(),
        kind: device.kind.to_string(),
        name: device.name.to_string(),
        place: device.place.to_string(),
        district: place::district(&device.place).unwrap_or_default().to_owned(),
        lon: device.position.map(|p| p.0),
        lat: device.position.map(|p| p.1),
        domain: device.domain,
        stale_after: device.stale_after(),
        primary,
        scale,
        street,
    }
}

/// The first nine digits of a place's code; all of a shorter one.
fn street_code(place: &str) -> &str {
    place.get(..9).unwrap_or(place)
}

/// A district's name; its code where no name is known.
pub fn district_name(code: &str) -> api::Words {
    place::named(code).map_or_else(|| words::words(code, code), |p| words::words(p.zh, p.en))
}

fn told(rule: &Rule) -> api::Rule {
    let pair = |w: &maibo_core::rule::Words| api::Words { zh: w.zh.clone(), en: w.en.clone() };
    let mut told = api::Rule {
        id: rule.id.to_string(),
        title: pair(&rule.title),
        domain: words::domain(rule.domain),
        quantity: None,
        unit: None,
        expression: None,
        levels: None,
        direction: None,
        deadband: None,
        for_ms: 0,
        keep_firing_for_ms: 0,
        source: rule.source.clone(),
        effective: rule.effective.clone(),
        confidence: rule.confidence.map(words::confidence),
        advice: pair(&rule.advice),
        terms: Vec::new(),
        open: 0,
        shadow: rule.shadow,
    };
    match &rule.kind {
        RuleKind::Threshold(threshold) => ladder(&mut told, threshold),
        RuleKind::Quorum(quorum) => told.keep_firing_for_ms = quorum.keep.0,
        RuleKind::Absence(_) | RuleKind::Event(_) => {}
    }
    told
}

/// A rule has one `for` on the interface: that of its highest level, the shortest wait that matters most.
fn ladder(told: &mut api::Rule, threshold: &Threshold) {
    told.unit = threshold.shown().map(|q| words::unit(q).to_owned());
    told.quantity = threshold.shown().map(ToString::to_string);
    told.expression = threshold.expression.as_deref().map(expression);
    for (n, terms) in (0..).zip(&threshold.periods) {
        let period = threshold.schedule.as_ref().and_then(|s| s.periods().get(n)).map(|p| p.name.to_string());
        told.terms.extend(terms.iter().map(|t| term(t, period.clone())));
    }
    // What can be drawn beside the values: limits on the values themselves, at all hours from some day on.
    let plain = told.terms.first().filter(|t| t.signal == Signal::Last.as_str() && threshold.is_lasting());
    if let Some(first) = plain {
        (told.deadband, told.direction) = (Some(first.deadband), Some(first.direction));
        told.levels = Some(first.levels.clone());
    }
    if let Some(step) = threshold.first().iter().filter_map(|t| t.steps.last()).max_by_key(|s| s.level) {
        (told.for_ms, told.keep_firing_for_ms) = (step.hold.0, step.keep.0);
    }
}

fn expression(expression: &Expression) -> api::RuleExpression {
    let input = |i: &ExpressionInput| api::RuleInput {
        name: i.name.to_string(),
        quantity: i.quantity.to_string(),
        signal: i.signal.as_str().to_owned(),
        window_ms: i.window.0,
    };
    api::RuleExpression {
        text: expression.text.clone(),
        truth: expression.truth,
        inputs: expression.inputs.iter().map(input).collect(),
    }
}

fn term(term: &Term, period: Option<String>) -> api::RuleTerm {
    let limit = |bound: Bound| match bound {
        Bound::Value(value) => api::Limit::Value(value),
        Bound::Band { low, high } => api::Limit::Band([low, high]),
    };
    api::RuleTerm {
        signal: term.signal.as_str().to_owned(),
        window_ms: term.window.0,
        direction: match term.direction {
            Direction::Above => api::Direction::Above,
            Direction::Below => api::Direction::Below,
            Direction::Outside => api::Direction::Outside,
        },
        deadband: term.deadband,
        levels: term.steps.iter().map(|s| (words::level(s.level), limit(s.bound))).collect(),
        period,
    }
}
