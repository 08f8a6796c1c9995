//! An event that is told of ahead of its time: its words stand behind what events had before, and those that have none keep
//! their bytes.

use super::*;

// Protects the inputs log: the canonical bytes of an event with words about its beginning.
#[test]
fn an_event_ahead_of_its_time() {
    let event = Event {
        device: device(),
        code: Text::from("cap.red.11B03"),
        identity: Text::from("1"),
        at: T,
        received: T,
        expires: None,
        cancelled: false,
        position: None,
        text: Text::from("storm"),
        ahead: Some(Box::new(Found::new("20:00 起", "from 20:00"))),
    };
    let batch = Batch { now: T, inputs: vec![Input::Event(event)] };
    let bytes = batch.to_bytes();
    assert_eq!(Batch::from_bytes(&bytes).as_ref().ok(), Some(&batch));
    expect!["821b0000019b76daa800818201818a67776c2d303030316d6361702e7265642e313142303361311b0000019b76daa8001b0000019b76daa800f6f4f66573746f726d826932303a303020e8b5b76a66726f6d2032303a3030"].assert_eq(&hex(&bytes));
}
