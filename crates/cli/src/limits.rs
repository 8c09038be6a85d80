//! Checks at the start whether the limits of the system leave enough for a command. An allocation that
//! fails later would abort the program, and tokio panics without file descriptors.

use std::io;

/// The memory that every command needs.
pub(crate) const MEMORY: usize = 8 << 20;
/// The memory that a command with threads of its own needs.
pub(crate) const MEMORY_OF_THREADS: usize = 32 << 20;

/// Checks whether this much memory can be had. It is not touched, so the check costs microseconds.
///
/// # Errors
/// If it cannot.
pub(crate) fn check_memory(bytes: usize) -> io::Result<()> {
    let mut memory: Vec<u8> = Vec::new();
    memory.try_reserve_exact(bytes).map_err(|_| io::ErrorKind::OutOfMemory.into())
}

/// Checks whether enough file descriptors are free for a runtime with signals.
///
/// # Errors
/// If there are too few.
#[cfg(unix)]
pub(crate) fn check_descriptors() -> io::Result<()> {
    use std::os::unix::net::UnixStream;
    // Six: two for the poller, two for the pipe of the signal handler, and a copy of each end.
    let _pairs = (UnixStream::pair()?, UnixStream::pair()?, UnixStream::pair()?);
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn check_descriptors() -> io::Result<()> {
    Ok(())
}
