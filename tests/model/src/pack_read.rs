//! §1: packs as they are written. Sound ones only; what is not sound panics with a word about where.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::baseline::Zone;
use crate::calendar::{Calendar, Limits};
use crate::event::Codes;
use crate::expression;
use crate::pack::{Direction, Expression, Kind, Ladder, Limit, Named, Rule, Sense, Signal, Term, When};
use crate::{Level, Ms};

/// §1: a length of time.
pub(crate) fn duration(text: &str) -> Ms {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: i64 = digits.parse().unwrap_or_else(|_| panic!("length of time `{text}`"));
    number
        * match &text[digits.len()..] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            unit => panic!("unit `{unit}` of a length of time"),
        }
}

/// All rules of all packs of a set, but for those about several devices at once (`city`).
pub(crate) fn rules(texts: &[&str]) -> Vec<Rule> {
    let of_devices = |table: &Table| !table.contains_key("quorum");
    texts.iter().flat_map(|pack| tables(pack, "rule")).filter(of_devices).map(|table| rule(&table)).collect()
}

/// The tables of this name in a pack.
pub(crate) fn tables(pack: &str, name: &str) -> Vec<Table> {
    let pack: Table = pack.parse().unwrap_or_else(|e| panic!("{e}"));
    let list = pack.get(name).map(|list| list.as_array().expect("a list of tables").clone()).unwrap_or_default();
    list.iter().map(|one| one.as_table().expect("a table").clone()).collect()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn number(value: &Value) -> f64 {
    value.as_float().or_else(|| value.as_integer().map(|i| i as f64)).unwrap_or_else(|| panic!("no number: {value}"))
}

pub(crate) fn whole(value: &Value) -> i64 {
    value.as_integer().unwrap_or_else(|| panic!("no whole number: {value}"))
}

fn rule(table: &Table) -> Rule {
    let when = table.get("when").and_then(Value::as_table).cloned().unwrap_or_default();
    let labels = when.get("labels").and_then(Value::as_table).cloned().unwrap_or_default();
    let list = |value: &Value| value.as_array().expect("a list").iter().map(text).collect();
    Rule {
        id: text(&table["id"]),
        kind: kind(table, &when),
        shadow: table.get("shadow").and_then(Value::as_bool).unwrap_or(false),
        when: When {
            kind: when.get("kind").map(text),
            district: when.get("district").map(text),
            labels: labels.iter().map(|(k, v)| (k.clone(), text(v))).collect(),
            devices: when.get("devices").map(list),
        },
    }
}

fn kind(table: &Table, when: &Table) -> Kind {
    if let Some(absent) = table.get("absent") {
        return Kind::Absence { intervals: whole(&absent["intervals"]), level: Level::of(&text(&table["level"])) };
    }
    if let Some(event) = table.get("event") {
        let codes = event["codes"].as_table().expect("codes");
        let levels = codes.iter().map(|(code, level)| (code.clone(), Level::of(&text(level)))).collect();
        let expires_after = event.get("expires_after").map_or(600_000, |v| duration(&text(v)));
        return Kind::Event(Codes { levels, expires_after });
    }
    let terms: Vec<Term> = match table.get("any") {
        Some(any) => {
            any.as_array().expect("a list").iter().map(|t| term(t.as_table().expect("a term"), table)).collect()
        }
        None => vec![term(table, table)],
    };
    let expression = when.get("expression").map(|formula| expression(&text(formula), when));
    let computed = |e: &Expression| e.series(&text(&table["id"]));
    Kind::Ladder(Box::new(Ladder {
        series: expression.as_ref().map_or_else(|| text(&when["quantity"]), computed),
        expression,
        hold: times(table.get("for")),
        keep: times(table.get("keep_firing_for")),
        min_samples: table.get("min_samples").map(|v| whole(v) as u32),
        stale_after: table.get("stale_after").map(|v| duration(&text(v))),
        decimals: table.get("decimals").map(|v| whole(v) as i32),
        zone: Zone::of(&table.get("zone").map_or_else(|| "Asia/Shanghai".to_owned(), text)),
        calendar: Calendar::read(table, limits),
        terms,
    }))
}

/// One length for all levels, or one for each.
pub(crate) fn times(value: Option<&Value>) -> BTreeMap<Level, Ms> {
    match value {
        None => BTreeMap::new(),
        Some(Value::Table(each)) => each.iter().map(|(l, v)| (Level::of(l), duration(&text(v)))).collect(),
        Some(one) => Level::ALL.into_iter().map(|l| (l, duration(&text(one)))).collect(),
    }
}

fn limits(levels: &Value) -> Limits {
    let limit = |v: &Value| match v {
        Value::Array(band) => Limit::Band(number(&band[0]), number(&band[1])),
        one => Limit::One(number(one)),
    };
    levels.as_table().expect("levels").iter().map(|(l, v)| (Level::of(l), limit(v))).collect()
}

/// §5: what stands in the term, or else in the rule.
fn term(table: &Table, rule: &Table) -> Term {
    let of = |key: &str| table.get(key).or_else(|| rule.get(key));
    Term {
        sense: sense(table),
        direction: match text(of("direction").expect("a direction")).as_str() {
            "above" => Direction::Above,
            "below" => Direction::Below,
            "outside" => Direction::Outside,
            other => panic!("direction `{other}`"),
        },
        deadband: of("deadband").map_or(0.0, number),
        // None where every period has its own.
        levels: table.get("levels").map(limits).unwrap_or_default(),
    }
}

/// §5: what a table asks of a series.
fn sense(table: &Table) -> Sense {
    let length = |key: &str| table.get(key).map(|v| duration(&text(v)));
    let signal = match table.get("signal").map(text).as_deref().unwrap_or("last") {
        "last" => Signal::Last,
        "mean" => Signal::Mean,
        "min" => Signal::Min,
        "max" => Signal::Max,
        "sum" => Signal::Sum,
        "count" => Signal::Count,
        "range" => Signal::Range,
        "delta" => Signal::Delta,
        "rate" => Signal::Rate { per: length("per").unwrap_or(3_600_000) },
        "percentile" => Signal::Percentile { p: whole(&table["percentile"]) },
        "leq" => Signal::Leq,
        "stuck" => Signal::Stuck { tolerance: table.get("tolerance").map_or(0.0, number) },
        "baseline" => Signal::Baseline {
            weeks: table.get("weeks").map_or(3, whole),
            floor: table.get("floor").map_or(0.0, number),
        },
        other => panic!("signal `{other}`"),
    };
    Sense { signal, window: length("window") }
}

/// §5: an expression, and the series that it is over.
fn expression(formula: &str, when: &Table) -> Expression {
    let named = |name: &String| match &when["over"] {
        Value::Table(over) => match &over[name.as_str()] {
            Value::Table(series) => Named { quantity: text(&series["quantity"]), sense: sense(series) },
            quantity => Named { quantity: text(quantity), sense: sense(&Table::new()) },
        },
        _ => Named { quantity: name.clone(), sense: sense(&Table::new()) },
    };
    let tree = expression::read(formula).named(&named);
    Expression { tree, within: when.get("within").map(|v| duration(&text(v))) }
}
