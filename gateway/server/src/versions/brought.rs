//! Which rule sets and response plans people brought, and why: a line of JSON each in `brought.jsonl` and
//! `brought-plans.jsonl`, beside the texts.
//!
//! **Invariants:** a line is on disk, synced, before the activation is appended. The newest word counts: what was brought
//! last is in force after a start as well, until the configured files say something else than they did when it was
//! brought. A line that cannot be read is passed over: the activation itself is a fact.
//!
//! Limit: none; nothing is pruned. A line is below 5 kB, and written by hand.

use std::io::Write;
use std::sync::Arc;

use maibo_core::id::{Actor, Version};
use maibo_core::time::Timestamp;
use maibo_store::state::Activation;
use serde::{Deserialize, Serialize};

use super::{VersionError, VersionStore, compile_rules};
use crate::config::Settings;
use crate::plan::{self, Named};

/// Who brought what nobody's name stands beside.
pub const FILE: &str = "file";

/// What can be brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A rule set.
    Rules,
    /// A set of response plans.
    Plans,
}

impl Kind {
    const fn file(self) -> &'static str {
        match self {
            Self::Rules => "brought.jsonl",
            Self::Plans => "brought-plans.jsonl",
        }
    }
}

/// One set that somebody brought.
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

impl Brought {
    /// Who brought what came into force: the last time that somebody did before it. Between two activations of the same version
    /// the files may have brought it.
    pub fn of<'a>(brought: &'a [Self], row: &Activation, before: Option<&Activation>) -> Option<&'a Self> {
        let earlier = before.map_or(i64::MIN, |before| before.at);
        brought.iter().rev().find(|b| b.version == row.version && (earlier..=row.at).contains(&b.at))
    }
}

impl VersionStore {
    /// All of a kind, oldest first.
    pub fn brought(&self, kind: Kind) -> Vec<Brought> {
        let text = std::fs::read_to_string(self.dir.join(kind.file())).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Puts on record who brings a set; after this its activation may be appended. `files` is what the configuration says.
    ///
    /// # Errors
    /// Where the line cannot be written and synced.
    pub fn bring(
        &self,
        kind: Kind,
        (version, files): (Version, Version),
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
        self.append(kind, &brought)
    }

    fn append(&self, kind: Kind, brought: &Brought) -> Result<(), VersionError> {
        let path = self.dir.join(kind.file());
        let io = |source| VersionError::Io { path: path.display().to_string(), source };
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).map_err(io)?;
        // The line before it may have been cut off by a crash.
        let line = format!("\n{}\n", serde_json::to_string(brought).unwrap_or_default());
        file.write_all(line.as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        std::fs::File::open(&self.dir).and_then(|d| d.sync_all()).map_err(io)
    }

    /// The settings with what was brought last, where the files are as they were then.
    ///
    /// # Errors
    /// [`VersionError::Misfit`] where plans that were brought cannot go with the receivers of the settings.
    pub fn settle(&self, mut settings: Settings) -> Result<Settings, VersionError> {
        let files = settings.rules.version;
        settings.files = files;
        let packs = self.last(Kind::Rules, files).and_then(|(version, _)| self.packs(version).ok());
        if let Some(packs) = packs
            && let Ok(rules) = compile_rules(&packs)
        {
            (settings.packs, settings.rules) = (packs, rules);
        }
        settings.file_plans = Arc::clone(&settings.plans);
        let brought = self.last(Kind::Plans, settings.file_plans.version);
        let current = self.current();
        if let Some((version, author)) = brought
            && let Some(set) = current.plans(version)
        {
            let known: Vec<Named> = settings.receivers.iter().map(Named::of).collect();
            if let Err(problems) = plan::validate(&plan::written(&set.plans), Some(&known)) {
                let problem = problems.join("; ");
                return Err(VersionError::Misfit { version: version.to_string(), author, problem });
            }
            settings.plans = Arc::clone(set);
            settings.plans_by = Actor::new(&author).ok();
        }
        Ok(settings)
    }

    /// Puts on record that other files came behind what was brought last, so that it does not come back with the files of then.
    ///
    /// # Errors
    /// Where the line cannot be written and synced.
    pub fn supersede(&self, kind: Kind, files: Version, at: Timestamp) -> Result<(), VersionError> {
        let files = files.to_string();
        if self.brought(kind).pop().is_none_or(|last| last.files == files) {
            return Ok(());
        }
        self.append(
            kind,
            &Brought { version: files.clone(), at: at.0, author: FILE.to_owned(), note: String::new(), files },
        )
    }

    /// What was brought last of a kind and by whom, if the files said then what they say now.
    fn last(&self, kind: Kind, files: Version) -> Option<(Version, String)> {
        let last = self.brought(kind).pop().filter(|last| last.files == files.to_string())?;
        // That the files say it is what `supersede` writes, and what a person who brings the same says as well.
        if last.version == last.files {
            return None;
        }
        Some((Version::parse(&last.version)?, last.author))
    }
}

/// The settings with what was brought into their data directory, for commands that only look.
///
/// # Errors
/// Where what is kept there cannot be read, or [`VersionError::Misfit`].
pub fn settled(settings: Settings) -> Result<Settings, VersionError> {
    let kept = settings.data.join("versions");
    if kept.is_dir() { VersionStore::open(&kept)?.settle(settings) } else { Ok(settings) }
}
