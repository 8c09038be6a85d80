//! Runs libFuzzer on a target of `fuzz/`, built with the nightly compiler that libFuzzer needs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

use xtask::workspace_root;

/// The flags that make the compiler record which code an input reaches, as libFuzzer requires.
const COVERAGE_FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
     -Zsanitizer=address -Cdebug-assertions --cfg fuzzing";

/// The arguments of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The fuzz target to run
    #[arg(value_parser = ["snapshot", "claw", "codetether", "codetether_journal", "crabtalk", "yoi"])]
    target: String,
    /// How long to search, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Builds the target and runs it on the inputs of earlier runs and on a valid seed input.
pub(crate) fn run(args: &Args) -> Result<()> {
    let home = workspace_root().join("fuzz");
    let target_dir = target_dir();
    let triple = host()?;
    let built = Command::new("cargo")
        .args(["+nightly", "build", "--release", "--target", &triple, "--bin", &args.target])
        .arg("--manifest-path")
        .arg(home.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target_dir)
        .env("RUSTFLAGS", COVERAGE_FLAGS)
        .status()
        .context("cannot start cargo; fuzzing needs `rustup toolchain install nightly`")?;
    ensure!(built.success(), "the fuzz target does not build: {built}");
    let corpus = home.join("corpus").join(&args.target);
    let artifacts = home.join("artifacts").join(&args.target);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    match args.target.as_str() {
        "snapshot" => seed_with_index(&corpus)?,
        agent => seed_with_sessions(agent, &corpus)?,
    }
    let ran = Command::new(target_dir.join(&triple).join("release").join(&args.target))
        .arg(&corpus)
        .arg(format!("-max_total_time={}", args.seconds))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-max_len=65536", "-print_final_stats=1", "-timeout=10"])
        .status()?;
    if !ran.success() {
        let kept = match args.target.as_str() {
            "snapshot" => "copy it to crates/index/tests/crashes",
            _ => "make a test of it in crates/stor-agents/tests/it",
        };
        bail!("an input in {} fails: {kept}", artifacts.display());
    }
    Ok(())
}

/// Adds a valid input to the corpus: the index of the bundled store.
#[expect(clippy::disallowed_methods, reason = "a cache directory is not a store")]
fn seed_with_index(corpus: &Path) -> Result<()> {
    let cache = tempfile::tempdir()?;
    let listed = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--package", "scrollback-cli", "--", "ls", "--store"])
        .arg(workspace_root().join("fixtures/opencode-json"))
        .current_dir(workspace_root())
        .env("XDG_CACHE_HOME", cache.path())
        .stdout(Stdio::null())
        .status()?;
    ensure!(listed.success(), "`scrollback ls` made no seed input: {listed}");
    for entry in fs::read_dir(cache.path().join("scrollback"))? {
        let entry = entry?;
        fs::copy(entry.path(), corpus.join(entry.file_name()))?;
    }
    Ok(())
}

/// Adds the sessions of an agent to the corpus, each behind two bytes that say where the first of two
/// reads ends.
#[expect(clippy::disallowed_methods, reason = "the fixtures are no stores of users")]
fn seed_with_sessions(target: &str, corpus: &Path) -> Result<()> {
    let (agent, end) = match target {
        "codetether" => ("codetether", ".json"),
        "codetether_journal" => ("codetether", ".journal.jsonl"),
        "crabtalk" => ("crabtalk", "meta"),
        agent => (agent, ".jsonl"),
    };
    let mut pending = vec![workspace_root().join("fixtures").join(agent)];
    let mut number = 0;
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else if entry.file_name().to_string_lossy().ends_with(end) {
                let session = match agent {
                    "crabtalk" => files_as_lines(&dir)?,
                    _ => fs::read(entry.path())?,
                };
                fs::write(corpus.join(format!("seed-{number}")), [&[50, 0], &*session].concat())?;
                number += 1;
            }
        }
    }
    ensure!(number > 0, "the fixtures of {agent} have no seed input");
    Ok(())
}

/// Returns the files of a directory, a line each.
#[expect(clippy::disallowed_methods, reason = "the fixtures are no stores of users")]
fn files_as_lines(dir: &Path) -> Result<Vec<u8>> {
    let paths = fs::read_dir(dir)?.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    let files = paths.into_iter().map(|path| Ok(fs::read(path)?)).collect::<Result<Vec<_>>>()?;
    Ok(files.join(&b'\n'))
}

fn target_dir() -> PathBuf {
    let base = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    base.unwrap_or_else(|| workspace_root().join("target")).join("fuzz")
}

/// Returns the host triple of the compiler, which an instrumented build must name.
fn host() -> Result<String> {
    let version = Command::new("rustc").arg("-vV").output().context("cannot start rustc")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` prints no host line")
}
