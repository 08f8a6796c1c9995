//! Templates: JSON whatever the values are, tried when the configuration is read, bounded.

use super::*;

const GOOD: &str = r#"{
  "text": "{{ head.zh }}\n{{ head.en }}{% for a in alerts %}\n{{ a.title.zh }} {{ a.subject.id }} {{ a.started_local }}{% endfor %}",
  "level": "{{ level }}", "count": {{ count }}, "over": {{ over }},
  "values": [{% for a in alerts %}{{ a.value }}{% if not loop.last %},{% endif %}{% endfor %}],
  "advice": {{ alerts[0].advice }}, "link": "{{ link }}", "to": "{{ receiver }}"
}"#;

fn made(source: &str, letters: &[Letter]) -> Result<Value, FormatError> {
    let template = Template::parse(source, &sender()).unwrap_or_else(|e| panic!("{e}"));
    let manner = Manner { format: Format::Template, template: Some(template), beat: None };
    render(&manner, letters, "flood-office", &sender()).map(|outgoing| json(&outgoing.body))
}

#[test]
fn a_template_makes_json_of_anything() {
    let mut told = told_of(1);
    told.alert.title.zh = "a\"b\\c\n{{ receiver }} </script> 水".to_owned();
    told.alert.subject.id = "\", \"x\": \"".to_owned();
    let letters = [letter(&told, stamp(1, 0), None), letter(&resolved(2), stamp(2, 0), None)];
    let body = made(GOOD, &letters).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with("🔴 2 条预警，最高红色\n🔴 2 alerts, worst red\n"), "{text}");
    assert!(text.contains("a\"b\\c\n{{ receiver }} </script> 水 \", \"x\": \" 2026-11-23 19:59:30"), "{text}");
    assert_eq!((&body["level"], &body["count"], &body["over"]), (&"red".into(), &2.into(), &false.into()));
    assert_eq!(body["values"], serde_json::json!([51.0, 51.0]));
    assert_eq!((&body["advice"]["zh"], &body["to"]), (&"封闭下凹桥".into(), &"flood-office".into()));
    assert_eq!(body["link"], "https://maibo.city.example");
    assert_eq!(body.as_object().unwrap().len(), 8, "nothing that a name brought in");
}

// Found when the configuration is read: what is no template, no JSON, names what is not there, or never ends.
#[test]
fn bad_templates_are_refused() {
    for (source, words) in [
        ("{\"a\": \"{{ head.zh \"}", "line 1: "),
        ("{\"a\": \"{{ nothing }}\"}", "with an alert that fires: line 1: undefined value"),
        ("{\"a\": \"{{ alerts[0].colour }}\"}", "undefined value"),
        ("{\"a\": {{ head.zh }}}", "what comes out is not JSON"),
        ("{\"a\": \"{{ alerts[0].title }}\"}", "what comes out is not JSON"),
        ("{\"a\": [{% for a in alerts %}1,{% endfor %}2]]", "what comes out is not JSON"),
        ("{\"a\": \"{{ alerts[1].id }}\"}", "undefined value"),
        (
            "{\"a\": \"{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}\"}",
            "ran out of fuel",
        ),
        ("{\"a\": \"{% for a in range(9000) %}0123456789012345678901234567890123456789{% endfor %}\"}", "longer than"),
        ("{% include 'other' %}", "line 1: "),
    ] {
        let error = Template::parse(source, &sender()).unwrap_err();
        assert!(error.contains(words), "{source}: {error}");
    }
}

// What is only found later is said so, and never sent.
#[test]
fn a_name_cannot_change_the_message() {
    let source = "{\"a\": {% if alerts[0].subject.id == 'evil' %}{{ alerts[0].device }}{% else %}1{% endif %}}";
    let mut told = told_of(1);
    told.alert.subject.id = "evil".to_owned();
    told.alert.device = Some("1, \"b\": 2".to_owned());
    let error = made(source, &[letter(&told, stamp(1, 0), None)]).unwrap_err();
    assert!(matches!(error, FormatError::Json(_)), "{error:?}");
}
