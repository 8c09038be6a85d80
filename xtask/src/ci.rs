//! The gate: runs each step, times it, and stops at the first failure.
//!
//! All steps share one target directory and one set of compiler flags, so nothing is compiled
//! twice.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fmt, fs};

use anyhow::{Context, Result, anyhow, bail};
use tempfile::NamedTempFile;

use crate::tools::{Tool, Toolbox};

/// The environment variable that names the file to which tests append what they skip.
const SKIPS_VAR: &str = "SCROLLBACK_SKIPS";

/// The arguments of `cargo xtask ci`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Hide every optional tool; only the Rust toolchain, a C compiler and a shell remain
    #[arg(long)]
    bare: bool,
}

/// A step of the gate.
struct Step {
    name: &'static str,
    /// What to do when the step fails.
    fix: &'static str,
    run: fn(&Toolbox) -> Result<Outcome>,
}

/// The result of a step that did not fail.
enum Outcome {
    Ok,
    Skipped(&'static str),
}

/// The steps of the gate. Each step is a complete check; add a step as a new entry.
const STEPS: &[Step] = &[
    Step { name: "format", fix: "run `cargo fmt --all`", run: format },
    Step {
        name: "clippy",
        fix: "fix the code that clippy names, or add #[expect(lint, reason = \"…\")]",
        run: clippy,
    },
    Step {
        name: "tests",
        fix: "run the failed test alone: `cargo test -p PACKAGE NAME`",
        run: tests,
    },
    Step { name: "doctests", fix: "fix the example; examples are compiled and run", run: doctests },
    Step {
        name: "features",
        fix: "keep rusqlite and tokio behind the features of the facade",
        run: features,
    },
    Step {
        name: "examples",
        fix: "run `cargo xtask examples` and fix the example that it names",
        run: examples,
    },
    Step { name: "docs", fix: "fix the links and comments that rustdoc names", run: docs },
    Step {
        name: "bans",
        fix: "choose another dependency, or give the reason in deny.toml",
        run: bans,
    },
    Step { name: "advisories", fix: "update or replace the dependency", run: advisories },
    Step { name: "unused", fix: "remove the dependency from its Cargo.toml", run: unused },
    Step {
        name: "stress",
        fix: "run `cargo xtask stress [--sqlite]` and read its report",
        run: stress,
    },
    Step {
        name: "mangle",
        fix: "run the command that it prints for the fault, and read the saved input",
        run: mangle,
    },
    Step {
        name: "loom",
        fix: "run `cargo xtask loom`, which prints the failing interleaving",
        run: loom,
    },
    Step {
        name: "miri",
        fix: "run `cargo xtask miri` and fix the access that it reports",
        run: miri,
    },
    Step {
        name: "fixtures",
        fix: "run `cargo xtask fixtures` and commit the result",
        run: fixtures,
    },
    Step {
        name: "packages",
        fix: "add the files or fields that cargo reports as missing",
        run: packages,
    },
];

fn format(tools: &Toolbox) -> Result<Outcome> {
    cargo(tools, &["fmt", "--all", "--check"])
}

fn clippy(tools: &Toolbox) -> Result<Outcome> {
    cargo(tools, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn tests(tools: &Toolbox) -> Result<Outcome> {
    let mut tests = tools.command("cargo")?;
    if tools.has(Tool::Nextest) {
        tests.args(["nextest", "run", "--workspace"]);
    } else {
        tests.args(["test", "--workspace", "--lib", "--bins", "--tests"]);
    }
    let skips = Skips::new()?;
    let outcome = run_to_success(tests.env(SKIPS_VAR, skips.0.path()));
    skips.print()?;
    outcome
}

fn doctests(tools: &Toolbox) -> Result<Outcome> {
    cargo(tools, &["test", "--workspace", "--doc"])
}

/// Checks the facade without its features. A test in xtask/tests/it/layers.rs checks its
/// dependencies.
fn features(tools: &Toolbox) -> Result<Outcome> {
    cargo(tools, &["check", "--package", "scrollback", "--no-default-features", "--lib"])
}

fn examples(tools: &Toolbox) -> Result<Outcome> {
    cargo(tools, &["xtask", "examples"])
}

fn docs(tools: &Toolbox) -> Result<Outcome> {
    let mut docs = tools.command("cargo")?;
    docs.args(["doc", "--workspace", "--no-deps"]);
    run_to_success(docs.env("RUSTDOCFLAGS", "-D warnings"))
}

fn bans(tools: &Toolbox) -> Result<Outcome> {
    if !tools.has(Tool::Deny) {
        return Ok(Outcome::Skipped("no cargo-deny; a test still checks the licences"));
    }
    cargo(tools, &["deny", "--offline", "check", "licenses", "bans", "sources"])
}

/// Checks advisories if their database is on this machine: the gate itself uses no network.
fn advisories(tools: &Toolbox) -> Result<Outcome> {
    if !tools.has(Tool::Deny) {
        return Ok(Outcome::Skipped("no cargo-deny"));
    }
    if !has_advisories() {
        return Ok(Outcome::Skipped("no advisory database: `cargo deny fetch db` downloads it"));
    }
    cargo(tools, &["deny", "--offline", "check", "advisories"])
}

fn unused(tools: &Toolbox) -> Result<Outcome> {
    if !tools.has(Tool::Machete) {
        return Ok(Outcome::Skipped("no cargo-machete"));
    }
    cargo(tools, &["machete"])
}

/// Runs short fault tests; `cargo xtask stress` and `cargo xtask stress --sqlite` run the long
/// ones.
fn stress(tools: &Toolbox) -> Result<Outcome> {
    let program = ["run", "--quiet", "--package", "scrollback-stress", "--bin", "stress", "--"];
    run_to_success(tools.command("cargo")?.args(program).args(["--reads", "10000"]))?;
    run_to_success(tools.command("cargo")?.args(program).args(["sqlite", "--seconds", "4"]))
}

/// Damages stores at random, with a fixed seed; `cargo xtask mangle` does it longer and with other
/// seeds.
fn mangle(tools: &Toolbox) -> Result<Outcome> {
    let program = ["run", "--quiet", "--package", "scrollback-stress", "--bin", "mangle", "--"];
    let run = ["--seed", "1", "--iterations", "60", "--allow-known"];
    run_to_success(tools.command("cargo")?.args(program).args(run))
}

fn loom(tools: &Toolbox) -> Result<Outcome> {
    cargo(tools, &["xtask", "loom"])
}

fn miri(tools: &Toolbox) -> Result<Outcome> {
    let version = tools.command("cargo")?.args(["+nightly", "miri", "--version"]).output();
    if !version.is_ok_and(|version| version.status.success()) {
        return Ok(Outcome::Skipped("no nightly toolchain with miri"));
    }
    cargo(tools, &["xtask", "miri"])
}

fn fixtures(tools: &Toolbox) -> Result<Outcome> {
    cargo(tools, &["xtask", "fixtures", "--check"])
}

/// Packs the published crates without building the packages, which would double the time of the
/// gate.
fn packages(tools: &Toolbox) -> Result<Outcome> {
    let mut package = tools.command("cargo")?;
    package.args([
        "package",
        "--workspace",
        "--no-verify",
        "--allow-dirty",
        "--offline",
        "--quiet",
    ]);
    for unpublished in ["scrollback-benches", "scrollback-fixtures", "scrollback-stress", "xtask"] {
        package.args(["--exclude", unpublished]);
    }
    run_to_success(&mut package)
}

/// Checks whether the advisory database is in the directory where cargo-deny keeps it.
#[expect(clippy::disallowed_methods, reason = "cargo's directory is not a store")]
fn has_advisories() -> bool {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let databases = home.and_then(|home| fs::read_dir(home.join("advisory-dbs")).ok());
    databases.is_some_and(|mut entries| entries.any(|db| db.is_ok_and(|db| db.path().is_dir())))
}

fn cargo(tools: &Toolbox, args: &[&str]) -> Result<Outcome> {
    run_to_success(tools.command("cargo")?.args(args))
}

/// Runs a command with inherited output, and fails if the command fails.
fn run_to_success(command: &mut Command) -> Result<Outcome> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(Outcome::Ok)
}

/// Runs the gate.
pub(crate) fn run(args: &Args) -> Result<()> {
    let tools = Toolbox::new(args.bare)?;
    for tool in Tool::ALL.into_iter().filter(|tool| !tools.has(*tool)) {
        let why = if tools.is_bare() { "hidden" } else { "not on PATH" };
        println!("skip: {} ({why}): {}", tool.program(), tool.effect_if_missing());
    }
    let report = run_steps(STEPS, &tools);
    println!("\n{report}");
    match report.failed {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// Runs the steps in order, up to the first failure.
fn run_steps(steps: &[Step], tools: &Toolbox) -> Report {
    let mut report = Report::default();
    for Step { name, fix, run } in steps {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = run(tools);
        let verdict = match &outcome {
            Ok(Outcome::Ok) => "ok".to_owned(),
            Ok(Outcome::Skipped(why)) => format!("skipped: {why}"),
            Err(_) => "FAILED".to_owned(),
        };
        let took = start.elapsed();
        println!("{name}: {verdict} ({:.1} s)", took.as_secs_f64());
        report.rows.push((name, took, verdict));
        match outcome {
            Ok(Outcome::Ok) => report.passed += 1,
            Ok(Outcome::Skipped(_)) => report.skipped += 1,
            Err(error) => {
                report.failed = Some(anyhow!("{name} failed ({error:#}): {fix}"));
                break;
            }
        }
    }
    report
}

/// The results of the steps so far.
#[derive(Default)]
struct Report {
    rows: Vec<(&'static str, Duration, String)>,
    passed: usize,
    skipped: usize,
    failed: Option<anyhow::Error>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, took, verdict) in &self.rows {
            writeln!(f, "{name:<10} {:>7.1} s  {verdict}", took.as_secs_f64())?;
        }
        let failed = usize::from(self.failed.is_some());
        write!(f, "steps: {} passed, {failed} failed, {} skipped", self.passed, self.skipped)
    }
}

/// The file in which tests record what they skip on this machine: each skip is a line `subject:
/// reason` in the file that [`SKIPS_VAR`] names.
struct Skips(NamedTempFile);

impl Skips {
    fn new() -> Result<Self> {
        NamedTempFile::new().map(Self).context("cannot create the file of skipped checks")
    }

    fn print(self) -> Result<()> {
        let mut lines = String::new();
        self.0
            .into_file()
            .read_to_string(&mut lines)
            .context("cannot read the file of skipped checks")?;
        for line in lines.lines().collect::<BTreeSet<_>>() {
            println!("skip: {line}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &'static str, run: fn(&Toolbox) -> Result<Outcome>) -> Step {
        Step { name, fix: "fix it", run }
    }

    #[test]
    fn stops_at_the_first_failure_and_names_the_fix() {
        let steps = [
            step("one", |_| Ok(Outcome::Ok)),
            step("two", |_| Ok(Outcome::Skipped("why"))),
            step("three", |tools| run_to_success(tools.command("cargo")?.arg("--no-such-flag"))),
            step("four", |_| panic!("runs after a failure")),
        ];
        let report = run_steps(&steps, &Toolbox::new(false).unwrap());
        assert_eq!(report.rows.len(), 3);
        let text = report.to_string();
        assert!(text.contains("s  skipped: why\n") && text.contains("s  FAILED\n"), "{text}");
        assert!(text.ends_with("steps: 1 passed, 1 failed, 1 skipped"), "{text}");
        let error = report.failed.unwrap().to_string();
        assert!(error.starts_with("three failed (exit status"), "{error}");
        assert!(error.ends_with("): fix it"), "{error}");
    }

    #[test]
    fn step_names_are_unique() {
        let names: BTreeSet<_> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
    }
}
