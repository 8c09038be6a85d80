//! Measures what a task costs besides wall time: instructions if they can be counted, else user
//! time.

use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};

use super::compare::{Comparison, Cost, Unit};
use super::program::Program;
use crate::tools::{Tool, Toolbox};

/// A way to measure costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counter {
    /// The hardware counter, read by `perf stat`.
    PerfStat,
    /// Valgrind, run by the perf program itself. It cannot count tasks that start a process for
    /// each run.
    Valgrind,
    /// The user time of child processes as the system reports it, in hundredths of a second.
    UserTime,
}

/// The least time that the library runs for a user time measurement, in microseconds.
const MIN_RUN_US: f64 = 1e6;
/// How often the user time of each revision is measured.
const TURNS: usize = 3;

impl Counter {
    /// Returns the most exact way that this machine supports; `None` if it supports no way.
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

/// Measures the cost of a task in both revisions; `None` if that is not possible.
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
            // The difference to a run with ten more runs removes the cost of starting the program.
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

/// Returns the user-mode instructions of a command and its children.
fn perf_stat(command: &[String]) -> Option<f64> {
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x,", "-e", "instructions:u", "--"]).args(command);
    let output = perf.stdout(Stdio::null()).output().ok()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = errors.lines().find(|line| line.contains("instructions"))?;
    line.split(',').next()?.parse().ok().filter(|_| output.status.success())
}

/// Measures the user times of both revisions in turns, without the cost of starting the programs.
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

/// Runs a command, and returns its user time and that of its children, in ticks.
fn ticks_of(command: &[String]) -> Result<u64> {
    let Some((program, args)) = command.split_first() else { bail!("the command is empty") };
    let before = user_ticks().unwrap_or_default();
    let status = Command::new(program).args(args).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{command:?} ends with {status}");
    Ok(user_ticks().unwrap_or_default().saturating_sub(before))
}

/// Returns the user time of all finished children of this process, in ticks.
#[expect(clippy::disallowed_methods, reason = "a file of /proc is not a store")]
fn user_ticks() -> Option<u64> {
    ticks(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Parses the user time of finished children from a line of `/proc/PID/stat`: the 16th field, counted after the name.
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
