//! `cargo xtask live json` and `live sqlite`: follow a store that the real opencode writes, and
//! check that the events add up to what opencode exports. The programs are in
//! `stress/src/bin/follow`.

use std::process::{Command, Stdio};

use anyhow::Result;

use super::{live_dir, opencode, run_checked};
use xtask::workspace_root;

/// The arguments of `cargo xtask live json` and `cargo xtask live sqlite`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The feed that follows the store; repeat the option for several feeds. Default: inotify,
    /// poll, and watchman if it is installed
    #[arg(long, value_parser = ["inotify", "notify", "poll", "watchman"])]
    feed: Vec<String>,
    /// How many seconds opencode keeps writing, for each feed
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// Follows a new store with each feed, one feed after the other.
///
/// # Errors
/// If a program is missing, or the events do not add up to what opencode exports.
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
