//! Rule sets, catalogues and response plans by version: their texts on disk, compiled in memory.
//!
//! An activation in the log names a version only. Its text is on disk, synced, before the activation is appended, so
//! that a replay finds what was in force then.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use maibo_core::engine::Versions;
use maibo_core::id::Version;
use maibo_core::notify::PlanSet;
use maibo_core::registry::Catalogue;
use maibo_core::rule::RuleSet;

mod brought;

use crate::plan;
pub use brought::{Brought, FILE, Kind, settled};

/// Rule packs by name, as one text that can be split again.
pub type Packs = Vec<(String, String)>;

/// The store of texts, and everything compiled from it.
pub struct VersionStore {
    dir: PathBuf,
    current: Mutex<Arc<Versions>>,
}

/// Why a kept text cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The operating system failed.
    #[error("{path}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A kept text no longer compiles: this binary is older than the data.
    #[error("{path} does not compile: {problem}")]
    Compile {
        /// Which file.
        path: String,
        /// The first problem.
        problem: String,
    },
    /// Plans that somebody brought name receivers that the configuration does not have any more.
    #[error(
        "the response plans that {author} brought (version {version}) do not fit the receivers: {problem}. \
         Give the receivers back; or change or add a `[[plan]]` of the configuration, whose plans are in force again then"
    )]
    Misfit {
        /// Which set.
        version: String,
        /// Who brought it.
        author: String,
        /// The problems.
        problem: String,
    },
}

impl VersionStore {
    /// Opens the store and compiles what is in it.
    ///
    /// # Errors
    /// Where a text cannot be read or compiled.
    pub fn open(dir: &Path) -> Result<Self, VersionError> {
        let io = |source| VersionError::Io { path: dir.display().to_string(), source };
        std::fs::create_dir_all(dir).map_err(io)?;
        let mut versions = Versions::default();
        // None at all is a set, too, and has no file before somebody puts it in force.
        versions.insert_plans(Arc::new(plan::set(Vec::new())));
        let mut names: Vec<PathBuf> =
            std::fs::read_dir(dir).map_err(io)?.filter_map(|e| e.ok().map(|e| e.path())).collect();
        names.sort();
        for path in names {
            let shown = path.display().to_string();
            let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_owned();
            if !matches!(&*kind, "rules" | "catalogue" | "plans") {
                continue;
            }
            let text =
                std::fs::read_to_string(&path).map_err(|source| VersionError::Io { path: shown.clone(), source })?;
            let compile = |problem: String| VersionError::Compile { path: shown.clone(), problem };
            if kind == "rules" {
                let packs: Packs = serde_json::from_str(&text).map_err(|e| compile(e.to_string()))?;
                let rules = compile_rules(&packs).map_err(|p| compile(first(&p)))?;
                versions.insert_rules(Arc::new(rules));
            } else if kind == "plans" {
                // Under the name that facts know it by, however a later Maibo would write it.
                let name = path.file_stem().and_then(|name| Version::parse(name.to_str()?));
                let name = name.ok_or_else(|| compile("its name is no version".to_owned()))?;
                let set = plan::read(&text).map_err(compile)?;
                versions.insert_plans(Arc::new(PlanSet { version: name, ..set }));
            } else {
                let catalogue = Catalogue::parse(&text).map_err(|p| compile(first(&p)))?;
                versions.insert_catalogue(Arc::new(catalogue));
            }
        }
        Ok(Self { dir: dir.to_owned(), current: Mutex::new(Arc::new(versions)) })
    }

    /// Everything known now.
    pub fn current(&self) -> Arc<Versions> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a rule set; after this its activation may be appended.
    ///
    /// # Errors
    /// Where the text cannot be written and synced.
    pub fn keep_rules(&self, packs: &Packs, rules: &Arc<RuleSet>) -> Result<Version, VersionError> {
        let version = rules.version;
        // Two strings a pack: this cannot fail to serialize.
        let text = serde_json::to_string(packs).unwrap_or_default();
        self.write(&format!("{version}.rules"), &text)?;
        self.insert(|v| v.insert_rules(Arc::clone(rules)));
        Ok(version)
    }

    /// The packs of a rule set that was kept.
    ///
    /// # Errors
    /// Where the text cannot be read, or is none.
    pub fn packs(&self, version: Version) -> Result<Packs, VersionError> {
        let path = self.dir.join(format!("{version}.rules"));
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|source| VersionError::Io { path: shown.clone(), source })?;
        serde_json::from_str(&text).map_err(|e| VersionError::Compile { path: shown, problem: e.to_string() })
    }

    /// Keeps a catalogue; after this its activation may be appended.
    ///
    /// # Errors
    /// Where the text cannot be written and synced.
    pub fn keep_catalogue(&self, text: &str, catalogue: &Arc<Catalogue>) -> Result<Version, VersionError> {
        let version = catalogue.version;
        self.write(&format!("{version}.catalogue"), text)?;
        self.insert(|v| v.insert_catalogue(Arc::clone(catalogue)));
        Ok(version)
    }

    /// Keeps a set of response plans; after this its activation may be appended.
    ///
    /// # Errors
    /// Where the text cannot be written and synced.
    pub fn keep_plans(&self, plans: &Arc<PlanSet>) -> Result<Version, VersionError> {
        self.write(&format!("{}.plans", plans.version), &plan::text(&plans.plans))?;
        self.insert(|v| v.insert_plans(Arc::clone(plans)));
        Ok(plans.version)
    }

    fn insert(&self, add: impl FnOnce(&mut Versions)) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Versions::clone(&current);
        add(&mut next);
        *current = Arc::new(next);
    }

    fn write(&self, name: &str, text: &str) -> Result<(), VersionError> {
        let path = self.dir.join(name);
        let io = |source| VersionError::Io { path: path.display().to_string(), source };
        if path.exists() {
            return Ok(());
        }
        let temporary = self.dir.join(format!("{name}.tmp"));
        let mut file = std::fs::File::create(&temporary).map_err(io)?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        std::fs::rename(&temporary, &path).map_err(io)?;
        std::fs::File::open(&self.dir).and_then(|d| d.sync_all()).map_err(io)
    }
}

/// Compiles packs given as (name, text).
///
/// # Errors
/// All problems of all packs.
pub fn compile_rules(packs: &Packs) -> Result<RuleSet, Vec<maibo_core::rule::Problem>> {
    let refs: Vec<(&str, &str)> = packs.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    RuleSet::compile(&refs)
}

fn first(problems: &[maibo_core::rule::Problem]) -> String {
    problems.first().map(ToString::to_string).unwrap_or_default()
}
