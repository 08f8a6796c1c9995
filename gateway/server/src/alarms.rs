//! Others' alarms: warnings in CAP, and what Prometheus posts to an Alertmanager, as events of a device.
//!
//! ```text
//! POST /api/v1/alarms    CAP 1.2 ─┐
//! POST /api/v2/alerts  Prometheus ─┴─▶ event of the source's device ─▶ ingest ─▶ inputs log ─fsync─▶ 200
//! ```
//!
//! Place in the data path: a source beside MQTT. Each sender has a token, which says whose device reports; what the alarms
//! mean is up to event rules on that device, by codes of the form `prefix.level.kind`.
//!
//! Invariants: 200 means durable; the same message again is the same report, so that nothing opens twice; what cannot be read
//! costs itself, and is counted and kept in quarantine.
//!
//! Limits: [`SOURCES_MAX`] sources; a body [`BODY_MAX`] bytes; further ones stand with the formats.

use std::fmt::Write as _;

use maibo_core::id::{DeviceId, SourceId};
use maibo_core::place::Level;
use maibo_core::reading::Text;
use maibo_core::time::Millis;
use sha2::{Digest, Sha256};

pub mod alertmanager;
pub mod cap;
pub mod chain;
mod settings;
mod xml;

pub use settings::{AlarmSettings, validate};

/// Senders of alarms of one Maibo.
pub const SOURCES_MAX: usize = 32;
/// Longest body, in bytes.
pub const BODY_MAX: usize = 512 * 1024;
/// Longest code, in characters, as long as one in a rule.
const CODE_MAX: usize = maibo_core::limit::MAX_EVENT_CODE;
/// Longest text of an event, in characters, as of every device.
const TEXT_MAX: usize = 200;

/// What a sender sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OASIS CAP 1.2 or 1.1.
    Cap,
    /// Alerts as Prometheus posts them.
    Alertmanager,
}

impl Kind {
    /// The word in the configuration, in metrics and in quarantine.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::Alertmanager => "alertmanager",
        }
    }
}

/// One sender, valid.
#[derive(Clone)]
pub struct AlarmSource {
    /// Its name.
    pub id: SourceId,
    /// What it sends.
    pub kind: Kind,
    /// The device whose events its alarms are.
    pub device: DeviceId,
    /// What codes begin with.
    pub prefix: String,
    /// How long an alarm counts that names no end.
    pub valid_for: Millis,
    /// SHA-256 of its token.
    token: [u8; 32],
}

/// Says who, and nothing of the token.
impl std::fmt::Debug for AlarmSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlarmSource").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The sender that has this token, among those of a kind.
pub fn sender<'a>(sources: &'a [AlarmSource], kind: Kind, token: &str) -> Option<&'a AlarmSource> {
    let given: [u8; 32] = Sha256::digest(token).into();
    // All are compared, each whole: how long it takes says nothing.
    let same = |of: &[u8; 32]| of.iter().zip(&given).fold(0, |d, (a, b)| d | (a ^ b)) == 0;
    sources
        .iter()
        .fold(None, |found, source| if same(&source.token) && source.kind == kind { Some(source) } else { found })
}

/// `prefix.level.kind`: letters and digits of any script, points, underscores and dashes; anything else is a dash.
fn code(prefix: &str, level: Option<Level>, kind: &str) -> Text {
    let level = level.map_or("unknown", Level::as_str);
    let fine = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let kind: String = kind.trim().chars().map(fine).collect();
    Text::from(format!("{prefix}.{level}.{kind}").chars().take(CODE_MAX).collect::<String>().as_str())
}

/// One line without control characters, at most [`TEXT_MAX`] characters.
fn line(text: &str) -> Text {
    let words: Vec<&str> = text.split_whitespace().collect();
    let joined = words.join(" ");
    let clean = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    Text::from(joined.chars().filter(clean).take(TEXT_MAX).collect::<String>().as_str())
}

/// 128 bits of SHA-256 over texts, each behind its length, as 32 hexadecimal digits.
fn identity<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let mut digits = String::with_capacity(32);
    for byte in hash.finalize().iter().take(16) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests;
