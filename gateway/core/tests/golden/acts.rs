//! The canonical bytes of what operators do.

use super::*;

fn missed() -> Missed {
    let (plan, task, owner) = (Text::from("flood"), Text::from("pumps"), Text::from("water"));
    Missed { plan, task, owner, due_at: T, to: vec![Text::from("chief"), Text::from("duty")], rung: None }
}

// Protects the ledger: what a version says that a plan made.
#[test]
fn escalated() {
    let handling = Handling { missed: Some(Box::new(missed())), ..Handling::default() };
    let bytes = maibo_core::codec::encode(&handling);
    assert_eq!(maibo_core::codec::decode::<Handling>(&bytes).ok(), Some(handling));
    expect!["8980f6f6f4f4f6f6f68565666c6f6f646570756d70736577617465721b0000019b76daa800826563686965666464757479"]
        .assert_eq(&hex(&bytes));
    // A later rung of its ladder.
    let missed = Missed { rung: Some(1), ..missed() };
    let handling = Handling { missed: Some(Box::new(missed)), ..Handling::default() };
    let bytes = maibo_core::codec::encode(&handling);
    assert_eq!(maibo_core::codec::decode::<Handling>(&bytes).ok(), Some(handling));
    expect!["8980f6f6f4f4f6f6f68665666c6f6f646570756d70736577617465721b0000019b76daa80082656368696566646475747901"]
        .assert_eq(&hex(&bytes));
}

// Protects the inputs log: the canonical bytes of each act.
#[test]
fn acts() {
    let note = || Text::from("why");
    // A new act does not compile here until it stands in the list below.
    let known = |act: &Act| match act {
        Act::Acknowledge { .. } => "acknowledge",
        Act::Assign { .. } => "assign",
        Act::Comment { .. } => "comment",
        Act::Silence { .. } => "silence",
        Act::Unsilence => "unsilence",
        Act::Close { .. } => "close",
        Act::Feedback { .. } => "feedback",
        Act::Escalate(_) => "escalate",
    };
    let all = [
        Act::Acknowledge { note: note() },
        Act::Assign { to: Text::from("crew 3"), note: note() },
        Act::Comment { note: note() },
        Act::Silence { until: T, note: note() },
        Act::Unsilence,
        Act::Close { note: note(), forced: true },
        Act::Feedback { stage: Stage::FedBack, note: note() },
        Act::Escalate(Box::new(missed())),
    ];
    let mut shown = String::new();
    for act in all {
        let bytes = maibo_core::codec::encode(&act);
        assert_eq!(maibo_core::codec::decode::<Act>(&bytes).ok().as_ref(), Some(&act));
        assert_eq!(known(&act), act.as_str());
        let _ = writeln!(shown, "{} {}", known(&act), hex(&bytes));
    }
    expect![[r"
        acknowledge 82008163776879
        assign 8201826663726577203363776879
        comment 82028163776879
        silence 8203821b0000019b76daa80063776879
        unsilence 820480
        close 82058263776879f5
        feedback 8206820163776879
        escalate 8207818565666c6f6f646570756d70736577617465721b0000019b76daa800826563686965666464757479
    "]]
    .assert_eq(&shown);
}
