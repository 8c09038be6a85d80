//! The progress bar of a first read of a large store. It appears on a terminal, after 300 ms.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A read that ends before this time shows no bar.
const SHOW_DELAY: Duration = Duration::from_millis(300);

/// A bar on standard error that appears after [`SHOW_DELAY`].
#[derive(Default)]
pub(crate) struct Bar(OnceLock<(ProgressBar, Instant)>);

impl Bar {
    /// Shows how many sessions were read. The last session removes the bar.
    pub(crate) fn show(&self, done: usize, all: usize) {
        let (bar, started) = self.0.get_or_init(|| (hidden(), Instant::now()));
        if done == all {
            return bar.finish_and_clear();
        }
        if started.elapsed() < SHOW_DELAY {
            return;
        }
        if bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr()); // stays hidden if standard error is not a terminal
        }
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    }
}

fn hidden() -> ProgressBar {
    let bar = ProgressBar::hidden();
    let style = ProgressStyle::with_template("reading sessions {bar:30} {pos}/{len}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
