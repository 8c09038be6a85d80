//! `cargo xtask perf`: contestants in turns, and a verdict on their ratios.
//!
//! What is measured, and the limits, are in `benches`; this builds it as it is to be measured.

use anyhow::{Result, bail};

use crate::tools::Toolbox;

/// What `cargo xtask perf` takes: the program behind it knows, and explains with `--help`.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// A task and options; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let tools = Toolbox::new(false)?;
    let mut perf = tools.command("cargo")?;
    perf.args(["run", "--quiet", "--release", "--package", "scrollback-benches", "--bin", "perf"]);
    let status = perf.arg("--").args(&args.args).status()?;
    match status.code() {
        Some(0) => Ok(()),
        // Bad use has been explained already.
        Some(2) => std::process::exit(2),
        _ => bail!("a limit was not kept, or a task could not be run"),
    }
}
