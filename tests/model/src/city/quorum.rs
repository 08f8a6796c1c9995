//! §11: quorums.

use std::collections::BTreeMap;

use super::alerts::{Alerts, Member};
use super::pack::{Extent, Quorum, Set};
use super::{News, Subject};
use crate::act::Order;
use crate::episode::{Episode, Given, Shown, Teller};
use crate::{Ms, Side, Told};

/// What every quorum says of every place.
#[derive(Debug, Default)]
pub(crate) struct Quorums {
    standing: BTreeMap<(String, Subject), Standing>,
}

/// Where one rule stands in one place.
#[derive(Debug, Default)]
struct Standing {
    episode: Option<Episode>,
    /// Since when it has too few, where it is open or shut.
    lost: Option<Ms>,
    /// Closed by force, and not over once since.
    shut: bool,
    /// How many there are.
    now: Shown,
    /// The rule as it judged last.
    was: Option<Quorum>,
}

/// When and by what something is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) event: Ms,
    pub(crate) decided: Ms,
    /// The news that it is judged for.
    pub(crate) news: Option<&'a News>,
}

fn teller<'a>(
    rule: &'a str,
    side: Side,
    subject: &'a Subject,
    moment: Moment<'_>,
    given: &'a mut Given,
    told: &'a mut Vec<Told>,
) -> Teller<'a> {
    Teller {
        decided: moment.decided,
        rule,
        side,
        device: &subject.1,
        subject: subject.clone(),
        historic_after: Ms::MAX,
        given,
        told,
    }
}

/// Since when there were enough within the time of one another, and one of this time among them, if there are.
fn enough(q: &Quorum, members: &[Member], with: Option<Ms>) -> Option<Ms> {
    let (first, last) = (|some: &[Member]| some[0].since, |some: &[Member]| some[q.count - 1].since);
    let fits = |some: &&[Member]| {
        last(some) - first(some) <= q.within && with.is_none_or(|t| first(some) <= t && t <= last(some))
    };
    members.windows(q.count).find(fits).map(last)
}

impl Quorums {
    /// Time that does not count has passed.
    pub(crate) fn move_on(&mut self, by: Ms) {
        self.standing.values_mut().for_each(|s| s.lost = s.lost.map(|at| at + by));
    }

    /// All is counted anew.
    pub(crate) fn look(
        &mut self,
        set: &Set,
        alerts: &Alerts,
        moment: Moment<'_>,
        given: &mut Given,
        told: &mut Vec<Told>,
    ) {
        for q in &set.quorums {
            for ((_, subject), standing) in self.standing.iter_mut().filter(|((rule, _), _)| *rule == q.id) {
                let mut to = teller(&q.id, q.side(), subject, moment, given, told);
                standing.judge(q, alerts.members(q, subject).len(), moment, &mut to);
            }
            self.tidy();
            while let Some((subject, began)) = self.next_opening(q, alerts) {
                let mut to = teller(&q.id, q.side(), &subject, moment, given, told);
                let members = alerts.members(q, &subject);
                // The one that makes it enough, if that is news: where it lay in the past, this does too.
                let by = moment.news.filter(|news| members.iter().any(|m| m.episode == news.episode));
                if by.is_some_and(|news| news.historic) {
                    to.historic_after = Ms::MIN;
                }
                let open = Standing::open(q, began, members.len(), moment, &mut to);
                self.standing.insert((q.id.clone(), subject), open);
            }
        }
    }

    /// The first subject, if any, that has enough and is neither open nor shut, and since when.
    fn next_opening(&self, q: &Quorum, alerts: &Alerts) -> Option<(Subject, Ms)> {
        let free = |subject: &Subject| !self.standing.contains_key(&(q.id.clone(), subject.clone()));
        if let Extent::Radius(metres) = q.extent {
            // Nor do those around one that was closed by force, until it is over: the close would be none.
            let standing = self.standing.iter().filter(|((rule, _), _)| *rule == q.id);
            let centres: Vec<&str> = standing.map(|((_, subject), _)| subject.1.as_str()).collect();
            let apart = |m: &Member| !centres.iter().any(|c| alerts.ground.near(c, &m.device, metres as f64));
            let found = |m: Member| {
                let subject = ("around", m.device);
                let began = enough(q, &alerts.members(q, &subject), Some(m.since))?;
                free(&subject).then_some((subject, began))
            };
            return alerts.watched(q).into_iter().filter(apart).find_map(found);
        }
        let places = alerts.watched(q).into_iter().filter_map(|m| Some(("place", q.extent.of(&m.place)?)));
        let mut found = places.filter(free).filter_map(|subject| {
            let began = enough(q, &alerts.members(q, &subject), None)?;
            Some((subject, began))
        });
        found.next()
    }

    fn tidy(&mut self) {
        self.standing.retain(|_, s| s.episode.is_some() || s.shut);
    }

    /// When the next has had too few for long enough.
    pub(crate) fn next_due(&self, set: &Set) -> Option<Ms> {
        let due = |((rule, _), s): (&(String, Subject), &Standing)| Some(s.lost? + set.quorum(rule)?.keep);
        self.standing.iter().filter_map(due).min()
    }

    /// The first ends that has had too few for long enough. Of one time they end in the order of (rule, subject).
    pub(crate) fn expire(
        &mut self,
        set: &Set,
        alerts: &Alerts,
        moment: Moment<'_>,
        given: &mut Given,
        told: &mut Vec<Told>,
    ) {
        let due = moment.event;
        let over = |rule: &str, s: &Standing| {
            let keep = set.quorum(rule).expect("a rule in force").keep;
            s.lost.is_some_and(|at| at + keep <= due)
        };
        // What an edit left over ends with the edit.
        let moment = Moment { event: moment.event.max(moment.decided), ..moment };
        let first = self.standing.iter_mut().find(|((rule, _), s)| over(rule, s));
        if let Some(((rule, subject), standing)) = first {
            let side = set.quorum(rule).expect("a rule in force").side();
            standing.end(moment.event, "quorum_lost", &mut teller(rule, side, subject, moment, given, told));
        }
        self.tidy();
        // Around a radius those that were members can be in the middle now.
        self.look(set, alerts, moment, given, told);
    }

    /// §12: what the new set does not judge any more, or judges otherwise, ends.
    pub(crate) fn leave(&mut self, old: &Set, new: &Set, now: Ms, given: &mut Given, told: &mut Vec<Told>) {
        let moment = Moment { event: now, decided: now, news: None };
        self.standing.retain(|(rule, subject), standing| {
            let was = old.quorum(rule).expect("a rule in force");
            let reason = match new.quorum(rule) {
                None => "rule_removed",
                Some(is) if is.judges_the_same(was) && is.shadow == was.shadow => return true,
                Some(_) => "rule_changed",
            };
            standing.end(now, reason, &mut teller(rule, was.side(), subject, moment, given, told));
            false
        });
    }

    /// Silences end that are over by then.
    pub(crate) fn end_silences(&mut self, until: Ms, last: Ms, set: &Set, given: &mut Given, told: &mut Vec<Told>) {
        for ((rule, subject), standing) in &mut self.standing {
            let Some(open) = &mut standing.episode else { continue };
            if let Some(at) = open.silent_until().filter(|at| *at <= until) {
                let side = set.quorum(rule).expect("a rule in force").side();
                let moment = Moment { event: at, decided: at.max(last), news: None };
                open.end_silence(&mut teller(rule, side, subject, moment, given, told));
            }
        }
    }

    /// What an operator does about an alert, if it is one of these.
    pub(crate) fn act(&mut self, order: &Order, now: Ms, set: &Set, given: &mut Given, told: &mut Vec<Told>) {
        let moment = Moment { event: now, decided: now, news: None };
        for ((rule, subject), standing) in &mut self.standing {
            let Some(open) = standing.episode.as_mut().filter(|open| open.is(&order.episode)) else { continue };
            let side = set.quorum(rule).expect("a rule in force").side();
            if open.act(order, false, &mut teller(rule, side, subject, moment, given, told)) {
                (standing.episode, standing.shut) = (None, true);
            }
        }
    }
}

impl Standing {
    /// Opens one.
    fn open(q: &Quorum, began: Ms, count: usize, moment: Moment<'_>, to: &mut Teller<'_>) -> Self {
        let number = to.number(began);
        let mut open = Episode::new((began, number), q.level, false, to);
        let now = q.shown(count);
        open.shown = now;
        open.tell(moment.event.max(began), true, "quorum", to);
        Self { episode: Some(open), now, was: Some(q.clone()), ..Self::default() }
    }

    /// Judges one that is open or shut by how many there are now.
    fn judge(&mut self, q: &Quorum, count: usize, moment: Moment<'_>, to: &mut Teller<'_>) {
        let was = self.was.replace(q.clone());
        // How many there are now is shown where the next version is of what is judged. What people do shows what was told.
        self.now = q.shown(count);
        let Some(was) = was.filter(|_| self.episode.is_some() || self.shut) else { return };
        if count < q.count && !was.asks_the_same(q) {
            // §12: no timer is waited for.
            return self.end(moment.event, "rule_changed", to);
        }
        // §12: one transition where the level moved, or another number is shown.
        if let Some(open) = self.episode.as_mut().filter(|_| was.level != q.level || was.count != q.count) {
            (open.level, open.shown) = (q.level, self.now);
            open.tell(moment.event, true, "rule_changed", to);
        }
        if count >= q.count {
            self.lost = None;
            return;
        }
        // It counts in engine time, whenever it was that an alert ended.
        self.lost.get_or_insert(moment.decided);
    }

    /// It is over.
    fn end(&mut self, event: Ms, reason: &'static str, to: &mut Teller<'_>) {
        if let Some(mut open) = self.episode.take() {
            open.shown = self.now;
            open.tell(event, false, reason, to);
        }
        *self = Self::default();
    }
}

impl Quorum {
    /// Whether it asks as much of what is open: there `within` does not matter any more.
    fn asks_the_same(&self, other: &Self) -> bool {
        let asked = |q: &Self| (q.count, q.from);
        asked(self) == asked(other)
    }

    fn side(&self) -> Side {
        if self.shadow { Side::Trial } else { Side::Told }
    }

    fn shown(&self, count: usize) -> Shown {
        Shown { value: Some(count as f64), threshold: Some(self.count as f64) }
    }
}
