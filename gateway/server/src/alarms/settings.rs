//! `[[alarms]]`: checked whole, with every problem at once.

use std::path::Path;

use maibo_core::id::{DeviceId, SourceId};
use maibo_core::registry::Catalogue;
use maibo_core::rule::parse_duration;
use maibo_core::time::Millis;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{AlarmSource, Kind, SOURCES_MAX};

/// Length of a token, in characters.
const TOKEN: std::ops::RangeInclusive<usize> = 16..=256;
/// Longest prefix: most of a code is for what is reported.
const PREFIX_MAX: usize = 16;

/// One `[[alarms]]` as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmSettings {
    /// Its name, unique.
    pub name: String,
    /// `cap` or `alertmanager`.
    pub format: String,
    /// The device of the catalogue whose events its alarms are.
    pub device: String,
    /// File with its token, relative to the configuration.
    pub token_file: String,
    /// What codes begin with; the format where it is not given.
    pub prefix: Option<String>,
    /// How long an alarm counts that names no end: 24h for CAP, 5m for Alertmanager where it is not given.
    pub valid_for: Option<String>,
}

/// Checks all entries; relative paths begin at `base`.
///
/// # Errors
/// Every problem, each with its path.
pub fn validate(
    entries: &[AlarmSettings],
    catalogue: Option<&Catalogue>,
    base: &Path,
) -> Result<Vec<AlarmSource>, Vec<String>> {
    let (mut sources, mut problems): (Vec<AlarmSource>, Vec<String>) = Default::default();
    if entries.len() > SOURCES_MAX {
        problems.push(format!("alarms: more than {SOURCES_MAX} entries"));
    }
    for (i, entry) in entries.iter().enumerate() {
        match entry.parse(catalogue, base) {
            Ok(source) if sources.iter().any(|s| s.id == source.id) => {
                problems.push(format!("alarms[{i}].name: `{}` is used twice", entry.name));
            }
            Ok(source) if sources.iter().any(|s| s.token == source.token) => {
                problems.push(format!("alarms[{i}].token_file: another entry has the same token"));
            }
            Ok(source) => sources.push(source),
            Err(found) => problems.extend(found.into_iter().map(|p| format!("alarms[{i}].{p}"))),
        }
    }
    if problems.is_empty() { Ok(sources) } else { Err(problems) }
}

impl AlarmSettings {
    fn parse(&self, catalogue: Option<&Catalogue>, base: &Path) -> Result<AlarmSource, Vec<String>> {
        let mut p = Vec::new();
        let id = SourceId::new(&self.name).map_err(|e| p.push(format!("name: {e}"))).ok();
        let kind = [Kind::Cap, Kind::Alertmanager].into_iter().find(|k| k.as_str() == self.format);
        if kind.is_none() {
            p.push(format!("format: `{}` is not one of cap, alertmanager", self.format));
        }
        let device = DeviceId::new(&self.device).map_err(|e| p.push(format!("device: {e}"))).ok();
        if let (Some(device), Some(catalogue)) = (&device, catalogue)
            && catalogue.get(device).is_none()
        {
            p.push(format!("device: `{device}` is not in the catalogue: its events would never be judged"));
        }
        let prefix = self.prefix.clone().unwrap_or_else(|| self.format.clone());
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if prefix.is_empty() || prefix.len() > PREFIX_MAX || !prefix.chars().all(fine) {
            p.push(format!("prefix: 1 to {PREFIX_MAX} characters of A-Z a-z 0-9 . _ -"));
        }
        let valid_for = match &self.valid_for {
            None if kind == Some(Kind::Alertmanager) => Some(Millis::from_secs(300)),
            None => Some(Millis::from_secs(86_400)),
            Some(text) => parse_duration(text).ok().filter(|d| *d > Millis::ZERO),
        };
        if valid_for.is_none() {
            p.push("valid_for: is not a time such as 5m or 24h".to_owned());
        }
        let token = self.token(base).map_err(|why| p.push(why)).ok();
        match (id, kind, device, valid_for, token) {
            (Some(id), Some(kind), Some(device), Some(valid_for), Some(token)) if p.is_empty() => {
                Ok(AlarmSource { id, kind, device, prefix, valid_for, token })
            }
            _ => Err(p),
        }
    }

    fn token(&self, base: &Path) -> Result<[u8; 32], String> {
        let path = base.join(&self.token_file);
        let text = std::fs::read_to_string(&path).map_err(|e| format!("token_file: {}: {e}", path.display()))?;
        let token = text.trim();
        if !TOKEN.contains(&token.len()) || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(format!("token_file: {}: holds no token of 16 to 256 visible characters", path.display()));
        }
        Ok(Sha256::digest(token).into())
    }
}
