//! What lowers a part of the city: its children with their scores and weights, and what caps it.
//!
//! Parts are named by a text, the parameter `of`: `city`, `domain:traffic`, `district:110105`, `street:110105003`, and the
//! latter two in one domain as `district:110105/traffic`. `district:none` is what lies in no district.
//!
//! Invariant: from what is listed and [`api::IndexRest`], anybody gets the part's `mean`; from `mean` and `cap` its `index`.
//! Limits: [`CHILDREN_MAX`] children, [`DEVICES_MAX`] devices, [`UNKNOWN_MAX`] unknown ones; the lowest are listed.

use std::fmt;
use std::sync::Arc;

use maibo_api as api;
use maibo_core::fact::Transition;
use maibo_core::place::{Domain, Level};

use super::tell;
use super::tree::{Node, Tree, points, tenths, weight};
use crate::live::roster::{Entry, Street};
use crate::live::score::cap;
use crate::live::words;

/// Children listed; there are fewer districts than this, and seldom a district with more streets.
pub(super) const CHILDREN_MAX: usize = 200;
/// Devices listed that lower a street.
pub(super) const DEVICES_MAX: usize = 50;
/// Devices listed of which nothing can be said.
pub(super) const UNKNOWN_MAX: usize = 50;
/// The word for what lies in no district.
const NO_DISTRICT: &str = "none";
/// Digits that a place's code has at most.
const CODE_MAX: usize = 12;

/// A part of the city that has an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    City,
    /// One domain.
    Domain(Domain),
    /// A district by its code, empty for what lies in none; or what of a domain lies in it.
    District(String, Option<Domain>),
    /// A street by its code, or what of a domain lies in it.
    Street(String, Option<Domain>),
}

impl Part {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "city" {
            return Some(Self::City);
        }
        let (kind, rest) = text.split_once(':')?;
        if kind == "domain" {
            return Domain::parse(rest).map(Self::Domain);
        }
        let (code, domain) = match rest.split_once('/') {
            Some((code, domain)) => (code, Some(Domain::parse(domain)?)),
            None => (rest, None),
        };
        let digits = (1..=CODE_MAX).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
        match kind {
            "district" if code == NO_DISTRICT => Some(Self::District(String::new(), domain)),
            "district" if digits => Some(Self::District(code.to_owned(), domain)),
            "street" if digits => Some(Self::Street(code.to_owned(), domain)),
            _ => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = match self {
            Self::City => return f.write_str("city"),
            Self::Domain(domain) => return write!(f, "domain:{}", domain.as_str()),
            Self::District(code, domain) => {
                write!(f, "district:{}", if code.is_empty() { NO_DISTRICT } else { code })?;
                domain
            }
            Self::Street(code, domain) => {
                write!(f, "street:{code}")?;
                domain
            }
        };
        domain.map_or(Ok(()), |d| write!(f, "/{}", d.as_str()))
    }
}

/// The index of the city, its domains and its districts.
pub(super) fn index(tree: &Tree<'_>) -> api::Index {
    let district = |(code, node): (&&str, &Node)| part(tree, &Part::District((*code).to_owned(), None), node);
    api::Index {
        at: words::time(tree.sight.now),
        city: part(tree, &Part::City, &tree.city),
        domains: tree.domains.iter().map(|(domain, node)| part(tree, &Part::Domain(*domain), node)).collect(),
        districts: tree.districts.iter().map(district).collect(),
    }
}

/// What lowers a part; `None` where the tree has no such part.
pub(super) fn explain(tree: &Tree<'_>, of: &Part) -> Option<api::IndexExplanation> {
    let (node, children) = match of {
        Part::City => {
            let domains = tree.domains.iter().map(|(d, n)| (Part::Domain(*d), n.clone(), 1));
            (tree.city.clone(), domains.collect())
        }
        Part::Domain(domain) => {
            let cells = tree.cells.iter().filter(|((_, d), _)| d == domain);
            let child = |((code, d), n): (&(&str, Domain), &Node)| {
                (Part::District((*code).to_owned(), Some(*d)), n.clone(), weight(n))
            };
            (tree.domains.get(domain)?.clone(), cells.map(child).collect())
        }
        Part::District(code, None) => {
            let cells = tree.cells.iter().filter(|((c, _), _)| c == code);
            let child =
                |((c, d), n): (&(&str, Domain), &Node)| (Part::District((*c).to_owned(), Some(*d)), n.clone(), 1);
            (tree.districts.get(code.as_str())?.clone(), cells.map(child).collect())
        }
        Part::District(code, Some(domain)) => {
            let streets = tree.streets().filter(|(s, _)| s.district == *code && s.domain == *domain);
            let child = streets.map(|(s, n)| (Part::Street(s.code.clone(), Some(s.domain)), n.clone(), 1));
            (tree.cells.get(&(code.as_str(), *domain))?.clone(), child.collect())
        }
        Part::Street(code, None) => {
            let streets: Vec<_> = tree.streets().filter(|(s, _)| s.code == *code).collect();
            if streets.is_empty() {
                return None;
            }
            let node = Node::over(streets.iter().map(|(_, n)| *n));
            let child = |(s, n): &(&Street, &Node)| (Part::Street(s.code.clone(), Some(s.domain)), (*n).clone(), 1);
            (node, streets.iter().map(child).collect())
        }
        Part::Street(code, Some(domain)) => {
            let (_, node) = tree.streets().find(|(s, _)| s.code == *code && s.domain == *domain)?;
            return Some(street(tree, of, node));
        }
    };
    Some(told(tree, of, &node, children))
}

/// A child with its weight, if it has a score.
type Child = (Part, Node, u64);

fn told(tree: &Tree<'_>, of: &Part, node: &Node, mut children: Vec<Child>) -> api::IndexExplanation {
    // Without a score last; the order among equals is that of the codes.
    children.sort_by_cached_key(|(of, child, _)| (child.score().is_none(), child.score(), of.to_string()));
    let mut rest = Rest::default();
    let mut listed = Vec::new();
    for (of, child, weight) in children {
        if listed.len() < CHILDREN_MAX {
            let weight = child.score().map_or(0, |_| weight);
            listed.push(api::IndexPart { weight, ..part(tree, &of, &child) });
        } else if let Some(score) = child.score() {
            rest.add(score, weight);
        }
    }
    api::IndexExplanation {
        at: words::time(tree.sight.now),
        part: part(tree, of, node),
        formula: tell::formula(of),
        children: listed,
        devices: Vec::new(),
        rest: rest.told(),
        unknown: api::IndexUnknown::default(),
    }
}

/// A street in one domain: its children are devices.
fn street(tree: &Tree<'_>, of: &Part, node: &Node) -> api::IndexExplanation {
    let mut scored = Vec::new();
    let mut unknown = api::IndexUnknown::default();
    for (entry, condition) in tree.devices().filter(|(e, _)| within(of, e)) {
        if let Some(score) = condition.score {
            scored.push((tenths(score), entry, condition));
        }
        let Some(why) = condition.unknown else { continue };
        *match why {
            api::UnknownWhy::Never => &mut unknown.never,
            api::UnknownWhy::Stale => &mut unknown.stale,
            api::UnknownWhy::Deaf => &mut unknown.deaf,
            api::UnknownWhy::Maintenance => &mut unknown.maintenance,
        } += 1;
        if unknown.devices.len() < UNKNOWN_MAX {
            unknown.devices.push(api::IndexMissing { id: entry.id.to_string(), name: entry.name.clone(), why });
        }
    }
    scored.sort_by_key(|(score, ..)| *score);
    let lowered = scored.iter().take_while(|(score, ..)| *score < tenths(100.0)).count().min(DEVICES_MAX);
    let mut rest = Rest::default();
    scored.iter().skip(lowered).for_each(|(score, ..)| rest.add(*score, 1));
    api::IndexExplanation {
        at: words::time(tree.sight.now),
        part: part(tree, of, node),
        formula: tell::formula(of),
        children: Vec::new(),
        devices: scored.iter().take(lowered).map(|(_, entry, condition)| tell::device(entry, condition)).collect(),
        rest: rest.told(),
        unknown,
    }
}

/// What is not listed.
#[derive(Default)]
struct Rest {
    count: u64,
    weight: u64,
    sum: u64,
}

impl Rest {
    fn add(&mut self, score: u64, weight: u64) {
        (self.count, self.weight, self.sum) = (self.count + 1, self.weight + weight, self.sum + score * weight);
    }

    fn told(&self) -> api::IndexRest {
        api::IndexRest { count: self.count, weight: self.weight, sum: points(self.sum) }
    }
}

/// Whether a device lies in a street.
pub(super) fn within(of: &Part, entry: &Entry) -> bool {
    matches!(of, Part::Street(code, Some(domain)) if entry.street_code() == code && entry.domain == *domain)
}

fn part(tree: &Tree<'_>, of: &Part, node: &Node) -> api::IndexPart {
    let cap = node.worst.map(|level| api::IndexCap {
        level: words::level(level),
        score: cap(level),
        cause: cause(tree, of, level).map(|t| tell::cause(t, tree.roster())),
    });
    let (kind, domain, code) = match of {
        Part::City => (api::IndexKind::City, None, None),
        Part::Domain(domain) => (api::IndexKind::Domain, Some(*domain), None),
        Part::District(code, domain) => (api::IndexKind::District, *domain, Some(code)),
        Part::Street(code, domain) => (api::IndexKind::Street, *domain, Some(code)),
    };
    api::IndexPart {
        of: of.to_string(),
        kind,
        domain: domain.map(words::domain),
        code: code.filter(|c| !c.is_empty()).cloned(),
        name: tell::name(of),
        index: node.score().map(points),
        mean: node.mean().map(points),
        cap,
        weight: u64::from(node.score().is_some()),
        devices: node.devices,
        online: node.known,
        coverage: super::coverage(node.known, node.devices),
        open: node.open,
    }
}

/// The alert that caps a part: of those of the level the longest open one.
fn cause<'a>(tree: &Tree<'a>, of: &Part, level: Level) -> Option<&'a Transition> {
    let caps = |t: &&Arc<Transition>| t.level == level && tree.caps(t, of);
    tree.alerts().filter(caps).min_by_key(|t| (t.started_at, t.episode)).map(|t| &**t)
}
