//! Replay: applying all events of a stream leads to the state of the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use scrollback_core_id::{MessageKey, PartKey, SessionKey};
use scrollback_core_type::{Parse, Part};
use scrollback_fixtures::writer::Script;
use scrollback_flow::SessionLoader;
use scrollback_source::Source;
use scrollback_watch::{ChangeKind, Event, FeedKind, Live, Subject};
use tempfile::TempDir;

use crate::support::{FEEDS, file_source, start_live, wait_until_settled};

/// The state that results from applying events.
#[derive(Debug, Default, PartialEq)]
struct ReplayedState {
    sessions: BTreeMap<SessionKey, Option<String>>,
    messages: BTreeMap<MessageKey, Option<i64>>,
    texts: BTreeMap<PartKey, String>,
    fresh: usize,
}

impl ReplayedState {
    /// Returns a short description of the first difference.
    fn difference_from(&self, other: &Self) -> Option<String> {
        let short = |text: Option<&String>| {
            text.map(|text| (text.len(), text[..text.len().min(12)].to_owned()))
        };
        let keys = self.texts.keys().chain(other.texts.keys());
        for key in keys {
            let (replayed, expected) = (self.texts.get(key), other.texts.get(key));
            if replayed != expected {
                return Some(format!(
                    "{key}: replayed {:?}, expected {:?}",
                    short(replayed),
                    short(expected)
                ));
            }
        }
        let same = self.sessions == other.sessions && self.messages == other.messages;
        (!same || self.fresh != other.fresh).then(|| "sessions or messages".to_owned())
    }

    fn apply(&mut self, event: Event) {
        let kind = event.kind;
        match event.subject {
            Subject::Fresh => *self = Self { fresh: self.fresh + 1, ..Self::default() },
            Subject::Session { now: Some(meta), key, old } => {
                assert_eq!(
                    old.is_some(),
                    kind == ChangeKind::Updated && self.sessions.contains_key(&key)
                );
                self.sessions.insert(key, meta.title.as_ref().map(ToString::to_string));
            }
            Subject::Session { key, .. } => drop(self.sessions.remove(&key)),
            Subject::Message { now: Some(meta), key, .. } => {
                self.messages.insert(key, meta.completed);
            }
            Subject::Message { key, .. } => {
                self.texts.retain(|part, _| part.message != key.message);
                self.messages.remove(&key);
            }
            Subject::Part { now: Some(_), key, text: Some(edit), .. } => {
                let text = self.texts.entry(key).or_default();
                if edit.is_whole {
                    text.clear();
                }
                assert_eq!(text.len(), edit.offset + edit.delete, "the edit fits the known text");
                edit.apply(text);
            }
            Subject::Part { now: None, key, .. } => drop(self.texts.remove(&key)),
            _ => {}
        }
    }
}

/// Returns the state of the store.
fn expected_state(live: &Live, source: &Arc<dyn Source>) -> ReplayedState {
    let (view, mut state) =
        (live.index().view(), ReplayedState { fresh: 1, ..ReplayedState::default() });
    for meta in view.sessions() {
        state.sessions.insert(meta.key.clone(), meta.title.as_ref().map(ToString::to_string));
    }
    for session in view.session_ids() {
        for meta in view.by_session(&session) {
            state.messages.insert(meta.key.clone(), meta.completed);
        }
        let tree = SessionLoader::new(&**source).load_session_tree(&session.into()).unwrap();
        for part in tree.tree.messages.iter().flat_map(|message| &message.parts) {
            let parsed = Part::parse(part.span.as_ref().unwrap()).unwrap().value;
            let Part::Text(text) = parsed else { panic!("only texts are written") };
            state.texts.insert(part.key.clone(), text.text.unwrap().get().into_owned());
        }
    }
    state
}

fn check_replay(feed: FeedKind, seed: u64) {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    std::fs::create_dir(&storage).unwrap();
    let source = file_source(&storage);
    let live = start_live(&source, feed);
    let (mut follower, mut replayed) = (live.follow(None, None), ReplayedState::default());
    let mut script = Script::new(&storage, seed, 6);
    for step in 0..1500 {
        script.step().unwrap();
        if step % 50 == 0 {
            follower.pull().unwrap().into_iter().for_each(|event| replayed.apply(event));
            std::thread::sleep(Duration::from_millis(3));
        }
    }
    wait_until_settled(&live, &source, Duration::from_secs(20));
    std::thread::sleep(Duration::from_millis(300)); // a part may have been read during a write
    wait_until_settled(&live, &source, Duration::from_secs(20));
    follower.pull().unwrap().into_iter().for_each(|event| replayed.apply(event));
    assert_eq!(
        replayed.difference_from(&expected_state(&live, &source)),
        None,
        "{feed} {:?}",
        live.stats()
    );
    assert!(replayed.texts.len() > 20);
}

#[test]
fn replayed_events_equal_the_store() {
    for (feed, seed) in FEEDS.into_iter().zip(10..) {
        check_replay(feed, seed);
    }
}
