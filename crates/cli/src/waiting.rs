//! Waits for signals: from the start of a command that follows a store, so that a signal ends the
//! program with exit code 0 at any time, also while the store is read for the first time.

use std::future::Future;
use std::io;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::failure::{Failure, Kind, Result};
use crate::limits;

/// The runtime of a command that follows a store, with the signals that end the command.
pub(crate) struct Waiting {
    runtime: Runtime,
    end_signal: EndSignal,
}

/// Completes on Ctrl-C (SIGINT) or SIGTERM.
pub(crate) type EndSignal = Pin<Box<dyn Future<Output = ()>>>;

impl Waiting {
    /// Starts to wait for signals. Call it before the store is opened.
    ///
    /// # Errors
    /// If the system has too little memory or too few file descriptors left.
    pub(crate) fn new() -> Result<Self> {
        limits::check_memory(limits::MEMORY_OF_THREADS).map_err(cannot_wait)?;
        limits::check_descriptors().map_err(cannot_wait)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(cannot_wait)?;
        let end_signal = {
            let _entered = runtime.enter();
            Box::pin(end_signal().map_err(cannot_wait)?)
        };
        Ok(Self { runtime, end_signal })
    }

    /// Runs a step of the start on a thread of its own. A signal meanwhile ends the program with exit
    /// code 0: nothing was printed yet, and nothing has to be saved.
    pub(crate) fn run_step<T: Send>(
        &mut self,
        step: impl FnOnce() -> Result<T> + Send,
    ) -> Result<T> {
        let (finished, mut is_finished) = oneshot::channel();
        thread::scope(|scope| {
            let step = move || {
                let result = step();
                let _ = finished.send(()); // the receiver waits until then
                result
            };
            let step = thread::Builder::new().spawn_scoped(scope, step).map_err(cannot_wait)?;
            let end_signal = &mut self.end_signal;
            let was_ended = self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = end_signal => true,
                    _ = &mut is_finished => false, // an error means that the step panicked
                }
            });
            if was_ended {
                std::process::exit(0);
            }
            step.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Returns the runtime and the signals, for the loop that follows the store.
    pub(crate) fn into_parts(self) -> (Runtime, EndSignal) {
        (self.runtime, self.end_signal)
    }
}

pub(crate) fn cannot_wait(error: io::Error) -> Failure {
    Failure::new(Kind::Unreadable, format!("cannot wait for events: {error}"))
}

#[cfg(unix)]
fn end_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Without SIGTERM.
#[cfg(not(unix))]
fn end_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
