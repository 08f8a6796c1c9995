//! The catalogue: a CSV table of devices. Only what rules ask about is read.

use std::collections::BTreeMap;

use crate::pack_read::duration;
use crate::{Level, Ms};

/// One known device.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) kind: String,
    pub(crate) place: String,
    /// How often it reports, where that is known.
    pub(crate) interval: Option<Ms>,
    pub(crate) labels: BTreeMap<String, String>,
    /// §8: limits of its own, by rule.
    pub(crate) limits: BTreeMap<String, BTreeMap<Level, f64>>,
}

impl Entry {
    /// §3: "where it is not known, 60 s count".
    pub(crate) fn interval_or_minute(&self) -> Ms {
        self.interval.unwrap_or(60_000)
    }

    /// §4: the default of `stale_after`.
    pub(crate) fn stale_after(&self) -> Ms {
        self.interval.map_or(60_000, |i| (3 * i).max(30_000))
    }

    /// §14: a transition further back than this is historic.
    pub(crate) fn historic_after(&self) -> Ms {
        self.interval.map_or(60_000, |i| (2 * i).max(60_000))
    }
}

/// All devices of a table, by id.
pub(crate) fn read(text: &str) -> BTreeMap<String, Entry> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut devices = BTreeMap::new();
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
    let names = table.headers().expect("a header").clone();
    for line in table.records() {
        let line = line.expect("a line of the catalogue");
        let cell = |name: &str| {
            let column = names.iter().position(|n| n == name);
            column.and_then(|i| line.get(i)).unwrap_or_default().to_owned()
        };
        let interval = cell("interval");
        let labels = cell("labels");
        let pairs = labels.split(';').filter_map(|pair| pair.split_once('='));
        let entry = Entry {
            kind: cell("kind"),
            place: cell("place"),
            interval: (!interval.is_empty()).then(|| duration(&interval)),
            limits: limits(&cell("limits")),
            labels: pairs.map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned())).collect(),
        };
        devices.insert(cell("id"), entry);
    }
    devices
}

/// §8: `rule=level:value level:value;rule=…`.
fn limits(text: &str) -> BTreeMap<String, BTreeMap<Level, f64>> {
    let of_level = |pair: &str| {
        let (level, value) = pair.split_once(':').unwrap_or_else(|| panic!("limit `{pair}`"));
        (Level::of(level.trim()), value.trim().parse().unwrap_or_else(|_| panic!("limit `{pair}`")))
    };
    let of_rule = |(rule, all): (&str, &str)| (rule.trim().to_owned(), all.split_whitespace().map(of_level).collect());
    text.split(';').filter_map(|part| part.split_once('=')).map(of_rule).collect()
}

/// Whether `place` lies within `whole`: ranks that are not named stand as zeros in a code of full length.
pub(crate) fn within(place: &str, whole: &str) -> bool {
    let mut named = whole;
    for (long, short) in [(12, 9), (9, 6), (6, 4), (4, 2)] {
        if named.len() == long && named[short..].chars().all(|c| c == '0') {
            named = &named[..short];
        }
    }
    place.starts_with(named)
}
