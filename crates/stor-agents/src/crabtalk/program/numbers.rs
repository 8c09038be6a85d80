//! The numbers that the program would give next to steps and sessions.

use std::io;
use std::path::Path;

use super::slug::sender_slug;
use crate::directory::OpenDir;

/// Returns the number of the next step of a session, as a new process recovers it: one more than the
/// highest number of a step file, or 1.
///
/// # Errors
/// The operating system's error if the directory exists and cannot be listed.
pub fn recover_step_counter(root: &Path, handle: &str) -> io::Result<u64> {
    let Some(dir) = OpenDir::open(&root.join(handle))? else { return Ok(1) };
    let names = dir.names()?;
    let numbers = names.iter().filter_map(|(name, _)| name.strip_prefix("step-")?.parse().ok());
    Ok(numbers.max().map_or(1, |number: u64| number.saturating_add(1)))
}

/// Returns the name of the file of a step.
pub fn step_file_name(number: u64) -> String {
    format!("step-{number:06}")
}

/// Returns the number of the next session with this prefix of a slug, `<agent>_<sender>_`: one more
/// than the highest number of any entry, also of a file, or 1.
///
/// # Errors
/// The operating system's error if the directory exists and cannot be listed.
pub fn next_session_seq(root: &Path, prefix: &str) -> io::Result<u32> {
    let Some(dir) = OpenDir::open(root)? else { return Ok(1) };
    let names = dir.names()?;
    let numbers = names.iter().filter_map(|(name, _)| name.strip_prefix(prefix)?.parse().ok());
    Ok(numbers.max().map_or(1, |number: u32| number.saturating_add(1)))
}

/// Returns the slug of the next session of an agent and a sender.
///
/// # Errors
/// The operating system's error if the directory exists and cannot be listed.
pub fn next_session_slug(root: &Path, agent: &str, created_by: &str) -> io::Result<String> {
    let prefix = format!("{}_{}_", sender_slug(agent), sender_slug(created_by));
    let number = next_session_seq(root, &prefix)?;
    Ok(format!("{prefix}{number}"))
}
