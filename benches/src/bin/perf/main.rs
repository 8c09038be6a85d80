//! `cargo xtask perf`: runs the contestants of a task in turns and judges the ratios.
//!
//! Exit codes: 0 all limits hold, 1 a limit was exceeded or a task failed, 2 wrong arguments.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints its report")]

mod isolated;
mod report;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};
use scrollback_benches::{
    RoundOptions, Size, Store, StoreFormat, TASKS, Task, Verdict, Work, alternate, check_agreement,
};

use self::isolated::IsolatedCost;
use self::report::Report;

/// Runs the library, a hand-written floor and a naive program in turns, and judges the ratios
#[derive(Parser)]
#[command(name = "cargo xtask perf", bin_name = "cargo xtask perf", after_help = tasks())]
struct Args {
    /// The tasks to run; by default all
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    /// The number of rounds. In each round every contestant has one turn; the median of the rounds'
    /// ratios is judged
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(7..))]
    rounds: u16,
    /// The least length of a turn, in milliseconds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    turn: u16,
    /// The seed of the generated store
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Do not count instructions with valgrind
    #[arg(long)]
    no_counts: bool,
    /// Print one JSON object for each task, one per line
    #[arg(long)]
    json: bool,
    /// Run one contestant alone, this many times; used to measure it from another process
    #[arg(long, hide = true, value_names = ["CONTESTANT", "RUNS"], num_args = 2)]
    alone: Option<Vec<String>>,
}

fn tasks() -> String {
    let all = TASKS.iter().map(|task| (task.id, task.description)).chain(watch::TASKS);
    let mut text = all.fold(String::from("Tasks:"), |mut all, (id, description)| {
        all.push_str(&format!("\n  {id:<13} {description}"));
        all
    });
    text.push_str(
        "\n\n`cargo xtask perf --against REV` compares with another revision; add `--help` for its options.",
    );
    text
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(Verdict::Fail) => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("perf: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the tasks with these ids, or all tasks; exits with an error for an unknown id.
fn selected_tasks(ids: &[String]) -> Vec<&'static Task> {
    if ids.is_empty() {
        return TASKS.iter().collect();
    }
    let find = |id: &String| TASKS.iter().find(|task| task.id == id);
    ids.iter()
        .map(|id| match find(id) {
            Some(task) => task,
            None => Args::command()
                .error(ErrorKind::InvalidValue, format!("unknown task {id:?}\n\n{}", tasks()))
                .exit(),
        })
        .collect()
}

/// Runs the tasks and returns the worst verdict.
fn run(args: &Args) -> Result<Verdict> {
    let is_watch_task = |id: &String| watch::TASKS.iter().any(|(task, _)| task == id);
    let (mut watch_ids, ids): (Vec<_>, Vec<_>) =
        args.tasks.iter().cloned().partition(is_watch_task);
    let is_all = args.tasks.is_empty();
    if is_all {
        watch_ids.push("watch".to_owned());
    }
    let chosen = if is_all || !ids.is_empty() { selected_tasks(&ids) } else { Vec::new() };
    if let Some(alone) = &args.alone {
        let [contestant, runs] = &alone[..] else {
            bail!("`--alone` needs a contestant and a number")
        };
        return isolated::run(chosen[0], args.seed, contestant, runs.parse()?)
            .map(|()| Verdict::Pass);
    }
    let mut worst = Verdict::Stretch;
    for task in chosen {
        let report = measure(task, args)?;
        match args.json {
            true => println!("{}", serde_json::to_string(&report)?),
            false => print!("{report}"),
        }
        worst = worst.min(report.verdict());
    }
    for id in watch_ids {
        worst = worst.min(watch::run(&id, args.seed, args.json)?);
    }
    Ok(worst)
}

fn measure(task: &'static Task, args: &Args) -> Result<Report> {
    let store = Store::open(task.size, task.format, args.seed)?;
    let mut contestants = (task.contestants)(&store)?;
    let checksum = check_agreement(&mut contestants)?;
    let options = RoundOptions {
        rounds: usize::from(args.rounds),
        turn: Duration::from_millis(args.turn.into()),
    };
    let timings = alternate(&mut contestants, &checksum, &options)?;
    let outside = timings
        .iter()
        .map(|timing| match task.work {
            // The contestant is another process, so figures of this process say nothing about it.
            Work::Process => Ok(IsolatedCost::default()),
            _ => isolated::measure(task, args.seed, timing.name, !args.no_counts),
        })
        .collect::<Result<Vec<_>>>()?;
    let size = if task.size == Size::S { "S" } else { "M" };
    let form = if task.format == StoreFormat::Database { ", a database" } else { "" };
    let store = format!("{size}{form}, seed {}", args.seed);
    let mut remarks = Vec::new();
    for contestant in &mut contestants {
        let remark = contestant.remark()?;
        remarks.extend(remark.map(|remark| format!("{}: {remark}", contestant.name())));
    }
    let mut report = Report::new(task, store, options, &checksum, &timings, outside);
    report.remarks = remarks;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo xtask perf --against` reads the ids from the help text: each task must be one line.
    #[test]
    fn task_lines_do_not_wrap() {
        for line in tasks().lines().filter(|line| line.starts_with("  ")) {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}
