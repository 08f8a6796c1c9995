//! The past that first reports carry where that was asked for.

use std::sync::Arc;

use crate::shipped::rules;
use maibo_sim::fault::{Fault, FaultPlan};
use maibo_sim::report::{Message, Reporter};
use maibo_sim::scenario::Scenario;
use maibo_sim::{City, FleetOptions, signal};
use serde_json::Value;

/// 2026-11-23T00:00:00Z.
const START: i64 = 1_795_392_000_000;
const HOUR: i64 = 3_600_000;
/// What the gateway takes at most: bytes of a payload and elements of an array.
const MOST: (usize, usize) = (64 * 1024, 1000);

fn records(message: &Message) -> Vec<Value> {
    assert!(message.payload.len() < MOST.0, "{} bytes", message.payload.len());
    match serde_json::from_slice(&message.payload).expect("json") {
        Value::Array(records) => records,
        record => vec![record],
    }
}

fn time(record: &Value) -> i64 {
    record["t"].as_i64().expect("a time")
}

// Protects the first sight of the charts, and the queue from it: around the clock, an hour's records, oldest first,
// calm values of a healthy device, none of which any shipped rule speaks about; then the report as it is without them.
#[test]
fn a_first_report_carries_a_calm_hour() {
    let city = Arc::new(City::default_size(1));
    let rules = rules();
    for hour in (0..24).step_by(3) {
        let started = START + hour * HOUR;
        let reporter = Reporter::new(Arc::clone(&city), &Scenario::demo(1), &FaultPlan::none(), started);
        for (number, device) in city.devices().iter().enumerate().filter(|(_, d)| !d.is_roadside_unit()) {
            let t = started + 7000 + (number % 8000) as i64;
            let sent = reporter.messages_with_past(number as u32, t, HOUR);
            let plain = reporter.messages(number as u32, t);
            assert_eq!((sent.len(), plain.len()), (1, 1), "{}", device.id);
            let (sent, plain) = (records(&sent[0]), records(&plain[0]));
            assert_eq!((sent.len(), sent.last()), (13, plain.last()), "{}", device.id);
            assert_eq!(time(&sent[0]), t - HOUR);
            assert!(sent.windows(2).all(|w| time(&w[1]) - time(&w[0]) == HOUR / 12));
            for record in &sent[..12] {
                assert_eq!(record.as_object().map(serde_json::Map::len), Some(1 + device.kind.quantities.len()));
                for quantity in device.kind.quantities {
                    let value = record[quantity].as_f64().expect("a number");
                    let calm = signal::value(device, quantity, time(record));
                    assert!((value - calm).abs() < 1e-9, "{} {quantity} {value} {calm}", device.id);
                    let mut fitting = rules.iter().filter(|r| r.selects(device) && r.quantity == *quantity);
                    assert!(
                        fitting.all(|r| r.reached(value) == 0 || !r.is_awake(time(record))),
                        "{} {quantity} {value}",
                        device.id
                    );
                }
            }
        }
    }
}

// Protects the faults: whose clock is wrong has no past, the others have theirs in order and within the limits; who is
// silent stays silent. Roadside units speak as ever.
#[test]
fn the_past_respects_faults_and_limits() {
    let city = Arc::new(City::default_size(1));
    for (n, fault) in Fault::ALL.into_iter().enumerate() {
        let mut per_10_000 = [0; 8];
        per_10_000[n] = 10_000;
        let reporter = Reporter::new(Arc::clone(&city), &Scenario::demo(1), &FaultPlan { per_10_000 }, START);
        let has_past = !matches!(fault, Fault::FastClock | Fault::ResetClock | Fault::WrongZone);
        let mut silent = 0;
        for number in (0..city.devices().len() as u32).step_by(3) {
            let t = START + 20_000;
            let (sent, plain) = (reporter.messages_with_past(number, t, HOUR), reporter.messages(number, t));
            assert_eq!(sent.len(), plain.len());
            silent += usize::from(sent.is_empty());
            if !has_past || city.devices()[number as usize].is_roadside_unit() {
                assert_eq!(sent, plain);
                continue;
            }
            for (sent, plain) in sent.iter().zip(&plain) {
                let (sent, plain) = (records(sent), records(plain));
                assert!(sent.len() > plain.len() && sent.len() <= 12 + plain.len() && sent.ends_with(&plain));
                assert!(sent.len() < MOST.1 && sent.windows(2).all(|w| time(&w[0]) < time(&w[1])), "{fault:?}");
            }
        }
        assert_eq!(silent > 0, matches!(fault, Fault::Dropout | Fault::LateBatch), "{fault:?}");
    }
}

// Protects everybody else: without being asked no fleet sends a past, and no device more than its memory holds.
#[test]
fn no_past_unless_asked_for() {
    assert_eq!(FleetOptions::default().backfill, None);
    let city = Arc::new(City::new(1, 300, 6));
    let reporter = Reporter::new(Arc::clone(&city), &Scenario::calm(), &FaultPlan::none(), START);
    for number in 0..306 {
        assert_eq!(reporter.messages_with_past(number, START, 0), reporter.messages(number, START));
        let year = reporter.messages_with_past(number, START, 366 * 24 * HOUR);
        assert!(year.iter().all(|m| m.topic.starts_with("V2X/") || records(m).len() == 13));
    }
}
