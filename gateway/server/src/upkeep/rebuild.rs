//! The databases made anew from the logs, while Maibo is stopped.
//!
//! Each is built beside the old one and takes its place when it is complete; the old one stays as `NAME.replaced`. What
//! the logs do not have any more is taken over from the old file, and where that cannot be read nothing is thrown away
//! without being asked for.
//!
//! | database | from | what the log alone cannot give |
//! |---|---|---|
//! | `state.db` | the facts log, which is never trimmed | nothing |
//! | `history.db` | the inputs that are still there | older readings: from the old file, and from those that were put aside (`history.db.damaged`) |
//! | `outbox.db` | the facts from the oldest episode on of which something may be owed | what was told already: told again under the same keys |

use std::path::{Path, PathBuf};

use maibo_store::state::StateWriter;

use super::UpkeepError;
use crate::Chain;
use crate::app::{DataDir, DataError, Logs};

mod history;
mod outbox;

/// Facts in one transaction.
const BATCH: usize = 2_000;

/// Which databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// `state.db`.
    State,
    /// `history.db`.
    History,
    /// `outbox.db`.
    Outbox,
    /// All three.
    All,
}

/// Why a database cannot be made anew.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The logs cannot be opened.
    #[error("open the data directory")]
    Data(#[from] DataError),
    /// Something about files.
    #[error(transparent)]
    Upkeep(#[from] UpkeepError),
    /// The new database cannot be written, or a log not read.
    #[error("build {name}")]
    Build {
        /// Which.
        name: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl RebuildError {
    /// `sysexits`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Data(error) => error.exit_code(),
            Self::Upkeep(error) => error.exit_code(),
            Self::Build { .. } => 74,
        }
    }

    fn build<E: std::error::Error + Send + Sync + 'static>(name: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Build { name, source: Box::new(source) }
    }
}

/// Makes databases of `data` anew. `lose_history` allows history to lose what is neither in the log nor readable. `said`
/// is told what came of each.
///
/// # Errors
/// [`RebuildError`]; the database it failed at is then as it was.
pub fn rebuild(data: &Path, what: What, lose_history: bool, said: &mut dyn FnMut(String)) -> Result<(), RebuildError> {
    if !crate::app::has_data(data) {
        return Err(UpkeepError::Refused(format!("{} holds no logs", data.display())).into());
    }
    let logs = DataDir::open(data, u64::MAX, false)?;
    if matches!(what, What::State | What::All) {
        state(data, &logs, said)?;
    }
    if matches!(what, What::History | What::All) {
        history::rebuild(data, &logs, lose_history, said)?;
    }
    if matches!(what, What::Outbox | What::All) {
        outbox::rebuild(data, &logs, said)?;
    }
    Ok(())
}

fn state(data: &Path, logs: &Logs, said: &mut dyn FnMut(String)) -> Result<(), RebuildError> {
    const NAME: &str = "state.db";
    let failed = |e| RebuildError::build(NAME)(e);
    let place = Place::new(data, NAME)?;
    let mut writer = StateWriter::open(&place.fresh).map_err(failed)?;
    let mut facts = logs.facts.reader(0);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        while let (true, Some(fact)) = (batch.len() < BATCH, facts.next().map_err(RebuildError::build("state.db"))?) {
            batch.push(fact);
        }
        if batch.is_empty() {
            break;
        }
        writer.apply(&batch).map_err(failed)?;
        batch.clear();
    }
    let facts = writer.cursor();
    drop(writer);
    place.take()?;
    said(format!("{NAME}: made anew from {} facts", super::figure(facts)));
    Ok(())
}

/// Where a new database is built, and what it replaces.
struct Place {
    data: PathBuf,
    name: &'static str,
    fresh: PathBuf,
}

/// A database's own file and its companions.
const PARTS: [&str; 3] = ["-wal", "-shm", ""];

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl Place {
    fn new(data: &Path, name: &'static str) -> Result<Self, UpkeepError> {
        let fresh = data.join(format!("{name}.unfinished"));
        for part in PARTS {
            let leftover = with(&fresh, part);
            match std::fs::remove_file(&leftover) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(UpkeepError::io("remove", &leftover)(e));
                }
                _ => {}
            }
        }
        Ok(Self { data: data.to_owned(), name, fresh })
    }

    /// The database that is there now.
    fn old(&self) -> PathBuf {
        self.data.join(self.name)
    }

    /// Puts the new one in the old one's place. A stop in between leaves none, and Maibo begins one from the log; the old
    /// write-ahead log goes first, because it would pass for the new one's.
    fn take(&self) -> Result<(), UpkeepError> {
        // One file, without companions.
        maibo_store::database::settle(&self.fresh).map_err(|error| UpkeepError::Refused(Chain(&error).to_string()))?;
        let replaced = self.data.join(format!("{}.replaced", self.name));
        for part in PARTS {
            let (from, to) = (with(&self.old(), part), with(&replaced, part));
            let moved = match std::fs::rename(&from, &to) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => std::fs::remove_file(&to)
                    .or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) }),
                moved => moved,
            };
            moved.map_err(UpkeepError::io("put aside", &from))?;
        }
        std::fs::rename(&self.fresh, self.old()).map_err(UpkeepError::io("rename", &self.fresh))?;
        super::backup::sync_dir(&self.data).map_err(UpkeepError::io("sync", &self.data))
    }
}
