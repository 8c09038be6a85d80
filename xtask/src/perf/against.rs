//! `cargo xtask perf --against REV`: runs the perf programs of two revisions in turns, task by
//! task.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xtask::workspace_root;

use super::compare::{Comparison, MAX_COST_RATIO, MAX_TIME_RATIO, header};
use super::cost::{self, Counter};
use super::program::Program;
use crate::tools::Toolbox;

/// The arguments of `cargo xtask perf --against REV`.
#[derive(Debug, clap::Parser)]
#[command(
    name = "cargo xtask perf",
    about = "Compares the library of this revision with another revision. Exit code 1: a task \
             takes over 3 % more time or over 2 % more instructions."
)]
pub(super) struct Args {
    /// The other revision: any name that git accepts
    #[arg(long, value_name = "REV")]
    against: String,
    /// The tasks to compare; by default all tasks except those of `watch`
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    /// How often each revision runs a task; the revisions take turns
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    pairs: u16,
    /// The seed of the generated stores
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Compare only times, not instructions
    #[arg(long)]
    no_counts: bool,
}

/// Compares two revisions, and prints a line for each task.
///
/// # Errors
/// If a program cannot be built or run, or a task got worse by more than the limit.
pub(super) fn run(args: &Args) -> Result<()> {
    let tools = Toolbox::new(false)?;
    let new = Program::build(&tools, workspace_root(), None)?;
    let old = Checkout::new(&tools, &args.against, &new.target()?)?;
    println!("old: {} {}", args.against, old.hash);
    let old_program = Program::build(&tools, &old.source, Some(&old.target))?;
    share_stores(&new, &old_program)?;

    let chosen = select_tasks(&args.tasks, &old_program.tasks()?, &new.tasks()?)?;
    let counter = if args.no_counts { None } else { Counter::find(&tools) };
    println!("{}", header());
    let mut worse = Vec::new();
    for task in chosen {
        match task {
            TaskSelection::Both(task) => {
                let comparison = compare(&task, &old_program, &new, args, counter)?;
                println!("{comparison}");
                if comparison.is_worse() {
                    worse.push(task);
                }
            }
            TaskSelection::OnlyOld(task) => println!("{task:<13} only in {}", args.against),
            TaskSelection::OnlyNew(task) => println!("{task:<13} only in this revision"),
            TaskSelection::Watch(task) => {
                println!("{task:<13} not compared: the library cannot run alone")
            }
        }
    }
    ensure!(
        worse.is_empty(),
        "over {:.0} % more time or {:.0} % more instructions: {}",
        (MAX_TIME_RATIO - 1.0) * 100.0,
        (MAX_COST_RATIO - 1.0) * 100.0,
        worse.join(", ")
    );
    Ok(())
}

/// What to do with a task.
#[derive(Debug, PartialEq, Eq)]
enum TaskSelection {
    Both(String),
    OnlyOld(String),
    OnlyNew(String),
    Watch(String),
}

/// Returns the named tasks, or all, in the order of the new revision.
fn select_tasks(named: &[String], old: &[String], new: &[String]) -> Result<Vec<TaskSelection>> {
    let only_old = old.iter().filter(|task| !new.contains(task));
    let all: Vec<&String> = new.iter().chain(only_old).collect();
    if let Some(unknown) = named.iter().find(|task| !all.contains(task)) {
        bail!("unknown task {unknown:?} in both revisions");
    }
    let wanted = all.into_iter().filter(|task| named.is_empty() || named.contains(task));
    Ok(wanted
        .map(|task| match (old.contains(task), new.contains(task)) {
            _ if task.starts_with("watch") => TaskSelection::Watch(task.clone()),
            (true, true) => TaskSelection::Both(task.clone()),
            (true, false) => TaskSelection::OnlyOld(task.clone()),
            (false, _) => TaskSelection::OnlyNew(task.clone()),
        })
        .collect())
}

fn compare(
    task: &str,
    old: &Program,
    new: &Program,
    args: &Args,
    counter: Option<Counter>,
) -> Result<Comparison> {
    let mut comparison = Comparison::new(task);
    for pair in 0..args.pairs {
        // Both revisions come first equally often, so that a drift of the machine's speed affects
        // both.
        if pair % 2 == 0 {
            let old = old.sample(task, args.seed)?;
            comparison.add(old, new.sample(task, args.seed)?);
        } else {
            let new = new.sample(task, args.seed)?;
            comparison.add(old.sample(task, args.seed)?, new);
        }
    }
    if let Some(counter) = counter {
        comparison.cost = cost::measure(counter, task, args.seed, old, new, &comparison)?;
    }
    Ok(comparison)
}

/// A checkout of another revision. It is removed when this value is dropped.
struct Checkout {
    hash: String,
    source: PathBuf,
    target: PathBuf,
    git: Git,
}

impl Checkout {
    /// Checks out a revision below the build directory of this revision.
    fn new(tools: &Toolbox, revision: &str, target: &Path) -> Result<Self> {
        let git = Git { path: tools.command("git")?.get_program().into() };
        let commit = format!("{revision}^{{commit}}");
        let hash = git.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        let hash = hash.with_context(|| format!("git knows no revision {revision:?}"))?;
        let home = target.join("against");
        let (source, target) = (home.join("source"), home.join("build"));
        fs::create_dir_all(&home)?;
        let checkout = Self { hash: hash.trim().to_owned(), source, target, git };
        checkout.remove(); // an interrupted run may have left a checkout
        let path = checkout.source.to_string_lossy().into_owned();
        checkout.git.run(&["worktree", "add", "--detach", "--force", &path, &checkout.hash])?;
        Ok(checkout)
    }

    fn remove(&self) {
        let path = self.source.to_string_lossy();
        let _ = self.git.run(&["worktree", "remove", "--force", &path]); // fails if nothing is left
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Runs git in this repository.
struct Git {
    path: PathBuf,
}

impl Git {
    /// Runs a git command, and returns its output.
    fn run(&self, args: &[&str]) -> Result<String> {
        let mut git = std::process::Command::new(&self.path);
        let output = git.current_dir(workspace_root()).args(args).output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "git {}: {}", args.join(" "), errors.trim());
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// Lets the old program use the stores of the new program, because the place of files on a disk
/// affects times.
#[cfg(unix)]
fn share_stores(new: &Program, old: &Program) -> Result<()> {
    let (kept, link) = (new.stores()?, old.stores()?);
    fs::create_dir_all(&kept)?;
    match fs::symlink_metadata(&link) {
        Ok(_) => Ok(()),
        Err(_) => Ok(std::os::unix::fs::symlink(kept, link)?),
    }
}

#[cfg(not(unix))]
fn share_stores(_: &Program, _: &Program) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn arguments_name_a_revision_and_tasks() {
        let parse =
            |line: &str| Args::try_parse_from(["perf"].into_iter().chain(line.split_whitespace()));
        let args = parse("tree --against main index --pairs 3").unwrap();
        assert_eq!((args.against.as_str(), args.pairs), ("main", 3));
        assert_eq!(args.tasks, ["tree", "index"]);
        assert!(!args.no_counts && parse("--against=x --no-counts").unwrap().no_counts);
        for bad in ["", "--against", "--against main --pairs 0", "--against main --json"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tasks_of_one_revision_are_reported() {
        let (old, new) = (strings(&["tree", "gone", "watch"]), strings(&["tree", "new", "watch"]));
        let [tree, gone, new_task, watch] = ["tree", "gone", "new", "watch"].map(str::to_owned);
        assert_eq!(
            select_tasks(&[], &old, &new).unwrap(),
            [
                TaskSelection::Both(tree.clone()),
                TaskSelection::OnlyNew(new_task),
                TaskSelection::Watch(watch),
                TaskSelection::OnlyOld(gone)
            ]
        );
        let named = strings(&["tree"]);
        assert_eq!(select_tasks(&named, &old, &new).unwrap(), [TaskSelection::Both(tree)]);
        assert!(select_tasks(&strings(&["none"]), &old, &new).is_err());
    }

    #[test]
    fn an_unknown_revision_is_an_error() {
        let tools = Toolbox::new(false).unwrap();
        if tools.command("git").is_err() {
            return; // a bare run has no git
        }
        let dir = tempfile::tempdir().unwrap();
        for bad in ["no-such-revision", "--help"] {
            let error = Checkout::new(&tools, bad, dir.path()).err().unwrap().to_string();
            assert_eq!(error, format!("git knows no revision {bad:?}"));
        }
    }
}
