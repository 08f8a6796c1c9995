//! Every statement of the rule language, as a rule to be measured.
//!
//! All rules of a fleet say the same statement; devices report once in [`INTERVAL_MS`], and values stay below the limits,
//! as nearly all values of a city do.

use std::fmt::Write as _;

/// Milliseconds between two reports of one device.
pub(crate) const INTERVAL_MS: i64 = 60_000;

/// What the devices send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sends {
    /// Values of this quantity, around the second.
    Values(&'static str, f64),
    /// Reports of an event that no rule alarms on.
    Events,
    /// Signs of life.
    Life,
}

/// One statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    /// Its name in tables and on the command line.
    pub(crate) name: &'static str,
    /// What its rules say below their common keys; nothing where there are to be none.
    body: &'static str,
    pub(crate) sends: Sends,
    /// Reports of each device before its windows are full.
    pub(crate) warm: usize,
}

const WATER: Sends = Sends::Values("water_depth", 20.0);
const LEVELS: &str = "levels = { blue = 45, yellow = 50, orange = 55, red = 60 }";

/// The first is what every reading costs before a rule says anything: the others are told as multiples of it.
pub(crate) const STATEMENTS: [Statement; 15] = [
    Statement { name: "no rule", body: "", sends: WATER, warm: 2 },
    Statement { name: "last", body: "", sends: WATER, warm: 2 },
    Statement {
        name: "for of each level",
        body: "for = { blue = \"3m\", yellow = \"2m\", orange = \"1m\", red = \"0s\" }\n",
        sends: WATER,
        warm: 2,
    },
    Statement {
        name: "two periods",
        body: "[[rule.during]]\nname = \"night\"\nhours = \"22:00-06:00\"\nlevels = { blue = 44, yellow = 49, orange = 54, red = 59 }\n",
        sends: WATER,
        warm: 2,
    },
    Statement { name: "mean 10m", body: "signal = \"mean\"\nwindow = \"10m\"\n", sends: WATER, warm: 12 },
    Statement { name: "max 10m", body: "signal = \"max\"\nwindow = \"10m\"\n", sends: WATER, warm: 12 },
    Statement { name: "rate 10m", body: "", sends: WATER, warm: 12 },
    Statement {
        name: "percentile 10m",
        body: "signal = \"percentile\"\npercentile = 90\nwindow = \"10m\"\n",
        sends: WATER,
        warm: 12,
    },
    Statement { name: "mean 8h, exact", body: "signal = \"mean\"\nwindow = \"8h\"\n", sends: WATER, warm: 482 },
    Statement { name: "mean 12h, coarse", body: "signal = \"mean\"\nwindow = \"12h\"\n", sends: WATER, warm: 722 },
    Statement {
        name: "leq 10m",
        body: "signal = \"leq\"\nwindow = \"10m\"\n",
        sends: Sends::Values("noise", 20.0),
        warm: 12,
    },
    Statement { name: "stuck", body: "", sends: WATER, warm: 2 },
    Statement { name: "any of three windows", body: "", sends: WATER, warm: 62 },
    Statement { name: "absence", body: "", sends: Sends::Life, warm: 2 },
    Statement { name: "event", body: "", sends: Sends::Events, warm: 2 },
];

impl Statement {
    /// The statement of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        STATEMENTS.iter().find(|s| s.name == name)
    }

    /// A pack of `rules` rules, spread evenly over `kinds` kinds of devices.
    pub(crate) fn pack(&self, rules: usize, kinds: usize) -> String {
        let mut text = String::new();
        for n in 0..rules {
            self.rule(&mut text, n, n % kinds);
        }
        text
    }

    /// Appends the rule number `n`, about devices of the kind number `kind`.
    pub(crate) fn rule(&self, text: &mut String, n: usize, kind: usize) {
        // Without any rule about them, the devices are still known.
        let kind = if self.name == "no rule" { format!("nobody-{kind}") } else { format!("k{kind}") };
        let quantity = match self.sends {
            Sends::Values(quantity, _) => format!("quantity = \"{quantity}\", "),
            Sends::Events | Sends::Life => String::new(),
        };
        let _ = write!(
            text,
            "[[rule]]\nid = \"r{n}\"\ntitle = {{ zh = \"甲\", en = \"a\" }}\ndomain = \"traffic\"\nsource = \"default\"\n\
             advice = {{ zh = \"乙\", en = \"b\" }}\nwhen = {{ {quantity}kind = \"{kind}\" }}\n"
        );
        let ladder = format!("{LEVELS}\ndirection = \"above\"\ndeadband = 2\n");
        let timers = "for = \"30s\"\nkeep_firing_for = \"2m\"\n";
        let _ = match self.name {
            "absence" => writeln!(text, "absent = {{ intervals = 3 }}\nlevel = \"yellow\""),
            "event" => writeln!(text, "event = {{ codes = {{ \"rsi.707\" = \"orange\" }} }}"),
            // In seconds; nothing here stands still.
            "stuck" => {
                write!(text, "signal = \"stuck\"\nlevels = {{ yellow = 3600 }}\ndirection = \"above\"\n{timers}")
            }
            // In centimetres an hour; values jump about.
            "rate 10m" => write!(
                text,
                "signal = \"rate\"\nwindow = \"10m\"\nlevels = {{ blue = 4500, red = 6000 }}\ndirection = \"above\"\n{timers}"
            ),
            "any of three windows" => write!(
                text,
                "direction = \"above\"\n{timers}any = [ {{ signal = \"max\", window = \"10m\", {LEVELS} }}, \
                 {{ signal = \"max\", window = \"30m\", {LEVELS} }}, {{ signal = \"mean\", window = \"1h\", {LEVELS} }} ]\n"
            ),
            "for of each level" => write!(text, "{ladder}keep_firing_for = \"2m\"\n{}", self.body),
            _ => write!(text, "{ladder}{timers}{}", self.body),
        };
    }
}
