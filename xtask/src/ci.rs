//! The gate: each step announced and timed, stopping at the first that fails.
//!
//! All steps share one target directory and one set of compiler flags, so that nothing is
//! compiled twice for their sake.

use std::fmt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tools::{Tool, Toolbox};

/// What `cargo xtask ci` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Hide every optional tool: nothing but the Rust toolchain, a C compiler and a shell
    #[arg(long)]
    bare: bool,
}

/// One step of the gate.
struct Step {
    name: &'static str,
    /// What to do when it fails.
    fix: &'static str,
    run: fn(&Toolbox) -> Result<Outcome>,
}

enum Outcome {
    Ok,
    Skipped(&'static str),
}

/// The gate, the quickest to fail first.
const STEPS: &[Step] = &[
    Step {
        name: "format",
        fix: "run `cargo fmt --all`",
        run: |tools| cargo(tools, &["fmt", "--all", "--check"]),
    },
    Step {
        name: "clippy",
        fix: "mend what clippy names, or expect it with a reason: #[expect(lint, reason = \"…\")]",
        run: |tools| {
            cargo(tools, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
        },
    },
    Step {
        name: "tests",
        fix: "run the failed test alone: `cargo test -p PACKAGE NAME`",
        run: |tools| {
            if tools.has(Tool::Nextest) {
                return cargo(tools, &["nextest", "run", "--workspace"]);
            }
            cargo(tools, &["test", "--workspace", "--lib", "--bins", "--tests"])
        },
    },
    Step {
        name: "doctests",
        fix: "mend the example that failed: it is a test too",
        run: |tools| cargo(tools, &["test", "--workspace", "--doc"]),
    },
    Step {
        name: "docs",
        fix: "mend the links and comments that rustdoc names",
        run: |tools| {
            let mut doc = tools.command("cargo")?;
            doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
            succeed(doc)
        },
    },
    Step {
        name: "licences",
        fix: "choose another dependency, or allow it with a reason in deny.toml",
        run: |tools| {
            if !tools.has(Tool::Deny) {
                return Ok(Outcome::Skipped("no cargo-deny; the tests have checked the licences"));
            }
            cargo(tools, &["deny", "--offline", "check", "licenses", "bans", "sources"])
        },
    },
];

/// Runs the gate.
pub(crate) fn run(args: &Args) -> Result<()> {
    let tools = Toolbox::new(args.bare)?;
    for tool in Tool::ALL.into_iter().filter(|tool| !tools.has(*tool)) {
        let why = if tools.is_bare() { "hidden" } else { "not on PATH" };
        println!("skip {} ({why}): {}", tool.program(), tool.without());
    }
    let mut report = Report::default();
    for step in STEPS {
        println!("\n== {} ==", step.name);
        let start = Instant::now();
        let outcome = (step.run)(&tools);
        report.push(step.name, start.elapsed(), &outcome);
        if let Err(error) = outcome {
            println!("\n{report}");
            return Err(error).context(format!("{} failed; {}", step.name, step.fix));
        }
    }
    println!("\n{report}");
    Ok(())
}

fn cargo(tools: &Toolbox, args: &[&str]) -> Result<Outcome> {
    let mut command = tools.command("cargo")?;
    command.args(args);
    succeed(command)
}

/// Runs a command, with its output as ours.
fn succeed(mut command: Command) -> Result<Outcome> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(Outcome::Ok)
}

/// What became of the steps so far.
#[derive(Default)]
struct Report {
    rows: Vec<(&'static str, Duration, String)>,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Report {
    fn push(&mut self, name: &'static str, took: Duration, outcome: &Result<Outcome>) {
        let verdict = match outcome {
            Ok(Outcome::Ok) => {
                self.passed += 1;
                "ok".to_owned()
            }
            Ok(Outcome::Skipped(why)) => {
                self.skipped += 1;
                format!("skipped: {why}")
            }
            Err(_) => {
                self.failed += 1;
                "FAILED".to_owned()
            }
        };
        self.rows.push((name, took, verdict));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, took, verdict) in &self.rows {
            writeln!(f, "{name:<12} {:>7.1} s  {verdict}", took.as_secs_f64())?;
        }
        write!(f, "steps: {} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}
