//! Tests of event lines for people: one line each, without control characters.

use rustix::process::Signal;
use serde_json::json;

use super::TestStore;
use crate::hostile::{assert_harmless, hostile_store};

#[test]
fn each_event_is_one_line() {
    let world = TestStore::new();
    let following = world.follow(&["watch"]).wait_until_started();
    world.session("ses_1", "The title");
    following.lines_until(|line| line.contains("+ session") && line.contains("The title"));
    world.message("ses_1", "msg_1", json!({"role": "assistant", "modelID": "m-1"}));
    following.lines_until(|line| line.contains("+ message") && line.contains("assistant m-1"));
    world.text("msg_1", "prt_1", "to begin\nwith");
    following.lines_until(|line| line.contains("text") && line.ends_with("to begin with"));
    world.text("msg_1", "prt_1", "to begin\nwith, and then");
    following.lines_until(|line| line.contains("~ text") && line.ends_with(", and then"));
    let call = json!({"type": "tool", "tool": "bash", "state":
        {"status": "running", "input": {"command": "ls -l"}}});
    world.part("msg_1", "prt_2", call);
    following.lines_until(|line| line.contains("tool") && line.ends_with("bash running ls -l"));
    let done = json!({"role": "assistant", "modelID": "m-1", "finish": "stop",
        "time": {"created": 1, "completed": 2001}, "cost": 0.5});
    world.message("ses_1", "msg_1", done);
    following.lines_until(|line| {
        line.contains("~ message") && line.ends_with("ended: stop 2.0 s $0.50")
    });
    std::fs::remove_file(world.storage().join("session/p/ses_1.json")).unwrap();
    following.lines_until(|line| line.contains("- session"));
    assert_eq!(following.stop(Signal::INT), "");
}

#[test]
fn only_new_events_are_printed_and_a_gap_is_reported() {
    let world = TestStore::new();
    world.session("ses_1", "old");
    let following = world.follow(&["watch"]).wait_until_started();
    world.session("ses_2", "new");
    let first = following.next_line();
    assert!(first.ends_with("new"), "{first}");
    following.stop(Signal::TERM);
    let following = world.follow(&["watch", "--since", "0123456789abcdef=0123456789abcdef:7"]);
    assert_eq!(
        following.next_line(),
        "events since the cursor are lost; continuing from the present state"
    );
    following.stop(Signal::TERM);
}

/// Writes the hostile store while a process follows it.
fn follow_hostile_store(args: &[&str], last_text: &str) -> Vec<String> {
    let (evil, world) = (hostile_store(), TestStore::new());
    let storage = evil.path().join("storage");
    let copy = |name: &str| {
        for entry in files_below(&storage.join(name)) {
            let to = world.storage().join(entry.strip_prefix(&storage).unwrap());
            scrollback_fixtures::writer::write(&to, &std::fs::read(&entry).unwrap()).unwrap();
        }
    };
    copy("session");
    let mut following = world.follow(args);
    match args {
        ["tail", ..] => drop(following.lines_until(|line| line.contains("0 messages"))),
        ["watch", "--json", ..] => drop(following.next_line()),
        _ => following = following.wait_until_started(),
    }
    copy("project");
    copy("message");
    copy("part");
    let lines = following.lines_until(|line| line.contains(last_text));
    following.stop(Signal::TERM);
    lines
}

fn files_below(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn hostile_text_in_events_is_escaped() {
    for (args, until) in [
        (&["watch"][..], "reasoning"),
        (&["watch", "--json"], "\"type\":\"subtask\""),
        (&["watch", "--json", "ses_1"], "\"type\":\"reasoning\""),
        (&["tail", "ses_1"], "subtask for"),
        (&["watch", "--color", "never"], "reasoning"),
    ] {
        let lines = follow_hostile_store(args, until);
        for line in &lines {
            assert_harmless(line, args);
        }
        assert!(lines.iter().any(|line| line.contains("owned")), "{args:?}: {lines:#?}");
    }
}

/// A closed standard error does not end the stream of events.
#[test]
fn watch_continues_after_standard_error_is_closed() {
    let world = TestStore::new();
    world.session("ses_1", "one");
    let mut following = world.follow(&["watch", "--json"]);
    following.next_event();
    following.close_stderr();
    // An unreadable store makes the process print a note.
    let aside = world.data().join("aside");
    std::fs::rename(world.storage(), &aside).unwrap();
    std::fs::write(world.storage(), "no directory").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2500));
    std::fs::remove_file(world.storage()).unwrap();
    std::fs::rename(&aside, world.storage()).unwrap();
    world.session("ses_2", "two");
    following.events_until(|event| event["now"]["title"] == "two");
    following.stop(Signal::TERM);
}

#[test]
fn colours_are_printed_on_request() {
    let world = TestStore::new();
    let following = world.follow(&["watch", "--color", "always"]).wait_until_started();
    world.session("ses_1", "one");
    assert!(following.next_line().contains("\u{1b}[32m+ session"));
    following.stop(Signal::TERM);
}
