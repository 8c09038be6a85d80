//! The gate: each step announced and timed, stopping at the first that fails.
//!
//! All steps share one target directory and one set of compiler flags, so that nothing is
//! compiled twice for their sake.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fmt, fs};

use anyhow::{Context, Result, anyhow, bail};
use tempfile::NamedTempFile;

use crate::tools::{Tool, Toolbox};

/// Names the file to which tests append what they skip.
const SKIPS_VAR: &str = "SCROLLBACK_SKIPS";

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

/// The gate. Each step is a whole check by itself; a new one is a new line.
const STEPS: &[Step] = &[
    Step { name: "format", fix: "run `cargo fmt --all`", run: format },
    Step {
        name: "clippy",
        fix: "mend what clippy names, or expect it: #[expect(lint, reason = \"…\")]",
        run: clippy,
    },
    Step {
        name: "tests",
        fix: "run the failed one alone: `cargo test -p PACKAGE NAME`",
        run: tests,
    },
    Step { name: "doctests", fix: "mend the example: it is a test too", run: doctests },
    Step {
        name: "features",
        fix: "keep rusqlite and tokio behind the features of the facade",
        run: features,
    },
    Step {
        name: "examples",
        fix: "run `cargo xtask examples` and look at what it names",
        run: examples,
    },
    Step { name: "docs", fix: "mend the links and comments that rustdoc names", run: docs },
    Step { name: "bans", fix: "choose another dependency, or say why in deny.toml", run: bans },
    Step { name: "advisories", fix: "update or replace the dependency", run: advisories },
    Step { name: "unused", fix: "strike the dependency from its Cargo.toml", run: unused },
    Step {
        name: "stress",
        fix: "run `cargo xtask stress [--sqlite]` and look at what it names",
        run: stress,
    },
    Step { name: "loom", fix: "run `cargo xtask loom`: it names the interleaving", run: loom },
    Step { name: "miri", fix: "run `cargo xtask miri` and look at what it names", run: miri },
    Step { name: "fixtures", fix: "run `cargo xtask fixtures` and commit it", run: fixtures },
    Step { name: "packages", fix: "add what cargo misses to the package", run: packages },
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

/// Builds the facade without its features; a test holds what it then depends on.
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
        return Ok(Outcome::Skipped("no cargo-deny; licences are checked by a test all the same"));
    }
    cargo(tools, &["deny", "--offline", "check", "licenses", "bans", "sources"])
}

/// Checks advisories where their database lies at hand: the gate itself asks no network.
fn advisories(tools: &Toolbox) -> Result<Outcome> {
    if !tools.has(Tool::Deny) {
        return Ok(Outcome::Skipped("no cargo-deny"));
    }
    if !has_advisories() {
        return Ok(Outcome::Skipped("no database here: `cargo deny fetch db` gets it"));
    }
    cargo(tools, &["deny", "--offline", "check", "advisories"])
}

fn unused(tools: &Toolbox) -> Result<Outcome> {
    if !tools.has(Tool::Machete) {
        return Ok(Outcome::Skipped("no cargo-machete"));
    }
    cargo(tools, &["machete"])
}

/// Short runs of the fault tests; `cargo xtask stress` and `stress --sqlite` are the long ones.
fn stress(tools: &Toolbox) -> Result<Outcome> {
    let program = ["run", "--quiet", "--package", "scrollback-stress", "--bin", "stress", "--"];
    run_to_success(tools.command("cargo")?.args(program).args(["--reads", "10000"]))?;
    run_to_success(tools.command("cargo")?.args(program).args(["sqlite", "--seconds", "4"]))
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

/// Packs what is published. It is not built again from the package: that would double the gate.
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

/// Returns true if cargo-deny finds a copy of the advisory database where it keeps them.
#[expect(clippy::disallowed_methods, reason = "cargo's directory is no store")]
fn has_advisories() -> bool {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let databases = home.and_then(|home| fs::read_dir(home.join("advisory-dbs")).ok());
    databases.is_some_and(|mut found| found.any(|db| db.is_ok_and(|db| db.path().is_dir())))
}

fn cargo(tools: &Toolbox, args: &[&str]) -> Result<Outcome> {
    run_to_success(tools.command("cargo")?.args(args))
}

/// Runs a command, with its output as ours.
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

/// Takes the steps one after the other, up to the first that fails.
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

/// What became of the steps so far.
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

/// What the tests could not do on this machine: a test that leaves something out appends a line
/// `what: why` to the file that [`SKIPS`] names.
struct Skips(NamedTempFile);

impl Skips {
    fn new() -> Result<Self> {
        NamedTempFile::new().map(Self).context("no file for what the tests skip")
    }

    fn print(self) -> Result<()> {
        let mut lines = String::new();
        self.0.into_file().read_to_string(&mut lines).context("what the tests skipped")?;
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
        Step { name, fix: "mend it", run }
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
        assert!(error.ends_with("): mend it"), "{error}");
    }

    #[test]
    fn step_names_are_unique() {
        let names: BTreeSet<_> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
    }
}
