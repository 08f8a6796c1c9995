//! What a process costs, as the operating system counts it.

use std::process::Command;

use anyhow::{Context, bail};

/// User and system seconds of a process so far: fields 14 and 15 of `/proc/PID/stat`, in hundredths.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("read the process's account")?;
    // The command name in parentheses may hold spaces; fields are counted behind it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields.get(11..13).into_iter().flatten().filter_map(|f| f.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / 100.0)
}

/// Resident memory in MB.
pub(crate) fn resident_mb(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "VmRSS:")
}

/// The most resident memory so far, in MB.
pub(crate) fn peak_mb(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, field: &'static str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("read the process's status")?;
    let line = status.lines().find_map(|l| l.strip_prefix(field)).context(field)?;
    // The kernel's kB are 1,024 bytes.
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().context(field)?;
    Ok(kib * 1024.0 / 1e6)
}

/// Keeps all threads of a process on one core.
pub(crate) fn pin(pid: u32, core: usize) -> anyhow::Result<()> {
    taskset(&["-a", "-c", "-p", &core.to_string(), &pid.to_string()])
}

/// Keeps this thread, and those it starts, on one core.
pub(crate) fn pin_this_thread(core: usize) -> anyhow::Result<()> {
    let thread = std::fs::read_link("/proc/thread-self").context("which thread this is")?;
    let number = thread.file_name().and_then(|n| n.to_str()).context("its number")?;
    taskset(&["-c", "-p", &core.to_string(), number])
}

fn taskset(arguments: &[&str]) -> anyhow::Result<()> {
    let out = Command::new("taskset").args(arguments).output().context("taskset (of util-linux)")?;
    if !out.status.success() {
        bail!("taskset: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(())
}
