//! Row by row against a parser that knows nothing of the writer.

use proptest::prelude::*;

use super::*;

/// One point as a server reads it.
#[derive(Debug, PartialEq)]
struct Point {
    measurement: String,
    tags: Vec<(String, String)>,
    field: String,
    value: f64,
    at: i64,
}

/// Splits at `separator` where it is not escaped: a backslash takes the next character with it.
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut part, mut escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        if !escaped && c == separator {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        escaped = !escaped && c == '\\';
        part.push(c);
    }
    parts.push(part);
    parts
}

/// Splits as InfluxDB's own parser does: a separator counts unless the character before it is a backslash, also where
/// that is itself escaped.
fn split_crudely(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut part, mut before) = (Vec::new(), String::new(), ' ');
    for c in text.chars() {
        if c == separator && before != '\\' {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
        before = c;
    }
    parts.push(part);
    parts
}

fn plain(text: &str) -> String {
    let (mut out, mut escaped) = (String::new(), false);
    for c in text.chars() {
        if !escaped && c == '\\' {
            escaped = true;
            continue;
        }
        escaped = false;
        out.push(c);
    }
    assert!(!escaped, "an escape of nothing: {text}");
    out
}

fn parse(line: &str) -> Point {
    let parts = split(line, ' ');
    let [series, fields, at] = &parts[..] else { panic!("not three parts: {line:?}") };
    let mut series = split(series, ',').into_iter();
    let measurement = plain(&series.next().expect("a measurement"));
    let pair = |text: String| {
        let parts = split(&text, '=');
        let [key, value] = &parts[..] else { panic!("not key and value: {text:?}") };
        (plain(key), plain(value))
    };
    let tags = series.map(pair).collect();
    let (field, value) = fields.split_once('=').expect("a field");
    Point {
        measurement,
        tags,
        field: field.to_owned(),
        value: value.parse().expect("a number"),
        at: at.parse().expect("a time"),
    }
}

/// The only line of what was written.
fn only_line(bytes: &[u8]) -> &str {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let line = text.strip_suffix('\n').expect("ends with a line break");
    assert!(!line.contains(['\n', '\r', '\t', '\0']), "one line: {line:?}");
    line
}

fn write(measurement: &str, tags: &[(&str, &str)], value: f64, at: i64) -> Result<Vec<u8>, LineError> {
    let prefix = prefix(measurement, tags)?;
    let mut out = Vec::new();
    point(&mut out, &prefix, value, Timestamp(at)).expect("a point");
    Ok(out)
}

// The documented form, byte by byte.
#[test]
fn the_form_is_the_documented_one() {
    let tags = [("quality", "good"), ("device", "wl-1"), ("kind", ""), ("district", "110105")];
    let line = write("water_depth", &tags, 12.5, 1_760_000_000_123).expect("a line");
    assert_eq!(only_line(&line), "water_depth,device=wl-1,district=110105,quality=good value=12.5 1760000000123000000");
    for (value, text) in
        [(0.0, "0.0"), (-0.0, "-0.0"), (1e300, "1e300"), (5e-324, "5e-324"), (0.1 + 0.2, "0.30000000000000004")]
    {
        let line = write("m", &[("d", "x")], value, 0).expect("a line");
        assert_eq!(only_line(&line), format!("m,d=x value={text} 0"));
    }
}

// Row 76: what a device or a catalogue may be called forges no point and no line.
#[test]
fn names_inject_nothing() {
    let control = [
        "a\nwater_depth,device=forged value=1 1",
        "a\r\nb",
        "tab\tb",
        "zero\0b",
        "escape\u{1b}[31m",
        "delete\u{7f}",
        "next line\u{85}x",
        "\n",
    ];
    for text in control {
        let found = write("m", &[("device", text)], 1.0, 1).expect_err(text);
        let LineError::Control { part, text: shown } = &found else { panic!("{found:?}") };
        assert_eq!(part, "device");
        assert!(!shown.chars().any(char::is_control) && !found.to_string().contains('\n'), "the reason is one line");
        assert!(matches!(write(text, &[], 1.0, 1), Err(LineError::Control { .. })));
        assert!(matches!(write("m", &[(text, "v")], 1.0, 1), Err(LineError::Control { .. })));
    }
    let harmless = [
        "a,b=c d",
        "a value=9 9",
        "quoted \"x\"",
        "it's",
        "back\\slash",
        "\\,",
        "\\\\ ,=x",
        "莲花桥 1,2=3",
        "🌧",
        "\u{2028}line separator",
        "#comment",
        "a\\nb",
        " ",
        "=",
        ",,",
    ];
    for text in harmless {
        let tags = [("device", text), ("kind", "k")];
        let line = write("m", &tags, 1.0, 7).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        let point = parse(only_line(&line));
        let expected: Vec<(String, String)> = tags.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
        assert_eq!((point.tags, point.value, point.at), (expected, 1.0, 7_000_000), "{text:?}");
    }
    for text in ["\\", "a\\", "a\\\\", "a,\\"] {
        assert!(matches!(write("m", &[("device", text)], 1.0, 1), Err(LineError::Backslash { .. })), "{text:?}");
    }
    assert_eq!(write("#m", &[], 1.0, 1), Err(LineError::Comment));
    assert_eq!(write("m", &[("a", "1"), ("a", "2")], 1.0, 1), Err(LineError::Twice { key: "a".to_owned() }));
    assert_eq!(write("m", &[("a", &"x".repeat(PREFIX_MAX))], 1.0, 1), Err(LineError::Long));
    assert!(matches!(write("", &[], 1.0, 1), Err(LineError::Empty { .. })));
}

// What line protocol has no word for is left out, whole.
#[test]
fn what_cannot_be_said_is_not_said() {
    let prefix = prefix("m", &[("d", "x")]).expect("a prefix");
    let mut out = b"before\n".to_vec();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(point(&mut out, &prefix, value, Timestamp(1)), Err(PointError::Value));
    }
    for at in [i64::MAX, i64::MIN, i64::MAX / 999_999] {
        assert_eq!(point(&mut out, &prefix, 1.0, Timestamp(at)), Err(PointError::Time));
    }
    assert_eq!(out, b"before\n");
}

fn text() -> impl Strategy<Value = String> {
    let nasty = proptest::sample::select(vec![",", "=", " ", "\\", "\"", "\n", "\t", "#", "é", "桥", "\u{0}", "x"]);
    prop_oneof![
        proptest::collection::vec(nasty, 0..8).prop_map(|parts| parts.concat()),
        "\\PC{0,20}",
        "[a-z0-9._-]{1,20}",
    ]
}

proptest! {
    // Whatever the names are: refused for a stated reason, or one line that reads back as exactly what went in.
    #[test]
    fn lines_read_back(
        measurement in text(),
        tags in proptest::collection::btree_map(text(), text(), 0..6),
        value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL,
        at in -9_000_000_000_000_i64..9_000_000_000_000,
    ) {
        let given: Vec<(&str, &str)> = tags.iter().rev().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let used: Vec<(String, String)> = tags.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k.clone(), v.clone())).collect();
        let bad = |t: &str| t.is_empty() || t.ends_with('\\') || t.chars().any(char::is_control);
        let wrong = bad(&measurement) || measurement.starts_with('#') || used.iter().any(|(k, v)| bad(k) || bad(v));
        match write(&measurement, &given, value, at) {
            Err(_) => prop_assert!(wrong),
            Ok(bytes) => {
                prop_assert!(!wrong);
                let line = only_line(&bytes);
                prop_assert_eq!(parse(line), Point { measurement, tags: used.clone(), field: "value".to_owned(), value, at: at * 1_000_000 });
                // A parser that only looks one character back finds the same structure.
                let parts = split_crudely(line, ' ');
                prop_assert_eq!(parts.len(), 3);
                let series = split_crudely(&parts[0], ',');
                prop_assert_eq!(series.len(), used.len() + 1);
                for tag in &series[1..] {
                    prop_assert_eq!(split_crudely(tag, '=').len(), 2);
                }
            }
        }
    }
}
