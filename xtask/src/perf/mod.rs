//! `cargo xtask perf`: runs contestants in turns and judges their ratios. With `--against REV`,
//! runs this revision and another one in turns.
//!
//! The tasks and limits are in the package `benches`; this module builds and starts its program.

mod against;
mod compare;
mod cost;
mod program;

use anyhow::{Result, bail};
use clap::Parser as _;

use crate::tools::Toolbox;

/// The arguments of `cargo xtask perf`. The perf program parses and explains them.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Tasks and options; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if is_against(&args.args) {
        let name = "cargo xtask perf".to_owned();
        return against::run(&against::Args::parse_from([name].iter().chain(&args.args)));
    }
    let tools = Toolbox::new(false)?;
    let mut perf = tools.command("cargo")?;
    perf.args(["run", "--quiet", "--release", "--package", "scrollback-benches", "--bin", "perf"]);
    let status = perf.arg("--").args(&args.args).status()?;
    match status.code() {
        Some(0) => Ok(()),
        // The perf program has already explained wrong arguments.
        Some(2) => std::process::exit(2),
        _ => bail!("a limit was exceeded, or a task failed; read the report above"),
    }
}

/// Checks whether the arguments name another revision.
fn is_against(args: &[String]) -> bool {
    args.iter().any(|arg| arg == "--against" || arg.starts_with("--against="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_against_is_recognised() {
        let has_option = |line: &str| {
            is_against(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        assert!(has_option("--against HEAD~1") && has_option("tree --against=main index"));
        assert!(!has_option("tree --seed 2") && !has_option("against"));
    }
}
