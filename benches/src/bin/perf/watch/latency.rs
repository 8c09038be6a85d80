//! From the end of a write to the typed value, beside the least that any program could take: a thread
//! that waits for the kernel's word of the same write.

#![expect(clippy::disallowed_methods, reason = "it writes into a store of its own")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
use scrollback_watch::{FeedChoice, FeedKind, Follower, Live, LiveOptions, Of};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::{Judged, Report, go_on, live, micros, source};

/// How often each is told of a write.
const WRITES: usize = 2000;
/// So many in a row, in turns.
const TURN: usize = 100;
/// The text of the part: 4 KB.
const TEXT: usize = 4000;
/// Between two writes; a little uneven, as no writer keeps time.
const PAUSE: Duration = Duration::from_micros(1500);

/// Where the driver runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driver {
    /// Beside who follows, in one thread.
    Task,
    Thread,
}

/// Somebody who saw write number so much, and when.
type Seen = (usize, Instant);

pub(super) fn measure(feed: FeedKind, driver: Driver) -> Result<Report> {
    let dir = TempDir::new()?;
    let (storage, aside) = (dir.path().join("storage"), dir.path().join("aside"));
    let part = storage.join("part/msg_1/prt_1.json");
    for (path, record) in [
        (
            "session/p/ses_1.json",
            r#"{"id":"ses_1","projectID":"p","time":{"created":1,"updated":1}}"#,
        ),
        ("message/ses_1/msg_1.json", r#"{"id":"msg_1","sessionID":"ses_1","role":"assistant"}"#),
    ] {
        put(&storage.join(path), record)?;
    }
    put(&part, &record(0))?;
    let other = aside.join("prt_1.json");
    put(&other, &record(0))?;

    let raw = raw(&aside)?;
    let (told, ours) = channel();
    let at = source(&storage)?;
    let watching = match driver {
        Driver::Task => {
            let options = LiveOptions { feed: FeedChoice::Only(feed), ..LiveOptions::default() };
            thread::spawn(move || {
                runtime()?.block_on(async {
                    let live = Live::spawn(at, None, options, &go_on).await?;
                    follow(live.follow(None, None), &told).await
                })
            })
        }
        Driver::Thread => {
            let live = live(&at, None, feed)?;
            thread::spawn(move || runtime()?.block_on(follow(live.follow(None, None), &told)))
        }
    };
    let (mut of_raw, mut of_ours) = (Vec::new(), Vec::new());
    // Until it follows the part.
    write_until_seen(&part, &ours)?;
    let mut number = 1;
    while of_ours.len() < WRITES {
        for (path, seen, all) in [(&other, &raw, &mut of_raw), (&part, &ours, &mut of_ours)] {
            for _ in 0..TURN {
                thread::sleep(PAUSE + Duration::from_micros(number as u64 * 7 % 100));
                all.push(write(path, number, seen)?);
                number += 1;
            }
        }
    }
    drop(ours);
    fs::write(&part, record(0))?; // of which nobody wants to be told
    let followed = watching.join();
    followed.map_err(|_| anyhow!("whoever follows failed"))??;

    let [raw_median, raw_late] = quantiles(&mut of_raw);
    let [median, late] = quantiles(&mut of_ours);
    let line = |who: &str, median: Duration, late: Duration| {
        format!("{who:<9} median {:>8.1} µs, p99 {:>8.1} µs", micros(median), micros(late))
    };
    let ratios = [micros(median) / micros(raw_median), micros(late) / micros(raw_late)];
    let mut report = Report {
        about: format!(
            "{WRITES} rewrites of a part of {TEXT} bytes, each until its value is there; feed \
             {feed}, the driver as a {}",
            format!("{driver:?}").to_lowercase()
        ),
        seen: vec![line("library", median, late), line("inotify", raw_median, raw_late)],
        ..Report::default()
    };
    match (driver, feed) {
        (Driver::Task, FeedKind::Inotify) => report.judged.extend([
            Judged::new("library / inotify, median", ratios[0], "", 5.0),
            Judged::new("library / inotify, p99", ratios[1], "", 8.0),
        ]),
        _ => {
            let [median, late] = ratios;
            report.seen.push(format!("library / inotify: median {median:.3}, p99 {late:.3}"));
        }
    }
    Ok(report)
}

fn put(path: &Path, record: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("a path in a directory")?)?;
    Ok(fs::write(path, record)?)
}

fn record(number: usize) -> String {
    let text = format!("{number} {}", "x".repeat(TEXT));
    format!(
        r#"{{"id":"prt_1","sessionID":"ses_1","messageID":"msg_1","type":"text","text":"{text}"}}"#
    )
}

/// How long it took until somebody saw what was written, from the end of the write on.
fn write(path: &Path, number: usize, seen: &Receiver<Seen>) -> Result<Duration> {
    let record = record(number);
    let mut file = File::options().write(true).truncate(true).open(path)?;
    file.write_all(record.as_bytes())?;
    let written = Instant::now();
    drop(file);
    loop {
        let (saw, at) = seen.recv_timeout(Duration::from_secs(10)).context("nobody saw a write")?;
        // Who waits for the kernel does not know which write it was.
        if saw == number || saw == usize::MAX {
            return Ok(at.saturating_duration_since(written));
        }
    }
}

fn write_until_seen(path: &Path, seen: &Receiver<Seen>) -> Result<()> {
    for _ in 0..100 {
        fs::write(path, record(0))?;
        if seen.recv_timeout(Duration::from_millis(100)).is_ok() {
            thread::sleep(Duration::from_millis(500)); // what was young is not any more
            while seen.try_recv().is_ok() {}
            return Ok(());
        }
    }
    anyhow::bail!("nobody follows the part")
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Follows until nobody listens.
async fn follow(mut follower: Follower, told: &Sender<Seen>) -> Result<()> {
    let mut text = String::new();
    loop {
        for event in follower.next().await? {
            let Of::Part { text: Some(edit), .. } = &event.of else { continue };
            edit.apply(&mut text);
            let number = text.split(' ').next().unwrap_or_default().parse()?;
            if told.send((number, Instant::now())).is_err() {
                return Ok(());
            }
        }
    }
}

/// Waits for the kernel's word, and for nothing else.
fn raw(dir: &Path) -> Result<Receiver<Seen>> {
    let queue = init(CreateFlags::CLOEXEC)?;
    add_watch(&queue, dir, WatchFlags::CLOSE_WRITE)?;
    let (told, seen) = channel();
    thread::spawn(move || {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&queue, &mut buffer);
        while reader.next().is_ok() && told.send((usize::MAX, Instant::now())).is_ok() {}
    });
    Ok(seen)
}

/// The middle one, and the one that one in a hundred is later than.
fn quantiles(all: &mut [Duration]) -> [Duration; 2] {
    all.sort_unstable();
    [all[all.len() / 2], all[all.len() * 99 / 100]]
}
