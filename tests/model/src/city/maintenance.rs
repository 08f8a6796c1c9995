//! §16: planned work.

use std::collections::BTreeMap;

use crate::Ms;

/// A time that a person names lies at most so far ahead, and work takes at most so long.
const LONGEST: Ms = 31 * 86_400_000;
/// As many are planned and under way.
const MOST: usize = 1_000;

/// A maintenance: as it is asked for, or as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// When it is told, engine time.
    pub at: Ms,
    /// Which.
    pub id: String,
    /// Of what: kind and id.
    pub scope: (&'static str, String),
    /// Its beginning.
    pub from: Ms,
    /// Its end; of one that was ended early when that was.
    pub until: Ms,
    /// Who planned it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// `planned`, `running`, `over` or `refused`.
    pub state: &'static str,
    /// Who ended it early.
    pub ended_by: Option<String>,
}

/// All that are planned and under way.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    open: BTreeMap<String, Work>,
}

impl Plans {
    /// Somebody plans one.
    pub(crate) fn plan(&mut self, asked: &Work, now: Ms, out: &mut Vec<Work>) {
        if self.open.contains_key(&asked.id) {
            return;
        }
        let from = asked.from.max(now);
        let sound = asked.until > from && from - now <= LONGEST && asked.until - from <= LONGEST;
        let state = match from > now {
            _ if !sound || self.open.len() >= MOST => "refused",
            true => "planned",
            false => "running",
        };
        let work = Work { at: now, from, state, ended_by: None, ..asked.clone() };
        if state != "refused" {
            self.open.insert(work.id.clone(), work.clone());
        }
        out.push(work);
    }

    /// Somebody ends one early.
    pub(crate) fn end(&mut self, id: &str, by: &str, now: Ms, out: &mut Vec<Work>) {
        if let Some(work) = self.open.remove(id) {
            out.push(Work { at: now, state: "over", until: now, ended_by: Some(by.to_owned()), ..work });
        }
    }

    /// When the next begins or ends.
    pub(crate) fn next_due(&self) -> Option<Ms> {
        self.open.values().map(|w| if w.state == "planned" { w.from } else { w.until }).min()
    }

    /// Those begin and end that do so by then.
    pub(crate) fn pass(&mut self, until: Ms, decided: Ms, out: &mut Vec<Work>) {
        for work in self.open.values_mut() {
            if work.state == "planned" && work.from <= until {
                (work.state, work.at) = ("running", decided);
                out.push(work.clone());
            }
            if work.state == "running" && work.until <= until {
                (work.state, work.at) = ("over", decided);
                out.push(work.clone());
            }
        }
        self.open.retain(|_, work| work.state != "over");
    }
}
