//! A catalogue made from the data, where there is none: all devices alike.

use std::fmt::Write as _;

use maibo_core::place::Domain;
use maibo_core::registry::Catalogue;
use maibo_core::rule::Problem;
use maibo_core::time::{Millis, Timestamp};

use super::Tape;

/// Gaps looked at for one device's interval.
const GAPS: usize = 64;
/// Longest interval there can be.
const LONGEST: Millis = maibo_core::limit::MAX_DURATION;

/// What every device is.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Its kind, which rules select by.
    pub kind: String,
    /// Its domain.
    pub domain: Domain,
    /// Its place.
    pub place: String,
    /// How often it reports, as in a catalogue; where it is not given, the median of its first gaps.
    pub interval: Option<String>,
}

/// The catalogue's text and what it means. The tape is sorted.
///
/// # Errors
/// What a catalogue cannot hold: kind, place, interval, or too many devices.
pub fn catalogue(tape: &Tape, defaults: &Defaults) -> Result<(String, Catalogue), Vec<Problem>> {
    let mut text = "id,kind,place,domain,interval\n".to_owned();
    let intervals = if defaults.interval.is_some() { Vec::new() } else { intervals(tape) };
    let Defaults { kind, domain, place, .. } = defaults;
    // A text with a comma or a quote in it stays one cell.
    let [kind, place] = [kind, place].map(|t| format!("\"{}\"", t.replace('"', "\"\"")));
    for (n, id) in tape.devices().iter().enumerate() {
        let found = intervals.get(n).copied().flatten().map(|i| format!("{}ms", i.0));
        let interval = defaults.interval.clone().or(found).unwrap_or_default();
        let _ = writeln!(text, "{id},{kind},{place},{},{interval}", domain.as_str());
    }
    let catalogue = Catalogue::parse(&text)?;
    Ok((text, catalogue))
}

/// The median of each device's first gaps between different times.
fn intervals(tape: &Tape) -> Vec<Option<Millis>> {
    let mut seen: Vec<(Option<Timestamp>, Vec<Millis>)> = vec![(None, Vec::new()); tape.devices().len()];
    for (device, at) in tape.times() {
        let Some((last, gaps)) = seen.get_mut(device as usize) else { continue };
        let gap = last.map(|last| at.since(last)).filter(|gap| *gap > Millis::ZERO);
        if let Some(gap) = gap.filter(|_| gaps.len() < GAPS) {
            gaps.push(gap);
        }
        *last = Some(last.map_or(at, |last| last.max(at)));
    }
    let middle = |mut gaps: Vec<Millis>| {
        gaps.sort_unstable();
        gaps.get(gaps.len().saturating_sub(1) / 2).map(|gap| (*gap).min(LONGEST))
    };
    seen.into_iter().map(|(_, gaps)| middle(gaps)).collect()
}
