//! What a plan gives people to do, and why somebody is told who otherwise would not be.

use maibo_api::{AnswerStage, PlanOrder, PlanTask};

use super::*;

fn planned(version: u32) -> Told {
    let words = |zh: &str, en: &str| Words { zh: zh.to_owned(), en: en.to_owned() };
    let task = |owner: &str, what: Words, within_s| PlanTask {
        name: owner.to_owned(),
        owner: owner.to_owned(),
        what,
        done: AnswerStage::Acknowledged,
        within_s,
        escalate: Vec::new(),
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

#[test]
fn an_escalation_says_why() {
    let mut letter = letter(&planned(2), stamp(2, 0), None);
    let mut body = json(&letter.body);
    body["data"]["escalated"] = serde_json::json!({ "plan": "cloudburst", "task": "police", "owner": "police",
        "what": { "zh": "封路", "en": "close the road" }, "due_at": "2026-11-23T12:00:45.000Z" });
    letter.body = serde_json::to_vec(&body).unwrap();
    let native = json(&rendered(Format::Native, &letter).body);
    assert_eq!(native["data"]["escalated"]["owner"], "police");
    let notice = notice(std::slice::from_ref(&letter), &sender()).unwrap();
    let plain = notice.plain(Language::Chinese);
    assert!(plain.contains("升级：police 未在 20:00:45 前完成：封路"), "{plain}");
    let plain = notice.plain(Language::English);
    assert!(plain.contains("Escalated: police did not do by 20:00:45: close the road"), "{plain}");
}
