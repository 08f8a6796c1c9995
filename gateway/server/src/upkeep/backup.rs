//! A copy of a data directory that Maibo can start from, taken while it is in use or not.
//!
//! The copy is what a crash could have left: a prefix of the inputs, and of the facts every one that these inputs cause
//! and that was on disk. It is made without a lock and without a word to the running Maibo, in an order that makes it so:
//!
//! ```text
//! 1  the inputs' segments are held open     trimming takes nothing away from here on
//! 2  snapshots, databases, everything else  each behind both logs' copies, and none needs what 1 has not
//! 3  inputs, in whole records               all that was acknowledged before 1
//! 4  facts, up to the first that is caused by an input behind 3
//! 5  rule sets and catalogues               texts are written before what names them
//! ```
//!
//! Facts last, because inputs speak of facts too (the city is told of them): every fact that an input in the copy knows
//! was on disk before that input was. Cut at the inputs' end, because a fact without its cause would pass for the decision
//! about another input that comes later at its place.
//!
//! Until it is complete and checked the copy has another name, and no manifest.

use std::fs::File;
use std::path::{Path, PathBuf};

use maibo_core::id::Position;
use maibo_store::database;
use maibo_store::disk::Disk;
use maibo_store::disk::os::OsDisk;
use maibo_store::facts::unpack;
use maibo_store::file_log::survey::{CopyError, Found, Held, copy_snapshots};

use super::manifest::{self, CONFIG, Manifest, Named};
use super::{UpkeepError, figure, verify};
use crate::Chain;
use crate::clock::{Clock, SystemClock};
use crate::live::words;

mod check;
mod config;

pub use check::check_databases;

/// What is made of nothing and belongs to a process: not in a backup.
const LEFT_OUT: [&str; 9] =
    [".tmp", ".new", ".damaged", ".replaced", "-wal", "-shm", "-journal", ".unfinished", "standstill"];

/// Rule sets and catalogues by version.
const VERSIONS: &str = "versions";

/// Makes a backup of `data` at `to`, which must not exist; `config` is a configuration file to keep with it. `said` is
/// told what is done.
///
/// # Errors
/// [`UpkeepError`]; then nothing is at `to`.
pub fn backup(
    data: &Path,
    to: &Path,
    config: Option<&Path>,
    said: &mut dyn FnMut(String),
) -> Result<Manifest, UpkeepError> {
    if !crate::app::has_data(data) {
        return Err(UpkeepError::Refused(format!("{} holds no logs", data.display())));
    }
    let place = free(data, to)?;
    let made = make(data, &place, config, said);
    let placed = made.and_then(|manifest| {
        let renamed = std::fs::rename(&place, to).and_then(|()| sync_dir(&parent(to)));
        renamed.map(|()| manifest).map_err(UpkeepError::io("rename to", to))
    });
    if placed.is_err() {
        // Half a backup is none; what cannot be removed has a name that says so.
        drop(std::fs::remove_dir_all(&place));
    }
    placed
}

/// Makes the directory in which the backup is written, and answers it.
fn free(data: &Path, to: &Path) -> Result<PathBuf, UpkeepError> {
    if to.exists() {
        return Err(UpkeepError::Refused(format!("{} is there already", to.display())));
    }
    let above = parent(to);
    std::fs::create_dir_all(&above).map_err(UpkeepError::io("create", &above))?;
    let real = |path: &Path| std::fs::canonicalize(path).map_err(UpkeepError::io("find", path));
    if real(&above)?.starts_with(real(data)?) {
        let text = format!("{} lies in the data directory {}", to.display(), data.display());
        return Err(UpkeepError::Refused(text));
    }
    let mut place = to.as_os_str().to_owned();
    place.push(".unfinished");
    let place = PathBuf::from(place);
    private(&place).map_err(UpkeepError::io("create", &place))?;
    Ok(place)
}

/// Creates a directory that only its owner reads.
fn private(path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(path)
}

fn make(data: &Path, to: &Path, config: Option<&Path>, said: &mut dyn FnMut(String)) -> Result<Manifest, UpkeepError> {
    let now = || words::time(SystemClock::default().wall());
    let mut manifest = Manifest::begun(now(), &std::fs::canonicalize(data).unwrap_or_else(|_| data.to_owned()));
    logs(data, to, said)?;
    let versions = data.join(VERSIONS);
    if versions.is_dir() {
        copy_tree(&versions, &to.join(VERSIONS))?;
    }
    if let Some(config) = config {
        manifest.config = self::config::keep(config, &to.join(CONFIG))?;
        said(format!("configuration: {} files", manifest.config.len()));
    }
    let report = verify::verify(to)?;
    if let Some(problem) = report.problems.first() {
        let all = report.problems.len() as u64 + report.more;
        return Err(UpkeepError::Refused(format!("the copy is not sound ({all} problems): {problem}")));
    }
    check_databases(to, report.facts, &report.ends)?;
    manifest.last_input_at = report.now.map(words::time);
    (manifest.facts, manifest.inputs) = (report.facts, report.inputs);
    manifest.files = Manifest::list(to)?;
    manifest.made_at = now();
    manifest.write(to)?;
    sync_dir(to).map_err(UpkeepError::io("sync", to))?;
    let bytes = manifest.files.iter().map(|f| f.bytes).sum();
    said(format!("{} files, {} bytes: complete and sound", manifest.files.len(), figure(bytes)));
    Ok(manifest)
}

/// Steps 1 to 4 of the module.
fn logs(data: &Path, to: &Path, said: &mut dyn FnMut(String)) -> Result<(), UpkeepError> {
    let from = |log: &str| OsDisk::reading(&data.join(log)).map_err(UpkeepError::io("open", &data.join(log)));
    let into = |log: &str| OsDisk::open(&to.join(log)).map_err(UpkeepError::io("create", &to.join(log)));
    let (inputs, facts) = (from("inputs")?, from("facts")?);
    let (inputs_to, facts_to) = (into("inputs")?, into("facts")?);
    let io = |log: &str| UpkeepError::io("copy", &data.join(log));

    let mut held = Held::hold(&inputs, "inputs").map_err(io("inputs"))?;
    copy_snapshots(&inputs, &inputs_to).map_err(io("inputs"))?;
    copy_snapshots(&facts, &facts_to).map_err(io("facts"))?;
    for name in names(data)?.into_iter().filter(|n| is_database(n)) {
        let target = to.join(&name);
        database::copy(&data.join(&name), &target).map_err(|error| refused(&error))?;
        File::open(&target).and_then(|f| f.sync_all()).map_err(UpkeepError::io("sync", &target))?;
        said(format!("{name}: copied"));
    }
    // Whatever it is, it follows the logs and may not be ahead of them: the sink's cursor is one.
    rest(data, to)?;
    held.renew(&inputs).map_err(io("inputs"))?;
    let copied = held.copy(&inputs_to, &mut |_| true).map_err(|e| not_copied("inputs", data, e))?;
    said(format!("inputs: {} records, {} bytes", figure(copied.survey.records), figure(copied.survey.bytes)));

    let end = Position(copied.survey.next);
    let mut undecodable = None;
    let mut keep = |found: &Found<'_>| match unpack(&found.record) {
        Ok(facts) => facts.iter().all(|fact| fact.cause.position < end),
        Err(error) => {
            undecodable = Some(format!("facts/{} offset {}: {}", found.file, found.offset, Chain(&error)));
            false
        }
    };
    let held = Held::hold(&facts, "facts").map_err(io("facts"))?;
    let copied = held.copy(&facts_to, &mut keep).map_err(|e| not_copied("facts", data, e))?;
    if let Some(problem) = undecodable {
        return Err(UpkeepError::Refused(format!("{} is damaged: {problem}", data.display())));
    }
    said(format!("facts: {} records, {} bytes", figure(copied.survey.records), figure(copied.survey.bytes)));
    Ok(())
}

fn not_copied(log: &str, data: &Path, error: CopyError) -> UpkeepError {
    match error {
        CopyError::Io(source) => UpkeepError::Io { what: format!("copy {}", data.join(log).display()), source },
        CopyError::Damaged(problems) => {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            let (n, data) = (problems.len(), data.display());
            UpkeepError::Refused(format!("{data} is damaged in {n} place(s), the first: {log}/{first}"))
        }
    }
}

fn refused(error: &maibo_store::database::DatabaseError) -> UpkeepError {
    UpkeepError::Refused(format!("{}; `maibo rebuild` makes it anew while Maibo is stopped", Chain(error)))
}

/// Whatever else is there beside logs, databases and `versions/`.
fn rest(data: &Path, to: &Path) -> Result<(), UpkeepError> {
    for name in names(data)? {
        let own = ["inputs", "facts", "lock", VERSIONS].contains(&name.as_str()) || is_database(&name);
        if !own && !left_out(&name) {
            copy_tree(&data.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), UpkeepError> {
    if !from.is_dir() {
        return copy_synced(from, to);
    }
    private(to).map_err(UpkeepError::io("create", to))?;
    for name in names(from)?.into_iter().filter(|n| !left_out(n)) {
        copy_tree(&from.join(&name), &to.join(&name))?;
    }
    sync_dir(to).map_err(UpkeepError::io("sync", to))
}

/// Copies one file to one that is not there, synced.
pub(super) fn copy_synced(from: &Path, to: &Path) -> Result<(), UpkeepError> {
    let mut file = File::create_new(to).map_err(UpkeepError::io("create", to))?;
    // What only its owner may read, such as a key, stays so.
    let permissions = std::fs::metadata(from).map_err(UpkeepError::io("look at", from))?.permissions();
    file.set_permissions(permissions).map_err(UpkeepError::io("restrict", to))?;
    manifest::pour(from, &mut file)?;
    file.sync_all().map_err(UpkeepError::io("sync", to))
}

fn names(dir: &Path) -> Result<Vec<String>, UpkeepError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(UpkeepError::io("read", dir))? {
        let entry = entry.map_err(UpkeepError::io("read", dir))?;
        // A name that is not text is none of ours.
        names.extend(entry.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

fn is_database(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "db")
}

fn left_out(name: &str) -> bool {
    LEFT_OUT.iter().any(|ending| name.ends_with(ending))
}

/// The directory in which `path` is.
pub(super) fn parent(path: &Path) -> PathBuf {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// Makes names in a directory survive power loss.
pub(super) fn sync_dir(path: &Path) -> std::io::Result<()> {
    OsDisk::reading(path)?.sync_dir()
}
