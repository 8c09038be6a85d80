//! Checks every interleaving of a writer with views and followers, within a bound: `cargo xtask loom`.
//!
//! Under `cfg(loom)` the index uses loom's lock, and a hash table under one lock. The atomics inside
//! papaya are not checked here.

use ::loom::thread;
use scrollback_core_id::{Cursor, OrderKey, SessionKey, SourceId};
use scrollback_index::{Batch, Delta, EntityValue, SessionIndex, SessionMeta, SessionState, View};

fn key(n: u8) -> SessionKey {
    SessionKey { session: format!("ses_{n}").parse().unwrap() }
}

/// Returns a batch that gives two sessions the same value.
fn batch(value: i64) -> Batch {
    let mut batch = Batch::new();
    for n in 0..2 {
        let record = SessionMeta { order: OrderKey(value), ..SessionMeta::new(key(n)) };
        batch.put_session(key(n), SessionState::with_record(record));
    }
    batch
}

fn values(view: &View) -> (Option<i64>, Option<i64>) {
    let value = |n| view.session(&key(n).session).map(|meta| meta.order.0);
    (value(0), value(1))
}

fn index() -> SessionIndex {
    SessionIndex::new(SourceId::new("a store").unwrap())
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut model = ::loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(check);
}

#[test]
fn a_view_shows_one_revision() {
    model(|| {
        let index = index();
        index.commit(batch(1));
        let reader = {
            let index = index.clone();
            thread::spawn(move || {
                let view = index.view();
                let (a, b) = values(&view);
                assert_eq!(a, b, "a mix of revisions");
                assert_eq!(values(&view), (a, b), "a view changed");
            })
        };
        index.commit(batch(2));
        reader.join().unwrap();
        assert_eq!(values(&index.view()), (Some(2), Some(2)));
        assert_eq!(index.stats().retained_versions, 0, "versions kept without a view");
    });
}

#[test]
fn a_view_outlives_a_new_base() {
    model(|| {
        let index = index();
        index.commit(batch(1));
        let reader = {
            let index = index.clone();
            thread::spawn(move || {
                let view = index.view();
                let (a, b) = values(&view);
                assert_eq!((a, b), (Some(1), Some(1)));
            })
        };
        drop(index.snapshot());
        reader.join().unwrap();
        assert_eq!(index.stats().retained_versions, 0, "versions kept without a view");
    });
}

#[test]
fn a_follower_misses_nothing() {
    model(|| {
        let index = index();
        index.commit(batch(1));
        let start = index.cursor();
        let follower = {
            let index = index.clone();
            thread::spawn(move || follow(&index, start, (Some(1), Some(1))))
        };
        index.commit(batch(2));
        let (cursor, state) = follower.join().unwrap();
        let (_, state) = follow(&index, cursor, state);
        assert_eq!(state, (Some(2), Some(2)));
    });
}

/// Applies the changes since a cursor, and compares the result with the view at the new cursor.
fn follow(
    index: &SessionIndex,
    since: Cursor,
    mut state: (Option<i64>, Option<i64>),
) -> (Cursor, (Option<i64>, Option<i64>)) {
    let answer = index.changes(Some(&since));
    let Delta::Changed(changes) = answer.delta else { panic!("the cursor is valid") };
    for change in changes {
        let value = match &change.value {
            Some(EntityValue::Session(meta)) => Some(meta.order.0),
            _ => None,
        };
        if change.key == key(0).into() { state.0 = value } else { state.1 = value }
    }
    assert_eq!(state, values(&answer.view), "at the cursor");
    (answer.cursor, state)
}
