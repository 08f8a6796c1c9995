//! A drill says that it is one in every format, and a real alert in none.

use super::*;

fn drill(told: Told) -> Told {
    let mut told = told;
    told.alert.drill = true;
    told.alert.title = Words { zh: "演练：内涝".to_owned(), en: "Drill: flood".to_owned() };
    told.alert.device = None;
    told
}

fn texts(format: Format, letter: &Letter) -> String {
    String::from_utf8(rendered(format, letter).body).unwrap()
}

#[test]
fn each_format_has_the_flag() {
    let (first, second) = (stamp(1, 0), stamp(2, 60_000));
    for (told, before) in
        [(drill(told_of(1)), None), (drill(told_of(2)), Some(first)), (drill(resolved(3)), Some(second))]
    {
        let letter = letter(&told, stamp(told.alert.version, 90_000), before);
        let body = |format| json(&rendered(format, &letter).body);
        assert_eq!(body(Format::Native)["data"]["drill"], true);
        assert_eq!(body(Format::CloudEvents)["data"]["drill"], true);
        assert_eq!(body(Format::CloudEventsBinary)["drill"], true);
        let alertmanager = body(Format::Alertmanager);
        assert_eq!(alertmanager["alerts"][0]["labels"]["maibo_drill"], "true");
        assert_eq!(alertmanager["commonLabels"]["maibo_drill"], "true");
        let cap = texts(Format::Cap, &letter);
        assert!(
            cap.contains("<status>Exercise</status>") && cap.contains("an exercise; nothing has happened</note>"),
            "{cap}"
        );
        assert!(cap.contains("<event>演练：内涝</event>"), "{cap}");
        for format in [Format::DingTalk, Format::Feishu, Format::WeCom] {
            let text = texts(format, &letter);
            for words in ["【演练】", "DRILL", "这是演练，并无实际险情", "this is an exercise; nothing has happened"]
            {
                assert!(text.contains(words), "{format:?}: no {words} in {text}");
            }
        }
        let notice = notice(std::slice::from_ref(&letter), &sender()).unwrap();
        assert!(notice.head(Language::Chinese).starts_with("【演练】"), "the subject of a mail");
        assert!(notice.head(Language::English).starts_with("[DRILL] "));
        assert!(notice.plain(Language::Chinese).contains("并无实际险情"));
    }
}

#[test]
fn a_real_alert_has_none() {
    let letter = letter(&told_of(1), stamp(1, 0), None);
    for format in Format::ALL.into_iter().filter(|f| *f != Format::Template) {
        let text = texts(format, &letter).to_lowercase();
        for word in ["drill", "exercise", "演练"] {
            assert!(!text.contains(word), "{format:?}: {word} in {text}");
        }
    }
}

// One that is told past the record, and a test of a drill's receiver, are still what they are.
#[test]
fn what_else_is_said_stays() {
    let told = drill(told_of(1));
    let cap = texts(Format::Cap, &Letter::unkept(native(&told, false), 1, AT));
    assert!(
        cap.contains("<status>Exercise</status>") && cap.contains("nothing has happened; told before it was"),
        "{cap}"
    );
    let cap = texts(Format::Cap, &Letter::unkept(crate::deliver::body::test(&told), 1, AT));
    assert!(cap.contains("<status>Test</status>"), "{cap}");
}

// A template can name the flag, of the message and of each alert, whatever is told.
#[test]
fn templates_name_the_flag() {
    let source = "{\"drill\": {{ drill }}, \"each\": [{% for a in alerts %}{{ a.drill }}{% if not loop.last %},{% endif %}{% endfor %}]}";
    let template = Some(Template::parse(source, &sender()).unwrap());
    let manner = Manner { format: Format::Template, template, beat: None };
    for (told, is) in [(drill(told_of(1)), true), (told_of(1), false)] {
        let letter = letter(&told, stamp(1, 0), None);
        let made = json(&render(&manner, &[letter], "r", &sender()).unwrap().body);
        assert_eq!(made, serde_json::json!({ "drill": is, "each": [is] }));
    }
}
