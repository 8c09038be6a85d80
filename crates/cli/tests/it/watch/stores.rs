//! Tests with stores that appear later or change their storage format.

use rustix::process::Signal;
use serde_json::Value;

use super::TestStore;
use crate::support::scrollback;

fn has_title(title: &str) -> impl Fn(&Value) -> bool {
    move |event| event["now"]["title"] == title
}

#[test]
fn watch_waits_for_a_missing_store() {
    let world = TestStore::new();
    for feed in ["best", "poll"] {
        let following = world.follow(&["watch", "--json", "--feed", feed]);
        assert_eq!(following.next_event()["type"], "fresh");
        world.session("ses_1", "came");
        following.events_until(has_title("came"));
        following.stop(Signal::TERM);
        std::fs::remove_dir_all(world.data()).unwrap();
    }
}

#[test]
fn the_stream_continues_when_files_become_a_database() {
    let world = TestStore::new();
    world.session("ses_1", "in files");
    let following = world.follow(&["watch", "--json"]);
    following.events_until(has_title("in files"));
    let db = scrollback_fixtures::writer::database(&world.data(), "migrated").unwrap();
    let events = following.events_until(has_title("migrated"));
    let last = events.last().unwrap();
    assert_eq!((&last["what"], &last["old"]["title"]), (&"updated".into(), &"in files".into()));
    assert!(last["now"]["source"].as_str().unwrap().ends_with("opencode.db"), "{last}");
    following.stop(Signal::TERM);
    // Another process can also continue.
    let since = last["cursor"].as_str().unwrap();
    let following = world.follow(&["watch", "--json", "--since", since]);
    db.execute_batch("UPDATE session SET title = 'renamed', time_updated = 2").unwrap();
    let events = following.events_until(has_title("renamed"));
    assert!(events.iter().all(|event| event["type"] != "fresh"), "{events:#?}");
    following.stop(Signal::TERM);
}

/// A program named watchman that does not end, and whose child keeps its output open.
#[test]
#[cfg(unix)]
fn a_hanging_watchman_does_not_delay_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let world = TestStore::new();
    world.session("ses_1", "one");
    let path = world.data().join("bin");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("watchman"), "#!/bin/sh\nsleep 30\n").unwrap();
    std::fs::set_permissions(path.join("watchman"), PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = scrollback();
    let all = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
    command.env("PATH", all).env_remove("WATCHMAN_SOCK").args(["--no-cache", "--store"]);
    command.arg(world.data()).args(["watch", "--json"]);
    let start = std::time::Instant::now();
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut stdout, &mut [0; 16]).unwrap();
    let took = start.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(took < std::time::Duration::from_secs(15), "{took:?}");
}

#[test]
fn commands_that_cannot_follow_fail_with_a_reason() {
    let world = TestStore::new();
    world.session("ses_1", "one");
    for (args, code, reason) in [
        (&["watch", "ses_none"][..], 1, "no session"),
        (&["tail", "ses_none"], 1, "no session"),
        (&["tail", "latest", "--json"], 2, "watch SESSION --json"),
        (&["watch", "--feed", "smoke"], 2, "possible values"),
    ] {
        let (exit_code, stderr) = world.follow(args).wait_for_exit();
        assert_eq!(exit_code, Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(reason), "{args:?}: {stderr}");
    }
    let ran = scrollback().args(["watch", "--store", "/dev/null"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(3));
}

#[test]
fn two_stores_are_followed_at_once() {
    let (world, other) = (TestStore::new(), TestStore::new());
    world.session("ses_1", "one");
    let path = other.storage().parent().unwrap().to_owned();
    let following = world.follow(&["watch", "--json", "--store", path.to_str().unwrap()]);
    other.session("ses_2", "two");
    let mut sessions = Vec::new();
    while sessions.len() < 2 {
        let event = following.next_event();
        if event["type"] == "session" {
            sessions.push((event["sessionID"].as_str().unwrap().to_owned(), event["root"].clone()));
        }
    }
    sessions.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!((&*sessions[0].0, &*sessions[1].0), ("ses_1", "ses_2"));
    assert!(sessions[0].1.is_string() && sessions[0].1 != sessions[1].1, "{sessions:?}");
    following.stop(Signal::TERM);
}

#[test]
fn watch_counts_the_issues_and_names_what_it_cannot_use() {
    let world = TestStore::new();
    world.session("ses_1", "sound");
    let broken = world.storage().join("message/ses_1/msg_1.json");
    std::fs::create_dir_all(broken.parent().unwrap()).unwrap();
    crate::damage::write_old_file(broken, b"{\"role\"");
    std::fs::create_dir(world.data().join("opencode.db")).unwrap();
    let following = world.follow(&["watch", "--json"]);
    following.events_until(has_title("sound"));
    let stderr = following.stop(Signal::TERM);
    assert!(stderr.contains("opencode.db: not a file"), "{stderr}");
    assert!(stderr.contains("1 unreadable; --issues lists them"), "{stderr}");
}
