//! The report as a person reads it: the verdict, the rules, the differences, the data.

use std::fmt::Write as _;

use maibo_api as api;

/// Differences shown of each sort; the JSON report lists all.
const SHOWN: usize = 20;
/// What the figures are.
const FIGURES: &str = "EEMUA 191, for one operator: up to 144 a day (1 in 10 min) very likely acceptable, up to 288 \
                       manageable, more over-demanding; more than 10 in 10 min is a flood";

/// The whole report.
pub fn text(report: &api::BacktestReport) -> String {
    let mut out = String::new();
    verdict(&mut out, &report.load);
    if let (Some(from), Some(to)) = (&report.from, &report.to) {
        let _ = writeln!(out, "  data       {from} to {to}, {:.1} days", report.load.days);
    }
    let _ = writeln!(out, "  figures    {FIGURES}\n");
    rules(&mut out, &report.by_rule);
    if let Some(difference) = &report.difference {
        differences(&mut out, &report.rules, difference, report.load.per_day);
    }
    data(&mut out, &report.data);
    out
}

fn verdict(out: &mut String, load: &api::BacktestLoad) {
    let word = match load.strain {
        api::Strain::Acceptable => "acceptable",
        api::Strain::Manageable => "manageable",
        api::Strain::OverDemanding => "OVER-DEMANDING",
        api::Strain::Unacceptable => "UNACCEPTABLE",
    };
    let _ = writeln!(out, "{word}: {} alerts a day for each of {} operator(s)", figure(load.per_day), load.operators);
    if load.floods > 0 {
        let _ = writeln!(out, "  FLOODS     {} times more than 10 alerts in 10 min for each operator", load.floods);
    }
    let _ = writeln!(out, "  alerts     {}", thousands(load.openings));
    let over: Vec<String> = load
        .over
        .iter()
        .map(|o| format!("more than {}: {} ({:.2} %)", o.openings, thousands(o.spans), o.share * 100.0))
        .collect();
    let _ = writeln!(out, "  10 min     {} spans; for each operator {}", thousands(load.spans), over.join(", "));
    for (name, peak) in [("worst 10 m", &load.worst), ("worst 24 h", &load.worst_day)] {
        if let Some(peak) = peak {
            let _ = writeln!(out, "  {name} {} from {}", thousands(peak.openings), peak.from);
        }
    }
}

fn rules(out: &mut String, rules: &[api::BacktestRule]) {
    let heads =
        ["rule", "alerts", "blue", "yellow", "orange", "red", "open", "flaps", "raised", "median", "longest", "first"];
    let mut rows = vec![heads.map(str::to_owned)];
    for r in rules.iter().filter(|r| r.episodes > 0) {
        rows.push([
            r.rule.clone(),
            thousands(r.episodes),
            thousands(r.peaks.blue),
            thousands(r.peaks.yellow),
            thousands(r.peaks.orange),
            thousands(r.peaks.red),
            thousands(r.open),
            thousands(r.flaps),
            thousands(r.raised),
            r.median_ms.map_or_else(String::new, length),
            r.longest_ms.map_or_else(String::new, length),
            r.first.clone().unwrap_or_default(),
        ]);
    }
    if rows.len() > 1 {
        table(out, &rows);
    }
    let silent: Vec<&str> = rules.iter().filter(|r| r.episodes == 0).map(|r| r.rule.as_str()).collect();
    if !silent.is_empty() {
        let _ = writeln!(out, "never: {}", silent.join(", "));
    }
    for r in rules {
        if let Some(d) = r.detection.as_ref().filter(|_| r.episodes > 0) {
            let delay = d.median_ms.zip(d.longest_ms);
            let delay = delay
                .map_or_else(String::new, |(m, l)| format!(", after {} (median), {} (longest)", length(m), length(l)));
            let _ = writeln!(out, "{} detected {} of {} known events{delay}", r.rule, d.detected, d.events);
        }
    }
    out.push('\n');
}

fn differences(out: &mut String, rules: &str, d: &api::BacktestDifference, per_day: f64) {
    let (before, after) = (figure(d.load.per_day), figure(per_day));
    let _ =
        writeln!(out, "rules {rules} against {}: {after} alerts a day for each operator, before {before}", d.against);
    let [gone, new, changed, same] = [d.gone_count, d.new_count, d.changed_count, d.same].map(thousands);
    let _ = writeln!(out, "  {new} new, {gone} no more, {changed} otherwise, {same} the same");
    let lists = [("+", d.new_count, &d.new), ("-", d.gone_count, &d.gone)];
    for (sign, count, list) in lists {
        for e in list.iter().take(SHOWN) {
            let _ = writeln!(out, "  {sign} {}", line(e));
        }
        more(out, count, list.len());
    }
    for c in d.changed.iter().take(SHOWN) {
        let _ = writeln!(out, "  ~ {}\n    {}", line(&c.before), line(&c.after));
    }
    more(out, d.changed_count, d.changed.len());
    out.push('\n');
}

fn more(out: &mut String, count: u64, listed: usize) {
    let shown = listed.min(SHOWN) as u64;
    if count > shown {
        let _ = writeln!(out, "    and {} more; --format json lists them", thousands(count - shown));
    }
}

fn line(e: &api::BacktestEpisode) -> String {
    let level = match e.peak_level {
        api::Level::Blue => "blue",
        api::Level::Yellow => "yellow",
        api::Level::Orange => "orange",
        api::Level::Red => "red",
    };
    let end = e.ended_at.as_deref().unwrap_or("open");
    let furthest = e.furthest.map_or_else(String::new, |v| format!(" up to {v}"));
    format!("{} {} {level}{furthest} {} to {end}", e.rule, e.subject, e.opened_at)
}

fn data(out: &mut String, d: &api::BacktestData) {
    let speed = d.readings_per_second.map_or_else(String::new, |s| format!(", {} readings/s", thousands(s as u64)));
    let _ = writeln!(out, "{} reports of {} devices{speed}", thousands(d.inputs), thousands(d.devices));
    let counts = [
        (d.judged, "judged"),
        (d.missing, "marked as missing"),
        (d.outside, "outside --from and --to"),
        (d.late, "late, not judged"),
        (d.late_exceeding, "of these beyond an open limit"),
        (d.duplicate, "repeated"),
        (d.conflict, "in conflict with another value of the same time, which came first"),
        (d.too_old, "too old, not judged"),
        (d.clock, "with a wrong time, judged when received"),
        (d.incomparable, "not plausible, not judged"),
        (d.unregistered, "OF DEVICES THAT THE CATALOGUE DOES NOT KNOW, not judged"),
        (d.refused, "beyond the limit of quantities of a device, not judged"),
        (d.undefined, "evaluations of expressions without a result"),
        (d.cut_off, "silences that only the end of the data brings about, not counted"),
    ];
    for (n, what) in counts.into_iter().filter(|(n, _)| *n > 0) {
        let _ = writeln!(out, "  {:>12}  {what}", thousands(n));
    }
    if d.bad > 0 {
        let _ = writeln!(out, "  {:>12}  LINES OR VALUES THAT COULD NOT BE READ; the first:", thousands(d.bad));
        for b in &d.bad_samples {
            let _ = writeln!(out, "      {}:{}: {}", b.file, b.line, b.problem);
        }
    }
}

/// A table with the first column to the left and the others to the right.
fn table<const N: usize>(out: &mut String, rows: &[[String; N]]) {
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (n, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if n == 0 { write!(line, "{cell:<width$}") } else { write!(line, "  {cell:>width$}") };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// `1,234,567`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Two digits that matter.
fn figure(value: f64) -> String {
    if value >= 100.0 { thousands(value.round() as u64) } else { format!("{value:.2}") }
}

/// A length of time in its two largest units.
fn length(ms: i64) -> String {
    let seconds = ms / 1000;
    match seconds {
        s if s >= 86_400 => format!("{}d {}h", s / 86_400, s % 86_400 / 3600),
        s if s >= 3600 => format!("{}h {}m", s / 3600, s % 3600 / 60),
        s if s >= 60 => format!("{}m {}s", s / 60, s % 60),
        _ if ms % 1000 == 0 => format!("{seconds}s"),
        _ => format!("{ms}ms"),
    }
}
