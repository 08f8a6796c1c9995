//! What was promised to those outside, and whether it was kept.

use std::collections::{BTreeMap, BTreeSet};

use maibo_core::engine::{Machine, Output};
use maibo_core::fact::{Body, Fact, Transition};
use maibo_core::id::{PartitionId, Position};
use maibo_core::input::{Batch, Input, Told};
use maibo_store::log::Record;
use maibo_store::outbox::OutboxRow;

use crate::city::{DEVICES, Law, Sender, device};
use crate::model::Double;

/// One message as the receiver got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) message: String,
    pub(crate) body: Vec<u8>,
}

/// Everything that somebody outside knows.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) senders: [Sender; DEVICES],
    /// Facts that were shown, by number.
    pub(crate) told: BTreeMap<u64, Fact>,
    /// Orders that were answered with a yes: the version that they made.
    pub(crate) agreed: Vec<Transition>,
    /// Records of the inputs log that a reader was given, each with the start of the process that wrote it.
    pub(crate) read: BTreeMap<(PartitionId, Position), (u64, Vec<u8>)>,
    /// How far the reader has made durable what it read, and said so.
    pub(crate) kept: BTreeMap<PartitionId, Position>,
    /// What the receiver got, in order.
    pub(crate) heard: Vec<Heard>,
}

impl Ledger {
    /// How far history has the inputs of a partition.
    pub(crate) fn read_up_to(&self, partition: PartitionId) -> Option<Position> {
        self.kept.get(&partition).copied()
    }

    /// Takes note of facts that were shown.
    pub(crate) fn note_told(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            let before = self.told.insert(fact.index, fact.clone());
            assert!(before.is_none_or(|b| b == fact), "fact {} was shown before, and was another", fact.index);
        }
    }

    /// Takes note of a record that the inputs log gave out.
    pub(crate) fn note_read(&mut self, record: &Record) {
        let key = (record.partition, record.position);
        let is = (record.id.boot, record.payload.clone());
        let before = self.read.insert(key, is.clone());
        assert!(before.is_none_or(|b| b == is), "what was read at {key:?} before was another");
    }

    /// Holds everything against what the logs hold now.
    pub(crate) fn check(&self, records: &[Record], facts: &[Fact]) {
        self.check_readers(records);
        self.check_deafness();
        self.check_messages();
        for (index, told) in &self.told {
            assert_eq!(facts.get(*index as usize), Some(told), "fact {index} was shown, and is not in the log");
        }
        for agreed in &self.agreed {
            let is_it = |f: &Fact| matches!(&f.body, Body::Transition(t) if **t == *agreed);
            assert!(facts.iter().any(is_it), "an order was answered with a yes, and is not in the log: {agreed:?}");
        }
        self.check_decisions(facts);
        self.check_feed(facts);
    }

    /// A reader was given nothing that is not there, and everything that is.
    fn check_readers(&self, records: &[Record]) {
        let mut first = BTreeMap::new();
        let mut there = BTreeSet::new();
        for record in records {
            first.entry(record.partition).or_insert(record.position);
            there.insert((record.partition, record.position));
            let read = self.read.get(&(record.partition, record.position)).map(|(_, payload)| payload);
            assert_eq!(read, Some(&record.payload), "{:?} {:?} was never read", record.partition, record.position);
        }
        for (partition, position) in self.read.keys() {
            let trimmed = first.get(partition).is_none_or(|first| position < first);
            let kept = trimmed && self.kept.get(partition) >= Some(position);
            assert!(
                kept || there.contains(&(*partition, *position)),
                "{partition:?} {position:?} was read and is gone"
            );
        }
    }

    /// The inputs of all partitions, decoded, each in its order.
    fn batches(&self) -> impl Iterator<Item = (PartitionId, Position, Batch)> {
        self.read.iter().map(|((partition, position), (_, bytes))| {
            (*partition, *position, Batch::from_bytes(bytes).expect("a record is a batch"))
        })
    }

    /// The first that a start tells every partition is that Maibo was deaf since the last thing that any start before wrote.
    fn check_deafness(&self) {
        let by_position: BTreeMap<Position, _> =
            self.read.iter().map(|((p, at), (boot, bytes))| (*at, (*p, *boot, bytes))).collect();
        let (mut last, mut before) = (BTreeMap::new(), BTreeMap::new());
        let mut newest = None;
        for (partition, boot, bytes) in by_position.into_values() {
            let batch = Batch::from_bytes(bytes).expect("a record is a batch");
            let since = *before.entry(boot).or_insert(newest);
            newest = newest.max(Some(batch.now));
            if last.insert(partition, boot) == Some(boot) {
                continue;
            }
            let told = |from| batch.inputs.contains(&Input::Deaf { source: None, from });
            assert!(
                since.is_none_or(told),
                "{partition:?}, start {boot}: deaf since {since:?} and not told: {batch:?}"
            );
        }
    }

    /// What was acknowledged is there; what is there was sent, and not more often.
    fn check_messages(&self) {
        let mut stored: BTreeMap<(usize, i64), u32> = BTreeMap::new();
        for (_, _, batch) in self.batches() {
            for input in batch.inputs {
                let Input::Reading(reading) = input else { continue };
                let n = (0..DEVICES).find(|n| device(*n) == reading.device).expect("a device of the city");
                // A device's clock that seems wrong keeps its own word.
                let sent = self.senders[n].sent.get(&reading.at.0).expect("nothing is made up");
                assert_eq!(sent.value.to_bits(), reading.value.to_bits(), "d-{n} at {}", reading.at.0);
                *stored.entry((n, reading.at.0)).or_default() += 1;
            }
        }
        for (n, sender) in self.senders.iter().enumerate() {
            for (at, sent) in &sender.sent {
                let times = stored.get(&(n, *at)).copied().unwrap_or_default();
                assert!(times > 0 || !sent.acknowledged, "d-{n} at {at} was acknowledged and is lost");
                assert!(times <= sent.times, "d-{n} at {at} was sent {} times and is there {times} times", sent.times);
            }
        }
    }

    /// The facts are what fresh machines decide, and what the reference model says.
    fn check_decisions(&self, facts: &[Fact]) {
        let law = Law::get();
        let versions = law.store.current();
        let mut machines: Vec<Machine> = PartitionId::all().map(Machine::new).collect();
        let mut models: BTreeMap<PartitionId, Double> = BTreeMap::new();
        let mut by_cause: BTreeMap<(PartitionId, Position), Vec<&Fact>> = BTreeMap::new();
        let mut last = BTreeMap::new();
        for fact in facts {
            let (partition, position) = (fact.cause.partition, fact.cause.position);
            let before = last.insert(partition, position);
            assert!(before <= Some(position), "facts of partition {} are out of order", partition.0);
            by_cause.entry((partition, position)).or_default().push(fact);
        }
        let mut out = Output::default();
        for (partition, position, batch) in self.batches() {
            out.clear();
            let machine = machines.get_mut(usize::from(partition.0)).expect("a machine");
            machine.step(position, &batch, &versions, &mut out).expect("what is in the log can be taken");
            let logged = by_cause.remove(&(partition, position)).unwrap_or_default();
            let same =
                logged.len() == out.facts.len() && logged.iter().zip(&out.facts).all(|(a, b)| a.same_decision(b));
            assert!(same, "{partition:?} {position:?}: the log says {logged:#?}, the machine {:#?}", out.facts);
            if let Some(catalogue) = Law::catalogue_of(partition) {
                let model = models.entry(partition).or_insert_with(|| {
                    let mut model = Double::new();
                    model.know_catalogue(law.catalogue.0, &catalogue);
                    for (version, text) in &law.rules {
                        model.know_rules(version.0, text);
                    }
                    model
                });
                model.step(batch.now.0, &batch.inputs, &out.facts);
            }
        }
        assert!(by_cause.is_empty(), "facts without an input: {by_cause:#?}");
    }

    /// The city was told every fact once, in order.
    fn check_feed(&self, facts: &[Fact]) {
        let mut next = 0;
        for (_, _, batch) in self.batches().filter(|(p, ..)| *p == PartitionId::CITY) {
            for input in batch.inputs {
                let Input::Told { first, next: end, items } = input else { continue };
                assert_eq!(first, next, "the city was told from {first} on, and wanted {next}");
                let span = facts.iter().skip(first as usize).take((end - first) as usize);
                let wanted: Vec<Told> = span.filter_map(Told::about).collect();
                assert_eq!(items, wanted, "the city was told something else");
                next = end;
            }
        }
        let missed = facts.iter().skip(next as usize).find_map(Told::about);
        assert_eq!(missed, None, "the city was not told everything");
    }

    /// Every version of every episode has arrived or was superseded, in order, and a repeat is a repeat.
    pub(crate) fn check_deliveries(&self, facts: &[Fact], rows: &[OutboxRow]) {
        let settled: BTreeMap<(&str, u32), &OutboxRow> =
            rows.iter().map(|r| ((r.episode.as_str(), r.version), r)).collect();
        let mut versions: BTreeMap<&str, (String, u32)> = BTreeMap::new();
        for fact in facts {
            let Body::Transition(t) = &fact.body else { continue };
            let episode = t.episode.to_string();
            let row = settled.get(&(episode.as_str(), t.version));
            let row = row.unwrap_or_else(|| panic!("nobody is told of {episode} v{}", t.version));
            let done = matches!(row.outcome.as_str(), "delivered" | "superseded" | "historic");
            assert!(done, "{row:?}");
            if row.outcome == "delivered" {
                assert!(self.heard.iter().any(|h| h.message == row.message), "{row:?} did not arrive");
                versions.insert(&row.message, (episode, t.version));
            }
        }
        let mut newest: BTreeMap<&str, u32> = BTreeMap::new();
        let mut bodies: BTreeMap<&str, &[u8]> = BTreeMap::new();
        for heard in &self.heard {
            let (episode, version) = versions.get(heard.message.as_str()).expect("what arrived is on the list");
            let before = newest.insert(episode, *version).unwrap_or_default();
            assert!(before <= *version, "{episode}: v{version} came behind v{before}");
            let first = *bodies.entry(&heard.message).or_insert(&heard.body);
            assert_eq!(first, heard.body, "a repeat is another message");
        }
    }
}
