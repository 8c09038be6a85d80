//! The arguments of the program.

use std::path::PathBuf;

use clap::Parser;

/// Damages stores at random, and checks what scrollback says about them.
#[derive(Debug, Parser)]
#[command(name = "mangle")]
pub(crate) struct Args {
    /// How long to run; a fifth of the time is for whole processes, if there is a program
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Run exactly this many iterations in this process, instead of a time
    #[arg(long)]
    pub(crate) iterations: Option<u64>,
    /// Run exactly this many iterations as whole processes, instead of a time
    #[arg(long, requires = "binary")]
    pub(crate) processes: Option<u64>,
    /// Damage files only
    #[arg(long, conflicts_with = "sqlite")]
    pub(crate) json: bool,
    /// Damage databases only
    #[arg(long)]
    pub(crate) sqlite: bool,
    /// The seed of the first iteration; the next one has the next number [default: the time]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Make only this change, of the several that a seed may give; the first is 0
    #[arg(long)]
    pub(crate) change: Option<usize>,
    /// The program `scrollback`, for iterations as whole processes
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// Where to save failing inputs
    #[arg(long, default_value = "target/mangle")]
    pub(crate) save: PathBuf,
    /// Do not fail for faults that are known and not repaired yet
    #[arg(long)]
    pub(crate) allow_known: bool,
}
