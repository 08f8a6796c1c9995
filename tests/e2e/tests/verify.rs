//! `maibo journal verify`: a directory as Maibo leaves it is sound, and whatever is wrong with a copy of it is told by
//! its place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use maibo_e2e::journal;
use maibo_e2e::maibo::{Maibo, Setup, command};
use maibo_e2e::publisher::publish;

const RULES: &str = "[[rule]]\nid = \"deep\"\ntitle = { zh = \"积水\", en = \"Deep\" }\ndomain = \"traffic\"\n\
                     source = \"test\"\nadvice = { zh = \"无\", en = \"none\" }\nwhen = { quantity = \"water_depth\" }\n\
                     levels = { yellow = 50 }\ndirection = \"above\"\nfor = \"0s\"\nkeep_firing_for = \"0s\"\ndeadband = 0\n";

/// A data directory with three lives in it: several segments, snapshots, alerts that came and went.
fn lived() -> Maibo {
    let mut setup = Setup { rules: RULES.to_owned(), ..Setup::default() };
    for n in 0..7 {
        setup.device(&format!("w{n}"), "1m");
    }
    let port = setup.embedded();
    let mut maibo = Maibo::prepare(&setup);
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    for life in 0..3 {
        maibo.start();
        let messages: Vec<(String, Vec<u8>)> = (0..100_i64)
            .map(|n| {
                let (t, value) = (now - 200_000 + life * 60_000 + n * 100, n % 10 * 9);
                (
                    format!("maibo/v1/w{}/telemetry", n % 7),
                    format!("{{\"t\":{t},\"water_depth\":{value}}}").into_bytes(),
                )
            })
            .collect();
        let sent = publish(port, &format!("life{life}"), &messages, Duration::from_secs(20));
        assert_eq!(sent, messages.len());
        assert_eq!(maibo.terminate().code(), Some(0));
    }
    maibo
}

fn copy(from: &Path, to: &Path) {
    let done = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp");
    assert!(done.success());
}

fn verify(data: &Path) -> (Option<i32>, String) {
    let (code, out, err) = command(&["journal", "verify", "--data", data.to_str().expect("path")], Path::new("."));
    (code, out + &err)
}

fn segments(data: &Path, log: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(data.join(log)).expect("log").flatten().map(|e| e.path()).collect();
    all.retain(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("segment-")));
    all.sort();
    all
}

// Rows 14 and 15: what Maibo leaves is sound; a flipped byte, a missing segment, missing facts and a damaged snapshot
// are told by file and offset with exit code 65; a torn end is said and is no damage. A running Maibo is left alone.
#[test]
fn whatever_is_wrong_is_told_by_its_place() {
    let mut maibo = lived();
    let data = maibo.data();
    let (code, said) = verify(&data);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("sound\n") && said.contains("snapshots: 257 of 257 partitions"), "{said}");

    // Looking into it changes nothing either: the same files, byte for byte.
    let own = tempfile::tempdir().expect("a directory");
    copy(&data, &own.path().join("before"));
    assert!(!journal::inspect(&data, "facts").is_empty() && !journal::readings(&data).is_empty());
    let arguments = ["-r".as_ref(), data.as_os_str(), own.path().join("before").as_os_str()].map(ToOwned::to_owned);
    let same = std::process::Command::new("diff").args(arguments).output().expect("diff");
    assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stdout));
    let tampered = |name: &str, change: &dyn Fn(&Path)| {
        let to = own.path().join(name);
        copy(&data, &to);
        change(&to);
        verify(&to)
    };
    let flip = |path: &Path, offset: usize| {
        let mut bytes = std::fs::read(path).expect("a file");
        bytes[offset] ^= 1;
        std::fs::write(path, bytes).expect("write");
    };
    for log in ["inputs", "facts"] {
        let (code, said) = tampered(&format!("flip-{log}"), &|dir| {
            let first = segments(dir, log).swap_remove(0);
            flip(&first, std::fs::metadata(&first).expect("size").len() as usize / 2);
        });
        assert_eq!(code, Some(65), "{said}");
        assert!(said.contains(&format!("damaged: {log}/segment-0000000001 offset ")), "{said}");
        let (code, said) = tampered(&format!("torn-{log}"), &|dir| {
            let last = segments(dir, log).pop().expect("a segment");
            let file = std::fs::OpenOptions::new().append(true).open(last).expect("opens");
            std::io::Write::write_all(&mut &file, &[90, 0, 0, 0, 1, 2, 3]).expect("write");
        });
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("{log}: 7 bytes of an unfinished write")), "{said}");
        let (code, said) = tampered(&format!("gone-{log}"), &|dir| {
            std::fs::remove_file(&segments(dir, log)[1]).expect("remove");
        });
        assert_eq!(code, Some(65), "{said}");
        assert!(said.contains("are missing before the next segment"), "{said}");
    }
    let (code, said) =
        tampered("first-facts", &|dir| std::fs::remove_file(&segments(dir, "facts")[0]).expect("remove"));
    assert_eq!(code, Some(65), "{said}");
    assert!(said.contains("facts 0 to "), "{said}");
    // The end of a log that is gone shows in what knows more than the rest of it.
    for log in ["inputs", "facts"] {
        let (code, said) = tampered(&format!("end-{log}"), &|dir| {
            std::fs::remove_file(segments(dir, log).pop().expect("a segment")).expect("remove");
        });
        assert_eq!(code, Some(65), "{log}: {said}");
    }
    let (code, said) = tampered("snapshot", &|dir| flip(&dir.join("inputs/snapshot-00007"), 40));
    assert_eq!(code, Some(65), "{said}");
    assert!(said.contains("damaged: inputs/snapshot-00007 offset 0: no whole snapshot"), "{said}");
    let (code, said) = tampered("versions", &|dir| std::fs::remove_dir_all(dir.join("versions")).expect("remove"));
    assert_eq!(code, Some(65), "{said}");

    assert_eq!(verify(own.path()).0, Some(65), "no logs there");
    maibo.start();
    let (code, said) = verify(&data);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains(&maibo.pid().expect("running").to_string()), "{said}");
}
