//! Applies events to a state, and reads the same state from the other commands.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{DEADLINE, FollowProcess, TestStore};

/// The state of a store.
#[derive(Debug, Default, PartialEq)]
pub(super) struct State {
    /// Titles by session id.
    pub(super) sessions: BTreeMap<String, String>,
    /// Model names by session id and message id.
    pub(super) messages: BTreeMap<(String, String), Option<String>>,
    /// Records by message id and part id.
    pub(super) parts: BTreeMap<(String, String), Value>,
}

/// The state after the received events, and the number of `fresh` events.
#[derive(Debug, Default)]
pub(super) struct Replica {
    pub(super) state: State,
    pub(super) cursor: Option<String>,
    pub(super) restarts: usize,
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl Replica {
    pub(super) fn apply(&mut self, event: &Value) {
        let State { sessions, messages, parts } = &mut self.state;
        let id = |name: &str| text(&event[name]).unwrap_or_else(|| panic!("{name} in {event}"));
        let is_gone = event["what"] == "removed";
        match event["type"].as_str().unwrap() {
            "fresh" => {
                self.state = State::default();
                self.restarts += 1;
            }
            "session" if is_gone => drop(sessions.remove(&id("sessionID"))),
            "session" => {
                sessions.insert(id("sessionID"), text(&event["now"]["title"]).unwrap());
            }
            "message" => {
                let (session, message) = (id("sessionID"), id("messageID"));
                let key = (session, message.clone());
                let listed = event["now"]["parts"].as_array();
                let stays = |part: &str| match listed {
                    Some(listed) => listed.iter().any(|it| it == part),
                    None => !is_gone,
                };
                parts.retain(|(id, part), _| *id != message || stays(part));
                match is_gone {
                    true => messages.remove(&key),
                    false => messages.insert(key, text(&event["now"]["model"])),
                };
            }
            "part" => {
                let key = (id("messageID"), id("partID"));
                if is_gone {
                    parts.remove(&key);
                } else {
                    let mut part = event["part"].clone();
                    if let edit @ Value::Object(_) = &event["edit"] {
                        let number = |name: &str| edit[name].as_u64().unwrap() as usize;
                        let mut old = text(&parts[&key]["text"]).unwrap();
                        assert_eq!(old.len(), number("offset") + number("delete"), "{event}");
                        old.truncate(number("offset"));
                        part["text"] = (old + edit["insert"].as_str().unwrap()).into();
                    }
                    parts.insert(key, part);
                }
            }
            "project" => {}
            other => panic!("{other}: {event}"),
        }
        self.cursor = Some(text(&event["cursor"]).unwrap());
    }

    /// Checks whether only a part of the whole state was received.
    pub(super) fn is_in_initial_state(&self) -> bool {
        self.cursor.as_deref() == Some("fresh")
    }

    /// Reads events until the state equals that of the other commands.
    pub(super) fn catch_up(&mut self, following: &FollowProcess, world: &TestStore) {
        let start = Instant::now();
        loop {
            while let Some(line) = following.next_line_within(Duration::from_millis(200)) {
                self.apply(&serde_json::from_str(&line).unwrap());
            }
            let expected = State::from_commands(world);
            match self.state.differs_from(&expected) {
                None => return,
                Some(difference) => assert!(start.elapsed() < DEADLINE, "{difference}"),
            }
        }
    }
}

impl State {
    /// Reads the state with `ls` and `export`. They do not list a session without a record.
    pub(super) fn from_commands(world: &TestStore) -> Self {
        let mut expected = Self::default();
        let listed = world.run(&["ls", "--json"]);
        if listed.code != 0 {
            return expected;
        }
        for session in listed.json().as_array().unwrap() {
            let id = text(&session["id"]).unwrap();
            let exported = world.run(&["export", &id]).json();
            for message in exported["messages"].as_array().unwrap() {
                let name = text(&message["info"]["id"]).unwrap();
                for part in message["parts"].as_array().unwrap() {
                    let key = (name.clone(), text(&part["id"]).unwrap());
                    expected.parts.insert(key, part.clone());
                }
                expected.messages.insert((id.clone(), name), text(&message["info"]["modelID"]));
            }
            expected.sessions.insert(id, text(&session["title"]).unwrap());
        }
        expected
    }

    /// Returns the first difference. Ignores what the other commands do not list.
    fn differs_from(&self, expected: &Self) -> Option<String> {
        if self.sessions != expected.sessions {
            return Some(format!("{:?}, not {:?}", self.sessions, expected.sessions));
        }
        let known = |session: &String| self.sessions.contains_key(session);
        let ours: Vec<_> = self.messages.iter().filter(|((id, _), _)| known(id)).collect();
        let theirs: Vec<_> = expected.messages.iter().collect();
        if ours != theirs {
            return Some(format!("{ours:?}, not {theirs:?}"));
        }
        let is_known = |message: &String| ours.iter().any(|((_, it), _)| it == message);
        let ours = self.parts.iter().filter(|((id, _), _)| is_known(id));
        let ours: BTreeMap<_, _> = ours.collect();
        let keys = ours.keys().copied().chain(expected.parts.keys());
        let differs = |key: &&(String, String)| ours.get(*key).copied() != expected.parts.get(*key);
        let key = keys.clone().find(differs)?;
        Some(format!("{key:?}: {:?}, not {:?}", ours.get(key), expected.parts.get(key)))
    }
}
