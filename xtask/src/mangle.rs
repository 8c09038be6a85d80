//! `cargo xtask mangle`: damages real stores at random, and checks what scrollback says about them,
//! in a release build.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use xtask::workspace_root;

/// The arguments of `cargo xtask mangle`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long to run; a fifth of the time is for runs of the program `scrollback`
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Run exactly this many iterations in one process, instead of a time
    #[arg(long)]
    iterations: Option<u64>,
    /// Run exactly this many iterations that start the program, instead of a time
    #[arg(long)]
    processes: Option<u64>,
    /// Damage files only
    #[arg(long, conflicts_with = "sqlite")]
    json: bool,
    /// Damage databases only
    #[arg(long)]
    sqlite: bool,
    /// The seed of the first iteration; the next one has the next number [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// Make only this change, of the several that a seed may give; the first is 0
    #[arg(long)]
    change: Option<usize>,
}

/// Runs the fault test in a release build. Failing inputs are saved in `target/mangle`.
///
/// # Errors
/// If a program cannot be built, or a fault is found.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut mangle = Command::new(built("scrollback-stress", "mangle")?);
    let binary = built("scrollback-cli", "scrollback")?;
    let save = binary.ancestors().nth(2).context("no target directory")?.join("mangle");
    mangle.arg("--binary").arg(&binary).arg("--save").arg(save);
    mangle.args(["--seconds", &args.seconds.to_string()]);
    let numbers = [
        ("--iterations", args.iterations),
        ("--processes", args.processes),
        ("--seed", args.seed),
        ("--change", args.change.map(|change| change as u64)),
    ];
    for (option, number) in numbers {
        if let Some(number) = number {
            mangle.args([option, &number.to_string()]);
        }
    }
    mangle.args(args.json.then_some("--json")).args(args.sqlite.then_some("--sqlite"));
    if !mangle.status()?.success() {
        bail!("a fault was found; read the output above");
    }
    Ok(())
}

/// Builds a program in release mode. Returns its path.
fn built(package: &str, name: &str) -> Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace_root()).args(["build", "--quiet", "--release"]);
    cargo.args(["--package", package, "--bin", name, "--message-format=json"]);
    let output = cargo.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{name} cannot be built");
    let messages = String::from_utf8(output.stdout)?;
    let messages = messages.lines().map(serde_json::from_str::<serde_json::Value>);
    let mut executables = messages
        .filter_map(Result::ok)
        .filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
    executables.next_back().with_context(|| format!("cargo reports no program {name}"))
}
