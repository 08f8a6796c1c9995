//! What a plan gives people to do, and why somebody is told who otherwise would not be.

use maibo_api::{AnswerStage, PlanOrder, PlanTask};

use super::*;

pub(super) fn planned(version: u32) -> Told {
    let words = |zh: &str, en: &str| Words { zh: zh.to_owned(), en: en.to_owned() };
    let task = |owner: &str, what: Words, within_s| PlanTask {
        name: owner.to_owned(),
        owner: owner.to_owned(),
        what,
        done: AnswerStage::Acknowledged,
        within_s,
        escalate: Vec::new(),
        then: Vec::new(),
    };
    let tasks = vec![
        task("water", words("派出泵车", "send pumps"), 300),
        task("police", words("封路", "close the road"), 45),
        task("hospital", words("备床", "make beds ready"), 7_200),
    ];
    let plans = vec![PlanOrder { name: "cloudburst".to_owned(), title: words("内涝", "flood"), tasks }];
    Told { plans, ..told_of(version) }
}

#[test]
fn tasks_are_read() {
    let letter = letter(&planned(1), stamp(1, 0), None);
    let body = json(&rendered(Format::Native, &letter).body);
    assert_eq!(body["data"]["plans"][0]["tasks"][0]["within_s"], 300);
    assert!(body["data"].get("escalated").is_none());
    let notice = notice(std::slice::from_ref(&letter), &sender()).unwrap();
    let plain = notice.plain(Language::Chinese);
    for line in
        ["任务：water：派出泵车（5 分钟内）", "任务：police：封路（45 秒内）", "任务：hospital：备床（2 小时内）"]
    {
        assert!(plain.contains(line), "{plain}");
    }
    assert!(notice.plain(Language::English).contains("Task: water: send pumps (within 5 min)"));
    let over = Told { plans: planned(1).plans, ..resolved(2) };
    let over = self::letter(&over, stamp(2, 60_000), Some(stamp(1, 0)));
    let notice = super::notice(std::slice::from_ref(&over), &sender()).unwrap();
    assert!(!notice.plain(Language::Chinese).contains("任务"), "nothing has to be done any more");
}

/// One that is about a missed task.
pub(super) fn escalated(version: u32) -> Told {
    let what = Some(Words { zh: "封路".to_owned(), en: "close the road".to_owned() });
    let due_at = "2026-11-23T12:00:45.000Z".to_owned();
    let [plan, task, owner] = ["cloudburst", "police", "police"].map(str::to_owned);
    Told { escalated: Some(Escalated { plan, task, owner, what, due_at, rung: None }), ..planned(version) }
}

// Who is told on a later rung reads that it is still not done, and the deadline that the task had.
#[test]
fn a_later_rung_says_so() {
    let mut told = escalated(3);
    told.escalated.as_mut().unwrap().rung = Some(1);
    let letter = letter(&told, stamp(3, 90_000), Some(stamp(1, 0)));
    assert_eq!(json(&rendered(Format::Native, &letter).body)["data"]["escalated"]["rung"], 1);
    let notice = notice(std::slice::from_ref(&letter), &sender()).unwrap();
    let plain = notice.plain(Language::Chinese);
    assert!(plain.contains("升级：police 仍未完成（限 20:00:45 前）：封路"), "{plain}");
    let plain = notice.plain(Language::English);
    assert!(plain.contains("Escalated: police has still not done, due by 20:00:45: close the road"), "{plain}");
}

// What people read says it, and so does what programs read: CAP by its instruction and parameters, Alertmanager by its
// annotations, CloudEvents by the data of native JSON.
#[test]
fn programs_get_tasks_as_well() {
    let first = letter(&planned(1), stamp(1, 0), None);
    let missed = letter(&escalated(2), stamp(2, 60_000), Some(first.stamp));
    let over = Told { plans: planned(1).plans, ..resolved(3) };
    let over = letter(&over, stamp(3, 90_000), Some(missed.stamp));
    let cap = |letter: &Letter| -> oasiscap::v1dot2::Alert {
        String::from_utf8(rendered(Format::Cap, letter).body).unwrap().parse().unwrap()
    };
    let [one, two, three] = [&first, &missed, &over].map(cap);
    let lines = |alert: &oasiscap::v1dot2::Alert, n: usize| -> Vec<String> {
        alert.info[n].instruction.as_deref().unwrap().lines().map(str::to_owned).collect()
    };
    let tasks = ["Task: water: send pumps (within 5 min)", "Task: police: close the road (within 45 s)"];
    assert_eq!(lines(&one, 1)[..3], ["Close the underpass", tasks[0], tasks[1]]);
    assert_eq!(lines(&two, 0)[..2], ["升级：police 未在 20:00:45 前完成：封路", "封闭下凹桥"]);
    assert_eq!((lines(&two, 0).len(), lines(&three, 0)), (5, vec!["封闭下凹桥".to_owned()]));
    let says = |letter: &Letter, name: &str, value: &str| {
        let text = String::from_utf8(rendered(Format::Cap, letter).body).unwrap();
        text.matches(&format!("<valueName>{name}</valueName><value>{value}</value>")).count()
    };
    assert_eq!((says(&first, "plan", "cloudburst"), says(&first, "escalated", "")), (2, 0), "one a language");
    assert_eq!(says(&missed, "escalated", "cloudburst/police"), 2);

    let notes =
        |letter: &Letter| json(&rendered(Format::Alertmanager, letter).body)["alerts"][0]["annotations"].clone();
    let note = notes(&first);
    assert_eq!(note["tasks"].as_str().unwrap().lines().next(), Some("water：派出泵车（5 分钟内）"));
    assert_eq!(note["tasks_en"].as_str().unwrap().lines().nth(2), Some("hospital: make beds ready (within 2 h)"));
    assert!(note.get("escalated").is_none());
    assert_eq!(notes(&missed)["escalated_en"], "police did not do by 20:00:45: close the road");
    assert!(notes(&over).get("tasks").is_none());
    let bare = notes(&letter(&told_of(1), stamp(1, 0), None));
    let keys: Vec<&String> = bare.as_object().unwrap().keys().collect();
    let wanted = ["advice", "advice_en", "description", "description_en", "summary", "summary_en", "value", "version"];
    assert_eq!(keys, wanted, "without a plan nothing is new");

    let event = json(&rendered(Format::CloudEvents, &missed).body);
    assert_eq!(event["data"]["plans"][0]["tasks"][1]["owner"], "police");
    assert_eq!(event["data"]["escalated"]["task"], "police");
    assert_eq!(json(&rendered(Format::CloudEventsBinary, &missed).body), event["data"]);
}

#[test]
fn an_escalation_says_why() {
    let letter = letter(&escalated(2), stamp(2, 0), None);
    let native = json(&rendered(Format::Native, &letter).body);
    assert_eq!(native["data"]["escalated"]["owner"], "police");
    let notice = notice(std::slice::from_ref(&letter), &sender()).unwrap();
    let plain = notice.plain(Language::Chinese);
    assert!(plain.contains("升级：police 未在 20:00:45 前完成：封路"), "{plain}");
    let plain = notice.plain(Language::English);
    assert!(plain.contains("Escalated: police did not do by 20:00:45: close the road"), "{plain}");
}
