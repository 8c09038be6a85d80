//! `cargo xtask live json` and `live sqlite`: whoever follows a store that the real opencode writes
//! has in the end what it exports. What follows and compares is in `stress/src/bin/follow`.

use std::process::{Command, Stdio};

use anyhow::Result;

use super::{live_dir, opencode, run_checked};
use xtask::workspace_root;

/// What `cargo xtask live json` and `live sqlite` take.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How the store is followed; again for another. Without: inotify, poll, and watchman if it is
    /// installed
    #[arg(long, value_parser = ["inotify", "notify", "poll", "watchman"])]
    feed: Vec<String>,
    /// How long opencode is kept at work for each
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// Follows by one feed after the other, a new store for each.
///
/// # Errors
/// If something is missing, or what was told is not what the program exports.
pub(super) fn run(format: &str, version: &str, args: &Args) -> Result<()> {
    let binary = opencode(version)?;
    let mut feeds: Vec<&str> = args.feed.iter().map(String::as_str).collect();
    if feeds.is_empty() {
        feeds.extend(["inotify", "poll"]);
        feeds.extend(has_watchman().then_some("watchman"));
    }
    for feed in feeds {
        let mut follow = Command::new(env!("CARGO"));
        follow.current_dir(workspace_root()).args(["run", "--quiet", "--release"]);
        follow.args(["--package", "scrollback-stress", "--bin", "follow", "--", "--opencode"]);
        follow.arg(&binary).args(["--version", version, "--generation", format]);
        follow.args(["--feed", feed, "--seconds", &args.seconds.to_string(), "--root"]);
        run_checked(follow.arg(live_dir().join(format!("{format}-{feed}"))))?;
    }
    Ok(())
}

fn has_watchman() -> bool {
    let mut version = Command::new("watchman");
    let status = version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
