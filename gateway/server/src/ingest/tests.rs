#![allow(clippy::unwrap_used, reason = "tests")]

use maibo_core::decode::{Profile, Route};

use super::*;
use crate::clock::SystemClock;

/// A way in for a device that may send next to nothing, and where it leads to.
fn narrow() -> (Ingest, flume::Receiver<Work>, SourceId) {
    let source = SourceId::new("s").unwrap();
    let (queue, out) = flume::bounded(QUEUE);
    let stage = DecodeStage::new(vec![Route::standard(Profile::Native)]).unwrap();
    let ingest = Ingest::new(Parts {
        stages: BTreeMap::from([(source.clone(), stage)]),
        queue,
        urgent: flume::bounded(1).0,
        clock: Arc::new(EngineClock::new(Box::<SystemClock>::default(), None)),
        mode: ClockMode::Wall,
        admission: Admission::Admit,
        catalogue: Arc::default(),
        allowance: Allowance { rate: 1, burst: 1 },
        unregistered: Arc::default(),
        quarantine: Arc::default(),
        metrics: Arc::new(Metrics::new().unwrap()),
    });
    (ingest, out, source)
}

// Readings count as taken in when they are: not those of a message that is refused because its device floods, nor those
// of one that finds no room.
#[tokio::test]
async fn what_is_refused_is_not_taken_in() {
    let (ingest, out, source) = narrow();
    let (topic, payload) = ("maibo/v1/d/telemetry", br#"{"water_depth":1,"temperature":2}"#);
    for n in 0..500 {
        if n % 2 == 0 {
            ingest.submit(&source, topic, payload, false, Receipt::none()).await.unwrap();
        } else {
            ingest.offer(&source, topic, payload, false).unwrap();
        }
    }
    let through: u64 = out.drain().map(|work| readings(&work)).sum();
    let refused = ingest.metrics.rejected.with_label_values(&["any", "flood"]).get();
    assert!(through > 0 && refused > 0, "{through} {refused}");
    assert_eq!((through, through / 2 + refused), (ingest.metrics.readings.get(), 500));
    assert_eq!(ingest.readings.load(Relaxed), through, "the rate on the page");
}
