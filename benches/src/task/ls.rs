//! Tasks that list the newest sessions with the command line: a whole process, with a snapshot from
//! an earlier run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Task, Work};
use crate::store::program_dir;
use crate::{Contestants, Limit, Program, Size, Store, StoreFormat};

pub(super) const FILES: Task = Task {
    id: "ls",
    description: "`scrollback ls -n 20`, second run, against `find STORE -type f | wc -l`",
    size: Size::M,
    format: StoreFormat::Files,
    work: Work::Process,
    contestants: |store| Ok(vec![Box::new(warm_ls(&store.storage)?), Box::new(find(store)?)]),
    limits: &[Limit {
        contestant: "library",
        baseline: "find",
        max: 0.04,
        goal: 0.04,
        stretch: 0.03,
    }],
    memory: None,
};

pub(super) const DATABASE: Task = Task {
    id: "sqlite-ls",
    description: "`scrollback ls -n 20` of a database, second run, against one sum in `sqlite3`",
    format: StoreFormat::Database,
    contestants: |store| compare_with_sum(store, "message"),
    limits: &[Limit {
        contestant: "library",
        baseline: "sqlite3",
        max: 0.15,
        goal: 0.15,
        stretch: 0.10,
    }],
    ..FILES
};

pub(super) const DATABASE_V2: Task = Task {
    id: "v2-ls",
    description: "`scrollback ls -n 20` of a 2.0 database, second run, against one sum in `sqlite3`",
    format: StoreFormat::DatabaseV2,
    contestants: |store| compare_with_sum(store, "session_message"),
    ..DATABASE
};

/// Returns a contestant that lists the newest sessions of the store at this path, once its snapshot
/// exists.
fn warm_ls(store: &Path) -> Result<Program> {
    let home = tempfile::tempdir()?;
    let mut ls = Command::new(build()?);
    ls.arg("--store").arg(store).args(["ls", "-n", "20"]);
    ls.env("HOME", home.path()).env("XDG_CACHE_HOME", home.path().join("cache"));
    let mut ls = Program::new("library", ls).with_scratch(home);
    ls.output()?;
    Ok(ls)
}

fn find(store: &Store) -> Result<Program> {
    let mut find = Command::new("sh");
    find.args(["-c", "find \"$0\" -type f | wc -l"]);
    find.arg(store.storage.parent().context("the store has no parent directory")?);
    Ok(Program::new("find", find))
}

/// Compares `ls` with the query that a user types for one sum over all messages. If the `sqlite3`
/// shell is not installed, nothing is judged.
fn compare_with_sum(store: &Store, table: &str) -> Result<Contestants> {
    let ls = warm_ls(&store.database)?;
    if Command::new("sqlite3").arg("-version").output().is_err() {
        return Ok(vec![Box::new(
            ls.with_remark("`sqlite3` is not installed, so nothing is compared"),
        )]);
    }
    let sum = format!("select sum(json_extract(data, '$.tokens.input')) from {table}");
    let mut shell = Command::new("sqlite3");
    // Read-only and immutable: otherwise the shell leaves side files, which cost the other
    // contestants locks.
    shell.args(["-readonly", "-batch", &immutable_uri(&store.database)]).arg(sum);
    let mut shell = Program::new("sqlite3", shell);
    let sum = String::from_utf8_lossy(shell.output()?).trim().to_owned();
    ensure!(sum == store.expected.usage.input.to_string(), "sqlite3 returned {sum}");
    Ok(vec![Box::new(ls), Box::new(shell)])
}

fn immutable_uri(database: &Path) -> String {
    let path = database.to_string_lossy();
    let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?immutable=1")
}

/// Builds the command line in release mode, and returns its path.
fn build() -> Result<PathBuf> {
    let target = program_dir()?.parent().context("the program has no target directory")?.to_owned();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "scrollback-cli"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")])
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    ensure!(status.success(), "cargo cannot build the command line");
    Ok(target.join("release").join(format!("scrollback{}", env::consts::EXE_SUFFIX)))
}
