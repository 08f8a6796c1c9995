//! The canary: a small message that Maibo sends to its own broker every few seconds, to know that what is sent arrives.
//!
//! It takes the way of every message (broker, subscription, queue, inputs log, decision) but belongs to no device: it is
//! kept as an input of the city that decides nothing. **Bounded:** a source has one number under way that counts, the
//! oldest not come through.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use maibo_core::id::SourceId;

/// Its topic: of the native format, from a device of this name.
pub const TOPIC: &str = "maibo/v1/maibo-canary/telemetry";

/// One source's.
#[derive(Debug, Default)]
struct Flight {
    sent: u64,
    heard: u64,
    /// When the oldest that has not come through was sent.
    since: Option<Instant>,
}

/// All canaries of this start.
#[derive(Debug)]
pub struct Canaries {
    boot: u64,
    flights: Mutex<BTreeMap<SourceId, Flight>>,
}

/// A payload on the topic.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// One of ours.
    Ours(u64),
    /// Of another Maibo at the same broker, or of an earlier start.
    Others,
    /// No canary.
    Unknown,
}

impl Canaries {
    /// `boot` is shared with no other start.
    pub fn new(boot: u64) -> Self {
        Self { boot, flights: Mutex::default() }
    }

    /// The next one to send by this way.
    pub fn send(&self, source: &SourceId) -> String {
        let mut flights = self.lock();
        let flight = flights.entry(source.clone()).or_default();
        flight.sent += 1;
        flight.since.get_or_insert_with(Instant::now);
        format!(r#"{{"canary":"{:016x}","n":{}}}"#, self.boot, flight.sent)
    }

    /// Reads what came on the topic.
    pub(super) fn read(&self, payload: &[u8]) -> Payload {
        #[derive(serde::Deserialize)]
        struct Canary {
            canary: String,
            n: u64,
        }
        match serde_json::from_slice::<Canary>(payload) {
            Ok(canary) if canary.canary == format!("{:016x}", self.boot) => Payload::Ours(canary.n),
            Ok(_) => Payload::Others,
            Err(_) => Payload::Unknown,
        }
    }

    /// One was decided on.
    pub fn heard(&self, source: &SourceId, number: u64) {
        if let Some(flight) = self.lock().get_mut(source)
            && number > flight.heard
            && number <= flight.sent
        {
            flight.heard = number;
            flight.since = (number < flight.sent).then(Instant::now);
        }
    }

    /// How long one has been under way by this way, and whether any ever came through.
    pub fn late(&self, source: &SourceId) -> (Duration, bool) {
        let flights = self.lock();
        let flight = flights.get(source);
        let late = flight.and_then(|f| f.since).map_or(Duration::ZERO, |since| since.elapsed());
        (late, flight.is_some_and(|f| f.heard > 0))
    }

    /// Forgets what is under way: the source is known to be deaf.
    pub fn forget(&self, source: &SourceId) {
        if let Some(flight) = self.lock().get_mut(source) {
            flight.since = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SourceId, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    // What is ours comes back and counts once; what is not, or was never sent, does not.
    #[test]
    fn they_come_back() {
        let (canaries, s) = (Canaries::new(7), SourceId::new("s").unwrap());
        let first = canaries.send(&s);
        assert_eq!(canaries.read(first.as_bytes()), Payload::Ours(1));
        assert_eq!(Canaries::new(8).read(first.as_bytes()), Payload::Others);
        for junk in ["", "{}", r#"{"t":1,"water_depth":3}"#, r#"{"canary":1,"n":1}"#] {
            assert_eq!(canaries.read(junk.as_bytes()), Payload::Unknown, "{junk}");
        }
        canaries.heard(&s, 9);
        assert!(!canaries.late(&s).1, "never sent");
        std::thread::sleep(Duration::from_millis(5));
        assert!(canaries.late(&s).0 >= Duration::from_millis(5));
        canaries.heard(&s, 1);
        assert_eq!(canaries.late(&s), (Duration::ZERO, true));
        canaries.send(&s);
        canaries.forget(&s);
        assert_eq!(canaries.late(&s).0, Duration::ZERO);
    }
}
