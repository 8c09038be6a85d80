//! What a task costs besides time: instructions where they can be counted, or else time of the
//! processor outside the kernel.

use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};

use super::compare::{Comparison, Cost, Unit};
use super::program::Program;
use crate::tools::{Tool, Toolbox};

/// How costs are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counter {
    /// The processor's own counter, by `perf stat`.
    PerfStat,
    /// Valgrind, by the perf program itself; not of tasks that run a process each time.
    Valgrind,
    /// What the system says of the time of child processes, in hundredths of a second.
    UserTime,
}

/// How long the library runs at least for its user time, in microseconds.
const MIN_RUN_US: f64 = 1e6;
/// How often the user time of each revision is taken.
const TURNS: usize = 3;

impl Counter {
    /// Finds the most exact way of this machine; none if it has none.
    pub(super) fn find(tools: &Toolbox) -> Option<Self> {
        let nothing = ["true".to_owned()];
        if perf_stat(&nothing).is_some() {
            Some(Self::PerfStat)
        } else if tools.has(Tool::Valgrind) {
            Some(Self::Valgrind)
        } else {
            user_ticks().map(|_| Self::UserTime)
        }
    }
}

/// Measures what a task costs in both revisions; nothing if that is not possible.
pub(super) fn measure(
    counter: Counter,
    task: &str,
    seed: u64,
    old: &Program,
    new: &Program,
    times: &Comparison,
) -> Result<Option<Cost>> {
    let counted = match counter {
        Counter::PerfStat => {
            // The difference is that of ten runs: what starting costs is in both.
            let count = |program: &Program| {
                let more = perf_stat(&program.isolated_command(task, seed, 12))?;
                Some((more - perf_stat(&program.isolated_command(task, seed, 2))?) / 10.0)
            };
            count(old).zip(count(new))
        }
        Counter::Valgrind => {
            let old = old.instructions(task, seed)?;
            old.zip(if old.is_some() { new.instructions(task, seed)? } else { None })
        }
        Counter::UserTime => None,
    };
    if let Some((old, new)) = counted {
        return Ok(Some(Cost { unit: Unit::Instructions, old, new }));
    }
    user_time(task, seed, old, new, times)
}

/// The instructions of a command outside the kernel, and of what it starts.
fn perf_stat(command: &[String]) -> Option<f64> {
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x,", "-e", "instructions:u", "--"]).args(command);
    let output = perf.stdout(Stdio::null()).output().ok()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = errors.lines().find(|line| line.contains("instructions"))?;
    line.split(',').next()?.parse().ok().filter(|_| output.status.success())
}

/// Takes the user times of both in turns, what starting costs left out.
fn user_time(
    task: &str,
    seed: u64,
    old: &Program,
    new: &Program,
    times: &Comparison,
) -> Result<Option<Cost>> {
    if user_ticks().is_none() {
        return Ok(None);
    }
    let runs = (MIN_RUN_US / times.old_us()).ceil().max(1.0) as u32;
    let mut spent = [0, 0];
    for _ in 0..TURNS {
        for (program, spent) in [old, new].into_iter().zip(&mut spent) {
            let long = ticks_of(&program.isolated_command(task, seed, runs))?;
            *spent += long.saturating_sub(ticks_of(&program.isolated_command(task, seed, 0))?);
        }
    }
    let [old, new] = spent.map(|ticks| ticks as f64);
    Ok((old > 0.0).then_some(Cost { unit: Unit::UserTime, old, new }))
}

/// Runs a command, and returns the user time of it and of what it waited for.
fn ticks_of(command: &[String]) -> Result<u64> {
    let Some((program, args)) = command.split_first() else { bail!("no command") };
    let before = user_ticks().unwrap_or_default();
    let status = Command::new(program).args(args).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{command:?} ends with {status}");
    Ok(user_ticks().unwrap_or_default().saturating_sub(before))
}

/// The user time of all children that were waited for, in the system's ticks.
#[expect(clippy::disallowed_methods, reason = "the system's word on this process")]
fn user_ticks() -> Option<u64> {
    ticks(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Takes that time from a line of `/proc/PID/stat`: the 16th field, counted behind the name.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(13)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_read_from_the_systems_line() {
        let line = "7 (a) b) S 1 7 7 0 -1 4194304 100 200 0 0 11 12 13 14 20 0 1 0";
        assert_eq!(ticks(line), Some(13));
        assert_eq!(ticks("7 (a) S 1"), None);
        assert_eq!(ticks(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_time_of_a_child_is_counted() {
        let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let busy = ["sh", "-c", script].map(str::to_owned);
        assert!(ticks_of(&busy).unwrap() > 0);
        assert!(ticks_of(&["false".to_owned()]).is_err());
    }
}
