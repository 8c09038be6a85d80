//! Builds the perf program of a revision, lists its tasks, and runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::compare::Sample;
use crate::tools::Toolbox;

/// The fewest rounds that the program accepts: more samples are better than longer samples.
const ROUNDS: &str = "7";

/// A built perf program.
pub(super) struct Program {
    path: PathBuf,
}

impl Program {
    /// Builds the program of a source tree, in the target directory `target` if there is one.
    pub(super) fn build(tools: &Toolbox, source: &Path, target: Option<&Path>) -> Result<Self> {
        let mut cargo = tools.command("cargo")?;
        cargo.current_dir(source).args(["build", "--release", "--message-format=json"]);
        cargo.args(["--package", "scrollback-benches", "--bin", "perf"]);
        if let Some(target) = target {
            cargo.arg("--target-dir").arg(target);
        }
        let output = cargo.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{} cannot be built", source.display());
        let messages = String::from_utf8(output.stdout)?;
        let path = executable(&messages).context("cargo reports no program")?;
        Ok(Self { path })
    }

    /// Returns cargo's target directory.
    pub(super) fn target(&self) -> Result<PathBuf> {
        let target = self.path.ancestors().nth(2);
        Ok(target.context("the program has no target directory")?.to_owned())
    }

    /// Returns the directory of the stores that the program measures on.
    pub(super) fn stores(&self) -> Result<PathBuf> {
        let home = self.path.parent().context("the program has no parent directory")?;
        Ok(home.join("perf-stores"))
    }

    /// Returns the ids of the program's tasks.
    pub(super) fn tasks(&self) -> Result<Vec<String>> {
        let output = Command::new(&self.path).arg("--help").output()?;
        Ok(tasks(&String::from_utf8(output.stdout)?))
    }

    /// Runs a task once, and returns the result of the library.
    pub(super) fn sample(&self, task: &str, seed: u64) -> Result<Sample> {
        let mut perf = Command::new(&self.path);
        perf.arg(task).args(["--seed", &seed.to_string(), "--rounds", ROUNDS, "--no-counts"]);
        sample(&report(perf)?).with_context(|| format!("{task} reports no library"))
    }

    /// Returns the instructions of one run of a task, if the program can count them.
    pub(super) fn instructions(&self, task: &str, seed: u64) -> Result<Option<f64>> {
        let mut perf = Command::new(&self.path);
        let seed = seed.to_string();
        perf.arg(task).args(["--seed", &seed, "--rounds", ROUNDS, "--turn", "1"]);
        let report = report(perf)?;
        Ok(library_entry(&report).and_then(|library| library["instructions"].as_f64()))
    }

    /// Returns the command that runs the library alone.
    pub(super) fn isolated_command(&self, task: &str, seed: u64, runs: u32) -> Vec<String> {
        let program = self.path.to_string_lossy().into_owned();
        let (seed, runs) = (seed.to_string(), runs.to_string());
        let words = [task, "--seed", &seed, "--alone", "library", &runs];
        [program].into_iter().chain(words.map(str::to_owned)).collect()
    }
}

/// Runs a task, and returns the report. The exit code is ignored: it only says whether a limit was
/// exceeded.
fn report(mut perf: Command) -> Result<Value> {
    let output = perf.arg("--json").stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    match serde_json::from_str(text.trim()) {
        Ok(report) => Ok(report),
        Err(_) => bail!("{perf:?} ends with {} and reports nothing", output.status),
    }
}

fn library_entry(report: &Value) -> Option<&Value> {
    report["contestants"].as_array()?.iter().find(|it| it["name"] == "library")
}

/// Returns the time of the library from a report, and its ratio to another contestant.
fn sample(report: &Value) -> Option<Sample> {
    let time_us = library_entry(report)?["median_us"].as_f64()?;
    let ratios = report["ratios"].as_array();
    let ratio = ratios.and_then(|all| all.iter().find(|it| it["of"] == "library"));
    Some(Sample { time_us, relative: ratio.and_then(|it| it["median"].as_f64()) })
}

/// Finds the path of the program in cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = messages.filter(|it| it["target"]["name"] == "perf");
    programs.find_map(|it| Some(PathBuf::from(it["executable"].as_str()?)))
}

/// Finds the task ids in the help text of the program.
fn tasks(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| !line.starts_with("Tasks:")).skip(1);
    let words = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_gives_the_time_of_the_library() {
        let floor = json!({ "name": "floor", "median_us": 5.0 });
        let library = json!({ "name": "library", "median_us": 6.0, "instructions": null });
        let ratio = json!({ "of": "library", "over": "floor", "median": 1.25 });
        let report = json!({ "contestants": [floor, library], "ratios": [ratio] });
        let result = sample(&report).unwrap();
        assert_eq!((result.time_us, result.relative), (6.0, Some(1.25)));
        let report = json!({ "contestants": [library], "ratios": [] });
        assert_eq!(sample(&report).unwrap().relative, None);
        assert!(sample(&json!({ "contestants": [floor] })).is_none());
    }

    #[test]
    fn tasks_are_read_from_the_help() {
        let help = "Usage: x\n\n  --rounds  y\n\nTasks:\n  tree          one session\n  ls            \
                    `ls`\n                a line that goes on\n";
        assert_eq!(tasks(help), ["tree", "ls"]);
        assert!(tasks("Usage").is_empty());
    }

    #[test]
    fn cargo_names_the_program() {
        let messages = "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"lib\"},\"executable\":null}\n\
             {\"target\":{\"name\":\"perf\"},\"executable\":\"/t/release/perf\"}\nno json\n";
        assert_eq!(executable(messages), Some("/t/release/perf".into()));
        assert_eq!(executable(""), None);
    }
}
