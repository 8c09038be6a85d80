//! A writer, views and followers on several threads: no view shows a mix of revisions, and no follower
//! misses a change. `cargo xtask miri` runs a small form of this test under miri. `loom.rs` checks all
//! interleavings of a smaller form.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use scrollback_core_id::{Cursor, EntityKey, OrderKey};
use scrollback_index::{
    Batch, Delta, EntityValue, MessageMeta, SessionIndex, SessionMeta, SessionState, View,
};

use crate::support::{message, message_key, session_key, store};

/// Each batch writes this many sessions and messages, all with one value.
const SESSIONS: u8 = 4;
const MESSAGES: u8 = 3;
const ROUNDS: u64 = if cfg!(miri) { 4 } else { 3000 };
/// The number of batches between two rebases.
const REBASE_INTERVAL: u64 = if cfg!(miri) { 2 } else { 97 };

/// Returns a batch that gives every session and message the order `value`. Every fifth batch removes the
/// first message of each session.
fn batch(value: u64) -> Batch {
    let mut batch = Batch::new();
    for s in 0..SESSIONS {
        let order = OrderKey(value as i64);
        let record = SessionMeta { order, ..SessionMeta::new(session_key(s)) };
        batch.put_session(session_key(s), SessionState::with_record(record));
        for m in 0..MESSAGES {
            let key = message_key(s, m);
            if value.is_multiple_of(5) && m == 0 {
                batch.remove_message(key);
            } else {
                let order = OrderKey(value as i64);
                batch.put_message(MessageMeta { order, ..message(&key, 1) });
            }
        }
    }
    batch
}

/// Returns the value of all entities of a view, and checks that they agree.
fn single_value(view: &View) -> Option<i64> {
    let mut values = Vec::new();
    let mut messages = 0;
    for session in view.sessions() {
        values.push(session.order.0);
        for message in view.by_session(&session.key.session) {
            values.push(message.order.0);
            messages += 1;
        }
    }
    let first = *values.first()?;
    assert!(values.iter().all(|value| *value == first), "a mix of revisions: {values:?}");
    let missing = if first % 5 == 0 { SESSIONS } else { 0 };
    assert_eq!(messages, SESSIONS * MESSAGES - missing, "as of {first}");
    Some(first)
}

#[test]
fn views_never_mix_and_followers_miss_nothing() {
    let index = SessionIndex::new(store());
    let finished = AtomicBool::new(false);
    let (views_read, answers_read) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = None;
                let mut old_views: Vec<(View, Option<i64>)> = Vec::new();
                while !finished.load(Ordering::Relaxed) {
                    let view = index.view();
                    let value = single_value(&view);
                    assert!(value >= last, "time goes back");
                    last = value;
                    views_read.fetch_add(1, Ordering::Relaxed);
                    old_views.push((view, value));
                    if old_views.len() > 3 {
                        let (view, value) = old_views.remove(0);
                        assert_eq!(single_value(&view), value, "a view changed");
                    }
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let mut state: BTreeMap<EntityKey, i64> = BTreeMap::new();
                let mut cursor: Option<Cursor> = None;
                loop {
                    let last = finished.load(Ordering::Relaxed);
                    let answer = index.changes(cursor.as_ref());
                    match answer.delta {
                        Delta::Fresh => state = all_orders(&answer.view),
                        Delta::Changed(changes) => {
                            for change in changes {
                                match change.value.as_ref().map(order_of_value) {
                                    Some(order) => state.insert(change.key, order),
                                    None => state.remove(&change.key),
                                };
                            }
                        }
                    }
                    assert_eq!(state, all_orders(&answer.view), "at {}", answer.cursor);
                    cursor = Some(answer.cursor);
                    answers_read.fetch_add(1, Ordering::Relaxed);
                    if last {
                        assert_eq!(cursor, Some(index.cursor()));
                        return;
                    }
                }
            });
        }
        for value in 1..=ROUNDS {
            index.commit(batch(value));
            if value.is_multiple_of(REBASE_INTERVAL) {
                drop(index.snapshot()); // replaces the base while the other threads read
            }
        }
        finished.store(true, Ordering::Relaxed);
    });
    assert_eq!(single_value(&index.view()), Some(ROUNDS as i64));
    let stats = index.stats();
    assert_eq!((stats.views, stats.retained_versions), (0, 0), "versions kept without a view");
    assert!(views_read.into_inner() > 0 && answers_read.into_inner() > 0);
}

fn order_of_value(value: &EntityValue) -> i64 {
    match value {
        EntityValue::Session(meta) => meta.order.0,
        EntityValue::Message(meta) => meta.order.0,
        other => panic!("{other:?}"),
    }
}

fn all_orders(view: &View) -> BTreeMap<EntityKey, i64> {
    let mut orders = BTreeMap::new();
    for session in view.sessions() {
        orders.insert(session.key.clone().into(), session.order.0);
        for message in view.by_session(&session.key.session) {
            orders.insert(message.key.clone().into(), message.order.0);
        }
    }
    orders
}

#[test]
fn a_long_lived_view_keeps_one_version_of_each_key_and_shows_in_stats() {
    let index = SessionIndex::new(store());
    index.commit(batch(1));
    let old = index.view();
    for value in 2..8 {
        index.commit(batch(value));
    }
    // For each session: its state, the sum over its messages, and each message.
    let keys = usize::from(SESSIONS) * (2 + usize::from(MESSAGES));
    let stats = index.stats();
    assert_eq!((stats.views, stats.oldest_view), (1, Some(old.cursor().revision)));
    assert_eq!(stats.retained_versions, keys, "one version of each key for the view, and no more");
    assert_eq!(single_value(&old), Some(1));
    drop(old);
    assert_eq!((index.stats().retained_versions, index.stats().oldest_view), (0, None));
}
