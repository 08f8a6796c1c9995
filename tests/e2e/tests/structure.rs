//! The structure that the architecture promises, held by a test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Our own crates that a manifest names, outside its dev-dependencies.
fn ours(manifest: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(manifest)).expect("manifest");
    let mut section = String::new();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('[') {
            line.clone_into(&mut section);
        } else if section == "[dependencies]" && line.starts_with("maibo") {
            found.insert(line.split(['.', ' ', '=']).next().expect("a name").to_owned());
        }
    }
    found
}

// Docs §6: dependencies go one way, and what decides knows nothing of what does.
#[test]
fn dependencies_go_one_way() {
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(ours("gateway/core/Cargo.toml"), set(&[]));
    assert_eq!(ours("gateway/api/Cargo.toml"), set(&[]));
    assert_eq!(ours("gateway/store/Cargo.toml"), set(&["maibo-core"]));
    assert_eq!(ours("simulators/Cargo.toml"), set(&[]));
    assert_eq!(ours("dashboard/embed/Cargo.toml"), set(&[]));
    // A second opinion about the rules, not a copy of the first.
    assert_eq!(ours("tests/model/Cargo.toml"), set(&[]));
    let allowed = set(&["maibo-core", "maibo-store", "maibo-api", "maibo-dashboard", "maibo-sim"]);
    assert!(ours("gateway/server/Cargo.toml").is_subset(&allowed));
}

fn files(dir: &Path, extensions: &[&str], into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("directory").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "node_modules" | ".git" | "dist" | "corpus" | "artifacts") {
                files(&path, extensions, into);
            }
        } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e)) {
            into.push(path);
        }
    }
}

// P7: the core reads no clock and does no I/O; only the words for it would let it.
#[test]
fn core_reads_no_clock_and_no_file() {
    let mut sources = Vec::new();
    files(&root().join("gateway/core/src"), &["rs"], &mut sources);
    assert!(sources.len() > 10);
    for path in sources {
        let text = std::fs::read_to_string(&path).expect("source");
        for word in
            ["SystemTime", "Instant::now", "std::fs", "std::net", "std::thread", "tokio", "static mut", "rand::"]
        {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

// A file is something a reader can hold in mind.
#[test]
fn files_fit_a_sitting() {
    let mut sources = Vec::new();
    for part in ["gateway", "simulators", "xtask", "tests", "benches", "dashboard/src", "dashboard/embed"] {
        files(&root().join(part), &["rs", "ts", "svelte"], &mut sources);
    }
    for path in sources {
        let lines = std::fs::read_to_string(&path).expect("source").lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}

// Architecture: every file that it names is there.
#[test]
fn architecture_names_real_files() {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("architecture");
    let mut files_named = 0;
    for quoted in text.split('`').skip(1).step_by(2) {
        let is_file = Path::new(quoted).extension().is_some_and(|e| e == "rs") && !quoted.contains(['{', '*', ' ']);
        if !is_file {
            continue;
        }
        files_named += 1;
        let places = [
            "",
            "gateway/",
            "gateway/server/src/",
            "gateway/server/src/pipeline/",
            "gateway/server/src/ingest/",
            "gateway/server/src/ingest/external/",
            "gateway/core/src/",
        ];
        let found = places.iter().any(|p| root().join(p).join(quoted).exists());
        assert!(found, "docs/ARCHITECTURE.md names {quoted}, which is not there");
    }
    assert!(files_named > 15);
}
