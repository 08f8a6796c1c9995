//! The configuration file and what it names, kept with a backup. Secrets are left out: passwords and signing keys belong
//! in a safe of their own.

use std::path::{Component, Path, PathBuf};

use super::super::UpkeepError;
use super::{Named, copy_synced, names, parent};

/// Copies `config` and the packs, the catalogue and the districts it names to `to`.
pub(super) fn keep(config: &Path, to: &Path) -> Result<Vec<Named>, UpkeepError> {
    let file = crate::config::read(config, std::env::vars()).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        UpkeepError::Refused(format!("{}: {}", config.display(), all.join("; ")))
    })?;
    std::fs::create_dir_all(to).map_err(UpkeepError::io("create", to))?;
    let base = parent(config);
    let own = config.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut wanted = vec![(config.display().to_string(), config.to_owned(), PathBuf::from(own))];
    for name in file.rules.iter().chain(&file.catalogue).chain(&file.districts) {
        let path = base.join(name);
        if path.is_dir() {
            for pack in names(&path)?.into_iter().filter(|n| Path::new(n).extension().is_some_and(|e| e == "toml")) {
                wanted.push((format!("{name}/{pack}"), path.join(&pack), within(name).join(&pack)));
            }
        } else {
            wanted.push((name.clone(), path, within(name)));
        }
    }
    let mut kept = Vec::new();
    for (name, from, below) in wanted {
        let target = to.join(&below);
        if target.exists() {
            continue;
        }
        let above = parent(&target);
        std::fs::create_dir_all(&above).map_err(UpkeepError::io("create", &above))?;
        copy_synced(&from, &target)?;
        kept.push(Named { name, kept: format!("{}/{}", super::CONFIG, below.display()) });
    }
    Ok(kept)
}

/// Where a name is kept: as it is where it lies below the configuration, else below `elsewhere`.
fn within(name: &str) -> PathBuf {
    let path = Path::new(name);
    let below = path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    let plain: PathBuf = path.components().filter(|c| matches!(c, Component::Normal(_))).collect();
    if below { plain } else { Path::new("elsewhere").join(plain) }
}
