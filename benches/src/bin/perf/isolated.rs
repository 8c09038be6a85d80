//! Measures a contestant alone in its own process: the memory that it needs, and the instructions
//! that it executes. Instruction counts repeat exactly, unlike times.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use scrollback_benches::{Store, Task};
use serde::Serialize;

/// The cost of one contestant besides time.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct IsolatedCost {
    /// User-mode instructions of one run, if valgrind is installed.
    pub(crate) instructions: Option<u64>,
    /// The peak of resident memory in one run, above the memory before that run, in kB, if the
    /// system reports it. What an allocator keeps over many runs is not measured: it varies widely.
    pub(crate) peak_kb: Option<u64>,
}

/// Runs a contestant, and prints how much the peak memory of the process grew, in kB.
pub(crate) fn run(task: &Task, seed: u64, contestant: &str, runs: u32) -> Result<()> {
    let store = Store::open(task.size, task.format, seed)?;
    let mut contestants = (task.contestants)(&store)?;
    let this = contestants.iter_mut().find(|this| this.name() == contestant);
    let this = this.with_context(|| format!("unknown contestant {contestant:?}"))?;
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

/// Measures a contestant in a child process.
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
        bail!("{contestant} fails in its own process");
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
    // The difference to a run with ten more runs removes the cost of the start and of growing the
    // buffers.
    let instructions = match counts {
        true => count(12).zip(count(2)).map(|(more, less)| more.saturating_sub(less) / 10),
        false => None,
    };
    Ok(IsolatedCost { instructions, peak_kb })
}

/// Resets the peak memory of this process to the current value, so that preparation does not count.
/// On a system without that reset, the peak includes the preparation.
#[expect(clippy::disallowed_methods, reason = "a file of /proc is not a store")]
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Returns a memory figure of this process, in kB.
#[expect(clippy::disallowed_methods, reason = "a file of /proc is not a store")]
fn memory_kb(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
