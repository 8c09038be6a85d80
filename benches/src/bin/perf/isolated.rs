//! A contestant alone in a process of its own: what it keeps in memory, and how many instructions
//! it executes. The latter repeat exactly where times do not.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use scrollback_benches::{Store, Task};
use serde::Serialize;

/// What one contestant costs besides time.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct IsolatedCost {
    /// Instructions of a run outside the kernel, where valgrind is there.
    pub(crate) instructions: Option<u64>,
    /// The most memory that was resident in one run above what was before it, in kB, where the system
    /// tells. (What allocators keep between many runs is another thing, and varies widely.)
    pub(crate) peak_kb: Option<u64>,
}

/// Runs a contestant and prints the growth of its process in kB.
pub(crate) fn run(task: &Task, seed: u64, contestant: &str, runs: u32) -> Result<()> {
    let store = Store::open(task.size, task.format, seed)?;
    let mut contestants = (task.contestants)(&store)?;
    let this = contestants.iter_mut().find(|this| this.name() == contestant);
    let this = this.with_context(|| format!("no contestant {contestant:?}"))?;
    reset_peak();
    let before = memory_kb("VmRSS:");
    for _ in 0..runs {
        this.run()?;
    }
    if let (Some(before), Some(peak)) = (before, memory_kb("VmHWM:")) {
        println!("{}", peak.saturating_sub(before));
    }
    Ok(())
}

/// Measures a contestant from outside.
pub(crate) fn measure(
    task: &Task,
    seed: u64,
    contestant: &'static str,
    counts: bool,
) -> Result<IsolatedCost> {
    let itself = std::env::current_exe()?;
    let arguments = |runs: u32| {
        let seed = seed.to_string();
        [task.id, "--seed", &seed, "--alone", contestant, &runs.to_string()].map(str::to_owned)
    };
    let output = Command::new(&itself).args(arguments(1)).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("{contestant} fails alone");
    }
    let peak_kb = String::from_utf8_lossy(&output.stdout).trim().parse().ok();

    let count = |runs: u32| -> Option<u64> {
        let valgrind = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(&itself)
            .args(arguments(runs))
            .output();
        let errors = valgrind.ok().filter(|output| output.status.success())?.stderr;
        let errors = String::from_utf8_lossy(&errors).into_owned();
        let collected = errors.lines().find_map(|line| line.split_once("Collected :"))?.1;
        collected.trim().parse().ok()
    };
    // The difference is that of ten runs: what starting costs, and growing the buffers, is in both.
    let instructions = match counts {
        true => count(12).zip(count(2)).map(|(more, less)| more.saturating_sub(less) / 10),
        false => None,
    };
    Ok(IsolatedCost { instructions, peak_kb })
}

/// Makes the peak of this process what it has now: what was prepared does not count. Where the
/// system does not know how, the peak is the whole one.
#[expect(clippy::disallowed_methods, reason = "a word to the system on this process")]
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// A figure of this process in kB.
#[expect(clippy::disallowed_methods, reason = "the system's word on this process")]
fn memory_kb(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
