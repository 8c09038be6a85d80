//! Checks whether a snapshot is current. Entries of the store are counted, and every row is checked
//! by name: if the counts match and every stamp is equal, nothing changed.

use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{CWD, FileType, Mode, OFlags, openat};

use super::super::files::{Files, stamp_at, stamp_of};
use super::run_jobs;
use super::snapshot::{Row, Snapshot, message, session};
use crate::threads;

/// How much is compared with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    /// Session files, and the directories of messages.
    Fast,
    /// Also message files.
    Full,
}

/// Checks that nothing changed.
///
/// # Errors
/// If something changed, or cannot be checked.
pub(super) fn verify(storage: &Path, snapshot: &Snapshot, mode: Verify) -> Result<()> {
    let mut files = Files::new();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
    let root = openat(CWD, storage, flags, Mode::empty())?;
    verify_records(&mut files, &root, snapshot)?;
    let messages = files.push_name(&[b"message"]);
    let Some(all) = files.open_dir(&root, &messages)? else {
        ensure!(snapshot.sessions().all(|row| row.u32(session::FLAGS) & session::HAS_SET == 0));
        return Ok(());
    };
    let sets: Vec<Row<'_>> =
        snapshot.sessions().filter(|row| row.u32(session::FLAGS) & session::HAS_SET != 0).collect();
    ensure!(files.count(&all, FileType::Directory)? == sets.len(), "sets came or went");
    match mode {
        Verify::Fast => {
            for row in &sets {
                let now = stamp_at(&all, row.id(session::ID), b"")?;
                ensure!(now == Some(row.stamp(session::SET)), "a set changed");
            }
        }
        // The directory is opened anyway, so its stamp comes from the handle.
        Verify::Full => {
            run_jobs(sets.len(), threads(), Files::new, |files, at| {
                verify_message_set(files, &all, snapshot, sets[at])
            })?;
        }
    }
    Ok(())
}

/// Checks the session files of all projects.
fn verify_records(files: &mut Files, root: &OwnedFd, snapshot: &Snapshot) -> Result<()> {
    let mut projects = Vec::new();
    let mut unmatched = 0;
    let all = files.push_name(&[b"session"]);
    if let Some(all) = files.open_dir(root, &all)? {
        let mut names = Vec::new();
        files.list(&all, FileType::Directory, &mut names)?;
        for name in names {
            let Some(dir) = files.open_dir(&all, &name)? else { continue };
            unmatched += files.count(&dir, FileType::RegularFile)?;
            projects.push((files.stem(&name).to_vec(), dir));
        }
    }
    let (mut last, mut last_dir) = (0, None);
    for row in snapshot.sessions() {
        let flags = row.u32(session::FLAGS);
        if flags & session::RECORD == 0 {
            continue;
        }
        ensure!(flags & session::SETTLED != 0, "a session was being written");
        unmatched = unmatched.checked_sub(1).context("sessions went")?;
        let project = row.u32(session::PROJECT);
        if project != last {
            let name = snapshot.name(project).unwrap_or_default();
            let named = projects.iter().find(|(it, _)| it == name.as_bytes());
            (last, last_dir) = (project, named.map(|(_, dir)| dir));
        }
        let dir = last_dir.context("a project went")?;
        let now = stamp_at(dir, row.id(session::ID), b".json")?;
        ensure!(now == Some(row.stamp(session::STAMP)), "a session changed");
    }
    ensure!(unmatched == 0, "sessions came");
    Ok(())
}

/// Checks the messages of a session.
fn verify_message_set(
    files: &mut Files,
    all: &OwnedFd,
    snapshot: &Snapshot,
    row: Row<'_>,
) -> Result<()> {
    files.reset();
    let name = files.push_name(&[row.id(session::ID)]);
    let dir = files.open_dir(all, &name)?.context("a set went")?;
    ensure!(stamp_of(&dir)? == row.stamp(session::SET), "a set changed");
    let count = files.count(&dir, FileType::RegularFile)?;
    ensure!(count == row.u32(session::MESSAGES) as usize, "messages came or went");
    for row in snapshot.messages_of(row) {
        ensure!(row.u32(message::FLAGS) & message::SETTLED != 0, "a message was being written");
        let now = stamp_at(&dir, row.id(message::ID), b".json")?;
        ensure!(now == Some(row.stamp(message::STAMP)), "a message changed");
    }
    Ok(())
}
