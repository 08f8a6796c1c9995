//! Receivers of an alert that an operator silenced.

use maibo_core::fact::{Handling, Silenced, Transition};
use maibo_core::id::Actor;
use maibo_core::time::Timestamp;

use super::support::{Ear, Reply, Scene, entry, transition};

fn silenced(version: u32) -> Transition {
    let by = Actor::new("li.wei").unwrap();
    let silence = Silenced { until: Timestamp(90_000), by, at: Timestamp(7), note: "pumps under repair".into() };
    let handling = Handling { silenced: Some(silence), ..Handling::default() };
    Transition { handling: Some(Box::new(handling)), ..transition(1, version) }
}

// P5: nothing is sent under a silence, which is reported version by version; what ends it is sent.
#[tokio::test]
async fn not_told_and_listed() {
    let ear = Ear::new(|_, _| Reply::Status(204)).await;
    let mut scene = Scene::new(&[entry("bureau", &ear)]);
    scene.tell(vec![transition(1, 1), silenced(2), silenced(3), transition(1, 4)]);
    let heard = ear.heard(2).await;
    assert_eq!(heard.iter().map(|h| h.what().1).collect::<Vec<_>>(), [1, 4]);
    // An outcome is reported until it is a fact, and nobody makes it one here.
    let mut outcomes = std::collections::BTreeSet::new();
    while outcomes.len() < 4 {
        let (_, version, outcome, error) = scene.outcome().await;
        outcomes.insert((version, outcome, error));
    }
    let why = Some("silenced by li.wei: pumps under repair".to_owned());
    let of = |version, outcome: &str, why: &Option<String>| (version, outcome.to_owned(), why.clone());
    let (told, not) = (of(1, "delivered", &None), of(2, "silenced", &why));
    assert_eq!(Vec::from_iter(outcomes), [told, not, of(3, "silenced", &why), of(4, "delivered", &None)]);
    assert_eq!(scene.metrics.deliveries.with_label_values(&["silenced"]).get(), 2);
    assert_eq!(heard[0].json()["data"]["text"]["zh"], "积水", "the sentence goes along");
    scene.end().await;
}
