//! Which rule sets people brought, and why: a line of JSON each in `brought.jsonl`, beside the texts.
//!
//! **Invariants:** a line is on disk, synced, before the activation is appended. The newest word counts: what was brought
//! last is in force after a start as well, until the configured files say something else than they did when it was
//! brought. A line that cannot be read is passed over: the activation itself is a fact.
//!
//! Limit: none; nothing is pruned. A line is below 5 kB, and written by hand.

use std::io::Write;

use maibo_core::id::{Actor, Version};
use maibo_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{VersionError, VersionStore, compile_rules};
use crate::config::Settings;

const NAME: &str = "brought.jsonl";

/// One rule set that somebody brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// Which.
    pub version: String,
    /// When, engine time, ms.
    pub at: i64,
    /// Who.
    pub author: String,
    /// Why.
    pub note: String,
    /// Version of the configured files at that time.
    pub files: String,
}

impl VersionStore {
    /// All of them, oldest first.
    pub fn brought(&self) -> Vec<Brought> {
        let text = std::fs::read_to_string(self.dir.join(NAME)).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Puts on record who brings a rule set; after this its activation may be appended.
    ///
    /// # Errors
    /// Where the line cannot be written and synced.
    pub fn bring(
        &self,
        version: Version,
        files: Version,
        author: &Actor,
        note: &str,
        at: Timestamp,
    ) -> Result<(), VersionError> {
        let brought = Brought {
            version: version.to_string(),
            at: at.0,
            author: author.to_string(),
            note: note.to_owned(),
            files: files.to_string(),
        };
        let path = self.dir.join(NAME);
        let io = |source| VersionError::Io { path: path.display().to_string(), source };
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).map_err(io)?;
        // The line before it may have been cut off by a crash.
        let line = format!("\n{}\n", serde_json::to_string(&brought).unwrap_or_default());
        file.write_all(line.as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        std::fs::File::open(&self.dir).and_then(|d| d.sync_all()).map_err(io)
    }

    /// The settings with the rule set that was brought last, where the files are as they were then.
    pub fn settle(&self, mut settings: Settings) -> Settings {
        let files = settings.rules.version;
        settings.files = files;
        let last = self.brought().pop().filter(|last| last.files == files.to_string());
        let packs = last.and_then(|last| Version::parse(&last.version)).and_then(|v| self.packs(v).ok());
        if let Some(packs) = packs
            && let Ok(rules) = compile_rules(&packs)
        {
            (settings.packs, settings.rules) = (packs, rules);
        }
        settings
    }
}
