//! A data directory from a backup: every file held against the manifest, and nothing written over.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::UpkeepError;
use super::backup::{parent, sync_dir};
use super::manifest::{CONFIG, Manifest, pour};

/// Makes the data directory `data`, which must not exist or be empty, from the backup at `from`.
///
/// # Errors
/// [`UpkeepError`]; then nothing new is at `data`.
pub fn restore(from: &Path, data: &Path) -> Result<Manifest, UpkeepError> {
    let manifest = Manifest::read(from)?;
    if std::fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some()) || data.is_file() {
        return Err(UpkeepError::Refused(format!("{} is there already and not empty", data.display())));
    }
    let mut place = data.as_os_str().to_owned();
    place.push(".unfinished");
    let place = PathBuf::from(place);
    let above = parent(data);
    std::fs::create_dir_all(&above).map_err(UpkeepError::io("create", &above))?;
    std::fs::create_dir(&place).map_err(UpkeepError::io("create", &place))?;
    let placed = copy(from, &manifest, &place).and_then(|()| {
        let renamed = std::fs::rename(&place, data).and_then(|()| sync_dir(&above));
        renamed.map_err(UpkeepError::io("rename to", data))
    });
    if placed.is_err() {
        drop(std::fs::remove_dir_all(&place));
    }
    placed.map(|()| manifest)
}

/// Copies what the manifest lists, configuration aside, and tells everything that is not as listed.
fn copy(from: &Path, manifest: &Manifest, to: &Path) -> Result<(), UpkeepError> {
    let mut wrong = Vec::new();
    for entry in &manifest.files {
        let source = from.join(&entry.path);
        if !source.is_file() {
            wrong.push(format!("{} is missing", entry.path));
            continue;
        }
        let found = if Path::new(&entry.path).starts_with(CONFIG) {
            pour(&source, &mut std::io::sink())?
        } else {
            let target = to.join(&entry.path);
            let above = parent(&target);
            std::fs::create_dir_all(&above).map_err(UpkeepError::io("create", &above))?;
            let mut file = File::create_new(&target).map_err(UpkeepError::io("create", &target))?;
            let permissions = std::fs::metadata(&source).map_err(UpkeepError::io("look at", &source))?.permissions();
            file.set_permissions(permissions).map_err(UpkeepError::io("restrict", &target))?;
            let found = pour(&source, &mut file)?;
            file.sync_all().map_err(UpkeepError::io("sync", &target))?;
            sync_dir(&above).map_err(UpkeepError::io("sync", &above))?;
            found
        };
        if found != (entry.bytes, entry.sha256.clone()) {
            wrong.push(format!("{} is not what was written ({} bytes of {})", entry.path, found.0, entry.bytes));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(UpkeepError::Refused(format!("the backup {} is damaged: {}", from.display(), wrong.join("; "))))
}
