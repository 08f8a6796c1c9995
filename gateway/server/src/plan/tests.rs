use std::sync::Arc;

use maibo_core::notify::{Matcher, Mode, Receiver};

use super::*;

const CLOUDBURST: &str = r#"
    [[plan]]
    name = "cloudburst"
    title = { zh = "城市内涝", en = "Urban flooding" }
    domains = ["municipal"]
    districts = ["110105"]
    receivers = ["water", "traffic"]

    [[plan.task]]
    name = "pumps"
    owner = "water"
    what = { zh = "派泵车", en = "send pumps" }
    within = "5m"
    escalate = ["chief"]

    [[plan.task]]
    name = "report"
    owner = "traffic"
    what = { zh = "报告封路情况", en = "report closures" }
    done = "fed_back"
    within = "30m"
"#;

#[derive(serde::Deserialize)]
struct File {
    plan: Vec<api::PlanText>,
}

fn parse(text: &str) -> Result<Vec<Plan>, Vec<String>> {
    let file: File = toml::from_str(text).expect("a file");
    let known = [("water", true), ("traffic", true), ("chief", false), ("duty", true)];
    let known = known.map(|(name, answers)| Named { name: name.to_owned(), answers });
    validate(&file.plan, Some(&known))
}

// What is written is what is done; orange is where a plan begins unless it says otherwise.
#[test]
fn a_plan_as_written() {
    let [plan] = <[Plan; 1]>::try_from(parse(CLOUDBURST).expect("fine")).expect("one");
    assert_eq!((plan.matcher.min_level, plan.tasks[1].done), (Level::Orange, Answered::FedBack));
    let shown = shown(&plan);
    assert_eq!((shown.tasks[0].within_s, &*shown.tasks[0].escalate[0]), (300, "chief"));
}

// Everything that is wrong is said at once, each with its path.
#[test]
fn bad_plans() {
    let text = format!(
        "{CLOUDBURST}\n{}",
        r#"
        [[plan]]
        name = "cloudburst"
        title = { zh = "", en = "x" }
        min_level = "purple"
        domains = ["weather"]
        districts = ["?"]
        rules = ["a b"]
        receivers = ["fire", "chief", "chief"]
        [[plan.task]]
        name = "a b"
        owner = "chief"
        what = { zh = "甲", en = "A" }
        done = "soon"
        within = "1s"
        escalate = ["nobody", "chief", "duty"]
        [[plan.task]]
        name = "a b"
        owner = "police"
        what = { zh = "甲", en = "A" }
        within = "8d"
        then = [
          { after = "1m", escalate = ["duty", "chief"] },
          { after = "soon", escalate = ["duty"] },
          { after = "1h", escalate = [] },
          { after = "1h", escalate = ["nobody"] },
          { after = "1h", escalate = ["fire"] },
        ]
        [[plan]]
        name = "?"
        title = { zh = "甲", en = "A" }
        receivers = []
        "#
    );
    let problems = parse(&text).expect_err("bad");
    let paths: Vec<&str> = problems.iter().filter_map(|p| p.split(':').next()).collect();
    let expected = [
        "plan[1].name",
        "plan[1].title.zh",
        "plan[1].min_level",
        "plan[1].domains",
        "plan[1].districts",
        "plan[1].rules",
        "plan[1].receivers",
        "plan[1].receivers",
        "plan[1].task[0].owner",
        "plan[1].task[0].name",
        "plan[1].task[0].done",
        "plan[1].task[0].within",
        "plan[1].task[0].escalate",
        "plan[1].task[0].escalate",
        "plan[1].task[1].name",
        "plan[1].task[1].owner",
        "plan[1].task[1].name",
        "plan[1].task[1].within",
        "plan[1].task[1].then",
        "plan[1].task[1].then[0].escalate",
        "plan[1].task[1].then[1].after",
        "plan[1].task[1].then[1].escalate",
        "plan[1].task[1].then[2].escalate",
        "plan[1].task[1].then[3].escalate",
        "plan[1].task[1].then[4].escalate",
        "plan[1].task[1].then[4].escalate",
        "plan[2].name",
        "plan[2].receivers",
    ];
    assert_eq!(paths, expected, "{problems:#?}");
}

// Nobody answers an alert that never was: who is told, and who hears of what was missed, to the second.
#[test]
fn what_would_happen() {
    let plans = Arc::new(set(parse(CLOUDBURST).expect("fine")));
    let planned = Matcher { planned: true, ..Default::default() };
    let one = |name: &str, matcher: &Matcher| Receiver {
        name: name.to_owned(),
        mode: Mode::Latest,
        matcher: matcher.clone(),
        group_every: Some(maibo_core::notify::GROUP_EVERY),
    };
    let receivers =
        [one("water", &planned), one("traffic", &planned), one("chief", &planned), one("all", &Matcher::default())];
    let place = maibo_core::id::PlaceCode::new("110105003").expect("a place");
    let rule = maibo_core::id::RuleId::new("simulated").expect("a rule");
    let begin = Timestamp(1_700_000_000_000);
    let domain = maibo_core::place::Domain::Municipal;
    let facts = |level| one_that_never_was(domain, place.clone(), level, rule.clone(), begin);
    let found = simulate(&plans, &receivers, facts(Level::Red)).expect("simulates");
    let told: Vec<_> = found.told.iter().map(|t| (&*t.receiver, t.because, &t.at[14..19])).collect();
    assert_eq!(
        told,
        [
            ("water", api::ToldBecause::Plan, "13:20"),
            ("traffic", api::ToldBecause::Plan, "13:20"),
            ("all", api::ToldBecause::Own, "13:20"),
            ("chief", api::ToldBecause::Escalation, "18:20"),
        ]
    );
    let events: Vec<_> = found.events.iter().map(|e| (&*e.kind, e.task.as_deref(), &e.at[14..19])).collect();
    assert_eq!(
        events,
        [
            ("began", None, "13:20"),
            ("missed", Some("pumps"), "18:20"),
            ("escalated", Some("pumps"), "18:20"),
            ("missed", Some("report"), "43:20"),
        ]
    );
    assert!(found.runs[0].tasks.iter().all(|t| t.state == api::TaskState::Missed && t.what.is_some()));
    let found = simulate(&plans, &receivers, facts(Level::Yellow)).expect("simulates");
    assert!(found.runs.is_empty() && found.told.len() == 1, "below the plan's level");
}

// The same plans are the same version, however they are written; kept and read again nothing is lost.
#[test]
fn a_set_is_its_content() {
    let first = set(parse(CLOUDBURST).expect("fine"));
    let again = CLOUDBURST
        .replace("within = \"5m\"", "within = \"300s\"\n then = []")
        .replace("escalate = [\"chief\"]", "done = \"acknowledged\"\n escalate = [\"chief\"] # him");
    assert_eq!(set(parse(&again).expect("fine")), first);
    let tall = CLOUDBURST.replace("escalate = [\"chief\"]", "then = [{ after = \"90m\", escalate = [\"duty\"] }]");
    let tall = set(parse(&tall).unwrap_or_else(|problems| panic!("{problems:?}")));
    assert_ne!(tall.version, first.version);
    for one in [&first, &tall] {
        assert_eq!(read(&text(&one.plans)).as_ref(), Ok(one));
    }
    // For ever: facts know a set by this hash, and brought plans hold until it changes.
    assert_eq!(
        (first.version.to_string(), set(Vec::new()).version.to_string()),
        ("04eb12ea825a75f6".to_owned(), "4f53cda18c2baa0c".to_owned())
    );
    let none = set(Vec::new());
    let found = difference(&first, &tall);
    assert_eq!((found.added, found.removed, found.changed), (vec![], vec![], vec!["cloudburst".to_owned()]));
    assert_eq!(difference(&none, &first).added, ["cloudburst"]);
    assert_eq!(difference(&first, &none).removed, ["cloudburst"]);
    assert!(read("[{\"name\": \"x\"}]").is_err());
}

// Nobody answers for hours: rung by rung, each a version of its own.
#[test]
fn a_ladder_is_simulated_to_its_end() {
    let tall = CLOUDBURST.replace(
        "escalate = [\"chief\"]",
        "escalate = [\"chief\"]\n then = [{ after = \"10m\", escalate = [\"duty\"] }]",
    );
    let plans = Arc::new(set(parse(&tall).expect("fine")));
    let planned = Matcher { planned: true, ..Default::default() };
    let one =
        |name: &str| Receiver { name: name.to_owned(), mode: Mode::All, matcher: planned.clone(), group_every: None };
    let receivers = ["water", "traffic", "chief", "duty"].map(one);
    let place = maibo_core::id::PlaceCode::new("110105003").expect("a place");
    let rule = maibo_core::id::RuleId::new("simulated").expect("a rule");
    let domain = maibo_core::place::Domain::Municipal;
    let facts = one_that_never_was(domain, place, Level::Red, rule, Timestamp(1_700_000_000_000));
    let found = simulate(&plans, &receivers, facts).expect("simulates");
    let told: Vec<_> = found.told.iter().map(|t| (&*t.receiver, &t.at[14..19])).collect();
    assert_eq!(told, [("water", "13:20"), ("traffic", "13:20"), ("chief", "18:20"), ("duty", "28:20")]);
    let pumps = &found.runs[0].tasks[0];
    assert_eq!((pumps.rungs_told, &pumps.next_at, pumps.then[0].after_s), (1, &None, 600));
    assert_eq!(pumps.due_at.as_deref().map(|at| &at[14..19]), Some("18:20"));
}
