//! §10: an event rule on one device: one episode for each event that it reports.

use std::collections::BTreeMap;

use crate::act::Order;
use crate::device::Desk;
use crate::episode::{Episode, Teller};
use crate::series::{EARLIEST, MAX_AGE, MAX_LEAD};
use crate::{Event, Level, Ms};

/// Events open on one device; reports of further ones open nothing.
pub(crate) const MAX_EVENTS: usize = 256;
/// Ended events of one rule on one device that are remembered.
const MAX_ENDED: usize = 64;

/// Which codes mean which level, and how long a report counts that names no end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Codes {
    pub(crate) levels: BTreeMap<String, Level>,
    pub(crate) expires_after: Ms,
}

/// When a report was made, what it is judged at, and the end it names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    said: Ms,
    at: Ms,
    ends: Option<Ms>,
}

/// One event, open or over.
#[derive(Clone, Debug)]
struct Known {
    code: String,
    /// Of its last report.
    words: Option<String>,
    when: When,
    /// What is added to the wait for a repeat.
    later: Ms,
    reports: u32,
    episode: Option<Episode>,
    /// An operator closed it: nothing opens until it was cancelled, or not repeated for as long as it counts.
    closed: bool,
}

/// An event rule on a device.
#[derive(Clone, Debug)]
pub(crate) struct EventCell {
    pub(crate) codes: Codes,
    known: BTreeMap<String, Known>,
}

impl Codes {
    /// The code itself, else the longest that is open at its end.
    fn level(&self, code: &str) -> Option<Level> {
        let fits = |c: &&String| c.strip_suffix('*').is_some_and(|stem| code.starts_with(stem));
        let exact = self.levels.get(code).filter(|_| !code.ends_with('*'));
        exact.or_else(|| self.levels.get(self.levels.keys().filter(fits).max_by_key(|c| c.len())?)).copied()
    }
}

impl When {
    /// `None`: too old. `wrong`: the device's clock is known to be so.
    pub(crate) fn of(event: &Event, now: Ms, wrong: bool) -> Option<Self> {
        let received = event.received.min(now);
        let wrong = wrong || event.at < EARLIEST || event.at - received > MAX_LEAD;
        let said = if wrong { received } else { event.at };
        let at = said.min(received);
        // Of a wrong clock the length counts; one from before 2000 says nothing of ends behind it.
        let by = if wrong && event.at >= EARLIEST { received - event.at } else { 0 };
        let ends = event.expires.filter(|end| *end >= EARLIEST).map(|end| end + by);
        (received - at <= MAX_AGE).then_some(Self { said, at, ends })
    }
}

impl Known {
    /// When it is over by itself.
    fn until(&self, codes: &Codes) -> Ms {
        self.when.ends.unwrap_or(self.when.at + codes.expires_after + self.later)
    }

    /// Repeats are waited for: of what is open, and of what an operator closed.
    fn waits(&self) -> bool {
        (self.episode.is_some() || self.closed) && self.when.ends.is_none()
    }

    /// Takes a newer report. One that waited in deaf time does not shorten the wait for the next.
    fn renew(&mut self, codes: &Codes, event: &Event, when: When) {
        let before = (self.waits() && when.ends.is_none()).then(|| self.until(codes));
        (self.code, self.words) = (event.code.clone(), event.words.clone());
        self.when = When { at: when.at.max(self.when.at), ..when };
        self.later = 0;
        self.later = before.map_or(0, |before| (before - self.until(codes)).max(0));
    }

    fn open(&mut self, level: Level, to: &mut Teller<'_>) {
        let at = self.when.at;
        self.reports = 1;
        let mut episode = Episode::new((at, to.number(at)), level, false, to);
        episode.shown.value = Some(1.0);
        episode.tell(at, true, "event", to);
        self.episode = Some(episode);
    }

    fn close(&mut self, event: Ms, reason: &'static str, to: &mut Teller<'_>) {
        if let Some(mut episode) = self.episode.take() {
            episode.shown.value = Some(f64::from(self.reports));
            episode.tell(event, false, reason, to);
        }
    }

    /// A newer report of what is open.
    fn repeat(&mut self, codes: &Codes, (event, when): (&Event, When), level: Level, now: Ms, to: &mut Teller<'_>) {
        let news = event.words != self.words;
        self.renew(codes, event, when);
        self.reports += 1;
        let (at, until) = (self.when.at, self.until(codes));
        if let Some(episode) = &mut self.episode {
            episode.shown.value = Some(f64::from(self.reports));
            let before = std::mem::replace(&mut episode.level, level);
            if level != before {
                episode.tell(at, true, if level > before { "raised" } else { "lowered" }, to);
            } else if news {
                episode.tell(at, true, "event", to);
            }
        }
        if until <= now {
            self.close(until.max(at), "event_expired", to);
        }
    }
}

impl EventCell {
    pub(crate) fn new(codes: Codes) -> Self {
        Self { codes, known: BTreeMap::new() }
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.known.values().filter(|k| k.episode.is_some()).count()
    }

    /// Takes a report. `room`: whether one more may be open on the device.
    pub(crate) fn report(&mut self, event: &Event, when: When, now: Ms, room: bool, desk: &mut Desk<'_, '_>) {
        let level = self.codes.level(&event.code).filter(|_| !event.cancelled);
        let over = when.ends.unwrap_or(when.at + self.codes.expires_after) <= now;
        let opens = !over && room;
        let Some(known) = self.known.get_mut(&event.identity) else {
            let Some(level) = level.filter(|_| opens) else { return };
            let (code, words) = (event.code.clone(), event.words.clone());
            let mut known = Known { code, words, when, later: 0, reports: 0, episode: None, closed: false };
            known.open(level, &mut desk.of(now, &event.identity));
            self.known.insert(event.identity.clone(), known);
            return self.forget(now, desk);
        };
        let ends_it = event.cancelled && known.episode.is_some();
        if when.said < known.when.said || when.said == known.when.said && !ends_it {
            return;
        }
        let to = &mut desk.of(now, &event.identity);
        // By its own time: in time, or too late.
        let holds = known.closed && when.at < known.until(&self.codes);
        match level {
            Some(_) if holds => known.renew(&self.codes, event, when),
            None if event.cancelled => {
                known.renew(&self.codes, event, when);
                known.closed = false;
                known.close(known.when.at, "event_cancelled", to);
            }
            Some(level) if known.episode.is_some() => {
                known.repeat(&self.codes, (event, when), level, now, to);
            }
            Some(level) if opens => {
                known.renew(&self.codes, event, when);
                known.closed = false;
                known.open(level, to);
            }
            _ => {}
        }
    }

    /// Ended events that were said long ago are forgotten, and the oldest where there are too many.
    fn forget(&mut self, now: Ms, desk: &mut Desk<'_, '_>) {
        let over = self.known.iter().filter(|(_, k)| k.episode.is_none());
        let mut over: Vec<(Ms, String)> = over.map(|(id, k)| (k.when.said, id.clone())).collect();
        over.sort();
        let old = over.iter().filter(|(said, _)| now - said > MAX_AGE).count();
        for (_, identity) in over.iter().take(old.max(over.len().saturating_sub(MAX_ENDED))) {
            self.known.remove(identity);
            desk.of(now, identity).spend();
        }
    }

    /// Ends what is over up to `until`, decided not before `last`. `deaf`: only what names its own end.
    pub(crate) fn due(&mut self, until: Ms, last: Ms, deaf: bool, desk: &mut Desk<'_, '_>) {
        let quiet = until.min(desk.out.until);
        for (identity, known) in &mut self.known {
            let at = known.until(&self.codes);
            let over = at <= until && (known.when.ends.is_some() || !deaf);
            let silent = known.episode.as_ref().and_then(Episode::silent_until);
            if let Some(end) = silent.filter(|end| *end <= quiet && (!over || *end < at)) {
                let mut to = desk.of(end.max(last), identity);
                known.episode.iter_mut().for_each(|open| open.end_silence(&mut to));
            }
            if over {
                known.close(at, "event_expired", &mut desk.of(at.max(last), identity));
            }
        }
    }

    /// Waiting for a repeat takes longer by this.
    pub(crate) fn wait(&mut self, by: Ms) {
        self.known.values_mut().filter(|k| k.waits()).for_each(|k| k.later += by);
    }

    /// §12: these are the codes now.
    pub(crate) fn edit(&mut self, codes: &Codes, now: Ms, desk: &mut Desk<'_, '_>) {
        self.codes = codes.clone();
        for (identity, known) in &mut self.known {
            let Some(episode) = &mut known.episode else { continue };
            let mut to = desk.of(now, identity);
            match codes.level(&known.code) {
                None => known.close(now, "rule_changed", &mut to),
                Some(level) if level != episode.level => {
                    episode.level = level;
                    episode.tell(now, true, "rule_changed", &mut to);
                }
                Some(_) => {}
            }
        }
    }

    /// It judges the device no more.
    pub(crate) fn end(mut self, now: Ms, reason: &'static str, desk: &mut Desk<'_, '_>) {
        for (identity, known) in &mut self.known {
            let mut to = desk.of(now, identity);
            known.close(now, reason, &mut to);
            to.spend();
        }
    }

    /// What an operator does: an event is closed also without force.
    pub(crate) fn act(&mut self, order: &Order, now: Ms, desk: &mut Desk<'_, '_>) {
        for (identity, known) in &mut self.known {
            let Some(open) = known.episode.as_mut().filter(|open| open.is(&order.episode)) else { continue };
            if open.act(order, true, &mut desk.of(now, identity)) {
                known.episode = None;
                known.closed = true;
            }
        }
    }

    /// All episodes that are open, by the identities of their events.
    pub(crate) fn episodes(&mut self) -> impl Iterator<Item = (&String, &mut Episode)> {
        self.known.iter_mut().filter_map(|(identity, known)| Some((identity, known.episode.as_mut()?)))
    }
}
