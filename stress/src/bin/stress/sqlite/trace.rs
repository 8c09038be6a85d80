//! The check for writes of ours where only opencode may write: a process that only reads runs under
//! strace beside a writer.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::readers;

/// System calls that open a file.
const OPEN_CALLS: &[&str] = &["open", "openat", "openat2", "creat"];
/// System calls that change the file of their first argument, a descriptor. `fchown` is left out:
/// as root, SQLite gives every side file that it opens to the owner of the database.
const WRITE_CALLS: &[&str] = &[
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "ftruncate",
    "fallocate",
    "sendfile",
    "fchmod",
];
/// System calls that change the entries of a directory, or the file of a path.
const PATH_CHANGE_CALLS: &[&str] = &[
    "truncate",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "chmod",
    "fchmodat",
    "chown",
    "fchownat",
    "utimensat",
];

/// The system calls of a reader.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceSummary {
    /// The number of times that the database was opened.
    pub(crate) opened: u64,
    /// Calls that change the database, its log or their directory, or that open the database for
    /// writing.
    pub(crate) writes: BTreeSet<String>,
}

/// Runs a reader under strace. Returns `None` if strace is missing or may not trace.
///
/// # Errors
/// If the reader cannot run, or finds a fault.
#[expect(clippy::disallowed_methods, reason = "reads the output of strace, not a store")]
pub(crate) fn run(database: &Path, readers: usize, run: Duration) -> Result<Option<TraceSummary>> {
    let works = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let is_bare = std::env::var_os("SCROLLBACK_BARE").is_some();
    if is_bare || !works.is_ok_and(|output| output.status.success()) {
        return Ok(None);
    }
    let logs = tempfile::tempdir()?;
    let mut strace = Command::new("strace");
    let calls = [OPEN_CALLS, WRITE_CALLS, PATH_CHANGE_CALLS].concat().join(",?");
    // One file per thread, so that no line is split; `-y` adds the path of each descriptor.
    strace.args(["-ff", "-y", "-e", &format!("trace=?{calls}"), "-o"]);
    strace.arg(logs.path().join("log")).arg(std::env::current_exe()?);
    readers::Args::add_to_command(&mut strace, database, readers, run);
    let output = strace.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let out = String::from_utf8_lossy(&output.stdout);
        let err = String::from_utf8_lossy(&output.stderr);
        bail!("the reader under strace: {}\n{out}{err}", output.status);
    }
    let mut traced = TraceSummary::default();
    let database = database.to_str().context("a path that strace prints otherwise")?;
    for log in std::fs::read_dir(logs.path())? {
        traced.scan_log(&std::fs::read_to_string(log?.path())?, database);
    }
    Ok(Some(traced))
}

impl TraceSummary {
    /// Scans the output of strace for one thread.
    fn scan_log(&mut self, log: &str, database: &str) {
        let dir = database.rsplit_once('/').map_or(database, |(dir, _)| dir);
        for line in log.lines() {
            let Some((call, args)) = line.split_once('(') else { continue };
            let Some((args, result)) = args.rsplit_once(" = ") else { continue };
            let first = args.split(", ").next().unwrap_or_default();
            let is_wrong = if OPEN_CALLS.contains(&call) {
                let Some(path) = descriptor_path(result).filter(|path| path.starts_with(dir))
                else {
                    continue;
                };
                self.opened += u64::from(path == database);
                match path.strip_prefix(database) {
                    // Readers share this file with each other.
                    Some("-shm") => false,
                    // SQLite opens a log for writing even if it only reads it. The check of the
                    // write calls covers this file.
                    Some("-wal") => args.contains("O_TRUNC"),
                    _ => ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"]
                        .iter()
                        .any(|flag| args.contains(flag)),
                }
            } else if WRITE_CALLS.contains(&call) {
                descriptor_path(first).is_some_and(|path| {
                    path.starts_with(dir) && path.strip_prefix(database) != Some("-shm")
                })
            } else {
                PATH_CHANGE_CALLS.contains(&call) && args.contains(dir)
            };
            if is_wrong {
                self.writes.insert(line.to_owned());
            }
        }
    }
}

/// Returns the path of a descriptor as strace prints it: `3</path>`.
fn descriptor_path(descriptor: &str) -> Option<&str> {
    let (_, path) = descriptor.split_once('<')?;
    Some(path.split_once('>')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(line: &str) -> bool {
        let mut traced = TraceSummary::default();
        traced.scan_log(line, "/s/opencode.db");
        !traced.writes.is_empty()
    }

    #[test]
    fn reads_are_not_reported_as_writes() {
        let mut traced = TraceSummary::default();
        let log = "openat(AT_FDCWD</>, \"/s/opencode.db\", O_RDONLY|O_CLOEXEC) = 3</s/opencode.db>
            write(1</dev/null>, \"/s/opencode.db\", 14) = 14";
        traced.scan_log(&log.replace("            ", ""), "/s/opencode.db");
        assert_eq!(traced, TraceSummary { opened: 1, writes: BTreeSet::new() });
        for line in [
            "openat(3</s>, \"opencode.db-shm\", O_RDWR|O_CREAT, 0644) = 4</s/opencode.db-shm>",
            "openat(3</s>, \"opencode.db-wal\", O_RDWR|O_CREAT, 0644) = 4</s/opencode.db-wal>",
            "ftruncate(4</s/opencode.db-shm>, 32768) = 0",
            "openat(AT_FDCWD</>, \"/s/opencode.db\", O_RDWR) = -1 EACCES (Permission denied)",
            "unlink(\"/other\") = 0",
        ] {
            assert!(!writes(line), "{line}");
        }
    }

    #[test]
    fn writes_are_detected() {
        for line in [
            "openat(AT_FDCWD</>, \"/s/opencode.db\", O_RDWR|O_CLOEXEC) = 3</s/opencode.db>",
            "openat(3</s>, \"x\", O_WRONLY|O_CREAT, 0644) = 4</s/x>",
            "pwrite64(3</s/opencode.db>, \"SQLite\"..., 4096, 0) = 4096",
            "pwrite64(4</s/opencode.db-wal>, \"\\1\"..., 24, 0) = 24",
            "ftruncate(4</s/opencode.db-wal>, 0) = 0",
            "write(5</s/opencode.db-journal>, \"\", 1) = 1",
            "unlink(\"/s/opencode.db-shm\") = 0",
        ] {
            assert!(writes(line), "{line}");
        }
    }
}
