//! Measures the CPU time of keeping an index of a log that grows: 10,000 appends to one session,
//! with a refresh after each. The second 5,000 may take at most 1.5 times as long as the first
//! 5,000.
//!
//! `cargo run --release -p scrollback-benches --example append`

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    append::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("CPU time is measured on Linux only");
}

#[cfg(target_os = "linux")]
mod append {
    use std::ops::ControlFlow;
    use std::sync::Arc;
    use std::time::Duration;

    use anyhow::{Context, ensure};
    use rustix::time::{ClockId, clock_gettime};
    use scrollback_core_id::{SourceId, SystemClock};
    use scrollback_flow::{RefreshOptions, SessionMaterializer};
    use scrollback_source_test::jsonl::{JsonlSource, LogWriter};

    const HALF: usize = 5_000;

    pub(super) fn run() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let mut log = LogWriter::open(dir.path(), "2026/11/30/first")?;
        log.append_session("a title")?;
        let clock = Arc::new(SystemClock);
        let source = JsonlSource::new(dir.path(), SourceId::new("logs")?, clock);
        let (options, go_on) = (RefreshOptions::default(), |_| ControlFlow::Continue(()));
        let opened = SessionMaterializer::open(Arc::new(source), None, options, &go_on)?;
        let materializer = opened.continue_value().context("the build was cancelled")?.value;
        let mut halves = [Duration::ZERO; 2];
        let mut answer = log.append_answer()?;
        for half in &mut halves {
            for step in 0..HALF {
                match step % 4 {
                    0 => answer = log.append_answer()?,
                    3 => _ = log.append_finished_answer(answer, 7)?,
                    _ => _ = log.append_text(answer, "a text of some words")?,
                }
                let begun = cpu_time()?;
                ensure!(
                    materializer.refresh(&options, &go_on)?.is_continue(),
                    "the refresh was cancelled"
                );
                *half += cpu_time()? - begun;
            }
        }
        let [first, second] = halves;
        let ratio = second.as_secs_f64() / first.as_secs_f64();
        println!("first {HALF} refreshes: {first:.1?} of CPU time");
        println!("second {HALF} refreshes: {second:.1?}, {ratio:.2} times as long");
        println!("{:?}", materializer.stats().counters);
        ensure!(ratio <= 1.5, "the second half took more than 1.5 times as long as the first");
        Ok(())
    }

    /// Returns the CPU time of this process until now.
    fn cpu_time() -> anyhow::Result<Duration> {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        let (seconds, nanos) = (u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?);
        Ok(Duration::new(seconds, nanos))
    }
}
