//! What people read in chat groups: bounded, harmless, Chinese first, and the worst of a group first.

use maibo_api::Level;

use super::*;

const ROBOTS: [Format; 3] = [Format::DingTalk, Format::Feishu, Format::WeCom];

fn sent(format: Format, letters: &[Letter]) -> Value {
    let outgoing = render(&plain(format), letters, "flood-office", &sender()).unwrap();
    assert_eq!(outgoing.content_type, "application/json; charset=utf-8");
    json(&outgoing.body)
}

/// The Markdown of a robot's message.
fn markdown(format: Format, letters: &[Letter]) -> String {
    let body = sent(format, letters);
    let at = match format {
        Format::DingTalk => "/markdown/text",
        Format::Feishu => "/card/elements/0/content",
        _ => "/markdown/content",
    };
    body.pointer(at).unwrap().as_str().unwrap().to_owned()
}

fn one(told: &Told) -> [Letter; 1] {
    [letter(told, stamp(1, 0), None)]
}

// The shapes that the platforms document, with level, place, value, time, advice and link, Chinese before English.
#[test]
fn each_robot_gets_its_own_shape() {
    let mut told = told_of(1);
    told.alert.unit = Some("cm".to_owned());
    let letters = one(&told);
    let ding = sent(Format::DingTalk, &letters);
    assert_eq!(
        (&ding["msgtype"], &ding["markdown"]["title"]),
        (&"markdown".into(), &"🔴 红色预警 · 下凹桥区积水".into())
    );
    let feishu = sent(Format::Feishu, &letters);
    assert_eq!((&feishu["msg_type"], &feishu["card"]["header"]["template"]), (&"interactive".into(), &"red".into()));
    assert_eq!(feishu["card"]["header"]["title"]["content"], ding["markdown"]["title"]);
    assert_eq!(sent(Format::WeCom, &letters)["msgtype"], "markdown");
    for format in ROBOTS {
        let text = markdown(format, &letters);
        let link = format!("[查看 Open](https://maibo.city.example/?alert={})", told.alert.id);
        let wanted = [
            "**级别**：红色",
            "**地点**：朝阳区 三元桥 ＜17＞ &",
            "**数值**：51 cm（限值 50 cm）",
            "**开始**：2026-11-23 19:59:30",
            "**处置**：封闭下凹桥",
            &link,
            "🔴 Red alert · Underpass waterlogging",
            "**Value**: 51 cm (limit 50 cm)",
            "**Do**: Close the underpass",
        ];
        let places: Vec<usize> =
            wanted.iter().map(|w| text.find(w).unwrap_or_else(|| panic!("{format:?}: no {w} in {text}"))).collect();
        assert!(places.is_sorted(), "{format:?}: {places:?}");
        assert!(!text.contains('\u{7}') && !text.contains("测试"), "{text}");
    }
    let over = sent(Format::Feishu, &one(&resolved(2)));
    assert_eq!(over["card"]["header"]["template"], "green");
    assert_eq!(over["card"]["header"]["title"]["content"], "✅ 预警解除 · 下凹桥区积水");
    let text = markdown(Format::Feishu, &one(&resolved(2)));
    assert!(text.contains("**结束**：2026-11-23 20:10:00") && !text.contains("处置"), "{text}");
}

// A name out of a catalogue is no mention, no link and no tag.
#[test]
fn names_do_nothing() {
    let mut told = told_of(1);
    told.alert.device_name = Some("<at id=all></at> [x](http://evil) @13800000000 **b**\n# h".to_owned());
    for format in ROBOTS {
        let text = markdown(format, &one(&told));
        for bad in ["<at", "</at>", "[x]", "@138", "**b**", "\n# h"] {
            assert!(!text.contains(bad), "{format:?}: {bad} in {text}");
        }
    }
}

// The longest texts there can be stay below each limit, are cut between characters, and the link survives.
#[test]
fn limits_are_kept() {
    let mut told = told_of(1);
    let long = Words { zh: "水".repeat(3_000), en: "w".repeat(9_000) };
    (told.alert.title, told.alert.text, told.advice) = (long.clone(), long.clone(), Some(long.clone()));
    told.alert.device_name = Some(long.zh.clone());
    let group: Vec<Letter> = std::iter::repeat_n(one(&told), 200).flatten().collect();
    for format in ROBOTS {
        for letters in [&group[..1], &group] {
            let text = markdown(format, letters);
            assert!(text.contains("[查看 Open](https://"), "{format:?}: {text}");
            let (limit, bytes) = match format {
                Format::WeCom => (4_096, text.len()),
                _ => (20_000, serde_json::to_vec(&sent(format, letters)).unwrap().len()),
            };
            assert!(bytes <= limit, "{format:?}: {bytes}");
        }
    }
    let text = markdown(Format::WeCom, &group[..1]);
    assert!(text.ends_with('…') && text.len() > 4_000, "{}", text.len());
}

// Twelve alerts in one message: the number, the worst level, the first ten, worst first, and how many more.
#[test]
fn a_group_is_counted() {
    let mut letters = Vec::new();
    for n in 0..12_u32 {
        let mut told = told_of(1);
        told.alert.level = if n == 7 { Level::Orange } else { Level::Yellow };
        told.alert.title.zh = format!("积水{n}");
        letters.extend(one(&told));
    }
    letters.extend(one(&resolved(2)));
    let text = markdown(Format::DingTalk, &letters);
    let wanted =
        ["🟠 13 条预警，最高橙色", "🟠 橙色 积水7", "🟡 黄色 积水0", "另有 3 条", "(https://maibo.city.example)"];
    let places: Vec<usize> = wanted.iter().map(|w| text.find(w).unwrap_or_else(|| panic!("no {w}: {text}"))).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("13 alerts, worst orange") && text.contains("and 3 more"));
    assert!(!text.contains("积水11"), "only ten are listed");
}

// A test says so in every format.
#[test]
fn a_test_is_marked() {
    let told = super::super::sample("maibo-test", "2026-11-23T12:00:00.000Z");
    let letters = [Letter::unkept(crate::deliver::body::test(&told), 1, AT)];
    for format in ROBOTS {
        let text = markdown(format, &letters);
        assert!(
            text.contains("无须处置") && text.contains("[TEST] ") | text.contains("［TEST］ "),
            "{format:?}: {text}"
        );
        assert!(sent(format, &letters).to_string().contains("【测试】"), "{format:?}");
    }
    let body = |format| rendered(format, &letters[0]).body;
    assert_eq!(json(&body(Format::Native))["data"]["test"], true);
    assert_eq!(json(&body(Format::CloudEvents))["data"]["test"], true);
    assert_eq!(json(&body(Format::Alertmanager))["alerts"][0]["labels"]["maibo_test"], "true");
    assert!(String::from_utf8(body(Format::Cap)).unwrap().contains("<status>Test</status>"));
    let real = rendered(Format::Native, &one(&told_of(1))[0]).body;
    assert!(json(&real)["data"].get("test").is_none());
}
