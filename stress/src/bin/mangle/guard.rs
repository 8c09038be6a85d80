//! Notices panics of any thread, and ends the program if an iteration hangs.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time after which an iteration hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// The messages of panics since the last call of [`take_panics`].
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The iteration that runs: its start, its store, and how to repeat it.
static RUNNING: Mutex<Option<(Instant, PathBuf, String)>> = Mutex::new(None);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records panics, and starts the thread that watches for hangs.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|panic| lock(&PANICS).push(panic.to_string())));
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            if let Some((start, store, command)) = &*lock(&RUNNING)
                && start.elapsed() > LIMIT
            {
                println!("FAULT hang: an iteration takes longer than {LIMIT:?}");
                println!("  input:   {}", store.display());
                println!("  repeat:  {command}");
                std::process::exit(1);
            }
        }
    });
}

/// Runs one iteration. Returns `None` if it panics.
pub(crate) fn watch<T>(store: &Path, command: &str, iteration: impl FnOnce() -> T) -> Option<T> {
    *lock(&RUNNING) = Some((Instant::now(), store.to_owned(), command.to_owned()));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(iteration));
    *lock(&RUNNING) = None;
    outcome.ok()
}

/// Returns the panics so far, and forgets them.
pub(crate) fn take_panics() -> Vec<String> {
    std::mem::take(&mut lock(&PANICS))
}
