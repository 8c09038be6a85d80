//! Tests that another process continues a stream: without a gap, or with the whole state.

use std::time::Duration;

use rustix::process::Signal;
use scrollback_fixtures::writer::Script;
use serde_json::{Value, json};

use super::TestStore;
use super::state::Replica;

fn is_part(event: &Value) -> bool {
    event["type"] == "part"
}

#[test]
fn resume_after_stop_has_no_gap_and_no_repeat() {
    let world = TestStore::new();
    world.session("ses_1", "one");
    world.message("ses_1", "msg_1", json!({"role": "user"}));
    let following = world.follow(&["watch", "--json"]);
    let state = following.events_until(|event| event["cursor"] != "fresh");
    // One change has two events. The reader stops after the first.
    world.text("msg_2", "prt_1", "first");
    world.message("ses_1", "msg_2", json!({"role": "user"}));
    let events = following.events_until(is_part);
    let names: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(names, ["message", "part"]);
    following.stop(Signal::TERM);
    world.text("msg_1", "prt_2", "second");

    let since = |event: &Value| event["cursor"].as_str().unwrap().to_owned();
    let following = world.follow(&["watch", "--json", "--since", &since(&events[0])]);
    let part_count = std::cell::Cell::new(0);
    let mut received = following.events_until(|event| {
        part_count.set(part_count.get() + usize::from(is_part(event)));
        part_count.get() == 2
    });
    let parts = |received: &[Value]| -> Vec<String> {
        let parts = received.iter().filter(|event| is_part(event));
        let mut parts: Vec<String> =
            parts.map(|event| event["part"]["text"].as_str().unwrap().to_owned()).collect();
        parts.sort_unstable(); // messages are ordered by their last change
        parts
    };
    assert_eq!(parts(&received), ["first", "second"]);
    let last = received.pop().unwrap();
    following.stop(Signal::TERM);

    // After the last cursor no event is repeated.
    let following = world.follow(&["watch", "--json", "--since", &since(&last)]);
    world.text("msg_1", "prt_3", "third");
    let received = following.events_until(is_part);
    assert_eq!(parts(&received), ["third"]);
    assert!(received.iter().all(|event| event["type"] != "fresh"));
    following.stop(Signal::TERM);

    // A reader that received only a part of the whole state receives it again.
    let following = world.follow(&["watch", "--json", "--since", &since(&state[1])]);
    assert_eq!(following.next_event()["type"], "fresh");
    following.stop(Signal::TERM);
}

#[test]
fn resume_after_kill_continues_from_the_saved_index() {
    let world = TestStore::new();
    world.session("ses_1", "one");
    let following = world.follow(&["watch", "--json"]);
    let state = following.events_until(|event| event["cursor"] != "fresh");
    let saved = state.last().unwrap()["cursor"].as_str().unwrap().to_owned();
    // The next changes are not saved when the process is killed.
    world.session("ses_2", "two");
    world.session("ses_3", "three");
    let lost = following.events_until(|event| event["sessionID"] == "ses_3");
    following.send_signal(Signal::KILL);
    assert_eq!(following.wait_for_exit().0, None);
    // Other changes get the revisions that the lost changes had.
    world.session("ses_0", "zero");

    for event in &lost {
        let since = event["cursor"].as_str().unwrap();
        let following = world.follow(&["watch", "--json", "--since", since]);
        assert_eq!(following.next_event()["type"], "fresh", "{since}");
        following.send_signal(Signal::KILL);
        following.wait_for_exit();
    }
    let following = world.follow(&["watch", "--json", "--since", &saved]);
    let mut received: Vec<_> = (0..3).map(|_| following.next_event()).collect();
    received.sort_by_key(|event| event["sessionID"].to_string());
    let names: Vec<_> = received.iter().map(|event| event["now"]["title"].as_str()).collect();
    assert_eq!(names, [Some("zero"), Some("two"), Some("three")]);
    following.stop(Signal::INT);
}

/// Starts readers that each read some events and end, while a writer continues.
fn interrupt_readers(signal: Signal, seed: u64) -> Replica {
    let world = TestStore::new();
    let mut script = Script::new(world.storage(), seed, 4);
    let (mut taken, mut number) = (Replica::default(), 0_usize);
    for round in 0..8 {
        let since = taken.cursor.clone().unwrap_or_else(|| "fresh".to_owned());
        let following = world.follow(&["watch", "--json", "--since", &since]);
        if round == 0 {
            taken.apply(&following.next_event());
        }
        for _ in 0..50 {
            script.step().unwrap();
        }
        number = (number * 7 + 5) % 23;
        // A reader that stops within the whole state would have to start again each time.
        let mut left = number;
        while (left > 0 || taken.is_in_initial_state())
            && let Some(line) = following.next_line_within(Duration::from_millis(300))
        {
            taken.apply(&serde_json::from_str(&line).unwrap());
            left = left.saturating_sub(1);
        }
        following.send_signal(signal);
        following.wait_for_exit();
    }
    let since = taken.cursor.clone().unwrap();
    let following = world.follow(&["watch", "--json", "--since", &since]);
    taken.catch_up(&following, &world);
    following.stop(Signal::TERM);
    taken
}

#[test]
fn readers_that_stop_receive_every_event() {
    let taken = interrupt_readers(Signal::TERM, 5);
    assert_eq!(taken.restarts, 1, "each stop saves the index");
}

#[test]
fn readers_that_are_killed_receive_every_event() {
    let fresh: usize = (6..10).map(|seed| interrupt_readers(Signal::KILL, seed).restarts).sum();
    assert!(fresh > 4, "a kill loses unsaved changes");
}

#[test]
fn an_unknown_cursor_restarts_and_an_invalid_cursor_is_bad_use() {
    let world = TestStore::new();
    world.session("ses_1", "one");
    let first = world.follow(&["watch", "--json"]);
    let cursor = loop {
        let cursor = first.next_event()["cursor"].as_str().unwrap().to_owned();
        if cursor != "fresh" {
            break cursor;
        }
    };
    first.stop(Signal::TERM);
    let root = cursor.split_once('=').unwrap().0;
    for garbage in ["0123456789abcdef:7", "0123456789abcdef:7/0123456789abcdef:9+3@9"]
        .map(|garbage| format!("{root}={garbage}"))
        .into_iter()
        .chain([format!("0123456789abcdef={}", cursor.split_once('=').unwrap().1), "fresh".into()])
    {
        let garbage = &*garbage;
        let following = world.follow(&["watch", "--json", "--since", garbage]);
        let types =
            [following.next_event(), following.next_event()].map(|event| event["type"].clone());
        assert_eq!(types, ["fresh", "session"], "{garbage}");
        following.stop(Signal::TERM);
    }
    for garbage in [
        "",
        "7",
        "xyz:1",
        "0123456789abcdef:7",
        "0123456789abcdef=7",
        "0123456789abcdef=0123456789abcdef:-7",
    ] {
        let (code, stderr) = world.follow(&["watch", "--json", "--since", garbage]).wait_for_exit();
        assert_eq!(code, Some(2), "{garbage}: {stderr}");
        assert!(stderr.contains("not a cursor"), "{stderr}");
    }
}
