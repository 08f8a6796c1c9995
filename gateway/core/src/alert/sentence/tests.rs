#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use super::*;
use crate::fact::Measure;
use crate::fact::Said;
use crate::fact::{Acknowledged, Assigned, Handling, Missed, Reminder, Silenced, Stamp, Stamps};
use crate::id::{Actor, DeviceId, EpisodeId, Quantity, RuleId, SourceId};
use crate::input::Found;
use crate::place::Domain;
use crate::rule::Signal;
use crate::time::Timestamp;

fn title() -> Words {
    Words { zh: "下凹桥区积水".to_owned(), en: "Underpass waterlogging".to_owned() }
}

fn transition(reason: Reason) -> Transition {
    let rule = RuleId::new("underpass-waterlogging").unwrap();
    let subject = match reason {
        Reason::SourceDeaf | Reason::SourceListening => Subject::Source(SourceId::new("north").unwrap()),
        _ => Subject::Device(DeviceId::new("wl-0001").unwrap()),
    };
    let by = Actor::new("li.wei").unwrap();
    let stamp = |at| Some(Stamp { at: Timestamp(at), by: Some(by.clone()) });
    let handling = Handling {
        stamps: Stamps { published: None, responding: stamp(1), fed_back: stamp(700_000), archived: None },
        assigned: Some(Assigned { to: "排水集团".into(), by: by.clone(), at: Timestamp(1) }),
        silenced: Some(Silenced {
            until: Timestamp(7_200_000), by: by.clone(), at: Timestamp(0), note: "检修".into()
        }),
        said: Some(Said { by: by.clone(), note: "泵车已到".into() }),
        reminder: Some(Reminder { number: 2, after: Millis::from_secs(1_830) }),
        noted: Some(Timestamp(700_000)),
        missed: Some(Box::new(Missed {
            plan: "暴雨内涝".into(),
            task: "pumps".into(),
            owner: "water".into(),
            due_at: Timestamp(600_000),
            to: vec!["chief".into(), "duty".into()],
            rung: None,
        })),
        ..Handling::default()
    };
    Transition {
        episode: EpisodeId::derive(&rule, &subject, Timestamp(0), 1),
        version: 2,
        rule,
        subject,
        quantity: Quantity::new("water_depth").ok(),
        place: None,
        domain: Domain::Traffic,
        state: State::Firing,
        level: Level::Orange,
        peak: Level::Orange,
        stale: false,
        historic: false,
        value: Some(28.3),
        threshold: Some(27.0),
        started_at: Timestamp(0),
        at: Timestamp(605_000),
        resolved_at: None,
        acknowledged: Some(Acknowledged { by, at: Timestamp(1), note: "已派员".into() }),
        reason,
        handling: Some(Box::new(handling)),
        measure: None,
        found: None,
    }
}

/// All reasons there are, by their numbers on disk.
fn reasons() -> Vec<Reason> {
    (0..200_u32).filter_map(|n| crate::codec::decode(&crate::codec::encode(&n)).ok()).collect()
}

// Every reason gives one sentence of its own in each language, and each says something of this very alert.
#[test]
fn every_reason_has_its_sentence() {
    let mut shown = String::new();
    for reason in reasons() {
        let Words { zh, en } = sentence(&transition(reason), &title());
        let _ = writeln!(shown, "{}: {zh} | {en}", reason.as_str());
    }
    expect_test::expect![[r#"
        threshold: 积水深度 28.3 cm，达到橙色限值 27 cm | Water depth 28.3 cm reached the orange limit 27 cm
        raised: 积水深度 28.3 cm，升为橙色，限值 27 cm | Water depth 28.3 cm: raised to orange, limit 27 cm
        lowered: 积水深度 28.3 cm，降为橙色，限值 27 cm | Water depth 28.3 cm: lowered to orange, limit 27 cm
        recovered: 积水深度 28.3 cm，已恢复，历时 10 分钟 5 秒 | Water depth 28.3 cm: back to normal after 10 min 5 s
        absent: 设备 wl-0001 已 10 分钟 5 秒未上报 | Device wl-0001 has not reported for 10 min 5 s
        returned: 设备 wl-0001 恢复上报，中断 10 分钟 5 秒 | Device wl-0001 reports again after 10 min 5 s
        data_stale: 数据中断，预警按最后所知保持：积水深度 28.3 cm | No fresh data, the alert stays open on the last known: Water depth 28.3 cm
        data_fresh: 数据恢复，积水深度 28.3 cm | Data flow again: Water depth 28.3 cm
        acknowledged: li.wei 已确认：已派员 | Acknowledged by li.wei: 已派员
        rule_changed: 规则“下凹桥区积水”已修改，按新规则为橙色 | The rule "Underpass waterlogging" was edited: orange by the new version
        rule_removed: 规则“下凹桥区积水”已删除，预警结束 | The rule "Underpass waterlogging" is gone, and the alert with it
        contradicted: 更正：积水深度 28.3 cm，限值未持续达到 | Correction: Water depth 28.3 cm; the limit was not reached for long enough
        source_deaf: 消息来源 north 已 10 分钟 5 秒无消息，其设备状态未知 | Nothing from source north for 10 min 5 s; its devices are unknown
        source_listening: 消息来源 north 恢复上报，中断 10 分钟 5 秒 | Source north reports again after 10 min 5 s
        subject_gone: 设备 wl-0001 已不在目录或规则范围内，预警结束 | Device wl-0001 left the catalogue or the rule's selection, and the alert ended
        clock_wrong: 设备 wl-0001 时钟错误，按接收时间判定 | Device wl-0001: the clock is wrong, values are judged when received
        clock_right: 设备 wl-0001 时钟已恢复正常 | Device wl-0001: the clock is right again
        event: 下凹桥区积水：设备 wl-0001 上报，橙色预警 | Underpass waterlogging: reported by device wl-0001, orange alert
        event_cancelled: 下凹桥区积水：设备 wl-0001 已解除 | Underpass waterlogging: device wl-0001 says that it is over
        event_expired: 下凹桥区积水：设备 wl-0001 不再上报，事件到期 | Underpass waterlogging: no longer reported by device wl-0001, its time is over
        assigned: li.wei 指派 排水集团 处置：泵车已到 | li.wei assigned it to 排水集团: 泵车已到
        commented: li.wei：泵车已到 | li.wei: 泵车已到
        silenced: li.wei 静默通知 2 小时：泵车已到 | li.wei silenced the notifications for 2 h: 泵车已到
        silence_over: 下凹桥区积水：静默到期，橙色预警仍在持续 | Underpass waterlogging: the silence is over, the orange alert goes on
        unsilenced: li.wei 解除静默：泵车已到 | li.wei ended the silence: 泵车已到
        closed: li.wei 关闭预警：泵车已到 | li.wei closed the alert: 泵车已到
        fed_back: li.wei 反馈结果：泵车已到 | li.wei reported the outcome: 泵车已到
        unacknowledged: 下凹桥区积水：橙色预警已 30 分钟 30 秒无人确认（第 2 次提醒） | Underpass waterlogging: nobody has acknowledged this orange alert for 30 min 30 s (reminder 2)
        quorum: 下凹桥区积水：设备 wl-0001 有 28 处同时达到，橙色预警 | Underpass waterlogging: 28 devices at once in device wl-0001, orange alert
        quorum_lost: 下凹桥区积水：设备 wl-0001 已不足 27 处，预警结束 | Underpass waterlogging: fewer than 27 devices are left in device wl-0001
        calendar: 规则“下凹桥区积水”进入另一时段，按其限值为橙色 | Another period of the rule "Underpass waterlogging" began: orange by its limits
        unwell: 下凹桥区积水： | Underpass waterlogging: 
        well: 下凹桥区积水（wl-0001）：已恢复，历时 10 分钟 5 秒 | Underpass waterlogging (wl-0001): well again after 10 min 5 s
        escalated: 预案“暴雨内涝”任务 pumps 逾期未完成，责任方 water，上报 chief、duty | Task pumps of plan "暴雨内涝" was not done in time by water; told to chief, duty
    "#]].assert_eq(&shown);
}

// What ends an alert says so, where the same reason can also go on with it.
#[test]
fn ends_have_sentences_of_their_own() {
    let mut shown = String::new();
    for reason in reasons() {
        let t = Transition { state: State::Resolved, ..transition(reason) };
        let end = sentence(&t, &title());
        if end != sentence(&transition(reason), &title()) {
            let _ = writeln!(shown, "{}: {} | {}", reason.as_str(), end.zh, end.en);
        }
    }
    expect_test::expect![[r#"
        rule_changed: 规则“下凹桥区积水”已修改，按新规则预警结束 | The rule "Underpass waterlogging" was edited: no alert by the new version
        calendar: 规则“下凹桥区积水”的时段结束，预警结束 | A period of the rule "Underpass waterlogging" ended, and the alert with it
    "#]].assert_eq(&shown);
}

// What is reported ahead of its time says from when on, also when its level moves.
#[test]
fn what_is_ahead() {
    let found = Some(Box::new(Found::new("2026-11-24 20:00 起", "from 2026-11-24 20:00")));
    let mut shown = String::new();
    for reason in [Reason::Event, Reason::Raised, Reason::EventExpired] {
        let Words { zh, en } = sentence(&Transition { found: found.clone(), ..transition(reason) }, &title());
        let _ = writeln!(shown, "{}: {zh} | {en}", reason.as_str());
    }
    expect_test::expect![[r"
        event: 下凹桥区积水：设备 wl-0001 上报，橙色预警，2026-11-24 20:00 起 | Underpass waterlogging: reported by device wl-0001, orange alert, from 2026-11-24 20:00
        raised: 下凹桥区积水，升为橙色：2026-11-24 20:00 起 | Underpass waterlogging, raised to orange: from 2026-11-24 20:00
        event_expired: 下凹桥区积水：设备 wl-0001 不再上报，事件到期 | Underpass waterlogging: no longer reported by device wl-0001, its time is over
    "]].assert_eq(&shown);
}

// What people and reminders do with the alert of an event keeps what the event says, for whoever hears of nothing else; what it was
// closed with does not.
#[test]
fn what_an_event_says_stays() {
    let found = Some(Box::new(Found::new("原文“雷雨大风”，20:00 起", "in its own words “storm”, from 20:00")));
    let subject = Subject::Event { device: DeviceId::new("cma").expect("an id"), identity: "7a".into() };
    let mut shown = String::new();
    for reason in [Reason::Unacknowledged, Reason::SilenceOver, Reason::Acknowledged, Reason::Closed] {
        let state = if reason == Reason::Closed { State::Resolved } else { State::Firing };
        let t = Transition { found: found.clone(), subject: subject.clone(), state, ..transition(reason) };
        let Words { zh, en } = sentence(&t, &title());
        let _ = writeln!(shown, "{}: {zh} | {en}", reason.as_str());
    }
    expect_test::expect![[r"
        unacknowledged: 下凹桥区积水：橙色预警已 30 分钟 30 秒无人确认（第 2 次提醒）（原文“雷雨大风”，20:00 起） | Underpass waterlogging: nobody has acknowledged this orange alert for 30 min 30 s (reminder 2) (in its own words “storm”, from 20:00)
        silence_over: 下凹桥区积水：静默到期，橙色预警仍在持续（原文“雷雨大风”，20:00 起） | Underpass waterlogging: the silence is over, the orange alert goes on (in its own words “storm”, from 20:00)
        acknowledged: li.wei 已确认：已派员（原文“雷雨大风”，20:00 起） | Acknowledged by li.wei: 已派员 (in its own words “storm”, from 20:00)
        closed: li.wei 关闭预警：泵车已到 | li.wei closed the alert: 泵车已到
    "]].assert_eq(&shown);
}

// What has no value, no quantity, a yes/no value, an odd number or no operator is still a sentence.
#[test]
fn what_is_missing() {
    let say = |t: &Transition| {
        let Words { zh, en } = sentence(t, &title());
        format!("{zh} | {en}")
    };
    let with = |quantity: &str, value, threshold| Transition {
        quantity: Quantity::new(quantity).ok(),
        value,
        threshold,
        handling: None,
        measure: None,
        found: None,
        acknowledged: None,
        ..transition(Reason::Threshold)
    };
    let shown = [
        say(&with("smoke", Some(1.0), Some(1.0))),
        say(&with("power", Some(0.0), Some(0.0))),
        say(&with("temperature", Some(-12.504), Some(-12.0))),
        say(&with("crowd_count", Some(12_345.0), Some(10_000.0))),
        say(&with("water_pressure", Some(0.098_066), Some(0.1))),
        say(&with("ph", Some(-0.000_1), None)),
        say(&with("tilt", Some(f64::NAN), Some(5.0))),
        say(&Transition { quantity: None, ..with("ph", None, None) }),
        say(&Transition { reason: Reason::Raised, ..with("rain", None, Some(1.0)) }),
        say(&Transition {
            reason: Reason::Recovered,
            resolved_at: Some(Timestamp(200_000_000)),
            ..with("rain", Some(0.0), None)
        }),
        say(&Transition { reason: Reason::Closed, ..with("rain", None, None) }),
        say(&Transition { reason: Reason::Unacknowledged, ..with("rain", None, None) }),
        say(&Transition { reason: Reason::RuleChanged, state: State::Resolved, ..with("rain", None, None) }),
    ];
    expect_test::expect![[r#"
        烟雾：报警，橙色预警 | Smoke alarm: orange alert
        市电：断电，橙色预警 | Mains off: orange alert
        温度 -12.5 °C，达到橙色限值 -12 °C | Temperature -12.5 °C reached the orange limit -12 °C
        人数 12345，达到橙色限值 10000 | People 12345 reached the orange limit 10000
        水压 0.098 MPa，达到橙色限值 0.1 MPa | Water pressure 0.098 MPa reached the orange limit 0.1 MPa
        pH 值 0，橙色预警 | pH 0: orange alert
        倾角，橙色预警 | Tilt: orange alert
        下凹桥区积水，橙色预警 | Underpass waterlogging: orange alert
        雨量，升为橙色 | Rain: raised to orange
        雨量 0 mm，已恢复，历时 2 天 7 小时 | Rain 0 mm: back to normal after 2 d 7 h
        ? 关闭预警 | ? closed the alert
        下凹桥区积水：橙色预警无人确认 | Underpass waterlogging: nobody has acknowledged this orange alert
        规则“下凹桥区积水”已修改，按新规则预警结束 | The rule "Underpass waterlogging" was edited: no alert by the new version"#]].assert_eq(&shown.join("\n"));
}

// A value that was computed from several readings says so, with its window and its own unit.
#[test]
fn a_computed_value_says_what_it_is() {
    let mut shown = String::new();
    let minutes = |n: i64| Millis::from_secs(60 * n);
    for (signal, window) in [
        (Signal::Sum, minutes(60)),
        (Signal::Count, minutes(10)),
        (Signal::Rate { per: minutes(1) }, minutes(10)),
        (Signal::Stuck { tolerance: 0.5 }, Millis::ZERO),
        (Signal::Last, Millis::ZERO),
    ] {
        let measure = Some(Box::new(Measure::new(signal, window)));
        let Words { zh, en } = sentence(&Transition { measure, ..transition(Reason::Threshold) }, &title());
        let _ = writeln!(shown, "{zh} | {en}");
    }
    expect_test::expect![[r"
        积水深度 1 小时累计 28.3 cm，达到橙色限值 27 cm | Water depth, sum of 1 h: 28.3 cm reached the orange limit 27 cm
        积水深度 10 分钟次数 28.3，达到橙色限值 27 | Water depth, readings of 10 min: 28.3 reached the orange limit 27
        积水深度 10 分钟变化率 28.3 cm/1 min，达到橙色限值 27 cm/1 min | Water depth, rate of 10 min: 28.3 cm/1 min reached the orange limit 27 cm/1 min
        积水深度已 28 秒未变化，达到橙色限值 27 s | Water depth has not moved for 28 s reached the orange limit 27 s
        积水深度 28.3 cm，达到橙色限值 27 cm | Water depth 28.3 cm reached the orange limit 27 cm
    "]].assert_eq(&shown);
}
