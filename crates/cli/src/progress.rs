//! Progress of a first look at a large store: on a terminal, and only if it takes a while.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scrollback_flow::Progress;

/// What is over by then needs no bar.
const SOON: Duration = Duration::from_millis(300);

/// A bar on standard error that shows itself when things take a while.
pub(crate) struct Bar {
    bar: ProgressBar,
    started: Instant,
}

/// A bar that nobody sees yet.
pub(crate) fn bar() -> Bar {
    let bar = ProgressBar::hidden();
    let style = ProgressStyle::with_template("reading sessions {bar:30} {pos}/{len}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    Bar { bar, started: Instant::now() }
}

impl Bar {
    pub(crate) fn tell(&self, progress: Progress) {
        if self.started.elapsed() < SOON {
            return;
        }
        if self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr()); // hidden where that is no terminal
        }
        self.bar.set_length(progress.of as u64);
        self.bar.set_position(progress.done as u64);
    }

    pub(crate) fn end(self) {
        self.bar.finish_and_clear();
    }
}
