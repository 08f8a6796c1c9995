//! §14: episodes, their identity and what is told of them.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::act::Handled;
use crate::{Level, Ms, Side, Told};

/// What was given to episodes of one rule and subject so far: the latest pending-since, and the highest number.
pub(crate) type Given = BTreeMap<(String, String), (Ms, u32)>;

/// Where transitions of one rule about one device go.
pub(crate) struct Teller<'a> {
    /// When what is told now is decided.
    pub(crate) decided: Ms,
    pub(crate) rule: &'a str,
    /// Whether the rule is on trial.
    pub(crate) side: Side,
    pub(crate) device: &'a str,
    /// What it is about: kind and id.
    pub(crate) subject: (&'static str, String),
    pub(crate) historic_after: Ms,
    pub(crate) given: &'a mut Given,
    pub(crate) told: &'a mut Vec<Told>,
}

impl Teller<'_> {
    /// The number of an episode that is pending since then: given when it begins to be.
    pub(crate) fn number(&mut self, since: Ms) -> u32 {
        let key = (self.rule.to_owned(), self.subject.1.clone());
        // What was given to events that are forgotten counts for all of their device.
        let of_device = (self.rule.to_owned(), self.device.to_owned());
        let before = self.given.get(&key).or_else(|| self.given.get(&of_device)).copied();
        let n = match before {
            Some((latest, highest)) if since <= latest => highest + 1,
            _ => 1,
        };
        let (latest, highest) = before.unwrap_or((since, n));
        self.given.insert(key, (latest.max(since), highest.max(n)));
        n
    }

    /// The event is forgotten, and not what it was given.
    pub(crate) fn spend(&mut self) {
        let Some(spent) = self.given.remove(&(self.rule.to_owned(), self.subject.1.clone())) else { return };
        let all = self.given.entry((self.rule.to_owned(), self.device.to_owned())).or_insert(spent);
        *all = (all.0.max(spent.0), all.1.max(spent.1));
    }
}

/// What is shown with a transition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shown {
    pub(crate) value: Option<f64>,
    pub(crate) threshold: Option<f64>,
}

/// An open episode.
#[derive(Clone, Debug)]
pub(crate) struct Episode {
    id: String,
    started_at: Ms,
    version: u32,
    pub(crate) level: Level,
    peak: Level,
    pub(crate) stale: bool,
    historic: bool,
    pub(crate) shown: Shown,
    /// The latest event time that a value or silence gave.
    latest: Ms,
    /// The event time last told.
    at: Ms,
    pub(crate) handled: Handled,
    /// Of every version: the level, and the operator who made it, but for what is only said.
    pub(crate) past: Vec<(Level, Option<String>)>,
}

impl Episode {
    /// Opens one, pending since then and with this number: nothing is told yet.
    pub(crate) fn new((since, n): (Ms, u32), level: Level, stale: bool, to: &Teller<'_>) -> Self {
        Self {
            id: identity(to.rule, &to.subject, since, n),
            started_at: since,
            version: 0,
            level,
            peak: level,
            stale,
            historic: false,
            shown: Shown::default(),
            latest: since,
            at: since,
            handled: Handled::default(),
            past: Vec::new(),
        }
    }

    /// Ends it by an edit, in whose words nothing is said of the data.
    pub(crate) fn end(&mut self, event: Ms, reason: &'static str, to: &mut Teller<'_>) {
        self.stale = false;
        self.tell(event, false, reason, to);
    }

    /// Tells a transition at `event` time. One that ends the episode is its last.
    pub(crate) fn tell(&mut self, event: Ms, firing: bool, reason: &'static str, to: &mut Teller<'_>) {
        self.at = event.max(self.latest);
        self.historic = to.decided - self.at > to.historic_after;
        if reason != "data_stale" {
            self.latest = self.at;
        }
        self.say(firing, reason, None, to);
    }

    /// Makes a version of it as it stands. `by`: the operator whose act it is, and in which words.
    pub(crate) fn say(&mut self, firing: bool, reason: &'static str, by: Option<(&str, &str)>, to: &mut Teller<'_>) {
        self.version += 1;
        self.peak = self.peak.max(self.level);
        let rose = self.past.last().is_some_and(|(before, _)| self.level > *before);
        // What is only said refuses nobody.
        let counts = by.filter(|_| !matches!(reason, "commented" | "escalated"));
        self.past.push((self.level, counts.map(|(actor, _)| actor.to_owned())));
        let handled = &mut self.handled;
        handled.said = by
            .filter(|_| !matches!(reason, "acknowledged" | "escalated"))
            .map(|(actor, note)| (actor.to_owned(), to.decided, note.to_owned()));
        let [published, .., archived] = &mut handled.stamps;
        published.get_or_insert((to.decided, None));
        if !firing {
            *archived = Some((to.decided, by.map(|(actor, _)| actor.to_owned())));
        }
        // A rise and the end of the episode end a silence.
        if rose || !firing {
            handled.silenced = None;
        }
        to.told.push(Told {
            decided_at: to.decided,
            side: to.side,
            rule: to.rule.to_owned(),
            subject: to.subject.clone(),
            version: self.version,
            episode: self.id.clone(),
            firing,
            level: self.level,
            peak: self.peak,
            stale: self.stale,
            historic: self.historic,
            value: self.shown.value,
            threshold: self.shown.threshold,
            started_at: self.started_at,
            at: self.at,
            // What an operator closes is over when they say so.
            resolved_at: (!firing).then_some(if by.is_some() { to.decided.max(self.at) } else { self.at }),
            reason,
            handled: self.handled.clone(),
        });
        self.handled.missed = None;
    }

    pub(crate) fn is(&self, id: &str) -> bool {
        self.id == id
    }
}

/// 128 bits of SHA-256 as 32 hexadecimal digits.
fn identity(rule: &str, (kind, subject): &(&'static str, String), since: Ms, n: u32) -> String {
    let mut hash = Sha256::new();
    for text in ["maibo-episode-1", rule, *kind, subject.as_str()] {
        hash.update((text.len() as u32).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(since.to_be_bytes());
    hash.update(n.to_be_bytes());
    let digest = hash.finalize();
    let number = digest[..16].iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("{number:032x}")
}
