//! What the tests need on this machine. In CI what is missing is installed; elsewhere it is named, with the command.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// One need.
struct Need {
    /// For a person.
    name: &'static str,
    /// Whether it is there.
    there: fn() -> bool,
    /// How to get it on Debian.
    install: &'static [&'static str],
}

const NEEDS: [Need; 15] = [
    Need {
        name: "Node.js >= 20.19 with npm (https://nodejs.org, or your distribution)",
        there: node,
        install: &["apt-get", "install", "-y", "-qq", "nodejs", "npm"],
    },
    Need {
        name: "make (builds the allocator)",
        there: || on_path("make"),
        install: &["apt-get", "install", "-y", "-qq", "make"],
    },
    Need {
        name: "mosquitto and its clients (the broker the tests run against)",
        there: || on_path("mosquitto_pub") && (on_path("mosquitto") || Path::new("/usr/sbin/mosquitto").exists()),
        install: &["apt-get", "install", "-y", "-qq", "mosquitto", "mosquitto-clients"],
    },
    Need {
        name: "python3-aiosmtpd (the mail server that mail is tested against)",
        there: || quiet("/usr/bin/python3", &["-c", "import aiosmtpd"]),
        install: &["apt-get", "install", "-y", "-qq", "python3-aiosmtpd"],
    },
    Need {
        name: "openssl (certificates of that mail server)",
        there: || on_path("openssl"),
        install: &["apt-get", "install", "-y", "-qq", "openssl"],
    },
    Need {
        name: "victoria-metrics (the server that the long-term sink is tested against)",
        there: || on_path("victoria-metrics"),
        install: &["apt-get", "install", "-y", "-qq", "victoria-metrics"],
    },
    Need {
        name: "prometheus (the server whose alerts are taken in)",
        there: || on_path("prometheus"),
        install: &["apt-get", "install", "-y", "-qq", "--no-install-recommends", "prometheus"],
    },
    Need {
        name: "prometheus-alertmanager with amtool (what webhooks and lists of alerts are held against)",
        there: || on_path("prometheus-alertmanager") && on_path("amtool"),
        install: &["apt-get", "install", "-y", "-qq", "--no-install-recommends", "prometheus-alertmanager"],
    },
    Need {
        name: "strace (disks that fail and are slow)",
        there: || on_path("strace"),
        install: &["apt-get", "install", "-y", "-qq", "strace"],
    },
    Need {
        name: "xmllint (CAP against the standard's schema)",
        there: || on_path("xmllint"),
        install: &["apt-get", "install", "-y", "-qq", "libxml2-utils"],
    },
    Need {
        name: "libfaketime (clocks that jump)",
        there: || faketime().is_some(),
        install: &["apt-get", "install", "-y", "-qq", "libfaketime"],
    },
    Need {
        name: "chromium (the browser test)",
        there: || Path::new("/usr/bin/chromium").exists(),
        install: &["apt-get", "install", "-y", "-qq", "chromium"],
    },
    Need {
        name: "fonts-noto-cjk (Chinese in the browser test's pictures)",
        there: || Path::new("/usr/share/fonts/opentype/noto").exists(),
        install: &["apt-get", "install", "-y", "-qq", "fonts-noto-cjk"],
    },
    Need {
        name: "cargo-nextest (runs the Rust tests)",
        there: || quiet("cargo", &["nextest", "--version"]),
        install: &["cargo", "install", "--locked", "cargo-nextest"],
    },
    Need {
        name: "cargo-deny (licences, bans, sources)",
        there: || quiet("cargo", &["deny", "--version"]),
        install: &["cargo", "install", "--locked", "cargo-deny"],
    },
];

/// Where Debian and its like keep the library that bends a process's clock.
fn faketime() -> Option<std::path::PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    let library = |folder: std::fs::DirEntry| folder.path().join("faketime/libfaketime.so.1");
    folders.flatten().map(library).find(|path| path.exists())
}

/// Whether this run is CI: there everything is installed and nothing skipped.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|v| v == "true" || v == "1")
}

/// Installs what is missing in CI; elsewhere says what is missing and how to get it.
pub(crate) fn provide() -> anyhow::Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|n| !(n.there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !in_ci() {
        for need in &missing {
            eprintln!("missing: {}\n         {}", need.name, need.install.join(" "));
        }
        bail!("install what is missing (as root where it says apt-get) and run again");
    }
    keep_services_from_starting();
    if missing.iter().any(|n| n.install[0] == "apt-get") {
        run("apt-get", &["update", "-qq"]).context("apt-get update")?;
    }
    for need in missing {
        println!("installing {}", need.name);
        let (program, arguments) = (need.install[0], &need.install[1..]);
        // A first try can end in a passing dpkg or network error.
        if run(program, arguments).is_err() {
            run(program, arguments).with_context(|| format!("install {}", need.name))?;
        }
        if !(need.there)() {
            bail!("{} is still missing after its installation", need.name);
        }
    }
    Ok(())
}

/// Whether the recorded data are there that some tests replay; without them those tests do nothing and pass.
pub(crate) fn recordings() -> bool {
    std::env::var_os("MAIBO_FIXTURES").is_some_and(|folder| Path::new(&folder).is_dir())
}

/// Says what is there and what is not.
pub(crate) fn report() {
    let there = if recordings() { "there  " } else { "MISSING" };
    println!(
        "{there} recorded data, in the folder that MAIBO_FIXTURES names (tests that replay them do nothing without)"
    );
    for need in &NEEDS {
        let there = (need.there)();
        println!("{} {}", if there { "there  " } else { "MISSING" }, need.name);
        if !there {
            println!("        {}", need.install.join(" "));
        }
    }
}

fn node() -> bool {
    let Ok(out) = Command::new("node").arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&out.stdout);
    let mut parts = text.trim().trim_start_matches('v').split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    version >= (20, 19) && quiet("npm", &["--version"])
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|p| std::env::split_paths(&p).any(|d| d.join(program).exists()))
}

/// The tests start their own broker and servers; installed ones must not take the ports.
fn keep_services_from_starting() {
    use std::os::unix::fs::PermissionsExt;
    let policy = Path::new("/usr/sbin/policy-rc.d");
    if !policy.exists() && std::fs::write(policy, "#!/bin/sh\nexit 101\n").is_ok() {
        let _ = std::fs::set_permissions(policy, std::fs::Permissions::from_mode(0o755));
    }
}

fn quiet(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|s| s.success())
}

fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(program).args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status()?;
    if status.success() { Ok(()) } else { bail!("{program} ended with {status}") }
}
