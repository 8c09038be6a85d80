//! Compares an index with a model: a map that is cloned for every view and every follower.

use std::collections::BTreeMap;

use proptest::prelude::*;
use scrollback_core_id::{Cursor, EntityKey};
use scrollback_index::{Batch, Delta, SessionIndex, View};

use crate::support::{
    State, message, message_key, message_text, project, project_id, project_text, reopen, session,
    session_key, session_text, store, view_state,
};

#[derive(Debug, Clone)]
enum Change {
    Project(u8, Option<i64>),
    Session(u8, Option<i64>),
    Message(u8, u8, Option<i64>),
}

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Change>),
    TakeView,
    DropView(usize),
    Follow(usize),
    Rebase,
    /// The process ends, and the next one starts from the last snapshot.
    Restart,
    Save,
    Rebuild,
}

fn change() -> impl Strategy<Value = Change> {
    let value = || prop::option::weighted(0.8, 1..60_i64);
    prop_oneof![
        1 => (0..3_u8, value()).prop_map(|(n, value)| Change::Project(n, value)),
        2 => (0..6_u8, value()).prop_map(|(n, value)| Change::Session(n, value)),
        4 => (0..6_u8, 0..8_u8, value()).prop_map(|(s, n, value)| Change::Message(s, n, value)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(change(), 0..12).prop_map(Step::Commit),
        3 => Just(Step::TakeView),
        2 => (0..8_usize).prop_map(Step::DropView),
        4 => (0..4_usize).prop_map(Step::Follow),
        1 => Just(Step::Rebase),
        1 => Just(Step::Save),
        1 => Just(Step::Restart),
        1 => Just(Step::Rebuild),
    ]
}

struct Follower {
    cursor: Option<Cursor>,
    state: State,
}

/// Runs the steps on an index and on the model, and compares them after each step.
fn run(steps: Vec<Step>) {
    let mut index = SessionIndex::new(store());
    let mut model = State::new();
    let mut saved: Option<(Vec<u8>, State)> = None;
    let mut views: Vec<(View, State)> = Vec::new();
    let mut followers: Vec<Follower> =
        (0..4).map(|_| Follower { cursor: None, state: State::new() }).collect();
    for step in steps {
        match step {
            Step::Commit(changes) => commit(&index, &mut model, changes),
            Step::TakeView => views.push((index.view(), model.clone())),
            Step::DropView(at) => {
                if at < views.len() {
                    views.swap_remove(at);
                }
            }
            Step::Follow(at) => follow(&index, &mut followers[at]),
            Step::Rebase => drop(index.snapshot()),
            Step::Save => {
                let snapshot = index.snapshot();
                assert!(
                    snapshot.continues(&index.cursor()),
                    "the snapshot continues the current cursor"
                );
                saved = Some((snapshot.to_header_and_body().concat(), model.clone()));
            }
            Step::Restart => {
                (index, model) = match &saved {
                    Some((bytes, model)) => {
                        let snapshot =
                            scrollback_index::Snapshot::open(std::sync::Arc::new(bytes.clone()));
                        (SessionIndex::from_snapshot(snapshot.unwrap()), model.clone())
                    }
                    None => (SessionIndex::new(store()), State::new()),
                };
            }
            Step::Rebuild => {
                let snapshot = reopen(&index.snapshot()).unwrap();
                let reopened = SessionIndex::from_snapshot(snapshot);
                assert_eq!(view_state(&reopened.view()), model, "an index from a snapshot");
            }
        }
        assert_eq!(view_state(&index.view()), model);
        for (view, expected) in &views {
            assert_eq!(&view_state(view), expected, "a view changed");
        }
    }
    for follower in &mut followers {
        follow(&index, follower);
        assert_eq!(follower.state, model);
    }
    drop(views);
    assert_eq!(
        (index.stats().retained_versions, index.stats().views),
        (0, 0),
        "versions kept without a view"
    );
}

fn commit(index: &SessionIndex, model: &mut State, changes: Vec<Change>) {
    let mut batch = Batch::new();
    for change in changes {
        match change {
            Change::Project(n, value) => {
                let key = EntityKey::Project(project_id(n));
                match value.map(|value| project(n, value)) {
                    Some(meta) => {
                        model.insert(key, project_text(&meta));
                        batch.put_project(meta);
                    }
                    None => {
                        model.remove(&key);
                        batch.remove_project(project_id(n));
                    }
                }
            }
            Change::Session(n, value) => {
                let key = EntityKey::Session(session_key(n));
                let new = value.map(|value| session(n, value));
                match new.as_ref().and_then(|state| state.record.as_ref()) {
                    Some(record) => model.insert(key, session_text(record)),
                    None => model.remove(&key),
                };
                match new {
                    Some(new) => batch.put_session(session_key(n), new),
                    None => batch.remove_session(session_key(n)),
                }
            }
            Change::Message(s, n, value) => {
                let key = message_key(s, n);
                match value.map(|value| message(&key, value)) {
                    Some(meta) => {
                        model.insert(key.into(), message_text(&meta));
                        batch.put_message(meta);
                    }
                    None => {
                        model.remove(&key.clone().into());
                        batch.remove_message(key);
                    }
                }
            }
        }
    }
    let before = index.cursor();
    let revision = index.commit(batch);
    assert!(revision >= before.revision);
    assert_eq!(revision, index.cursor().revision);
}

fn follow(index: &SessionIndex, follower: &mut Follower) {
    let answer = index.changes(follower.cursor.as_ref());
    match answer.delta {
        Delta::Fresh => follower.state = view_state(&answer.view),
        Delta::Changed(changes) => {
            let mut keys = BTreeMap::new();
            for change in changes {
                assert!(keys.insert(change.key.clone(), ()).is_none(), "a key occurs twice");
                match change.value {
                    Some(value) => {
                        follower.state.insert(change.key, crate::support::value_text(&value))
                    }
                    None => follower.state.remove(&change.key),
                };
            }
        }
    }
    assert_eq!(follower.state, view_state(&answer.view), "the view at the cursor");
    assert_eq!(answer.view.cursor(), answer.cursor);
    follower.cursor = Some(answer.cursor);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn index_equals_the_model(steps in prop::collection::vec(step(), 1..40)) {
        run(steps);
    }
}
