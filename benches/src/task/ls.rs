//! The newest sessions on the command line, from the start of the program to its end, when it is
//! not the first time.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Task, Work};
use crate::store::built;
use crate::{Contestants, Form, Limit, Program, Size, Store};

pub(super) const TASK: Task = Task {
    id: "ls",
    what: "`scrollback ls -n 20` for the second time, against `find STORE -type f | wc -l`",
    size: Size::M,
    form: Form::Files,
    work: Work::Process,
    contestants,
    limits: &[Limit { of: "library", over: "find", most: 0.04, goal: 0.04, stretch: 0.03 }],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    let ls = second_ls(&store.storage)?;
    let mut find = Command::new("sh");
    find.args(["-c", "find \"$0\" -type f | wc -l"]);
    find.arg(store.storage.parent().context("a store in no directory")?);
    Ok(vec![Box::new(ls), Box::new(Program::new("find", find))])
}

/// The newest sessions of the store at this path, once its index is built.
pub(super) fn second_ls(store: &Path) -> Result<Program> {
    let home = tempfile::tempdir()?;
    let mut ls = Command::new(build()?);
    ls.arg("--store").arg(store).args(["ls", "-n", "20"]);
    ls.env("HOME", home.path()).env("XDG_CACHE_HOME", home.path().join("cache"));
    let mut ls = Program::new("library", ls).with_scratch(home);
    ls.output()?;
    Ok(ls)
}

/// Builds the command line as it is released, and says where it is.
fn build() -> Result<PathBuf> {
    let target = built()?.parent().context("no target directory")?.to_owned();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "scrollback-cli"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")])
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    ensure!(status.success(), "the command line cannot be built");
    Ok(target.join("release").join(format!("scrollback{}", env::consts::EXE_SUFFIX)))
}
