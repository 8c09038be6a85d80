//! Runs the example programs of the facade on the bundled stores, and compares their output with
//! the output of the command line.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use scrollback_fixtures::writer;
use serde_json::Value;

use xtask::workspace_root;

/// The arguments of `cargo xtask examples`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// The bundled stores, relative to the root of the repository.
const STORES: [&str; 3] = [
    "fixtures/opencode-json/storage",
    "fixtures/opencode-sqlite/opencode.db",
    "fixtures/opencode-v2/synthetic-upgraded/opencode.db",
];

/// How many prompts are written and must be printed.
const PROMPTS: usize = 3;

/// How long the prompts may take to arrive; long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs every example.
pub(crate) fn run(_: &Args) -> Result<()> {
    let build = ["build", "--quiet", "--package", "scrollback", "--examples"];
    let mut build = cargo(&build);
    let built = build.args(["--package", "scrollback-cli", "--bins"]).status()?;
    ensure!(built.success(), "the examples do not build");
    for store in STORES {
        let days = sum_of_days(&output(example("cost_per_day").arg(path(store)))?)?;
        let sessions = sum_of_sessions(&output(&mut listing(store))?)?;
        ensure!(days == sessions, "{store}: days cost {days}, sessions {sessions} units");
        println!("{store}: days and sessions cost the same {days} units of 10^-12 dollars");
    }
    let failed = output(example("failed_tools").arg(path(STORES[0])))?;
    ensure!(failed.lines().count() > 0, "the example listed no failed call");
    println!("{}: {} lines about failed calls", STORES[0], failed.lines().count());
    prompts()
}

/// Returns the sum of the lines `DAY  $COST`, in units of 10^-12 dollars.
fn sum_of_days(printed: &str) -> Result<i128> {
    let cost = |line: &str| parse_decimal(line.rsplit('$').next().unwrap_or_default());
    printed.lines().map(cost).sum()
}

/// Returns the sum of the costs that `ls --json` prints, in units of 10^-12 dollars.
fn sum_of_sessions(printed: &str) -> Result<i128> {
    let listed: Vec<Value> = serde_json::from_str(printed).context("the output of ls")?;
    // The decimal text of the number, because a double would round it.
    let costs = printed.lines().filter_map(|line| line.trim().strip_prefix("\"cost\": "));
    let costs: Vec<&str> = costs.map(|cost| cost.trim_end_matches(',')).collect();
    ensure!(costs.len() == listed.len(), "{} costs of {} sessions", costs.len(), listed.len());
    costs.into_iter().map(parse_decimal).sum()
}

/// Parses a decimal into units of 10^-12.
fn parse_decimal(decimal: &str) -> Result<i128> {
    let (whole, rest) = decimal.split_once('.').unwrap_or((decimal, ""));
    ensure!(
        !whole.is_empty() && rest.len() <= 12,
        "{decimal:?} is not a decimal with at most 12 digits"
    );
    let digits = format!("{whole}{rest:0<12}");
    digits.parse().with_context(|| format!("{decimal:?} is not a decimal"))
}

/// Writes prompts into a store while the example watches it.
fn prompts() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let storage = dir.path().join("storage");
    write(&storage, "session/p/ses_1.json", r#"{"id":"ses_1","time":{"created":1,"updated":1}}"#)?;
    let mut child = example("new_prompts")
        .args([PROMPTS.to_string().as_ref(), dir.path().as_os_str()])
        .env("XDG_CACHE_HOME", dir.path().join("cache"))
        .stdout(Stdio::piped())
        .spawn()?;
    let printed = lines(&mut child)?;
    let end = Instant::now() + TIMEOUT;
    let (mut typed, mut prompts) = (0, Vec::new());
    while prompts.len() < PROMPTS && Instant::now() < end {
        typed += 1;
        type_prompt(&storage, typed)?;
        prompts.extend(printed.recv_timeout(Duration::from_millis(100)));
    }
    if prompts.len() < PROMPTS {
        child.kill()?;
        bail!("{} of {PROMPTS} prompts were printed within {TIMEOUT:?}", prompts.len());
    }
    let ended = child.wait()?;
    ensure!(ended.success(), "the example ended with {ended}");
    ensure!(prompts.iter().all(|line| line.starts_with("prompt ")), "{prompts:?}");
    println!("{} written prompts were printed, then the example ended", prompts.len());
    Ok(())
}

/// Writes a prompt as opencode does: the message first, then its text.
fn type_prompt(storage: &Path, number: usize) -> Result<()> {
    let message = format!(r#"{{"id":"msg_{number}","sessionID":"ses_1","role":"user"}}"#);
    write(storage, &format!("message/ses_1/msg_{number}.json"), &message)?;
    let part = format!(
        r#"{{"id":"prt_{number}","sessionID":"ses_1","messageID":"msg_{number}","type":"text","text":"prompt {number}"}}"#
    );
    write(storage, &format!("part/msg_{number}/prt_{number}.json"), &part)
}

fn write(storage: &Path, path: &str, content: &str) -> Result<()> {
    writer::write(&storage.join(path), content.as_bytes()).with_context(|| path.to_owned())?;
    Ok(())
}

/// Returns the lines that a child process prints, as they arrive.
fn lines(child: &mut Child) -> Result<mpsc::Receiver<String>> {
    let stdout = child.stdout.take().context("the example has no piped output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

fn listing(store: &str) -> Command {
    let mut command = built_program("scrollback");
    command.args(["ls", "--json", "--no-cache", "--store"]).arg(path(store));
    command
}

fn example(name: &str) -> Command {
    let mut command = built_program(&format!("examples/{name}"));
    command.env("TZ", "Asia/Kathmandu"); // the sum must not depend on the time zone
    command
}

/// Returns a command for a program that was built before.
fn built_program(name: &str) -> Command {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| workspace_root().join("target"));
    Command::new(workspace_root().join(target).join("debug").join(name))
}

fn path(store: &str) -> PathBuf {
    workspace_root().join(store)
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workspace_root()).args(args);
    command
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", output.status);
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_added_exactly() {
        assert_eq!(
            parse_decimal("0.1").unwrap() + parse_decimal("0.2").unwrap(),
            parse_decimal("0.3").unwrap()
        );
        assert_eq!(parse_decimal("12").unwrap(), 12_000_000_000_000);
        assert_eq!(parse_decimal("0.000000000001").unwrap(), 1);
        assert!(
            parse_decimal("0.0000000000001").is_err()
                && parse_decimal("x").is_err()
                && parse_decimal("").is_err()
        );
        assert_eq!(
            sum_of_days("2026-11-30  $0.1\n  $0.02\n").unwrap(),
            parse_decimal("0.12").unwrap()
        );
        let listed = "[\n  {\n    \"cost\": 0.1,\n    \"x\": 1\n  },\n  {\n    \"cost\": 2\n  }\n]";
        assert_eq!(sum_of_sessions(listed).unwrap(), parse_decimal("2.1").unwrap());
        assert!(sum_of_sessions("[{}]").is_err());
    }
}
