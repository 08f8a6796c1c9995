//! Those outside: senders, an operator, history, and a receiver.

use futures_util::FutureExt;
use maibo::ingest::{Receipt, Settled};
use maibo::pipeline::Work;
use maibo_core::fact::{Body, Missed, State, Transition};
use maibo_core::id::{Actor, PartitionId};
use maibo_core::input::{Act, Command};
use maibo_core::notify::{GROUP_EVERY, Matcher, Mode, Receiver};
use maibo_core::time::{Millis, Timestamp};
use maibo_store::outbox::{Due, Ended, Ending, Parcel};
use maibo_store::seeded::Seeded;
use tokio::sync::oneshot;

use crate::ZERO;
use crate::city::{DEVICES, device};
use crate::ledger::{Heard, Ledger};
use crate::life::{Life, source};

/// Facts and records that a follower takes at a time.
const FOLLOWED: u64 = 40;

/// The one receiver: it hears everything, of a rule in a district together.
fn receiver() -> Receiver {
    let (name, matcher) = ("bureau".to_owned(), Matcher::default());
    Receiver { name, mode: Mode::All, matcher, group_every: Some(GROUP_EVERY) }
}

impl Life {
    /// A device measures, or only tries again, and sends what waits.
    pub(crate) fn publish(&mut self, ledger: &mut Ledger, choices: &mut Seeded, elapsed: i64) {
        let n = choices.below(DEVICES as u64) as usize;
        let sender = &mut ledger.senders[n];
        if choices.chance(80) {
            // Around the limits, in tenths, with a small part that no other value has.
            let value = choices.below(500) as f64 / 10.0 + sender.sent.len() as f64 / 1e6;
            sender.measure(ZERO + elapsed, value);
        }
        if choices.chance(3)
            && let Some(oldest) = sender.waiting().first()
        {
            sender.sent.entry(*oldest).and_modify(|s| s.given_up = true);
        }
        self.send_waiting(ledger, n);
    }

    /// Sends what one device has not had an answer for, oldest first.
    pub(crate) fn send_waiting(&mut self, ledger: &mut Ledger, n: usize) {
        let sender = &mut ledger.senders[n];
        for at in sender.waiting() {
            let Some(sent) = sender.sent.get_mut(&at) else { continue };
            let (topic, payload) =
                (format!("maibo/v1/{}/telemetry", device(n)), format!("{{\"t\":{at},\"water_depth\":{}}}", sent.value));
            let (receipt, answer) = Receipt::waited();
            sent.times += 1;
            sent.under_way = true;
            let submitted = self.ingest.submit(&source(), &topic, payload.as_bytes(), false, receipt).now_or_never();
            submitted.expect("room").expect("the pipeline runs");
            self.receipts.push((n, at, answer));
        }
    }

    /// Takes the answers that came. All are believed: where the process died in this turn, what was good news was sent before.
    pub(crate) fn take_answers(&mut self, ledger: &mut Ledger) {
        self.receipts.retain_mut(|(n, at, answer)| {
            let Some(sent) = ledger.senders[*n].sent.get_mut(at) else { return false };
            match answer.try_recv() {
                Ok(Settled::Durable) => (sent.acknowledged, sent.under_way) = (true, false),
                Ok(_) | Err(oneshot::error::TryRecvError::Closed) => sent.under_way = false,
                Err(oneshot::error::TryRecvError::Empty) => return true,
            }
            false
        });
        ledger.note_told(self.told());
        self.orders.retain_mut(|answer| match answer.try_recv() {
            Ok(outcome) => {
                ledger.agreed.extend(outcome.result);
                false
            }
            Err(oneshot::error::TryRecvError::Closed) => false,
            Err(oneshot::error::TryRecvError::Empty) => true,
        });
    }

    /// An operator acts on the last alert that was shown and is open.
    pub(crate) fn order(&mut self, ledger: &Ledger, choices: &mut Seeded) {
        let shown = ledger.told.values().rev().find_map(|f| match &f.body {
            Body::Transition(t) if t.state == State::Firing => Some(t),
            _ => None,
        });
        let Some(shown) = shown else { return };
        let note = "sim".into();
        let late = || {
            let [plan, task, owner, chief] = ["flood", "pumps", "water", "chief"].map(Into::into);
            Missed { plan, task, owner, due_at: shown.at, to: vec![chief], rung: None }
        };
        let act = match choices.below(5) {
            0 => Act::Comment { note },
            1 => Act::Assign { to: "crew".into(), note },
            2 => Act::Close { forced: choices.chance(50), note },
            3 => Act::Escalate(Box::new(late())),
            _ => Act::Acknowledge { note },
        };
        let actor = Actor::new(if choices.chance(50) { "li" } else { "wang" }).expect("a name");
        let seen = shown.version;
        let command = Command { actor, episode: shown.episode, seen, act };
        let (reply, answer) = oneshot::channel();
        let partition = shown.subject.device().map_or(PartitionId::CITY, PartitionId::of);
        assert!(self.urgent.try_send(Work::Command { partition, command, reply }).is_ok(), "room");
        self.orders.push(answer);
    }

    /// What was decided is told to the city.
    pub(crate) fn feed_city(&mut self) -> bool {
        let told = self.feed.take().expect("the facts can be read");
        told.is_some_and(|told| self.urgent.try_send(Work::Told(told)).is_ok())
    }

    /// History reads on; now and then it makes durable what it has, and says so.
    pub(crate) fn follow_inputs(&mut self, ledger: &mut Ledger, keeps: bool) -> bool {
        let mut any = false;
        for _ in 0..FOLLOWED * 10 {
            let Some(record) = self.history.next().expect("the inputs can be read") else { break };
            any = true;
            self.read.insert(record.partition, record.position);
            ledger.note_read(&record);
        }
        if keeps {
            ledger.kept.extend(&self.read);
            for (&partition, &position) in &ledger.kept {
                // No room: it is said the next time.
                drop(self.care.try_send(Work::KeepFrom { consumer: "history", partition, position }));
            }
        }
        any
    }

    /// Facts become what is owed to the receiver.
    pub(crate) fn follow_facts(&mut self, now: Timestamp) -> bool {
        let mut facts = Vec::new();
        while (facts.len() as u64) < FOLLOWED
            && let Some(fact) = self.owed.next().expect("the facts can be read")
        {
            facts.push(fact);
        }
        let body = |t: &Transition| format!("{} v{} {}", t.episode, t.version, t.reason.as_str()).into_bytes();
        let mut settled = self.outbox.follow(&facts, &[receiver()], now, body).expect("the outbox works");
        settled.extend(self.outbox.lift(now).expect("the outbox works"));
        self.put_on_record(settled);
        !facts.is_empty()
    }

    /// Tells the receiver what is due; its answers get lost now and then. True where something was due.
    pub(crate) fn deliver(&mut self, ledger: &mut Ledger, choices: &mut Seeded, now: Timestamp, well: bool) -> bool {
        let due = self.outbox.claim(&receiver(), now, 8).expect("the outbox works");
        let mut ended = Vec::new();
        for parcel in &due {
            let fate = if well { 0 } else { choices.below(100) };
            if fate < 75 {
                let heard = |one: &Due| Heard { message: one.message.clone(), body: one.body.clone() };
                ledger.heard.extend(parcel.letters.iter().map(heard));
            }
            // Heard, but the answer was lost; or not heard at all.
            let ending = match fate {
                0..60 => Ending::Delivered,
                60..95 => Ending::Failed { at: now + Millis(1_000), needs_operator: false },
                _ => Ending::Alone { at: now + Millis(1_000) },
            };
            ended.extend(parcel.ids().map(|id| Ended { id, ending: ending.clone(), error: None }));
        }
        // The process can die between the receiver's answer and its record.
        if !well && choices.chance(10) {
            self.outbox.release(&due.iter().flat_map(Parcel::ids).collect::<Vec<_>>());
            return !due.is_empty();
        }
        let settled = self.outbox.record(&ended, now).expect("the outbox works");
        self.put_on_record(settled);
        !due.is_empty()
    }

    fn put_on_record(&self, settled: Vec<maibo_core::fact::Delivery>) {
        for delivery in settled {
            drop(self.urgent.try_send(Work::Delivered(Box::new(delivery))));
        }
    }
}
