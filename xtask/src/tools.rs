//! Finds the optional tools, and starts child processes that see the same tools.
//!
//! The gate needs the Rust toolchain and a C compiler. Every other tool makes the gate faster or
//! stricter; only this module searches for such tools. A bare toolbox hides the rest of the
//! machine: its children get a `PATH` of one directory with links to the tools that are always
//! needed.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// The environment variable that a bare run sets for its children, so that a test does not find a
/// tool by other means than `PATH`. A user can set it too, which makes a run bare.
pub(crate) const BARE_VAR: &str = "SCROLLBACK_BARE";

/// The programs of the Rust toolchain.
const TOOLCHAIN: &[&str] =
    &["cargo", "rustc", "rustdoc", "rustfmt", "cargo-fmt", "clippy-driver", "cargo-clippy"];
/// The programs of a C compiler, and the shell that every Unix has.
const BASE_TOOLS: &[&str] = &["cc", "gcc", "clang", "ld", "as", "ar", "sh"];

/// An optional tool of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Nextest,
    Deny,
    Machete,
    Strace,
    Valgrind,
}

impl Tool {
    pub(crate) const ALL: [Self; 5] =
        [Self::Nextest, Self::Deny, Self::Machete, Self::Strace, Self::Valgrind];

    /// Returns the name of the executable.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Nextest => "cargo-nextest",
            Self::Deny => "cargo-deny",
            Self::Machete => "cargo-machete",
            Self::Strace => "strace",
            Self::Valgrind => "valgrind",
        }
    }

    /// Returns a text that says what the gate does without the tool.
    pub(crate) fn effect_if_missing(self) -> &'static str {
        match self {
            Self::Nextest => "`cargo test` runs the tests",
            Self::Deny => "xtask's own test checks the licences; bans and sources go unchecked",
            Self::Machete => "unused dependencies go unchecked",
            Self::Strace => "read-only is shown by comparing the store, not by its system calls",
            Self::Valgrind => "no instruction counts",
        }
    }
}

/// The tools that a run may use.
#[derive(Debug)]
pub(crate) struct Toolbox {
    path: OsString,
    /// The directory of links of a bare toolbox; it is removed on drop.
    shims: Option<TempDir>,
}

impl Toolbox {
    /// Returns the machine's tools; only the base tools if `bare` is set or the environment says
    /// so.
    pub(crate) fn new(bare: bool) -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        if bare || env::var_os(BARE_VAR).is_some() {
            return Self::bare(&path);
        }
        Ok(Self { path, shims: None })
    }

    fn bare(path: &OsStr) -> Result<Self> {
        let shims = tempfile::tempdir().context("cannot create the directory of the bare PATH")?;
        // The toolchain's own directory comes first. Programs on PATH may be rustup's proxies,
        // which put their directory, and so every tool installed with cargo, back on the PATH of
        // their children.
        let sysroot = sysroot_bin()?;
        let toolchain = env::join_paths(
            [sysroot.as_path()].into_iter().map(PathBuf::from).chain(env::split_paths(path)),
        )?;
        for (names, path) in [(TOOLCHAIN, toolchain.as_os_str()), (BASE_TOOLS, path)] {
            for name in names {
                if let Some(program) = find(name, path) {
                    link(&program, &shims.path().join(name))?;
                }
            }
        }
        Ok(Self { path: shims.path().into(), shims: Some(shims) })
    }

    pub(crate) fn is_bare(&self) -> bool {
        self.shims.is_some()
    }

    /// Checks whether the tool may be used.
    pub(crate) fn has(&self, tool: Tool) -> bool {
        find(tool.program(), &self.path).is_some()
    }

    /// Returns a command for a program of this toolbox, with the workspace root as current
    /// directory.
    pub(crate) fn command(&self, program: &str) -> Result<Command> {
        let Some(program_path) = find(program, &self.path) else {
            bail!("{program} is not on PATH{}", if self.is_bare() { " of a bare run" } else { "" })
        };
        let mut command = Command::new(program_path);
        command.env("PATH", &self.path).current_dir(xtask::workspace_root());
        // `cargo run` sets variables that name this package. A child that reads them would take
        // itself for this package.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&*name);
            }
        }
        if self.is_bare() {
            command.env(BARE_VAR, "1");
        }
        Ok(command)
    }
}

/// Returns the first executable of that name in the directories of `path`.
fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(path).map(|dir| dir.join(&name)).find(|file| is_executable(file))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

#[cfg(unix)]
fn link(program: &Path, shim: &Path) -> Result<()> {
    std::os::unix::fs::symlink(program, shim)
        .with_context(|| format!("cannot link {}", shim.display()))
}

#[cfg(not(unix))]
fn link(_program: &Path, _shim: &Path) -> Result<()> {
    bail!("a bare run needs symbolic links, which only Unix has")
}

/// Returns the directory of the programs of the toolchain.
fn sysroot_bin() -> Result<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output();
    let output = output.context("cannot run rustc")?;
    if !output.status.success() {
        bail!("`rustc --print sysroot` failed: {}", output.status);
    }
    let sysroot =
        String::from_utf8(output.stdout).context("the path of the toolchain is not UTF-8")?;
    Ok(Path::new(sysroot.trim_end()).join("bin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn executable(dir: &Path, name: &str) {
        // A link to an executable is executable, and the test writes no program.
        link(&env::current_exe().unwrap(), &dir.join(name)).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn finds_the_first_executable_only() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = env::join_paths([first.path(), second.path()]).unwrap();
        assert_eq!(find("strace", &path), None);
        executable(second.path(), "strace");
        assert_eq!(find("strace", &path), Some(second.path().join("strace")));
        // A directory of that name is not a tool.
        std::fs::create_dir(first.path().join("strace")).unwrap();
        assert_eq!(find("strace", &path), Some(second.path().join("strace")));
        std::fs::remove_dir(first.path().join("strace")).unwrap();
        executable(first.path(), "strace");
        assert_eq!(find("strace", &path), Some(first.path().join("strace")));
    }

    #[cfg(unix)]
    #[test]
    fn a_bare_toolbox_keeps_the_toolchain_and_hides_the_tools() {
        let machine = tempfile::tempdir().unwrap();
        for name in Tool::ALL.map(Tool::program).into_iter().chain(["cc", "sh", "python3"]) {
            executable(machine.path(), name);
        }
        let full = Toolbox { path: machine.path().into(), shims: None };
        assert_eq!(Tool::ALL.map(|tool| full.has(tool)), [true; 5]);

        let bare = Toolbox::bare(machine.path().as_os_str()).unwrap();
        assert_eq!(Tool::ALL.map(|tool| bare.has(tool)), [false; 5]);
        assert!(bare.command("python3").is_err());
        for name in ["cargo", "rustc", "cc", "sh"] {
            assert!(bare.command(name).is_ok(), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn children_of_a_bare_toolbox_inherit_path_and_marker() {
        let bare = Toolbox::bare(&env::var_os("PATH").unwrap()).unwrap();
        let mut sh = bare.command("sh").unwrap();
        let script =
            format!("echo \"$PATH ${BARE_VAR}$CARGO_PKG_NAME\"; command -v strace valgrind");
        let output = sh.args(["-c", &script]).output().unwrap();
        let shims = bare.shims.as_ref().unwrap().path().display().to_string();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{shims} 1\n"));

        let mut cargo = bare.command("cargo").unwrap();
        let output = cargo.arg("--version").output().unwrap();
        assert!(output.status.success());
    }
}
